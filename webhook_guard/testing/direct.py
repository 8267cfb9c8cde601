"""Calls an ASGI or WSGI app itself, as a server would, and returns its answer.

There is no server and no lifespan, and an ASGI app has an event loop of its own for each request. Headers reach the app
as they are given: repeated ones twice under ASGI, joined with a comma under WSGI, as servers do. What the app raises
reaches the caller.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from typing import Any, TypeAlias
from urllib.parse import unquote, unquote_to_bytes
from wsgiref.util import setup_testing_defaults

import msgspec

from webhook_guard.testing.requests import HeaderPairs

#: Takes the method, the path, the headers and the body, and returns the answer.
Send: TypeAlias = Callable[[str, str, HeaderPairs, bytes], Any]

#: As Starlette's and Django's test clients have it, and as Django's test runner allows it.
_HOST = "testserver"


class Response(msgspec.Struct, frozen=True):
    """The answer of an app that was called itself.

    Attributes:
        status_code: The HTTP status.
        headers: By lower-case name; repeated ones are joined with a comma and a space.
        content: The body.
    """

    status_code: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the body, decoded.

        Raises:
            ValueError: It is no JSON.
        """
        return json.loads(self.content)


def caller(app: Any) -> Send:
    """Return what calls `app`, and returns its `Response`.

    Args:
        app: An ASGI or WSGI app.

    Raises:
        RuntimeError: It is an ASGI app, and an event loop is running already.
    """
    if not _is_asgi(app):
        return partial(_call_wsgi, app)
    _refuse_in_a_running_loop()
    return partial(_call_asgi, app)


def encoded(headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    """Return headers as they are on the line."""
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


def joined(headers: Iterable[tuple[str, str]], separator: str = ", ") -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined."""
    fields: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        fields[key] = f"{fields[key]}{separator}{value}" if key in fields else value
    return fields


def _is_asgi(app: Any) -> bool:
    while isinstance(app, partial):
        app = app.func
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)


def _refuse_in_a_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop is running, so the ASGI app can't be called in one of its own: make the test a plain function,"
        " or await webhook.post(client, ...) with client = httpx.AsyncClient(transport=httpx.ASGITransport(app),"
        f' base_url="http://{_HOST}")'
    )


def _call_asgi(app: Any, method: str, path: str, headers: HeaderPairs, body: bytes) -> Response:
    path, _, query = path.partition("?")
    headers = [("host", _HOST), ("content-length", str(len(body))), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in encoded(headers)],
        "client": ("127.0.0.1", 50000),
        "server": (_HOST, 80),
    }
    # With a factory of its own, it leaves the thread's current event loop alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_exchange(app, scope, body))


async def _exchange(app: Any, scope: dict[str, Any], body: bytes) -> Response:
    requests = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(scope, receive, send)
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        raise _no_answer()
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
    return Response(start["status"], joined(fields), b"".join(message.get("body", b"") for message in sent))


def _call_wsgi(app: Any, method: str, path: str, headers: HeaderPairs, body: bytes) -> Response:
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        # As PEP 3333 has it: the bytes of the path as Latin-1 text.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": _HOST,
        "HTTP_HOST": _HOST,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    environ.update({_variable(name): value for name, value in joined(headers, ",").items()})
    setup_testing_defaults(environ)
    return _answer_of(app, environ)


def _answer_of(app: Any, environ: dict[str, Any]) -> Response:
    started: list[tuple[str, HeaderPairs]] = []
    parts: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return parts.append

    chunks = app(environ, start_response)
    try:
        parts.extend(chunks)
    finally:
        close: Callable[[], object] = getattr(chunks, "close", bool)
        close()
    if not started:
        raise _no_answer()
    status, headers = started[-1]  # the last one counts, where an error came after the first
    return Response(int(status.split()[0]), joined(headers), b"".join(parts))


def _no_answer() -> RuntimeError:
    return RuntimeError("the app returned without an answer")


def _variable(name: str) -> str:
    """Return the key of a header in the environ."""
    variable = name.upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"
