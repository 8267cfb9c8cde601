"""A whole request through the ASGI front, with clients that leave, servers that fail, and bodies in any chunks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

from webhook_guard import ASGIWebhookMiddleware, Reason, get_delivery, get_event

from fuzz import fronts, inputs, reference
from fuzz.fronts import FAIL, GONE, Outcome, Step
from fuzz.inputs import Request
from support import PATH

#: What is checked: makes a guarded app of an app, with the options of the middleware.
Subject: TypeAlias = Callable[..., Callable[[Any, Any, Any], Awaitable[None]]]

_WEBSOCKET = "WEBSOCKET"
_LOOP = asyncio.new_event_loop()


class _Server:
    """The server's side of one connection."""

    def __init__(self, steps: Iterator[Step], outcome: Outcome) -> None:
        self._steps = steps
        self._outcome = outcome
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        """Do the next step; after the last one, the client is gone."""
        self._outcome.reads += 1
        step = next(self._steps, Step(b"", GONE, waits=False, is_last=True))
        if step.waits:
            await asyncio.sleep(0)
        if step.event == FAIL:
            raise OSError
        if step.event:
            return {"type": "http.disconnect"} if step.event == GONE else {"body": b""}
        return {"type": "http.request", "body": step.chunk, "more_body": not step.is_last}

    async def send(self, message: Any) -> None:
        """Keep what is sent."""
        self.sent.append(message)


def check(data: bytes, subject: Subject = ASGIWebhookMiddleware) -> None:
    """Check one request: what is said beside it are sizes of chunks, and what happens between them."""
    request = inputs.request(data)
    if reference.is_deep(request.body):
        return
    scope = _scope(request)
    outcome, is_untouched = _asked(scope, request, subject)
    expected = reference.is_guarded(PATH, scope["path"], request.root_path)
    assert expected is None or expected is not is_untouched, "guarded, or not guarded, against the rules"
    if not is_untouched:
        _check_guarded(request, outcome)


def _scope(request: Request) -> dict[str, Any]:
    is_websocket = request.method == _WEBSOCKET
    scope = {
        "type": "websocket" if is_websocket else "http",
        "path": inputs.text(request.path),
        "raw_path": request.target,
        "root_path": request.root_path,
        "query_string": b"",
        "headers": request.headers,
    }
    return scope if is_websocket else {**scope, "method": request.method}


def _asked(scope: dict[str, Any], request: Request, subject: Subject) -> tuple[Outcome, bool]:
    """Return what became of a request, and whether it passed untouched."""
    outcome, untouched = Outcome(), list[bool]()
    server = _Server(fronts.steps(request), outcome)

    async def app(given: Any, receive: Any, send: Any) -> None:
        if given is scope:
            untouched.append((receive, send) == (server.receive, server.send))
            return
        outcome.calls.append((given, get_event(given), get_delivery(given)))
        message = await receive()
        outcome.body = message["body"]
        assert message == {"type": "http.request", "body": outcome.body, "more_body": False}
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    guarded = subject(app, **fronts.options(outcome))
    before = dict(scope)
    with fronts.logged(outcome):
        _LOOP.run_until_complete(guarded(scope, server.receive, server.send))
    assert scope == before, "the server's scope was changed"
    assert all(untouched), "the app got another receive or send"
    _read_answer(outcome, server.sent)
    return outcome, untouched == [True]


def _read_answer(outcome: Outcome, sent: list[Any]) -> None:
    """Take in what was sent: one whole answer, or one close of a websocket, or nothing."""
    kinds = [message["type"] for message in sent]
    assert kinds in (["http.response.start", "http.response.body"], ["websocket.close"], []), f"sent: {kinds}"
    if len(sent) == 2:
        outcome.status, outcome.answer = sent[0]["status"], sent[1]["body"]
        outcome.headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        assert not sent[1]["more_body"], "the answer has no end"
    elif sent:
        outcome.answer = sent[0]["reason"].encode()


def _check_guarded(request: Request, outcome: Outcome) -> None:
    found = reference.values(request.headers)
    method = None if request.method == _WEBSOCKET else request.method
    refused = reference.head(method, found, input_ends=True)
    reason = refused or _body(request) or reference.end(found, request.body)
    if reason is None:
        fronts.check_admitted(outcome, found, request.body)
    elif reason is Reason.WEBSOCKET_REFUSED:
        assert (outcome.calls, outcome.answer) == ([], reason.encode()), "a websocket was not closed"
    else:
        fronts.check_refused(outcome, reason, request, has_body=refused is None)


def _body(request: Request) -> Reason | None:
    """Return why a body is refused before its end, or None: where its chunks end makes no difference."""
    size = 0
    for step in fronts.steps(request):
        if step.event:
            return Reason.CLIENT_DISCONNECTED if step.event == GONE else Reason.BODY_LENGTH_MISMATCH
        size += len(step.chunk)
        if size > reference.LIMIT:
            return Reason.BODY_TOO_LARGE
    return None
