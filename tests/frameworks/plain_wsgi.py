"""A WSGI app without a framework. Only uploads are read with a library: the form of multipart is not WSGI's."""

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from werkzeug.formparser import parse_form_data
from werkzeug.test import Client

from webhook_guard import WSGIWebhookMiddleware

from frameworks import kit
from frameworks.flask import mount

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def openai(environ: "WSGIEnvironment") -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(environ, environ)


def decode(environ: "WSGIEnvironment") -> dict[str, Any]:
    """Answer with the body, decoded."""
    return kit.decoded("json", json.loads(body(environ)))


def raw(environ: "WSGIEnvironment") -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", body(environ))


def stream(environ: "WSGIEnvironment") -> dict[str, Any]:
    """Answer with the body, read in pieces."""
    left = int(environ["CONTENT_LENGTH"])
    read = bytearray()
    while piece := environ["wsgi.input"].read(min(left - len(read), 100)):
        read += piece
    return kit.read("stream", bytes(read))


def body(environ: "WSGIEnvironment") -> bytes:
    """Return the body."""
    content: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return content


def upload(environ: "WSGIEnvironment") -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    _, _, files = parse_form_data(environ)
    with closing(files["file"]) as file:
        return kit.uploaded(file.read())


HANDLERS = dict(zip(kit.UNDECLARED, (openai, decode, raw, stream), strict=True)) | {kit.UPLOAD: upload}


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer one request."""
    handler = HANDLERS.get(environ["PATH_INFO"])
    answer = handler(environ) if handler else {"detail": "not found"}
    start_response("200 OK" if handler else "404 Not Found", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def app() -> kit.App:
    """Return the app."""
    return application


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through Werkzeug's test client."""
    response = Client(WSGIWebhookMiddleware(application, **kit.options())).post(path, data=body, headers=dict(headers))
    return response.status_code, response.json


_NONE = kit.no_framework("https://peps.python.org/pep-3333/")
FRAMEWORK = kit.Framework(
    name="plain WSGI",
    interface="wsgi",
    ways=kit.ways(WSGIWebhookMiddleware, app, mount=mount),
    post=post,
    limits={"declared": _NONE, "own": _NONE},
)
