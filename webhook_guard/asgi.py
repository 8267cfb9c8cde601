"""The ASGI front: carries out what the core decides.

It calls the app only with a verified delivery, or for a request that is not guarded, which it passes on untouched. It
never reads the body of a request whose headers it refuses, never repeats the body to the app, never invents a
disconnect, and keeps nothing about a request on itself. It runs on asyncio, with any event loop; trio is not supported.
"""

import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_to_bytes

from webhook_guard.log import log_unexpected_shape
from webhook_guard.refused import Head, OnRefused, Refusals
from webhook_guard.sansio import errors, guard
from webhook_guard.sansio.errors import Reason, WebhookError
from webhook_guard.sansio.guard import Guard, Incoming
from webhook_guard.sansio.keys import Secret
from webhook_guard.verify import Delivery, configured_keys
from webhook_guard.wire import quoted, target

if TYPE_CHECKING:
    from asgiref.typing import (
        HTTPRequestEvent,
        HTTPResponseBodyEvent,
        HTTPResponseStartEvent,
        WebSocketCloseEvent,
    )

    from webhook_guard.idempotency.asgi import Claims
    from webhook_guard.idempotency.store import AsyncStore, Store

# Looser than asgiref's types of the same things, which no framework's own annotations match: a scope is a mapping to
# some, a TypedDict to others.
Scope: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
ASGIApp: TypeAlias = Callable[..., Awaitable[None]]

#: Seconds. OpenAI sends a body of a few KiB at once; ten seconds let the worst network through and little else.
BODY_TIMEOUT = 10.0
_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = 0.001, 86_400

#: How many layers of middleware an app may be wrapped in and still be found.
_DEEPEST_MIDDLEWARE = 50

#: Servers answer 403 to a close before the accept. 1008 is "policy violation" (RFC 6455 section 7.4.1).
_CLOSE: "WebSocketCloseEvent" = {"type": "websocket.close", "code": 1008, "reason": Reason.WEBSOCKET_REFUSED.value}


class ASGIWebhookMiddleware:
    """Lets only verified OpenAI webhooks through to an ASGI app, on the paths that it guards.

    The event is in ``scope["openai.event"]``, the delivery in ``scope["openai.delivery"]``; `get_event` and
    `get_delivery` find them in any framework's request.

    Args:
        app: The ASGI application to stand in front of.
        path: One app-relative path, or several. None guards every HTTP and websocket request: right inside a mount.
        secret: The endpoint's signing secret, or a list of several for a rotation. None reads OPENAI_WEBHOOK_SECRET.
        tolerance: How far from now an attempt may be, either way, in seconds.
        max_body_size: The most that is read of a body, in bytes.
        body_timeout: How long a body may take to arrive, in seconds.
        idempotency: A store, sync or async, so that each delivery is handled once; None remembers nothing.
        on_refused: Called with the reason and the `RefusedRequest` for each request that is refused, before it is
            answered: a plain function, which is called on the event loop and must not wait. None tells nobody.
        capture: Whether `on_refused` gets the body, as far as it was read. It is a stranger's, and may be private.
        clock: Returns the time in Unix seconds.

    Raises:
        ConfigurationError: An option can't be used; the message names it and the fix.

    >>> from secrets import token_bytes
    >>> from webhook_guard import ASGIWebhookMiddleware
    >>> async def app(scope, receive, send):
    ...     print(scope["openai.event"].type)
    >>> app = ASGIWebhookMiddleware(app, path="/webhooks/openai", secret=token_bytes(32))
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str | Iterable[str] | None = None,
        secret: Secret | None = None,
        tolerance: float = guard.TOLERANCE,
        max_body_size: int = guard.MAX_BODY_SIZE,
        body_timeout: float = BODY_TIMEOUT,
        idempotency: "Store | AsyncStore | None" = None,
        on_refused: OnRefused | None = None,
        capture: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app: ASGIApp = guard.check_callable("app", app)
        self._guard = Guard(
            path=path,
            keys=configured_keys(secret),
            tolerance=tolerance,
            max_body_size=max_body_size,
            delivery=Delivery,
        )
        self._body_timeout = guard.check_number("body_timeout", body_timeout, _SHORTEST_TIMEOUT, _LONGEST_TIMEOUT)
        self._claims = None if idempotency is None else _claims(idempotency)
        self._clock = guard.check_callable("clock", clock)
        self._refusals = Refusals(on_refused, capture=capture)
        self._within = _within()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as the ASGI specification has it."""
        guarded = self._match(scope)
        if guarded is None:
            await self.app(scope, receive, send)
            return
        incoming = self._guard.begin(scope.get("headers", ()))
        now = self._clock()
        try:
            delivery = await self._verify(scope, receive, incoming, now)
            app = self.app
            if self._claims is not None:
                app = await self._claims.claim(app, delivery, guarded=guarded, path=scope["path"])
        except WebhookError as refusal:
            self._refusals.tell(refusal, incoming, path=scope["path"], now=now, head=partial(_head, scope))
            await _refuse(scope, send, refusal)
        else:
            log_unexpected_shape(delivery, path=scope["path"])
            await app(_admitted(scope, delivery), _replay(delivery.body, receive), send)

    def _match(self, scope: Scope) -> str | None:
        """Return the configured path that guards a request, by any of its readings, or None."""
        if scope["type"] not in ("http", "websocket"):
            return None
        path, root_path = scope["path"], scope.get("root_path") or ""
        guarded = self._guard.match(path, root_path)
        if guarded is not None:
            return guarded
        own = list(_own_root_paths(self.app))
        readings = [(path, root) for root in own]
        if asked_for := _asked_for(scope):
            readings += [(asked_for, root) for root in (root_path, *own)]
        found = (self._guard.match(*reading) for reading in readings)
        return next((guarded for guarded in found if guarded is not None), None)

    async def _verify(self, scope: Scope, receive: Receive, incoming: Incoming, now: float) -> guard.Delivery:
        method = None if scope["type"] == "websocket" else scope.get("method", "")
        incoming.check_head(method, now=now, input_ends=True)
        try:
            await self._within(self._body_timeout, _read_body(receive, incoming))
        except TimeoutError:
            raise incoming.broken_off(Reason.BODY_TIMEOUT) from None
        return incoming.end()


def _claims(store: "Store | AsyncStore") -> "Claims":
    from webhook_guard.idempotency.asgi import Claims  # noqa: PLC0415  stores are imported by those who have one

    return Claims(store)


def _within() -> "Callable[[float, Coroutine[Any, Any, None]], Awaitable[None]]":
    from webhook_guard.deadline import within  # noqa: PLC0415  asyncio is imported by those who have such a guard

    return within


def _asked_for(scope: Scope) -> str:
    """Return the path that was asked for, if a router outside of the guard has rewritten it; "" if not.

    Litestar rewrites the paths of what it has mounted before it calls middleware of its own.
    """
    raw_path = scope.get("raw_path")
    if not isinstance(raw_path, bytes) or raw_path == scope["path"].encode("utf-8", "surrogatepass"):
        return ""
    return unquote_to_bytes(raw_path).decode("utf-8", "ignore")


def _own_root_paths(app: object) -> Iterator[str]:
    """Yield each root path that an app or middleware sets itself when it is called, as ``FastAPI(root_path=...)`` does.

    Such an app routes by what follows that, so the guard must read paths that way too. Middleware keeps the app that it
    wraps in `app`, by convention; the depth is bounded, because mocks have every attribute.
    """
    for _ in range(_DEEPEST_MIDDLEWARE):
        root_path = _attribute(app, "root_path")
        if isinstance(root_path, str) and root_path:
            yield root_path
        app = _attribute(app, "app")
        if app is None:
            return


def _attribute(app: object, name: str) -> object:
    try:
        return getattr(app, name, None)
    except Exception:  # noqa: BLE001  a property may raise anything, and it is not ours
        return None


async def _read_body(receive: Receive, incoming: Incoming) -> None:
    more_body = True
    while more_body:
        try:
            message = await receive()
            kind, chunk = message["type"], bytes(message.get("body") or b"")
        except Exception as error:
            raise incoming.broken_off(Reason.BODY_LENGTH_MISMATCH, error) from error
        if kind != "http.request":
            raise incoming.broken_off(Reason.CLIENT_DISCONNECTED)
        incoming.receive_data(chunk)
        more_body = message.get("more_body", False)
        if more_body and not chunk:
            await _pause()
        del message, chunk  # while it waits for the next one, which may take long, a chunk is held once


def _admitted(scope: Scope, delivery: guard.Delivery) -> Scope:
    # A copy, because the server's scope is not ours to write to (ASGI specification, "Middleware").
    return {**scope, "openai.event": delivery.event, "openai.delivery": delivery}


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body once, and after that whatever the server has to say."""
    replayed = False

    async def receive_after_body() -> Any:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        message: HTTPRequestEvent = {"type": "http.request", "body": body, "more_body": False}
        return message

    return receive_after_body


def _head(scope: Scope) -> Head:
    path, raw_path = scope["path"], scope.get("raw_path")
    sent = _text(raw_path) if isinstance(raw_path, bytes) else quoted(path.encode("utf-8", "surrogatepass"))
    headers = ((_text(name), _text(value)) for name, value in scope.get("headers", ()))
    method = "GET" if scope["type"] == "websocket" else scope.get("method", "")
    return Head(method, target(sent, _text(scope.get("query_string", b""))), tuple(headers))


def _text(value: Any) -> str:
    return bytes(value).decode("latin-1")


async def _refuse(scope: Scope, send: Send, refusal: WebhookError) -> None:
    """Answer, as far as somebody is still there to take it: servers say that nobody is with an OSError."""
    ignored = Exception if refusal.reason is Reason.CLIENT_DISCONNECTED else OSError
    with suppress(ignored):
        if scope["type"] == "websocket":
            await send(_CLOSE)
            return
        status, headers, body = errors.answer(refusal, scope.get("method"))
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode("ascii"), value.encode("ascii")) for name, value in headers],
            "trailers": False,
        }
        await send(start)
        end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}
        await send(end)


@types.coroutine
def _pause() -> Generator[None, None, None]:
    """Let the event loop run: a layer that gives empty chunks without waiting would keep its timers from firing."""
    yield
