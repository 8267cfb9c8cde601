"""Quart."""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from typing import Any, cast

from quart import Quart, request

from webhook_guard import ASGIWebhookMiddleware

from frameworks import kit
from frameworks.starlette import mount


async def openai() -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(request.scope, request)


async def json() -> dict[str, Any]:
    """Answer with the body, decoded by Quart."""
    return kit.decoded("json", await request.get_json())


async def raw() -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", cast(bytes, await request.get_data()))


async def stream() -> dict[str, Any]:
    """Answer with the body, read in pieces."""
    return kit.read("stream", b"".join([chunk async for chunk in request.body]))


async def upload() -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    with closing((await request.files)["file"]) as file:
        return kit.uploaded(file.read())


def app() -> Quart:
    """Return the app."""
    quart = Quart(__name__)
    for path, handler in zip(kit.UNDECLARED, (openai, json, raw, stream), strict=True):
        quart.post(path)(handler)
    quart.post(kit.UPLOAD)(upload)
    return quart


def own() -> Quart:
    """Return the app with the guard where Quart has its middleware."""
    quart = app()
    quart.asgi_app = ASGIWebhookMiddleware(quart.asgi_app, **kit.options())  # type: ignore[method-assign]  # as in Quart's docs
    return quart


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through its `test_client`."""

    async def answer() -> tuple[int, Any]:
        response = await own().test_client().post(path, data=body, headers=dict(headers))
        return response.status_code, await response.get_json()

    return asyncio.run(answer())


FRAMEWORK = kit.Framework(
    name="Quart",
    interface="asgi",
    ways=kit.ways(ASGIWebhookMiddleware, app, own=own, mount=mount),
    post=post,
    limits={
        "declared": kit.asks_the_request("https://quart.palletsprojects.com/en/latest/how_to_guides/request_body.html"),
    },
)
