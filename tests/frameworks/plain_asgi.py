"""An ASGI app without a framework. Only uploads are read with a library: the form of multipart is not ASGI's."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from asgiref.testing import ApplicationCommunicator
from starlette.datastructures import UploadFile
from starlette.requests import Request

from webhook_guard import ASGIWebhookMiddleware
from webhook_guard.asgi import Receive, Scope, Send

from frameworks import kit
from frameworks.starlette import mount


async def openai(scope: Scope, _receive: Receive) -> dict[str, Any]:
    """Answer with the event."""
    return kit.seen(scope, scope)


async def decode(_scope: Scope, receive: Receive) -> dict[str, Any]:
    """Answer with the body, decoded."""
    return kit.decoded("json", json.loads(b"".join(await chunks(receive))))


async def raw(_scope: Scope, receive: Receive) -> dict[str, Any]:
    """Answer with the body."""
    return kit.read("raw", b"".join(await chunks(receive)))


async def stream(_scope: Scope, receive: Receive) -> dict[str, Any]:
    """Answer with the body, put together from its messages."""
    body = bytearray()
    for chunk in await chunks(receive):
        body += chunk
    return kit.read("stream", bytes(body))


async def chunks(receive: Receive) -> list[bytes]:
    """Return the body, in the pieces that it comes in."""
    found: list[bytes] = []
    more_body = True
    while more_body:
        message = await receive()
        assert message["type"] == "http.request"
        found.append(message.get("body", b""))
        more_body = message.get("more_body", False)
    return found


async def upload(scope: Scope, receive: Receive) -> dict[str, Any]:
    """Answer with the size of the uploaded file."""
    async with Request(scope, receive).form() as form:
        file = form["file"]
        assert isinstance(file, UploadFile)
        return kit.uploaded(await file.read())


HANDLERS = dict(zip(kit.UNDECLARED, (openai, decode, raw, stream), strict=True)) | {kit.UPLOAD: upload}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])  # as the specification asks of an app without lifespan or websockets
    # The path is the whole one, with the root path (ASGI specification, "HTTP connection scope").
    handler = HANDLERS.get(scope["path"].removeprefix(scope.get("root_path", "")))
    answer = await handler(scope, receive) if handler else {"detail": "not found"}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200 if handler else 404, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def app() -> kit.App:
    """Return the app."""
    return application


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the app through asgiref's test client."""
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": fields}

    async def answer() -> tuple[int, Any]:
        guarded = ASGIWebhookMiddleware(application, **kit.options())
        communicator: Any = ApplicationCommunicator(guarded, scope)  # type: ignore[no-untyped-call]  # asgiref has no types here
        await communicator.send_input({"type": "http.request", "body": body})
        start, end = await communicator.receive_output(), await communicator.receive_output()
        return start["status"], json.loads(end["body"])

    return asyncio.run(answer())


_NONE = kit.no_framework("https://asgi.readthedocs.io/en/stable/specs/main.html")
FRAMEWORK = kit.Framework(
    name="plain ASGI",
    interface="asgi",
    ways=kit.ways(ASGIWebhookMiddleware, app, mount=mount),
    post=post,
    limits={"declared": _NONE, "own": _NONE},
)
