"""What `on_refused` is called with, when, and what becomes of its failures."""

import asyncio
import json
import logging
from functools import partial
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from msgspec.structs import replace
from rich.pretty import pretty_repr
from werkzeug.test import run_wsgi_app

from webhook_guard import (
    ASGIWebhookMiddleware,
    ConfigurationError,
    Reason,
    VerificationError,
    WebhookError,
    WSGIWebhookMiddleware,
)
from webhook_guard.cli.message import from_wire
from webhook_guard.idempotency import MemoryStore
from webhook_guard.refused import Head, Refusals, RefusedRequest
from webhook_guard.sansio import keys
from webhook_guard.sansio.guard import Guard, Incoming
from webhook_guard.wire import quoted

from scenarios import GENUINE, LIMIT, SCENARIOS, SECRETS, Scenario, with_length, wsgi_environ
from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, Seen, clock, keep, signed

ERROR = VerificationError("no signature matches", Reason.SIGNATURE_MISMATCH)
HEAD = Head("POST", PATH, (("host", "test"), ("x-private", "header")))
LENGTH = ("content-length", str(len(BODY)))


def arrived(body: bytes = BODY) -> Incoming:
    """Return a request of which so much has arrived."""
    guard = Guard(path=PATH, keys=keys.prepare(SECRET), tolerance=300, max_body_size=LIMIT)
    incoming = guard.begin(signed())
    incoming.receive_data(body)
    return incoming


def fail(_reason: Reason, request: RefusedRequest) -> None:
    """Fail, with a text that is private."""
    raise ValueError(request.headers)


def no_head() -> Head:
    """Fail to tell the head."""
    raise KeyError(SECRET)


def break_off() -> None:
    """Fail to read a body, as fronts do."""
    try:
        no_head()
    except KeyError as error:
        raise VerificationError("...", Reason.BODY_LENGTH_MISMATCH) from error


def frames_of(error: BaseException) -> tuple[object, object, object]:
    """Return by what an error holds frames, and with them all that was in use there."""
    return error.__traceback__, error.__context__, error.__cause__


def tell(refusals: Refusals, error: WebhookError = ERROR, *, now: float = NOW) -> None:
    """Tell of a refused request."""
    refusals.tell(error, arrived(), path=PATH, now=now, head=lambda: HEAD)


class TestRequest:
    """The request itself."""

    REQUEST = RefusedRequest(
        error=ERROR, method="POST", target=PATH, headers=(*HEAD.headers, LENGTH), body=BODY, is_whole=True
    )

    def test_repr(self) -> None:
        """Neither headers nor body are shown, by rich neither."""
        for shown in (repr(self.REQUEST), pretty_repr(self.REQUEST)):
            assert "SIGNATURE_MISMATCH" in shown
            assert PATH in shown
            assert "header" not in shown
            assert "batch_1" not in shown

    def test_repr_of_a_head(self) -> None:
        """Nor are they in what it is made of."""
        assert repr(HEAD) == "<'POST', 2 headers>"

    def test_frozen(self) -> None:
        """It can't be changed."""
        with pytest.raises(AttributeError):
            self.REQUEST.body = b""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  what it must refuse

    def test_message(self) -> None:
        """As a message, it can be read again."""
        request = self.REQUEST
        assert from_wire(request.to_http()) == (request.method, request.target, request.headers, request.body)

    @pytest.mark.parametrize("body", [BODY, None], ids=["body", "no body"])
    def test_part(self, body: bytes | None) -> None:
        """As a message, it ends too early if it is not known to be whole."""
        request = replace(self.REQUEST, headers=HEAD.headers, body=body, is_whole=False)
        with pytest.raises(ValueError, match="is cut off"):
            from_wire(request.to_http())


def plain(_reason: Reason, _request: RefusedRequest) -> None:
    """Do nothing."""


async def coroutine(_reason: Reason, _request: RefusedRequest) -> None:
    """Never run."""


class Caller:
    """Can be called; so can its methods."""

    def __call__(self, _reason: Reason, _request: RefusedRequest) -> None:
        """Do nothing."""

    async def call(self, _reason: Reason, _request: RefusedRequest) -> None:
        """Never run."""


class AsyncCaller:
    """Can be called, and nothing happens."""

    async def __call__(self, _reason: Reason, _request: RefusedRequest) -> None:
        """Never run."""


class TestOptions:
    """Options are checked when the guard is made."""

    @pytest.mark.parametrize(
        "on_refused",
        [coroutine, Caller().call, AsyncCaller(), partial(partial(Caller().call))],
        ids=["function", "method", "object", "partials of a method"],
    )
    def test_not_plain(self, on_refused: Any) -> None:
        """What would never run is refused, with the reason."""
        with pytest.raises(ConfigurationError, match=r"^on_refused: must be a plain function: it is called while"):
            Refusals(on_refused, capture=False)

    def test_not_callable(self) -> None:
        """What can't be called is refused."""
        with pytest.raises(ConfigurationError, match=r"^on_refused: must be callable, not str$"):
            Refusals("print", capture=False)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  what it must refuse

    @pytest.mark.parametrize(
        "on_refused",
        [plain, Caller(), partial(plain), TestRequest, print],
        ids=["function", "object", "partial", "class", "builtin"],
    )
    def test_plain(self, on_refused: Any) -> None:
        """Functions, methods, objects, partials and classes are taken."""
        Refusals(on_refused, capture=True)

    @pytest.mark.parametrize("capture", [1, "yes", None], ids=repr)
    def test_capture(self, capture: Any) -> None:
        """Whether to capture is a bool, and nothing that is nearly one."""
        with pytest.raises(ConfigurationError, match=r"^capture: must be True or False, not \w+$"):
            Refusals(plain, capture=capture)

    def test_capture_for_nobody(self) -> None:
        """To capture for nobody is a mistake."""
        with pytest.raises(ConfigurationError, match=r"^capture: there is no on_refused to give the body to$"):
            Refusals(None, capture=True)


class TestTell:
    """How a refused request is told."""

    def test_nobody(self, records: list[Any]) -> None:
        """Where nobody wants to know, it is logged, and its head is not put together."""
        Refusals(None, capture=False).tell(ERROR, arrived(), path=PATH, now=NOW, head=no_head)
        assert [(record.reason, record.webhook_id) for record in records] == [("signature_mismatch", WEBHOOK_ID)]

    def test_called(self, records: list[Any]) -> None:
        """The function is called once, with reason and request, when the record is written."""
        seen: Seen = []

        def on_refused(reason: Reason, request: RefusedRequest) -> None:
            assert len(records) == 1
            seen.append((reason, request))

        tell(Refusals(on_refused, capture=False))
        ((reason, request),) = seen
        assert (reason, request.error.args) == (Reason.SIGNATURE_MISMATCH, ERROR.args)
        assert (request.method, request.target, request.headers) == HEAD
        assert (request.body, request.is_whole) == (None, False)
        assert len(records) == 1

    @pytest.mark.parametrize("reason", sorted(set(Reason)))
    def test_captured(self, reason: Reason) -> None:
        """Captured, the request has the body; it is whole if it was refused at its end or later."""
        seen: Seen = []
        tell(Refusals(keep(seen), capture=True), VerificationError("...", reason))
        whole = {"signature_mismatch", "malformed_payload", "duplicate", "in_progress", "store_unavailable"}
        assert [(request.body, request.is_whole) for _, request in seen] == [(BODY, reason in whole)]

    def test_body_is_not_copied(self) -> None:
        """A body that came at once is the one that the guard holds."""
        seen: Seen = []
        tell(Refusals(keep(seen), capture=True))
        assert seen[0][1].body is BODY

    def test_error_without_frames(self) -> None:
        """Who keeps a request keeps nothing of what its error came through: no traceback, and no other error."""
        seen: Seen = []
        with pytest.raises(VerificationError) as caught:
            break_off()
        assert caught.value.__traceback__ is not None
        tell(Refusals(keep(seen), capture=True), caught.value)
        error = seen[0][1].error
        assert (type(error), error.args, *frames_of(error)) == (VerificationError, caught.value.args, None, None, None)

    @pytest.mark.parametrize("captures", [False, True], ids=["no bodies", "bodies"])
    def test_hint(self, records: list[Any], *, captures: bool) -> None:
        """The record of a mismatch says how to capture the next one, unless it was captured."""
        tell(Refusals(plain, capture=captures))
        assert ("capture=True" in records[0].getMessage()) is not captures

    @pytest.mark.parametrize(
        "failure", [ValueError(SECRET), StopIteration(SECRET), ERROR, asyncio.CancelledError(SECRET)], ids=repr
    )
    def test_failure(self, records: list[Any], failure: BaseException) -> None:
        """A function that fails is an error in the log, which says what failed where, and nothing else happens."""

        def on_refused(_reason: Reason, _request: RefusedRequest) -> None:
            raise failure

        tell(Refusals(on_refused, capture=True))
        assert [(record.levelno, record.reason) for record in records] == [
            (logging.WARNING, "signature_mismatch"),
            (logging.ERROR, "signature_mismatch"),
        ]
        assert f"{type(failure).__name__} in test_refused.py, line " in records[1].getMessage()
        record: logging.LogRecord = records[1]
        assert SECRET not in repr(record.__dict__)

    def test_failures(self, records: list[Any]) -> None:
        """It is an error once a minute only."""
        refusals = Refusals(fail, capture=False)
        for now in (NOW, NOW + 1, NOW + 60):
            tell(refusals, VerificationError("...", Reason.MISSING_HEADER), now=now)
        assert [record.levelname for record in records] == ["INFO", "ERROR", "INFO", "INFO", "INFO", "ERROR"]

    def test_odd_head(self, records: list[Any]) -> None:
        """A head that can't be put together, because a server does not keep to its specification, is such a failure."""
        Refusals(plain, capture=False).tell(ERROR, arrived(), path=PATH, now=NOW, head=no_head)
        assert "on_refused failed" in records[1].getMessage()

    def test_coroutine(self, records: list[Any]) -> None:
        """A function that returns a coroutine has done nothing, and the log says what it must be."""
        tell(Refusals(lambda reason, request: coroutine(reason, request), capture=False))  # noqa: PLW0108  no coroutine function
        assert "it must be a plain function, and returned a coroutine" in records[1].getMessage()

    @pytest.mark.parametrize("returned", [None, True, iter(())], ids=["None", "True", "iterator"])
    def test_returned(self, records: list[Any], returned: object) -> None:
        """What else a function returns does not count."""
        tell(Refusals(lambda _reason, _request: returned, capture=False))
        assert len(records) == 1

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
    def test_stop(self, stop: type[BaseException]) -> None:
        """Who is told to stop stops."""

        def on_refused(_reason: Reason, _request: RefusedRequest) -> None:
            raise stop

        with pytest.raises(stop):
            tell(Refusals(on_refused, capture=False))


async def ask_asgi(scenario: Scenario, seen: Seen, **options: Any) -> tuple[int, bytes]:
    """Return the status and the body of the answer to a scenario under ASGI; `seen` gets what was told before it."""
    guarded = ASGIWebhookMiddleware(
        no_content, path=PATH, secret=SECRETS, max_body_size=LIMIT, clock=clock, **(into(seen) | options)
    )
    scope = {"type": "http", "method": scenario.method, "path": scenario.path, "headers": with_length(scenario)}
    communicator: Any = ApplicationCommunicator(guarded, scope)  # type: ignore[no-untyped-call]  # asgiref has no types here
    await communicator.send_input({"type": "http.request", "body": scenario.body})
    start, end = await communicator.receive_output(), await communicator.receive_output()
    await communicator.wait()
    return start["status"], end["body"]


async def no_content(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer 204."""
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body", "body": b""})


def ask_wsgi(scenario: Scenario, seen: Seen, **options: Any) -> tuple[int, bytes]:
    """Return the same under WSGI."""

    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    guarded = WSGIWebhookMiddleware(
        app, path=PATH, secret=SECRETS, max_body_size=LIMIT, clock=clock, **(into(seen) | options)
    )
    body, status, _ = run_wsgi_app(guarded, wsgi_environ(scenario, LIMIT * 10))
    return int(status[:3]), b"".join(body)


def spoil(_reason: Reason, request: RefusedRequest) -> None:
    """Change what can be changed of a request, and fail as a task does that was cancelled."""
    request.error.reason = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]  what nobody should do
    request.error.args = ()
    raise asyncio.CancelledError


def into(seen: Seen) -> dict[str, Any]:
    """Return the options with which what is refused goes into a list."""
    return {"on_refused": keep(seen), "capture": True}


def check(scenario: Scenario, reason: Reason | None, seen: Seen, answer: tuple[int, bytes]) -> None:
    """Assert that what was told is what was answered, with what had come of the request; accepted ones are not told."""
    status, body = answer
    if reason is None:
        assert (seen, status) == ([], 204)
        return
    ((told, request),) = seen
    assert (told, request.error.reason, status) == (reason, reason, reason.status)
    assert frames_of(request.error) == (None, None, None)
    assert scenario.method == "HEAD" or json.loads(body)["reason"] == told
    assert (request.method, request.target) == (scenario.method, quoted(scenario.path.encode()))
    assert request.body is not None
    assert len(request.body) <= LIMIT
    assert request.body == (scenario.body if request.is_whole else scenario.body[: len(request.body)])


def of_interest(request: RefusedRequest) -> set[tuple[str, str]]:
    """Return the webhook headers of a request, each repeated one as one, and its length."""
    values: dict[str, str] = {}
    for name, value in request.headers:
        if name.lower().startswith("webhook-") or (name.lower() == "content-length" and value):
            values[name.lower()] = f"{values[name.lower()]},{value}" if name.lower() in values else value
    return set(values.items())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenarios(scenario: Scenario) -> None:
    """Each refused scenario is told once by both fronts, with the reason of the answer, and the same of the request."""
    asgi: Seen = []
    wsgi: Seen = []
    check(scenario, scenario.reason, asgi, asyncio.run(ask_asgi(scenario, asgi)))
    check(scenario, scenario.wsgi_reason or scenario.reason, wsgi, ask_wsgi(scenario, wsgi))
    for (reason, under_asgi), (other, under_wsgi) in zip(asgi, wsgi, strict=True):
        assert of_interest(under_asgi) == of_interest(under_wsgi)
        if reason is other:
            assert (under_asgi.body, under_asgi.is_whole) == (under_wsgi.body, under_wsgi.is_whole)
            assert str(under_asgi.error) == str(under_wsgi.error)


def test_same_answer() -> None:
    """Whatever the function does with what it gets, and raises, the answer is the same."""
    forged = next(scenario for scenario in SCENARIOS if scenario.reason is Reason.SIGNATURE_MISMATCH)
    answers = [asyncio.run(ask_asgi(forged, [], on_refused=spoil)), ask_wsgi(forged, [], on_refused=spoil)]
    assert [(status, json.loads(body)["reason"]) for status, body in answers] == [(400, "signature_mismatch")] * 2


def test_duplicates() -> None:
    """A delivery that was handled is told too, with the whole body."""
    seen: Seen = []
    stores = {"asgi": MemoryStore(), "wsgi": MemoryStore()}
    for _ in range(2):
        asyncio.run(ask_asgi(GENUINE, seen, idempotency=stores["asgi"]))
        ask_wsgi(GENUINE, seen, idempotency=stores["wsgi"])
    assert [(reason, request.body, request.is_whole) for reason, request in seen] == [("duplicate", BODY, True)] * 2
