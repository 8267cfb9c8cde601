"""Bottle."""

from collections.abc import Mapping
from typing import Any

from bottle import Bottle, request

from webhook_guard import WSGIWebhookMiddleware

from frameworks import kit


def openai() -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(request.environ, request)


def json() -> dict[str, Any]:
    """Answer with the body, decoded by Bottle."""
    return kit.decoded("json", request.json)


def raw() -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", request.body.read())


def stream() -> dict[str, Any]:
    """Answer with the body, read in pieces."""
    body = request.body  # once: each time that it is asked for, it starts again
    return kit.read("stream", b"".join(iter(lambda: body.read(100), b"")))


def upload() -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    return kit.uploaded(request.files["file"].file.read())


def app() -> Bottle:
    """Return the app."""
    bottle = Bottle()
    for path, handler in zip(kit.UNDECLARED, (openai, json, raw, stream), strict=True):
        bottle.post(path, callback=handler)
    bottle.post(kit.UPLOAD, callback=upload)
    return bottle


def mount(inner: kit.App) -> Bottle:
    """Return an app that has another WSGI app mounted."""
    outer = Bottle()
    outer.mount(kit.MOUNT + "/", inner)
    return outer


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through WebTest, as Bottle's documentation does."""
    from webtest import TestApp  # noqa: PLC0415  it imports what is deprecated, which concerns this test only

    guarded = WSGIWebhookMiddleware(app(), **kit.options())
    response = TestApp(guarded).post(path, body, dict(headers), expect_errors=True)
    return response.status_int, response.json


FRAMEWORK = kit.Framework(
    name="Bottle",
    interface="wsgi",
    ways=kit.ways(WSGIWebhookMiddleware, app, mount=mount),
    post=post,
    limits={
        "declared": kit.asks_the_request("https://bottlepy.org/docs/dev/tutorial.html#request-data"),
        "own": kit.middleware_of_its_own("https://bottlepy.org/docs/dev/plugins/index.html"),
    },
)
