"""Falcon under WSGI."""

from collections.abc import Mapping
from typing import Any

from falcon import App, Request, Response
from falcon.testing import TestClient

from webhook_guard import WSGIWebhookMiddleware

from frameworks import kit
from frameworks.flask import mount


class Webhook:
    """Answers in the way of its suffix."""

    def on_post_openai(self, req: Request, resp: Response) -> None:
        """Answer with the event."""
        resp.media = kit.seen(req.env, req)

    def on_post_json(self, req: Request, resp: Response) -> None:
        """Answer with the body, decoded by Falcon."""
        resp.media = kit.decoded("json", req.get_media())

    def on_post_raw(self, req: Request, resp: Response) -> None:
        """Answer with the body."""
        resp.media = kit.read("raw", req.bounded_stream.read())

    def on_post_stream(self, req: Request, resp: Response) -> None:
        """Answer with the body, read in pieces."""
        resp.media = kit.read("stream", b"".join(iter(lambda: req.bounded_stream.read(100), b"")))

    def on_post_upload(self, req: Request, resp: Response) -> None:
        """Answer with the size of the uploaded file."""
        (content,) = [part.stream.read() for part in req.get_media()]
        resp.media = kit.uploaded(content)


def app() -> App[Request, Response]:
    """Return the app."""
    falcon = App()
    for suffix in ("openai", "json", "raw", "stream"):
        falcon.add_route(f"/webhooks/{suffix}", Webhook(), suffix=suffix)
    falcon.add_route(kit.UPLOAD, Webhook(), suffix="upload")
    return falcon


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through `falcon.testing`."""
    guarded = WSGIWebhookMiddleware(app(), **kit.options())
    response = TestClient(guarded).simulate_post(path, body=body, headers=dict(headers))
    return response.status_code, response.json


FRAMEWORK = kit.Framework(
    name="Falcon (WSGI)",
    interface="wsgi",
    ways=kit.ways(WSGIWebhookMiddleware, app, mount=mount),
    post=post,
    limits={
        "declared": kit.asks_the_request("https://falcon.readthedocs.io/en/stable/api/media.html"),
        "own": kit.middleware_of_its_own("https://falcon.readthedocs.io/en/stable/api/middleware.html"),
    },
)
