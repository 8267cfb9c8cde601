"""Flask."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from flask import Flask, request
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from webhook_guard import WSGIWebhookMiddleware

from frameworks import kit


def openai() -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(request.environ, request)


def json() -> dict[str, Any]:
    """Answer with the body, decoded by Flask."""
    return kit.decoded("json", request.get_json())


def raw() -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", request.get_data())


def stream() -> dict[str, Any]:
    """Answer with the body, read in pieces."""
    return kit.read("stream", b"".join(iter(lambda: request.stream.read(100), b"")))


def upload() -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    with closing(request.files["file"]) as file:
        return kit.uploaded(file.read())


def app() -> Flask:
    """Return the app."""
    flask = Flask(__name__)
    for path, handler in zip(kit.UNDECLARED, (openai, json, raw, stream), strict=True):
        flask.post(path)(handler)
    flask.post(kit.UPLOAD)(upload)
    return flask


def own() -> Flask:
    """Return the app with the guard where Flask has its middleware."""
    flask = app()
    flask.wsgi_app = WSGIWebhookMiddleware(flask.wsgi_app, **kit.options())  # type: ignore[method-assign]  # as in Flask's docs
    return flask


def mount(inner: kit.App) -> DispatcherMiddleware:
    """Return an app that has another WSGI app mounted, as Flask's documentation does; others use it too."""
    return DispatcherMiddleware(NotFound(), {kit.MOUNT: inner})


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through its `test_client`."""
    response = own().test_client().post(path, data=body, headers=dict(headers))
    return response.status_code, response.get_json()


FRAMEWORK = kit.Framework(
    name="Flask",
    interface="wsgi",
    ways=kit.ways(WSGIWebhookMiddleware, app, own=own, mount=mount),
    post=post,
    limits={
        "declared": kit.asks_the_request(
            "https://flask.palletsprojects.com/en/stable/quickstart/#accessing-request-data"
        ),
    },
)
