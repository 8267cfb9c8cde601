"""No path leads past the guard in any ASGI framework, whatever root path the server or an outer mount has set.

Servers make few root paths; `tests/servers/test_paths.py` tries those. Here the scope has any.
"""

import asyncio
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from frameworks import kit
from frameworks.catalogue import FRAMEWORKS
from support import BODY, OTHER_SECRET, PATH, signed

ROOT_PATHS = ("", "/", "//", "/prefix", "/prefix/", "prefix", "/p", kit.MOUNT, f"/prefix{kit.MOUNT}", "/webhooks", PATH)
PIECES = (*ROOT_PATHS[1:], "mounted", "x", "/x", "/.", "/..", "http://host", ";", "webhooks/openai")
APPS = [
    pytest.param((name, way), id=f"{name}, {way}")
    for name, framework in FRAMEWORKS.items()
    if framework.interface == "asgi"
    for way in framework.ways
    if way != "bare"
]
Headers: TypeAlias = list[tuple[bytes, bytes]]


def encoded(headers: dict[str, str]) -> Headers:
    """Return headers as ASGI has them."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


GENUINE, FORGED = encoded(signed()), encoded(signed(secret=OTHER_SECRET))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """An event loop."""
    with asyncio.Runner() as runner:
        yield runner


@cache
def app_of(name: str, way: str) -> kit.App:
    """Return an app, the same one each time."""
    return FRAMEWORKS[name].ways[way]()


async def answer_to(app: kit.App, path: str, root_path: str, headers: Headers = FORGED) -> bytes:
    """Return what is answered to a delivery."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(b"host", b"test"), (b"content-length", b"%d" % len(BODY)), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "extensions": {},
        "state": {},
    }
    messages = [{"type": "http.request", "body": BODY, "more_body": False}]
    parts: list[bytes] = []

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Future[None]()  # the client stays

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception as error:
        # Some paths are too strange for some frameworks, but none is for the guard.
        if raised_in(error) in ("webhook_guard", "sansio"):
            raise
    return b"".join(parts)


def raised_in(error: Exception) -> str:
    """Return the name of the folder of the module in which an error was raised."""
    return Path(extract_tb(error.__traceback__)[-1].filename).parent.name


@pytest.mark.parametrize("app", APPS)
def test_genuine(runner: asyncio.Runner, app: tuple[str, str]) -> None:
    """A genuine delivery reaches the handler, so that a forged one would if nothing kept it from it."""
    path = (kit.MOUNT if "mount" in app[1] else "") + PATH
    assert b'"handler"' in runner.run(answer_to(app_of(*app), path, "", GENUINE))


@pytest.mark.parametrize("app", APPS)
@settings(max_examples=400)
@given(
    root_path=st.sampled_from(ROOT_PATHS),
    start=st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    end=st.sampled_from((PATH, PATH[1:], "/openai", "openai", f"{PATH}/", "//webhooks//openai")),
)
@example(root_path="", start="", end=PATH)
@example(root_path="", start="/mounted", end=PATH)
@example(root_path="/prefix", start="/prefix/mounted", end=PATH)
@example(root_path="", start="/mounted", end=PATH[1:])
@example(root_path="/", start="/mountedx", end=PATH)
@example(root_path="/prefix", start="/prefix/mounted/x/prefix", end=PATH)
@example(root_path="/prefix", start="/prefix/mountedx/prefix", end=PATH)
def test_forged(runner: asyncio.Runner, app: tuple[str, str], root_path: str, start: str, end: str) -> None:
    """A forged delivery reaches no handler."""
    assert b'"handler"' not in runner.run(answer_to(app_of(*app), start + end, root_path))
