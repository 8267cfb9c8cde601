"""A guarded app on a real server, which keeps what its guard refuses, as people are told to."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from threading import Thread
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, make_server

from webhook_guard import ASGIWebhookMiddleware, Reason, WSGIWebhookMiddleware, get_delivery
from webhook_guard.asgi import Receive, Scope, Send
from webhook_guard.refused import RefusedRequest

from servers.client import TIMEOUT
from servers.uvicorn_server import running
from support import PATH, SECRET, clock


class Receiver(NamedTuple):
    """A running app.

    Attributes:
        port: Where it listens.
        taken: The bodies that reached the app.
        refused: The requests that did not.
    """

    port: int
    taken: list[bytes]
    refused: list[RefusedRequest]

    def refused_message(self) -> bytes:
        """Return the only request that came, and was refused, as an HTTP message."""
        assert self.taken == []
        (request,) = self.refused
        return request.to_http()


@contextmanager
def asgi_receiver() -> Generator[Receiver]:
    """Serve an ASGI app with uvicorn."""
    taken, refused = list[bytes](), list[RefusedRequest]()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        taken.append(get_delivery(scope).body)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = ASGIWebhookMiddleware(app, path=PATH, secret=SECRET, on_refused=_keep(refused), capture=True, clock=clock)
    with running(guard, "h11", "off") as port:
        yield Receiver(port, taken, refused)


@contextmanager
def wsgi_receiver() -> Generator[Receiver]:
    """Serve a WSGI app with the standard library's server."""
    taken, refused = list[bytes](), list[RefusedRequest]()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        taken.append(get_delivery(environ).body)
        start_response("204 No Content", [])
        return []

    guard = WSGIWebhookMiddleware(app, path=PATH, secret=SECRET, on_refused=_keep(refused), capture=True, clock=clock)
    with make_server("127.0.0.1", 0, guard, handler_class=_Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Receiver(server.server_port, taken, refused)
        finally:
            server.shutdown()
            thread.join(TIMEOUT)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Log nothing."""


def _keep(refused: list[RefusedRequest]) -> Callable[[Reason, RefusedRequest], None]:
    def keep(_reason: Reason, request: RefusedRequest) -> None:
        refused.append(request)

    return keep
