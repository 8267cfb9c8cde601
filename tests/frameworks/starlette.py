"""Starlette."""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from webhook_guard import ASGIWebhookMiddleware

from frameworks import kit


async def openai(request: Request) -> JSONResponse:
    """Answer with the event."""
    return JSONResponse(kit.seen(request.scope, request))


async def json(request: Request) -> JSONResponse:
    """Answer with the body, decoded by Starlette."""
    return JSONResponse(kit.decoded("json", await request.json()))


async def raw(request: Request) -> JSONResponse:
    """Answer with the body."""
    return JSONResponse(kit.read("raw", await request.body()))


async def stream(request: Request) -> JSONResponse:
    """Answer with the body, read in pieces."""
    return JSONResponse(kit.read("stream", b"".join([chunk async for chunk in request.stream()])))


async def upload(request: Request) -> JSONResponse:
    """Answer with the size of the uploaded file."""
    async with request.form() as form:
        file = form["file"]
        assert isinstance(file, UploadFile)
        return JSONResponse(kit.uploaded(await file.read()))


def app(**options: Any) -> Starlette:
    """Return the app."""
    handlers = {"/webhooks/openai": openai, "/webhooks/json": json, "/webhooks/raw": raw, "/webhooks/stream": stream}
    routes = [Route(path, handler, methods=["POST"]) for path, handler in handlers.items()]
    return Starlette(routes=[*routes, Route(kit.UPLOAD, upload, methods=["POST"])], **options)


def own() -> Starlette:
    """Return the app with the guard in its list of middleware."""
    return app(middleware=[Middleware(ASGIWebhookMiddleware, **kit.options())])


def mount(inner: kit.App, **options: Any) -> Starlette:
    """Return an app that has another ASGI app mounted, of a framework that mounts none itself too."""
    return Starlette(routes=[Mount(kit.MOUNT, inner)], **options)


def own_around_mount() -> Starlette:
    """Return an app with the guard in its list of middleware, and another one mounted."""
    return mount(app(), middleware=[Middleware(ASGIWebhookMiddleware, **kit.options(kit.MOUNT))])


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through `starlette.testclient`."""
    response = TestClient(own()).post(path, content=body, headers=headers)
    return response.status_code, response.json()


FRAMEWORK = kit.Framework(
    name="Starlette",
    interface="asgi",
    ways={
        **kit.ways(ASGIWebhookMiddleware, app, own=own, mount=mount),
        "own_around_mount": own_around_mount,
    },
    post=post,
    limits={
        "declared": kit.asks_the_request("https://starlette.dev/requests/"),
    },
)
