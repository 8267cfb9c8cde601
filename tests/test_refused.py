"""What `on_refused` is called with, when, and what becomes of its failures."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr
from test_scenarios import with_length, wsgi_environ
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
from webhook_guard.refused import Head, OnRefused, Refusals, RefusedRequest, framed, quoted, target, to_wire
from webhook_guard.sansio import keys
from webhook_guard.sansio.guard import Guard, Incoming

from scenarios import GENUINE, LIMIT, SCENARIOS, SECRETS, Scenario
from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, clock, signed

ERROR = VerificationError("no signature matches", Reason.SIGNATURE_MISMATCH)
HEAD = Head("POST", PATH, (("host", "test"), ("x-private", "header")))
LENGTH = ("content-length", str(len(BODY)))
CHUNKED = ("transfer-encoding", "chunked")

Seen = list[tuple[Reason, RefusedRequest]]


def refused(
    *headers: tuple[str, str], method: str = "POST", body: bytes | None = BODY, is_whole: bool = True
) -> RefusedRequest:
    """Return a request that was refused."""
    return RefusedRequest(
        error=ERROR, method=method, target=PATH, headers=(("host", "test"), *headers), body=body, is_whole=is_whole
    )


def arrived(body: bytes = BODY) -> Incoming:
    """Return a request of which so much has arrived."""
    guard = Guard(path=PATH, keys=keys.prepare(SECRET), tolerance=300, max_body_size=LIMIT)
    incoming = guard.begin(signed())
    incoming.receive_data(body)
    return incoming


def keep(seen: Seen) -> OnRefused:
    """Return what keeps what it is told."""

    def on_refused(reason: Reason, request: RefusedRequest) -> None:
        seen.append((reason, request))

    return on_refused


def fail(_reason: Reason, request: RefusedRequest) -> None:
    """Fail, with a text that is private."""
    raise ValueError(request.headers)


def no_head() -> Head:
    """Fail to tell the head."""
    raise KeyError(SECRET)


def tell(refusals: Refusals, error: WebhookError = ERROR, *, now: float = NOW) -> None:
    """Tell of a refused request."""
    refusals.tell(error, arrived(), path=PATH, now=now, head=lambda: HEAD)


class TestRequest:
    """The request itself."""

    def test_repr(self) -> None:
        """Neither headers nor body are shown, by rich neither."""
        request = refused(("x-private", "header"))
        for shown in (repr(request), pretty_repr(request)):
            assert "SIGNATURE_MISMATCH" in shown
            assert PATH in shown
            assert "header" not in shown
            assert "batch_1" not in shown

    def test_frozen(self) -> None:
        """It can't be changed."""
        with pytest.raises(AttributeError):
            refused().body = b""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  what it must refuse


class TestMessage:
    """The request as an HTTP message."""

    def test_as_it_came(self) -> None:
        """A whole body with its length is written as it came, and can be read again."""
        headers = (*signed().items(), ("x-a", "caf\xe9"), ("x-a", ""), LENGTH)
        message = refused(*headers).to_http()
        lines = "".join(f"{name}: {value}\r\n" for name, value in (("host", "test"), *headers))
        assert message == f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + BODY
        assert (from_wire(message).headers, from_wire(message).body) == ((("host", "test"), *headers), BODY)

    @pytest.mark.parametrize(
        "framing",
        [
            pytest.param([CHUNKED], id="chunks"),
            pytest.param([CHUNKED, CHUNKED], id="chunks twice"),
            pytest.param([("Transfer-Encoding", "chunked"), ("Content-Length", "1")], id="in capitals"),
            pytest.param([("content-length", "1"), CHUNKED], id="both"),
            pytest.param([], id="none, as in HTTP/2"),
        ],
    )
    def test_whole(self, framing: list[tuple[str, str]]) -> None:
        """A whole body is written without chunks, with its length, once."""
        message = from_wire(refused(*framing).to_http())
        assert message.body == BODY
        assert message.headers == (("host", "test"), LENGTH)

    def test_place_of_the_length(self) -> None:
        """The length stands where the coding was."""
        headers, _ = framed("POST", (("a", "1"), CHUNKED, ("b", "2")), BODY, is_whole=True)
        assert headers == (("a", "1"), LENGTH, ("b", "2"))

    @pytest.mark.parametrize("body", [b"", BODY[:9], BODY[:-1]], ids=["unread", "begun", "nearly all"])
    @pytest.mark.parametrize(
        "framing",
        [
            pytest.param([LENGTH], id="length"),
            pytest.param([("content-length", f"  {LENGTH[1]}")], id="length with blanks"),
            pytest.param([CHUNKED], id="chunks"),
            pytest.param([LENGTH, CHUNKED], id="both"),
            pytest.param([], id="none, as in HTTP/2"),
        ],
    )
    def test_part(self, framing: list[tuple[str, str]], body: bytes) -> None:
        """A body that is not whole is written as far as it came, and the message ends too early."""
        message = refused(*framing, body=body, is_whole=False).to_http()
        assert message.endswith(body)
        with pytest.raises(ValueError, match="is cut off"):
            from_wire(message)

    def test_more_than_declared(self) -> None:
        """A body that is longer than it should be is not cut at its length: even a line break more is seen."""
        message = refused(LENGTH, body=BODY + b"\n", is_whole=False).to_http()
        assert message.endswith(BODY + b"\n")
        with pytest.raises(ValueError, match="is cut off"):
            from_wire(message)

    @pytest.mark.parametrize("length", ["ten", "+10", "\xb2", "10, 11", "9" * 5000])
    def test_odd_length(self, length: str) -> None:
        """A length that is none is left as it came."""
        assert (
            f"content-length: {length}\r\n".encode("latin-1")
            in refused(("content-length", length), body=b"", is_whole=False).to_http()
        )

    @pytest.mark.parametrize("headers", [[], [("content-length", "0")]], ids=["none", "length of zero"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_without_body(self, method: str, headers: list[tuple[str, str]]) -> None:
        """A request that has no body lacks none."""
        message = refused(*headers, method=method, body=None, is_whole=False).to_http()
        assert from_wire(message).body == b""

    def test_line_breaks(self) -> None:
        """What a lax server lets through in a header, the target or the method makes no line of its own."""
        headers = (("x-a\r\nx-b", "1\r\nx-c: 2\n\nbody"), ("x-d", "nul\0"))
        assert to_wire("POST\n", "/\r\nx: y", headers, b"") == (
            b"POST  /  x: y HTTP/1.1\r\nx-a  x-b: 1  x-c: 2  body\r\nx-d: nul \r\n\r\n"
        )

    def test_beyond_latin_1(self) -> None:
        """What is no byte, as no server makes it, raises nothing."""
        assert to_wire("POST", "/", [("x-a", "\u20ac")], b"") == b"POST / HTTP/1.1\r\nx-a: ?\r\n\r\n"

    @given(
        method=st.text(),
        target=st.text(),
        headers=st.lists(st.tuples(st.text(), st.text()), max_size=5),
        framing=st.lists(st.tuples(st.sampled_from([CHUNKED[0], LENGTH[0], "Content-Length"]), st.text()), max_size=3),
        body=st.binary() | st.none(),
        is_whole=st.booleans(),
    )
    def test_any(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        framing: list[tuple[str, str]],
        body: bytes | None,
        *,
        is_whole: bool,
    ) -> None:
        """Whatever is in it, it has one line for each header, at most one more, and then the body."""
        request = RefusedRequest(
            error=ERROR, method=method, target=target, headers=(*headers, *framing), body=body, is_whole=is_whole
        )
        head, _, rest = request.to_http().partition(b"\r\n\r\n")
        assert head.count(b"\n") == head.count(b"\r\n") <= len(headers) + len(framing) + 1
        assert b"\0" not in head
        assert rest.endswith(body or b"")


class TestTarget:
    """The target, where servers do not tell it."""

    @pytest.mark.parametrize(
        ("path", "wire"),
        [
            (b"", "/"),
            (b"/a-b_c.~d/e:f@g!$&'()*+,;=", "/a-b_c.~d/e:f@g!$&'()*+,;="),
            (b"/ ?#%\r\n\xff", "/%20%3F%23%25%0D%0A%FF"),
        ],
    )
    def test_quoted(self, path: bytes, wire: str) -> None:
        """What can't stand in a path is percent-encoded, and nothing else."""
        assert quoted(path) == wire

    @pytest.mark.parametrize(("query", "wire"), [("", "/"), ("a=%20?", "/?a=%20?")])
    def test_query(self, query: str, wire: str) -> None:
        """A query stands behind a question mark, as it is."""
        assert target("/", query) == wire


def plain(_reason: Reason, _request: RefusedRequest) -> None:
    """Do nothing."""


async def coroutine(_reason: Reason, _request: RefusedRequest) -> None:
    """Never run."""


async def stream(_reason: Reason, _request: RefusedRequest) -> AsyncIterator[None]:
    """Never run."""
    yield


def generator(_reason: Reason, _request: RefusedRequest) -> Iterator[None]:
    """Never run."""
    yield


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
        [
            coroutine,
            stream,
            generator,
            Caller().call,
            AsyncCaller(),
            partial(coroutine),
            partial(partial(Caller().call)),
            partial(AsyncCaller()),
        ],
        ids=["async", "async generator", "generator", "method", "object", "partial", "partial of a method", "both"],
    )
    def test_not_plain(self, on_refused: Any) -> None:
        """What would never run is refused, with the reason."""
        with pytest.raises(ConfigurationError, match=r"^on_refused: must be a plain function: it is called while"):
            Refusals(on_refused, capture=False)

    def test_not_callable(self) -> None:
        """What can't be called is refused."""
        with pytest.raises(ConfigurationError, match=r"^on_refused: must be callable, not str$"):
            Refusals("print", capture=False)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  what it must refuse

    @pytest.mark.parametrize("on_refused", [plain, Caller(), partial(plain), TestRequest, print], ids=str)
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
        assert (reason, request.error) == (Reason.SIGNATURE_MISMATCH, ERROR)
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

    @pytest.mark.parametrize("captures", [False, True], ids=["no bodies", "bodies"])
    def test_hint(self, records: list[Any], *, captures: bool) -> None:
        """The record of a mismatch says how to capture the next one, unless it was captured."""
        tell(Refusals(plain, capture=captures))
        assert ("capture=True" in records[0].getMessage()) is not captures

    @pytest.mark.parametrize("failure", [ValueError(SECRET), StopIteration(SECRET), ERROR], ids=repr)
    def test_failure(self, records: list[Any], failure: Exception) -> None:
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

    @pytest.mark.parametrize("stop", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
    def test_stop(self, stop: type[BaseException]) -> None:
        """Who is told to stop stops."""

        def on_refused(_reason: Reason, _request: RefusedRequest) -> None:
            raise stop

        with pytest.raises(stop):
            tell(Refusals(on_refused, capture=False))


async def ask_asgi(scenario: Scenario, seen: Seen, **options: Any) -> tuple[int, bytes]:
    """Return the status and the body of the answer to a scenario under ASGI; `seen` gets what was told before it."""
    guarded = ASGIWebhookMiddleware(
        no_content, path=PATH, secret=SECRETS, max_body_size=LIMIT, clock=clock, **options, **into(seen)
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
        app, path=PATH, secret=SECRETS, max_body_size=LIMIT, clock=clock, **options, **into(seen)
    )
    body, status, _ = run_wsgi_app(guarded, wsgi_environ(scenario, LIMIT * 10))
    return int(status[:3]), b"".join(body)


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


def test_duplicates() -> None:
    """A delivery that was handled is told too, with the whole body."""
    seen: Seen = []
    stores = {"asgi": MemoryStore(), "wsgi": MemoryStore()}
    for _ in range(2):
        asyncio.run(ask_asgi(GENUINE, seen, idempotency=stores["asgi"]))
        ask_wsgi(GENUINE, seen, idempotency=stores["wsgi"])
    assert [(reason, request.body, request.is_whole) for reason, request in seen] == [("duplicate", BODY, True)] * 2
