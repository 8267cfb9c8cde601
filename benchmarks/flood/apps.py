"""A server and its app: uvicorn with httptools on asyncio's own loop, one worker, its settings and Python's left alone.

The bare app reads the whole body in the plain way, Starlette's, and answers 204 whatever it is. The guarded one is the
same behind the middleware. In FastAPI's a handler does that. Off the path of the webhooks, each says what it has seen.

    python -m benchmarks.flood.apps CONTENDER SOCKET BODY_TIMEOUT
"""

import asyncio
import gc
import json
import logging
import signal
import socket
import sys
from typing import TYPE_CHECKING

import uvicorn

from benchmarks.delivery import PATH, SECRET
from webhook_guard import ASGIWebhookMiddleware
from webhook_guard.asgi import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from collections.abc import Callable

BARE, GUARDED, FASTAPI = "bare app", "guard", "FastAPI handler"
SEEN = "/seen"

#: Seconds after which a server ends even if who started it was killed, and could not end it.
_LONGEST = 300


class App:
    """The bare app."""

    def __init__(self) -> None:
        self._complete = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] == SEEN:
            await _answer(send, 200, json.dumps(self._seen()).encode())
        elif await _body(receive) is not None:
            self._complete += 1
            await _answer(send, 204)

    def _seen(self) -> dict[str, int]:
        # Two tasks are the server and this.
        return {
            "complete": self._complete,
            "waiting": len(asyncio.all_tasks()) - 2,
            "collections": gc.get_stats()[-1]["collections"],
        }


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None if the client goes away."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        if message["body"]:
            chunks.append(message["body"])
        if not message["more_body"]:
            return b"".join(chunks)


async def _answer(send: Send, status: int, body: bytes = b"") -> None:
    headers = [(b"content-length", b"%d" % len(body))] if body else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _guarded(body_timeout: float) -> ASGIApp:
    # What it logs goes nowhere: refusals are INFO, which is off by default, and one a minute is a warning.
    logging.getLogger("webhook_guard").addHandler(logging.NullHandler())
    return ASGIWebhookMiddleware(App(), path=PATH, secret=SECRET, body_timeout=body_timeout)


def _in_fastapi() -> ASGIApp:
    from fastapi import FastAPI, Request, Response  # noqa: PLC0415  not in the other servers' memory

    async def handle(request: Request) -> Response:
        await request.body()
        return Response(status_code=204)

    api = FastAPI()
    api.add_api_route(PATH, handle, methods=["POST"])
    api.mount("/", App())
    return api


def serve(contender: str, listening: socket.socket, body_timeout: float) -> None:
    """Serve until a signal ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for who started this
    signal.alarm(_LONGEST)
    apps: dict[str, Callable[[], ASGIApp]] = {BARE: App, GUARDED: lambda: _guarded(body_timeout), FASTAPI: _in_fastapi}
    app = apps[contender]()
    config = uvicorn.Config(app, http="httptools", loop="asyncio", lifespan="off", log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])), float(sys.argv[3]))
