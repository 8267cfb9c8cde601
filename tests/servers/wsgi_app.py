"""The app that gunicorn serves, and the guard in front of it."""

import json
import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from webhook_guard import WSGIWebhookMiddleware, get_event

from servers.client import LIMIT, TIMEOUT
from support import PATH, SECRET, clock

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: The webhook id of each request that reached the app, verified or not.
_calls: list[str] = []


def _start(start_response: "StartResponse") -> None:
    start_response("200 OK", [("content-type", "text/plain")])


def _knock(environ: "WSGIEnvironment") -> None:
    """Tell the test that this point is reached, and go on when it has taken note."""
    with socket.create_connection(("127.0.0.1", int(environ["HTTP_X_GATE"])), TIMEOUT) as gate:
        gate.recv(1)


def _describe(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    event = get_event(environ)
    body = environ["wsgi.input"].read()
    _start(start_response)
    facts = {"type": event.type, "body": body.decode(), "length": environ["CONTENT_LENGTH"]}
    return [json.dumps(facts).encode()]


def _stream(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
    _start(start_response)
    yield b"first"
    _knock(environ)
    yield b"second"


class _Closable:
    """An iterable with a `close` that knocks."""

    def __init__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> None:
        self._environ = environ
        _start(start_response)

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"all"])

    def close(self) -> None:
        """End what the response held."""
        _knock(self._environ)


def _fail(_environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
    raise RuntimeError("the app's own")


def _upload(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    size = len(environ["wsgi.input"].read())
    _start(start_response)
    return [b"%d" % size]


def _list_calls(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    _start(start_response)
    return [json.dumps(_calls).encode()]


_GUARDED: "dict[str, WSGIApplication]" = {
    PATH: _describe,
    "/webhooks/stream": _stream,
    "/webhooks/closable": _Closable,
    "/webhooks/fail": _fail,
}
_ROUTES: "dict[str, WSGIApplication]" = {**_GUARDED, "/calls": _list_calls, "/upload": _upload, "/fail": _fail}


def _route(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    _calls.append(environ.get("HTTP_WEBHOOK_ID", ""))
    return _ROUTES[environ["PATH_INFO"]](environ, start_response)


app = WSGIWebhookMiddleware(_route, path=_GUARDED, secret=SECRET, max_body_size=LIMIT, clock=clock)
