"""Litestar."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Litestar, Request, asgi, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.middleware import DefineMiddleware
from litestar.params import Body
from litestar.testing import TestClient

from webhook_guard import ASGIWebhookMiddleware

from frameworks import kit

AnyRequest = Request[Any, Any, Any]


@post("/webhooks/openai", status_code=200)
async def openai(request: AnyRequest) -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(request.scope, request)


@post("/webhooks/json", status_code=200)
async def json(request: AnyRequest) -> dict[str, Any]:
    """Answer with the body, decoded by Litestar."""
    return kit.decoded("json", await request.json())


@post("/webhooks/raw", status_code=200)
async def raw(request: AnyRequest) -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", await request.body())


@post("/webhooks/stream", status_code=200)
async def stream(request: AnyRequest) -> dict[str, Any]:
    """Answer with the body, read in pieces."""
    return kit.read("stream", b"".join([chunk async for chunk in request.stream()]))


@post("/webhooks/declared", status_code=200)
async def declared(data: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Answer with the body, as Litestar passes it to whoever declares `data`."""
    return kit.decoded("declared", data)


@post(kit.UPLOAD, status_code=200)
async def upload(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    return kit.uploaded(await data["file"].read())


def app(**options: Any) -> Litestar:
    """Return the app; without Litestar's logging, which starts a thread that pytest would wait for."""
    return Litestar([openai, json, raw, stream, declared, upload], logging_config=None, **options)


def own() -> Litestar:
    """Return the app with the guard in its list of middleware."""
    guard = DefineMiddleware(ASGIWebhookMiddleware, **kit.options())
    return app(middleware=[guard])


def mount(inner: kit.App, **options: Any) -> Litestar:
    """Return an app that has another ASGI app mounted."""

    @asgi(kit.MOUNT, is_mount=True, copy_scope=True)
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return Litestar([mounted], logging_config=None, **options)


def own_around_mount() -> Litestar:
    """Return an app with the guard in its list of middleware, which Litestar calls with the path below the mount."""
    return mount(app(), middleware=[DefineMiddleware(ASGIWebhookMiddleware, **kit.options(kit.MOUNT))])


def post_to_own(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through `litestar.testing`."""
    with TestClient(own()) as client:
        response = client.post(path, content=body, headers=headers)
        return response.status_code, response.json()


FRAMEWORK = kit.Framework(
    name="Litestar",
    interface="asgi",
    ways={
        **kit.ways(ASGIWebhookMiddleware, app, own=own, mount=mount),
        "own_around_mount": own_around_mount,
    },
    post=post_to_own,
)
