"""Guarded apps, called without a server: of many requests at the same moment, each in a thread or a task of its own."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, NamedTuple, TypeAlias

from webhook_guard import ASGIWebhookMiddleware, WSGIWebhookMiddleware

from faults.work import ATTEMPT, MANNER, SECONDS, Manner
from support import BODY, PATH, signed, variable


class Reply(NamedTuple):
    """What a request was answered with."""

    status: int
    body: bytes

    @property
    def reason(self) -> str | None:
        """The reason, if the guard answered."""
        return json.loads(self.body)["reason"] if self.body.startswith(b"{") else None


Call: TypeAlias = Callable[[dict[str, str]], Awaitable[Reply]]


def attempt(number: str, webhook_id: str, seconds: float = 0) -> dict[str, str]:
    """Return the headers of an attempt at which the handler works for some seconds, and succeeds."""
    headers = signed(webhook_id=webhook_id, timestamp=int(time.time()))
    return {**headers, ATTEMPT: number, MANNER: Manner.WORKS, SECONDS: str(seconds)}


@asynccontextmanager
async def calling(app: WSGIWebhookMiddleware | ASGIWebhookMiddleware, threads: int) -> AsyncGenerator[Call]:
    """Give what calls `app` with headers.

    Args:
        app: What is called.
        threads: In how many at a time, if it is a WSGI app.
    """
    if isinstance(app, ASGIWebhookMiddleware):
        yield lambda headers: _call_asgi(app, headers)
        return
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(threads) as pool:
        yield lambda headers: loop.run_in_executor(pool, _call_wsgi, app, headers)


def _call_wsgi(app: WSGIWebhookMiddleware, headers: dict[str, str]) -> Reply:
    environ: dict[str, Any] = {variable(name): value for name, value in headers.items()}
    request = {"REQUEST_METHOD": "POST", "PATH_INFO": PATH, "CONTENT_LENGTH": str(len(BODY))}
    statuses: list[str] = []

    def start_response(status: str, _headers: object, _exc_info: object = None) -> Any:
        statuses.append(status)

    parts = app({**environ, **request, "wsgi.input": BytesIO(BODY)}, start_response)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    return Reply(int(statuses[-1][:3]), body)


async def _call_asgi(app: ASGIWebhookMiddleware, headers: dict[str, str]) -> Reply:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": PATH, "headers": pairs}, receive, send)
    return Reply(sent[0]["status"], b"".join(message.get("body", b"") for message in sent))
