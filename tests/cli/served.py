"""A guarded app on a real server, for commands to send to."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from webhook_guard import ASGIWebhookMiddleware, Delivery, get_delivery
from webhook_guard.asgi import Receive, Scope, Send
from webhook_guard.idempotency import MemoryStore

from servers.uvicorn_server import running
from support import PATH, SECRET


class Seen(NamedTuple):
    """What the app saw of one delivery."""

    delivery: Delivery
    headers: list[tuple[bytes, bytes]]


class Served(NamedTuple):
    """A running app."""

    url: str
    seen: list[Seen]


@contextmanager
def guarded(*, store: bool = False, secret: str = SECRET) -> Generator[Served, None, None]:
    """Serve an app that answers 204 to every delivery; with a store, to each only once."""
    seen: list[Seen] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(Seen(get_delivery(scope), scope["headers"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = ASGIWebhookMiddleware(app, path=PATH, secret=secret, idempotency=MemoryStore() if store else None)
    with running(guard, "h11", "off") as port:
        yield Served(f"http://127.0.0.1:{port}{PATH}", seen)
