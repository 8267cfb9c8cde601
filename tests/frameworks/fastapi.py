"""FastAPI."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request, UploadFile
from fastapi.testclient import TestClient

from webhook_guard import ASGIWebhookMiddleware

from frameworks import kit


async def openai(request: Request) -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(request.scope, request)


async def json(request: Request) -> dict[str, Any]:
    """Answer with the body, decoded by Starlette."""
    return kit.decoded("json", await request.json())


async def raw(request: Request) -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", await request.body())


async def stream(request: Request) -> dict[str, Any]:
    """Answer with the body, read in pieces."""
    return kit.read("stream", b"".join([chunk async for chunk in request.stream()]))


async def declared(event: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Answer with the body, as FastAPI passes it to whoever declares it."""
    return kit.decoded("declared", event)


async def upload(file: UploadFile) -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    return kit.uploaded(await file.read())


def app() -> FastAPI:
    """Return the app."""
    api = FastAPI()
    handlers: list[Callable[..., Any]] = [openai, json, raw, stream, declared, upload]
    for path, handler in zip([*kit.PATHS, kit.UPLOAD], handlers, strict=True):
        api.add_api_route(path, handler, methods=["POST"])
    return api


def own() -> FastAPI:
    """Return the app with the guard in its list of middleware."""
    api = app()
    api.add_middleware(ASGIWebhookMiddleware, **kit.options())
    return api


def mount(inner: kit.App) -> FastAPI:
    """Return an app that has another ASGI app mounted."""
    outer = FastAPI()
    outer.mount(kit.MOUNT, inner)
    return outer


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through `fastapi.testclient`."""
    response = TestClient(own()).post(path, content=body, headers=headers)
    return response.status_code, response.json()


FRAMEWORK = kit.Framework(
    name="FastAPI",
    interface="asgi",
    ways=kit.ways(ASGIWebhookMiddleware, app, own=own, mount=mount),
    post=post,
)
