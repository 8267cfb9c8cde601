"""What every server serves: many apps at once, of which a request picks one with the header ``x-app``.

    recorder                    notes each request that reaches it, behind the guard of the scenarios
    journal                     what the recorder and the guards' log have noted, by webhook id
    frameworks:NAME:WAY         an app of a framework, of `frameworks.catalogue`
    handlers:NAME:WAY           a handler with manners of its own, of `servers.asgi_handlers` or `servers.wsgi_handlers`

The choice is made outside of the guards, and hands on everything as the server gave it.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from webhook_guard import ASGIWebhookMiddleware, NotVerifiedError, WSGIWebhookMiddleware, get_delivery, get_event
from webhook_guard.asgi import ASGIApp, Receive, Scope, Send

from servers.client import LIMIT, TIMEOUT
from support import PATH, SECRET, clock

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: A guarded path whose guard waits for a body only so many seconds.
IMPATIENT_PATH, SHORT_TIMEOUT = "/webhooks/impatient", 0.2
#: Where a server serves its app, if it is told to.
PREFIX = "/prefix"

#: By webhook id, what became of each request with it: "called" with the type of its event, or a reason.
_journal: defaultdict[str, list[str]] = defaultdict(list)


class _Journalist(logging.Handler):
    """Notes each refusal that a guard logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Note `record`."""
        facts: Any = record
        _journal[facts.webhook_id].append(facts.reason)


_logger = logging.getLogger("webhook_guard")
_logger.setLevel(logging.INFO)
_logger.propagate = False
_logger.addHandler(_Journalist())


def _noted(request: Scope, webhook_id: str, body: bytes) -> bytes:
    """Note that a request reached the app, and what the app saw of it."""
    try:
        kind = get_event(request).type if get_delivery(request).body == body else "another body than the signed one"
    except NotVerifiedError:
        kind = "unverified"
    _journal[webhook_id].append(f"called: {kind}")
    return kind.encode()


async def _asgi_recorder(scope: Scope, receive: Receive, send: Send) -> None:
    names = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    body, more_body = b"", True
    while more_body:
        message = await receive()
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    await _asgi_answer(send, _noted(scope, names.get(b"webhook-id", ""), body))


async def _asgi_journal(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _asgi_answer(send, json.dumps(_journal).encode())


async def _asgi_answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _wsgi_recorder(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    return _wsgi_answer(start_response, _noted(environ, environ.get("HTTP_WEBHOOK_ID", ""), body))


def _wsgi_journal(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    return _wsgi_answer(start_response, json.dumps(_journal).encode())


def _wsgi_answer(start_response: "StartResponse", body: bytes) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
    return [body]


@cache
def _asgi_app(choice: str) -> ASGIApp:
    match choice.split(":"):
        case ["recorder"]:
            patient = ASGIWebhookMiddleware(
                _asgi_recorder, path=PATH, secret=SECRET, max_body_size=LIMIT, body_timeout=TIMEOUT, clock=clock
            )
            return ASGIWebhookMiddleware(
                patient, path=IMPATIENT_PATH, secret=SECRET, body_timeout=SHORT_TIMEOUT, clock=clock
            )
        case ["journal"]:
            return _asgi_journal
        case words:
            app: ASGIApp = _app_of("servers.asgi_handlers", words)
            return app


@cache
def _wsgi_app(choice: str) -> "WSGIApplication":
    match choice.split(":"):
        case ["recorder"]:
            return WSGIWebhookMiddleware(
                _wsgi_recorder, path=(PATH, IMPATIENT_PATH), secret=SECRET, max_body_size=LIMIT, clock=clock
            )
        case ["journal"]:
            return _wsgi_journal
        case words:
            app: WSGIApplication = _app_of("servers.wsgi_handlers", words)
            return app


def _app_of(handlers: str, words: list[str]) -> Any:
    catalogue, name, way = words
    if catalogue == "handlers":
        return import_module(handlers).app(name, way)
    return import_module("frameworks.catalogue").FRAMEWORKS[name].ways[way]()


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the app that the request asks for."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    choice = next((value.decode() for name, value in scope["headers"] if name == b"x-app"), "recorder")
    await _asgi_app(choice)(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


def wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Serve the app that the request asks for."""
    return _wsgi_app(environ.get("HTTP_X_APP", "recorder"))(environ, start_response)
