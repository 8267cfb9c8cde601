"""Falcon under ASGI."""

from collections.abc import Mapping
from typing import Any

from falcon.asgi import App, Request, Response
from falcon.testing import TestClient

from webhook_guard import ASGIWebhookMiddleware

from frameworks import kit


class Webhook:
    """Answers in the way of its suffix."""

    async def on_post_openai(self, req: Request, resp: Response) -> None:
        """Answer with the event."""
        resp.media = kit.seen(req.scope, req)

    async def on_post_json(self, req: Request, resp: Response) -> None:
        """Answer with the body, decoded by Falcon."""
        resp.media = kit.decoded("json", await req.get_media())

    async def on_post_raw(self, req: Request, resp: Response) -> None:
        """Answer with the body."""
        resp.media = kit.read("raw", await req.stream.read())

    async def on_post_stream(self, req: Request, resp: Response) -> None:
        """Answer with the body, read in pieces."""
        resp.media = kit.read("stream", b"".join([chunk async for chunk in req.stream]))

    async def on_post_upload(self, req: Request, resp: Response) -> None:
        """Answer with the size of the uploaded file."""
        (content,) = [await part.stream.read() async for part in await req.get_media()]
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
    guarded = ASGIWebhookMiddleware(app(), **kit.options())
    response = TestClient(guarded).simulate_post(path, body=body, headers=dict(headers))
    return response.status_code, response.json


# https://asgi.readthedocs.io/en/stable/specs/www.html#http-connection-scope has the root path at the head of the path.
_WHOLE_PATH = "Under ASGI it routes by the whole path: add the prefix to its routes."
_SOURCE = "https://github.com/falconry/falcon/blob/4.4.0/falcon/asgi/request.py#L172"
FRAMEWORK = kit.Framework(
    name="Falcon (ASGI)",
    interface="asgi",
    ways=kit.ways(ASGIWebhookMiddleware, app),
    post=post,
    limits={
        "declared": kit.asks_the_request("https://falcon.readthedocs.io/en/stable/api/media.html"),
        "own": kit.middleware_of_its_own("https://falcon.readthedocs.io/en/stable/api/middleware.html"),
        "around_mount": kit.Limit(_WHOLE_PATH, _SOURCE),
        "inside_mount": kit.Limit(_WHOLE_PATH, _SOURCE),
        "prefix": kit.Limit(_WHOLE_PATH, _SOURCE, tried=True),
    },
)
