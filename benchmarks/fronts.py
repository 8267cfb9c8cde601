"""The fronts, in process: the app is called as a server calls it, with the whole body already there.

Each contender ends in the same bare app, which reads the body and answers 200.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from io import BytesIO
from itertools import repeat
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from openai import OpenAI
from starlette.datastructures import Headers
from werkzeug.datastructures import EnvironHeaders

from benchmarks.delivery import BODY, JUNK, OTHER_SECRET, PATH, SECRET, environ, scope, signed
from benchmarks.results import Row, Target, at_most
from benchmarks.timing import Batch, calls, compare
from webhook_guard import ASGIWebhookMiddleware, WSGIWebhookMiddleware

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

ASGIApp: TypeAlias = Callable[..., Coroutine[Any, Any, None]]

_client = OpenAI(api_key="none")


def rows() -> Iterator[Row]:
    """Compare the fronts."""
    with asyncio.Runner() as runner:
        yield _asgi(runner)
        yield _wsgi()
        yield _refusals(runner)


def _asgi(runner: asyncio.Runner) -> Row:
    request = scope(signed())
    apps = {"bare app": _asgi_app, "guard": _guarded_asgi(), "SDK in the handler": _asgi_app_with_sdk}
    seconds = compare({name: _asgi_batch(runner, app, request, 200) for name, app in apps.items()})
    return Row("ASGI: one delivery", seconds, targets=_added(*seconds.values()))


def _wsgi() -> Row:
    apps: dict[str, WSGIApplication] = {
        "bare app": _wsgi_app,
        "guard": WSGIWebhookMiddleware(_wsgi_app, path=PATH, secret=SECRET),
        "SDK in the handler": _wsgi_app_with_sdk,
    }
    seconds = compare({name: _wsgi_batch(app, environ(signed())) for name, app in apps.items()})
    return Row("WSGI: one delivery", seconds, targets=_added(*seconds.values()))


def _refusals(runner: asyncio.Runner) -> Row:
    garbage = JUNK | {"webhook-id": "\x7f" * 300, "webhook-timestamp": "-1e9", "webhook-signature": "," * 300}
    requests = {
        "acceptance": (signed(), 200),
        "junk: no webhook headers": (JUNK, 400),
        "junk: garbage in them": (garbage, 400),
        "forged signature": (signed(OTHER_SECRET), 400),
    }
    app = _guarded_asgi()
    seconds = compare(
        {name: _asgi_batch(runner, app, scope(headers), status) for name, (headers, status) in requests.items()}
    )
    accepted, *junk, _ = seconds.values()
    target = at_most("the time of a junk head, in that of an acceptance", max(junk) / accepted, 1)
    return Row("Refusals by the ASGI guard", seconds, targets=(target,))


def _added(bare: float, guarded: float, with_sdk: float) -> tuple[Target, ...]:
    share = (guarded - bare) / (with_sdk - bare)
    return (at_most("what the guard adds, in what the SDK adds", share, 1 / 6),)


def _guarded_asgi() -> ASGIApp:
    return ASGIWebhookMiddleware(_asgi_app, path=PATH, secret=SECRET)


async def _asgi_app(_scope: Any, receive: Any, send: Any) -> None:
    await receive()  # the whole body, in one message
    await _asgi_ok(send)


async def _asgi_app_with_sdk(request: Any, receive: Any, send: Any) -> None:
    body = (await receive())["body"]
    _client.webhooks.unwrap(body, Headers(scope=request), secret=SECRET)
    await _asgi_ok(send)


async def _asgi_ok(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _asgi_batch(runner: asyncio.Runner, app: ASGIApp, request: dict[str, Any], status: int) -> Batch:
    statuses: list[int | None] = []
    runner.run(app(request, _receive, partial(_note, statuses)))
    _check(statuses[0], status)
    return lambda times: runner.run(_call(app, request, times))


async def _call(app: ASGIApp, request: dict[str, Any], times: int) -> float:
    start = perf_counter()
    for _ in repeat(None, times):
        await app(request, _receive, _send)
    return perf_counter() - start


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": BODY, "more_body": False}


async def _send(_message: Any) -> None:
    pass


async def _note(statuses: list[int | None], message: Any) -> None:
    statuses.append(message.get("status"))


def _wsgi_app(request: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
    request["wsgi.input"].read(int(request["CONTENT_LENGTH"]))
    start_response("200 OK", [("content-length", "0")])
    return [b""]


def _wsgi_app_with_sdk(request: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
    body = request["wsgi.input"].read(int(request["CONTENT_LENGTH"]))
    _client.webhooks.unwrap(body, EnvironHeaders(request), secret=SECRET)
    start_response("200 OK", [("content-length", "0")])
    return [b""]


def _wsgi_batch(app: "WSGIApplication", request: dict[str, Any]) -> Batch:
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        statuses[:] = [status]
        return bytes  # never called: PEP 3333 asks for something to write with

    def call() -> None:
        # A copy for every contender, because a guard may write to it.
        app({**request, "wsgi.input": BytesIO(BODY)}, start_response)

    call()
    _check(int(statuses[0][:3]), 200)
    return calls(call)


def _check(status: int | None, expected: int) -> None:
    if status != expected:
        raise RuntimeError(f"a contender answered {status}, and not {expected}: its time would mean nothing")
