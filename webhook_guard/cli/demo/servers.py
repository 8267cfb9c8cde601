"""A guarded ASGI app on uvicorn and a guarded Flask app on Werkzeug, each in a thread, on a free loopback port.

Each has an SQLite store of its own, in a folder that is removed at the end.
"""

import socket
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import NamedTuple

import flask
import uvicorn
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from webhook_guard import (
    ASGIWebhookMiddleware,
    NotVerifiedError,
    WebhookEvent,
    WSGIWebhookMiddleware,
    get_delivery,
    get_event,
)
from webhook_guard.asgi import ASGIApp, Receive, Scope, Send
from webhook_guard.cli.demo.client import HOST
from webhook_guard.cli.demo.scenarios import FLAKY, PATH, VECTOR_PATH, VECTOR_SECRET, VECTOR_TIME
from webhook_guard.cli.logs import SERVER_LOGGERS, silenced
from webhook_guard.events import ResponseCompleted
from webhook_guard.idempotency import SQLiteStore

_ANSWER = "received\n"


class Seen(NamedTuple):
    """What an app saw of one request."""

    event: str
    verified_by: str


class Server(NamedTuple):
    """A running server."""

    name: str
    port: int
    #: What its app saw, in order: it writes that down before it answers.
    seen: list[Seen]


class _Handler:
    """What both apps do with a request: they write down what they see, and fail at what is flaky, once."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._failed = False

    def handle(self, request: object) -> str:
        """Return the answer.

        Raises:
            RuntimeError: The request is the first about `FLAKY`.
        """
        seen = _see(request)
        self.seen.append(seen)
        if seen.event.endswith(FLAKY) and not self._failed:
            self._failed = True
            raise RuntimeError("the handler fails the first time")
        return _ANSWER


@contextmanager
def running(secret: list[str]) -> Generator[tuple[Server, Server], None, None]:
    """Run both servers, guarded with `secret`; they are gone without a trace at the end."""
    asgi_handler, wsgi_handler = _Handler(), _Handler()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="webhook-guard-")))
        asgi_store = stack.enter_context(closing(SQLiteStore(folder / "asgi.sqlite3")))
        wsgi_store = stack.enter_context(closing(SQLiteStore(folder / "wsgi.sqlite3")))
        stack.enter_context(silenced(*SERVER_LOGGERS))
        asgi_port = stack.enter_context(_uvicorn(_asgi_app(asgi_handler, secret, asgi_store)))
        wsgi_port = stack.enter_context(_werkzeug(_flask_app(wsgi_handler, secret, wsgi_store)))
        yield Server("uvicorn", asgi_port, asgi_handler.seen), Server("Flask", wsgi_port, wsgi_handler.seen)


def _asgi_app(handler: _Handler, secret: list[str], store: SQLiteStore) -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        answer = handler.handle(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": answer.encode()})

    guarded = ASGIWebhookMiddleware(app, path=PATH, secret=secret, idempotency=store)
    return ASGIWebhookMiddleware(
        guarded, path=VECTOR_PATH, secret=VECTOR_SECRET, idempotency=store, clock=_vector_clock
    )


def _flask_app(handler: _Handler, secret: list[str], store: SQLiteStore) -> flask.Flask:
    app = flask.Flask(__name__, static_folder=None)
    # The retry comes at once. Flask's own answer to a failure is out before the claim is released, the server's after.
    app.config["PROPAGATE_EXCEPTIONS"] = True

    # Not a route, so that it sees whatever gets past the guard.
    @app.before_request
    def receive() -> str:  # pyright: ignore[reportUnusedFunction]  Flask calls it
        return handler.handle(flask.request)

    guarded = WSGIWebhookMiddleware(app.wsgi_app, path=PATH, secret=secret, idempotency=store)
    wsgi_app = WSGIWebhookMiddleware(
        guarded, path=VECTOR_PATH, secret=VECTOR_SECRET, idempotency=store, clock=_vector_clock
    )
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # as Flask's documentation has it
    return app


def _vector_clock() -> float:
    return VECTOR_TIME


def _see(request: object) -> Seen:
    try:
        return Seen(_described(get_event(request)), f"secret {get_delivery(request).secret_index}")
    except NotVerifiedError:
        return Seen("an unverified request", "unverified")


def _described(event: WebhookEvent) -> str:
    match event:
        case ResponseCompleted(data=data):
            return f"ResponseCompleted {data.id}"
        case _:
            return f"{type(event).__name__} {event.type}"


@contextmanager
def _uvicorn(app: ASGIApp) -> Generator[int, None, None]:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,  # its own would stay after the demo
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    # It listens already, so no request comes too early: it waits in the backlog.
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = Thread(target=server.run, args=([listener],), name="demo-uvicorn")
        thread.start()
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


class _SilentHandler(WSGIRequestHandler):
    #: Seconds after which a client that says nothing is dropped, lest the end waits for it.
    timeout = 2

    def log(self, *_: object, **__: object) -> None:
        """Drop the line that each request has, and the handler that the first one installs."""


class _WSGIServer(ThreadedWSGIServer):
    # The end waits for requests that are being answered.
    daemon_threads = False

    def log(self, *_: object, **__: object) -> None:
        """Drop the traceback of a handler that failed."""


@contextmanager
def _werkzeug(app: flask.Flask) -> Generator[int, None, None]:
    server = _WSGIServer(HOST, 0, app, _SilentHandler)
    thread = Thread(target=server.serve_forever, args=(0.05,), name="demo-flask")
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
