"""A guarded ASGI app on uvicorn and a guarded Flask app on Werkzeug, each in a thread, on a free loopback port."""

import logging
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
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
from webhook_guard.demo.client import HOST
from webhook_guard.demo.scenarios import PATH, VECTOR_PATH, VECTOR_SECRET, VECTOR_TIME
from webhook_guard.events import ResponseCompleted

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


@contextmanager
def running(secret: list[str]) -> Generator[tuple[Server, Server], None, None]:
    """Run both servers, guarded with `secret`; they are gone without a trace at the end."""
    asgi_seen: list[Seen] = []
    wsgi_seen: list[Seen] = []
    with ExitStack() as stack:
        for name in ("uvicorn.error", "uvicorn.access"):
            stack.enter_context(silenced(name))
        asgi_port = stack.enter_context(_uvicorn(_asgi_app(secret, asgi_seen)))
        wsgi_port = stack.enter_context(_werkzeug(_flask_app(secret, wsgi_seen)))
        yield Server("uvicorn", asgi_port, asgi_seen), Server("Flask", wsgi_port, wsgi_seen)


@contextmanager
def silenced(name: str) -> Generator[None, None, None]:
    """Drop what the logger `name` has to say meanwhile."""
    logger = logging.getLogger(name)
    logger.addFilter(_drop)
    try:
        yield
    finally:
        logger.removeFilter(_drop)


def _drop(_: logging.LogRecord) -> bool:
    return False


def _asgi_app(secret: list[str], seen: list[Seen]) -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(_see(scope))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": _ANSWER.encode()})

    guarded = ASGIWebhookMiddleware(app, path=PATH, secret=secret)
    return ASGIWebhookMiddleware(guarded, path=VECTOR_PATH, secret=VECTOR_SECRET, clock=_vector_clock)


def _flask_app(secret: list[str], seen: list[Seen]) -> flask.Flask:
    app = flask.Flask(__name__, static_folder=None)

    # Not a route, so that it sees whatever gets past the guard.
    @app.before_request
    def receive() -> str:  # pyright: ignore[reportUnusedFunction]  Flask calls it
        seen.append(_see(flask.request))
        return _ANSWER

    guarded = WSGIWebhookMiddleware(app.wsgi_app, path=PATH, secret=secret)
    wsgi_app = WSGIWebhookMiddleware(guarded, path=VECTOR_PATH, secret=VECTOR_SECRET, clock=_vector_clock)
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
