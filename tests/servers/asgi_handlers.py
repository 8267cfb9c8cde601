"""ASGI handlers with manners of their own, good and bad, each to be served bare and behind the guard."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextvars import ContextVar
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from webhook_guard import ASGIWebhookMiddleware
from webhook_guard.asgi import ASGIApp, Receive, Scope, Send

from servers.behaviours import DELIVERED, FEW, LONG, NOTES, PARTS, UNREAD, Catalogue
from servers.client import TIMEOUT
from support import PATH, SECRET, clock

Headers = Iterable[tuple[bytes, bytes]]

CATALOGUE: Catalogue[ASGIApp] = Catalogue()
_unread = partial(CATALOGUE, bodies=UNREAD)

#: Seconds that a `receive` is left to wait: what invents a message does so at once.
MOMENT = 0.02

_FILE = Path(__file__)
_TEXT = _FILE.read_bytes()
_OUTSIDE: ContextVar[str] = ContextVar("_OUTSIDE", default="unset")


class _OutOfTheOrdinary(BaseException):
    """What ``except Exception`` does not catch."""


class _Watched:
    """Stands between the server and a handler, guarded or not, and keeps how the handler ended and what it noted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._notes: list[str] = []
        self._ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the handler, or tell what is noted of the last call."""
        if scope["path"] == NOTES:
            await self._tell(send)
            return
        _OUTSIDE.set("set outside")
        try:
            await self._app({**scope, "tests.note": self._notes.append}, receive, send)
        except BaseException as error:
            self._notes.append(f"raised {error!r}")
            raise
        else:
            self._notes.append(f"returned, context {_OUTSIDE.get()}")
        finally:
            self._ended.set()

    async def _tell(self, send: Send) -> None:
        await asyncio.wait_for(self._ended.wait(), TIMEOUT)
        notes = json.dumps(self._notes).encode()
        self._notes.clear()
        self._ended.clear()
        await _answer(send, notes)


def app(name: str, way: str) -> ASGIApp:
    """Return the handler `name`, "bare" or "guarded"."""
    handler = CATALOGUE[name].app

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        scope["tests.note"]("called")
        await handler(scope, receive, send)

    if way == "bare":
        return _Watched(called)
    return _Watched(ASGIWebhookMiddleware(called, path=PATH, secret=SECRET, clock=clock))


async def _start(send: Send, status: int = 200, headers: Headers = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def _part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body})


def _sized(body: bytes) -> Headers:
    return [(b"content-length", b"%d" % len(body))]


async def _answer(send: Send, body: bytes = b"answer") -> None:
    await _start(send, 200, _sized(body))
    await _end(send, body)


async def _whole(receive: Receive) -> bytes:
    """Return the body, read to its end."""
    body, more_body = b"", True
    while more_body:
        message = await receive()
        assert message["type"] == "http.request"
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    return body


#: It queues so many messages for the handler (hypercorn/config.py, `max_app_queue_size`). As the next one waits for the
#: handler to read, and the end of the answer for that, a handler that does not read never returns from its last `send`.
_QUEUE_FULL = {"hypercorn, large in chunks": "the bare handler hangs in `send` when ten parts of a body are unread"}


# Reading.


@CATALOGUE("200", says=(b"answer",), client_leaves=True, left_out=_QUEUE_FULL)
async def reads_nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers without a look at the body."""
    await _answer(send)


@CATALOGUE("200", says=(b"http.request",))
async def reads_one_message(_scope: Scope, receive: Receive, send: Send) -> None:
    """Takes the first message, whether the body is all in it or not."""
    message = await receive()
    await _answer(send, message["type"].encode())


@CATALOGUE("200", says=(DELIVERED,))
async def reads_all(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body to its end."""
    await _answer(send, await _whole(receive))


@CATALOGUE("200", says=(DELIVERED,))
async def reads_in_tasks(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads in a task of its own."""
    await _answer(send, await asyncio.create_task(_whole(receive)))


@CATALOGUE("200", says=(b"nothing more, " + DELIVERED,))
async def reads_twice(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body, and tries to read it again, until the answer is out."""
    body = await _whole(receive)
    again = asyncio.create_task(_whole(receive))
    done, _ = await asyncio.wait([again], timeout=MOMENT)
    await _answer(send, (b"something, " if done else b"nothing more, ") + body)
    again.cancel()
    await asyncio.wait([again])


@CATALOGUE("200", says=(b"still there, " + DELIVERED,), client_leaves=True)
async def waits_for_the_disconnect(scope: Scope, receive: Receive, send: Send) -> None:
    """Waits for the disconnect beside its work, and gets it when the client has gone, not before."""
    body = await _whole(receive)
    listener = asyncio.ensure_future(receive())
    done, _ = await asyncio.wait([listener], timeout=MOMENT)
    await _answer(send, (b"gone, " if done else b"still there, ") + body)
    scope["tests.note"](f"at last {(await listener)['type']}")


@CATALOGUE("200", says=(b"nobody left, " + DELIVERED,), client_leaves=True)
async def gives_up_waiting(scope: Scope, receive: Receive, send: Send) -> None:
    """Cancels a `receive` that waits for the disconnect, and calls another one after the answer."""
    body = await _whole(receive)
    try:
        await asyncio.wait_for(receive(), MOMENT)
    except TimeoutError:
        await _answer(send, b"nobody left, " + body)
    scope["tests.note"](f"at last {(await receive())['type']}")


@CATALOGUE("200", says=(b"answer",), client_leaves=True, left_out=_QUEUE_FULL)
async def reads_after_answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers, and reads from then on until the client has gone."""
    await _answer(send)
    while (message := await receive())["type"] == "http.request":
        pass
    scope["tests.note"](f"at last {message['type']}")


@CATALOGUE("200", says=(b"first, " + DELIVERED,))
async def reads_in_the_middle(_scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a part of the answer before it reads."""
    await _start(send)
    await _part(send, b"first, ")
    await _end(send, await _whole(receive))


@CATALOGUE("200", says=(DELIVERED,), parts_vary=True)
async def sends_as_it_reads(_scope: Scope, receive: Receive, send: Send) -> None:
    """Sends each part of the body back as it comes."""
    await _start(send)
    more_body = True
    while more_body:
        message = await receive()
        more_body = message.get("more_body", False)
        await _part(send, message.get("body", b""))
    await _end(send)


@CATALOGUE("200")
async def looks_at_the_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers all that the server says of the request, but what is of this connection only."""
    await _whole(receive)
    own = {"client", "headers", "state", "tests.note", "openai.event", "openai.delivery"}
    seen = {name: value for name, value in scope.items() if name not in own}
    headers = [pair for pair in scope["headers"] if pair[0] != b"x-app"]
    await _answer(send, repr((seen, headers)).encode())


@CATALOGUE("200", says=(DELIVERED,))
async def changes_the_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Writes to its scope, before it reads."""
    scope["path"], scope["method"] = "/elsewhere", "GET"
    scope["headers"] = []
    await _answer(send, await _whole(receive))


# Answering.


@_unread("200", says=(LONG,))
async def streams(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Streams a long answer of unknown length."""
    await _start(send)
    for part in PARTS:
        await _part(send, part)
    await _end(send)


@CATALOGUE("200", says=(LONG,))
async def streams_with_length(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads, and streams a long answer of known length."""
    await _whole(receive)
    await _start(send, 200, _sized(LONG))
    for part in PARTS:
        await _part(send, part)
    await _end(send)


@_unread("200", says=(LONG,))
async def sends_one_large_part(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends a long answer at once."""
    await _answer(send, LONG)


@_unread("200", says=(b"onetwo",))
async def sends_empty_parts(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends parts with nothing in them between the others."""
    await _start(send)
    for part in (b"", b"one", b"", b"", b"two", b""):
        await _part(send, part)
    await _end(send)


@CATALOGUE("204", says=(b"",))
async def answers_204(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with no body."""
    await _whole(receive)
    await _start(send, 204)
    await _end(send)


@_unread("304", says=(b"",))
async def answers_304(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the length of a body that is not sent."""
    await _start(send, 304, [(b"etag", b'"1"'), (b"content-length", b"6")])
    await _end(send)


@_unread("204", "204 and more", "500", "nothing")
async def answers_204_with_a_body(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends a body where there must be none."""
    await _start(send, 204)
    await _end(send, b"answer")


@_unread("200", says=(b"answer",))
async def sends_many_headers(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with eighty headers."""
    await _start(send, 200, [*_sized(b"answer"), *((b"x-%d" % n, b"v" * n) for n in range(80))])
    await _end(send, b"answer")


@_unread("200", says=(b"answer",))
async def repeats_headers(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sets two cookies, and others around them."""
    pairs = [(b"set-cookie", b"a=1"), (b"x-between", b""), (b"set-cookie", b"b=2")]
    await _start(send, 200, [*pairs, *_sized(b"answer")])
    await _end(send, b"answer")


@_unread("200", says=(b"answer",))
async def sends_8_bit_headers(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends a header whose bytes are not ASCII."""
    await _start(send, 200, [*_sized(b"answer"), (b"x-name", b"J\xfcrgen, \xe2\x82\xac")])
    await _end(send, b"answer")


@CATALOGUE("200", says=(DELIVERED,))
async def answers_from_a_task(_scope: Scope, receive: Receive, send: Send) -> None:
    """Leaves the answer to a task, and waits for it."""

    async def answer() -> None:
        await _answer(send, await _whole(receive))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer())


@CATALOGUE("200", says=(b"answer",))
async def works_after_the_answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Goes on working when the client has its answer."""
    await _whole(receive)
    await _answer(send)
    for _ in range(10):
        await asyncio.sleep(0)
    scope["tests.note"]("worked")


@_unread("200", says=(b"set outside",))
async def uses_context_variables(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Reads a context variable set around it, and leaves a value of its own in it."""
    seen = _OUTSIDE.get()
    _OUTSIDE.set("set inside")
    await _answer(send, seen.encode())


# Failing.

#: Its `application_checker` (daphne/server.py) answers 500 for a handler that raised. After a status this fails, the
#: checker is not called again, and from then on daphne leaves the connection of each handler that raises open.
_DAPHNE_STUMBLES = {"daphne": "it can answer no failed handler any more after one that had given a status"}


@_unread("500")
async def raises_before_the_status(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Raises at once."""
    raise RuntimeError("on purpose")


@CATALOGUE("500", bodies=FEW)
async def raises_after_reading(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Raises when it has read the body."""
    await _whole(receive)
    raise RuntimeError("on purpose")


@_unread("200 broken", "500", "nothing", left_out=_DAPHNE_STUMBLES)
async def raises_after_the_status(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Raises between the status and the body."""
    await _start(send)
    raise RuntimeError("on purpose")


@_unread("200 broken", "200 and more", "200", left_out=_DAPHNE_STUMBLES)
async def raises_after_a_part(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Raises in the middle of the answer."""
    await _start(send)
    await _part(send, b"one")
    raise RuntimeError("on purpose")


@CATALOGUE("200", "200 and more")
async def raises_after_the_end(_scope: Scope, receive: Receive, send: Send) -> None:
    """Raises when all is said."""
    await _whole(receive)
    await _answer(send)
    raise RuntimeError("on purpose")


@_unread("500")
async def raises_a_group(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Raises what a task group raises."""
    raise ExceptionGroup("several", [RuntimeError("on purpose"), ValueError("on purpose")])


@_unread("500", "nothing", left_open=("daphne",))
async def cancels_itself(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Ends as a task that was cancelled."""
    raise asyncio.CancelledError


@_unread("500", "nothing")
async def raises_no_exception(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Raises what is no `Exception`."""
    raise _OutOfTheOrdinary


@CATALOGUE("500", "nothing", left_open=("daphne",), bodies=FEW)
async def returns_without_an_answer(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Returns and has sent nothing."""
    await _whole(receive)


@_unread("200 broken", "200", "500", "nothing", left_open=("daphne",))
async def returns_after_the_status(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Returns between the status and the body."""
    await _start(send)


@_unread("200 broken", "200", left_open=("daphne",))
async def returns_after_a_part(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Returns in the middle of the answer."""
    await _start(send)
    await _part(send, b"one")


@_unread("200 broken", "200", "201", "500", "nothing", left_out=_DAPHNE_STUMBLES)
async def starts_twice(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends two statuses."""
    await _start(send)
    await _start(send, 201)
    await _end(send, b"answer")


@_unread("500", "200", "nothing")
async def sends_the_body_first(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends a body without a status."""
    await _end(send, b"answer")


@_unread("200", "200 and more")
async def sends_after_the_end(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends another part after the last one."""
    await _answer(send)
    await _end(send, b"more")


@_unread("500", "nothing")
async def sends_what_is_no_message(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends a message of a type that nobody knows."""
    await send({"type": "http.response.unheard-of"})


@_unread("200 broken", "200", "500")
async def sends_less_than_declared(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Declares a longer body than it sends."""
    await _start(send, 200, _sized(b"answer, and more"))
    await _end(send, b"answer")


@_unread("200 broken", "200", "200 and more", "500", "nothing")
async def sends_more_than_declared(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Declares a shorter body than it sends."""
    await _start(send, 200, _sized(b"answer"))
    await _end(send, b"answer, and more")


# Extensions, which a server may or may not offer.


def _offers(scope: Scope, extension: str) -> bool:
    return extension in (scope.get("extensions") or {})


@_unread("200", says=(_TEXT, b"not offered"))
async def sends_a_path(scope: Scope, _receive: Receive, send: Send) -> None:
    """Has the server send a file by its path."""
    if not _offers(scope, "http.response.pathsend"):
        await _answer(send, b"not offered")
        return
    await _start(send, 200, _sized(_TEXT))
    await send({"type": "http.response.pathsend", "path": str(_FILE)})


@_unread("200", says=(_TEXT, b"not offered"))
async def sends_a_file(scope: Scope, _receive: Receive, send: Send) -> None:
    """Has the server send an open file."""
    if not _offers(scope, "http.response.zerocopysend"):
        await _answer(send, b"not offered")
        return
    await _start(send, 200, _sized(_TEXT))
    with _FILE.open("rb") as file:  # noqa: ASYNC230  it takes no time
        await send({"type": "http.response.zerocopysend", "file": file.fileno()})


@_unread("200", says=(b"answer", b"not offered"))
async def sends_early_hints(scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends hints before the status."""
    offered = _offers(scope, "http.response.early_hint")
    if offered:
        await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload; as=style"]})
    await _answer(send, b"answer" if offered else b"not offered")


@_unread("200", says=(b"answer", b"not offered"))
async def sends_trailers(scope: Scope, _receive: Receive, send: Send) -> None:
    """Sends headers after the body."""
    if not _offers(scope, "http.response.trailers"):
        await _answer(send, b"not offered")
        return
    headers = [(b"trailer", b"x-checksum")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
    await _end(send, b"answer")
    trailers = [(b"x-checksum", b"1")]
    await send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})


@_unread("200", says=(b"answer", b"not offered"))
async def pushes(scope: Scope, _receive: Receive, send: Send) -> None:
    """Pushes another resource."""
    offered = _offers(scope, "http.response.push")
    if offered:
        await send({"type": "http.response.push", "path": "/style.css", "headers": []})
    await _answer(send, b"answer" if offered else b"not offered")


@_unread("200", says=(b"answer", b"not offered"))
async def sends_debug_information(scope: Scope, _receive: Receive, send: Send) -> None:
    """Tells the server what only tests want to know."""
    offered = _offers(scope, "http.response.debug")
    if offered:
        await send({"type": "http.response.debug", "info": {"template": "index.html"}})
    await _answer(send, b"answer" if offered else b"not offered")


# Starlette's ways to do it.


class _Reading(BaseHTTPMiddleware):
    """Middleware that reads the body before the endpoint does."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Add a header with the size."""
        size = len(await request.body())
        response = await call_next(request)
        response.headers["x-size"] = str(size)
        return response


class _Passing(BaseHTTPMiddleware):
    """Middleware that does not look at the body."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Add a header."""
        response = await call_next(request)
        response.headers["x-passed"] = "yes"
        return response


async def _endpoint(request: Request) -> Response:
    body = b"".join([chunk async for chunk in request.stream()])
    return Response(body)


_behind_a_reader = Starlette(routes=[Route(PATH, _endpoint, methods=["POST"])], middleware=[Middleware(_Reading)])
_behind_a_passer = Starlette(routes=[Route(PATH, _endpoint, methods=["POST"])], middleware=[Middleware(_Passing)])


@CATALOGUE("200", says=(DELIVERED,))
async def starlette_stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads with ``Request.stream``."""
    response = await _endpoint(Request(scope, receive))
    await response(scope, receive, send)


@CATALOGUE("200", says=(DELIVERED + b" batch.completed", DELIVERED + b" x"))
async def starlette_body(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads with ``Request.body``, and again with ``Request.json``."""
    request = Request(scope, receive)
    body, event = await request.body(), await request.json()
    await Response(body + b" " + event["type"].encode())(scope, receive, send)


@CATALOGUE("200")
async def starlette_form(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes the body for a form."""
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    async with Request({**scope, "headers": headers}, receive).form() as form:
        await PlainTextResponse(repr(form.multi_items()))(scope, receive, send)


@CATALOGUE("200", says=(b"still there, " + DELIVERED,))
async def starlette_is_disconnected(scope: Scope, receive: Receive, send: Send) -> None:
    """Asks whether the client has gone, when it has read the body."""
    request = Request(scope, receive)
    body = await request.body()
    gone = await request.is_disconnected()
    await Response((b"gone, " if gone else b"still there, ") + body)(scope, receive, send)


@CATALOGUE("200", says=(DELIVERED + b"onetwo",))
async def starlette_streaming_response(scope: Scope, receive: Receive, send: Send) -> None:
    """Streams with ``StreamingResponse``, which listens for the disconnect meanwhile, and works afterwards."""
    body = await Request(scope, receive).body()

    async def parts() -> AsyncIterator[bytes]:
        for part in (body, b"one", b"two"):
            yield part
            await asyncio.sleep(0)

    after = BackgroundTask(scope["tests.note"], "worked")
    await StreamingResponse(parts(), background=after)(scope, receive, send)


@CATALOGUE("200", says=(DELIVERED,))
async def starlette_middleware_that_reads(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body in ``BaseHTTPMiddleware``, and again in the endpoint."""
    await _behind_a_reader(scope, receive, send)


@CATALOGUE("200", says=(DELIVERED,))
async def starlette_middleware(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body in an endpoint behind ``BaseHTTPMiddleware``, which gives it a `receive` of its own."""
    await _behind_a_passer(scope, receive, send)
