"""No path leads past the guard in any ASGI framework, whatever root path the server or an outer mount has set.

Servers make few root paths; `tests/servers/test_paths.py` tries those. Here the scope has any.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

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
FORGED = [(name.encode(), value.encode()) for name, value in signed(secret=OTHER_SECRET).items()]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """An event loop."""
    with asyncio.Runner() as runner:
        yield runner


@cache
def app_of(name: str, way: str) -> kit.App:
    """Return an app, the same one each time."""
    return FRAMEWORKS[name].ways[way]()


async def answer_to(app: kit.App, path: str, root_path: str) -> bytes:
    """Return what is answered to a forged delivery."""
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
        "headers": [(b"host", b"test"), (b"content-length", b"%d" % len(BODY)), *FORGED],
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

    with suppress(Exception):  # the framework's own: no path may be too strange for the guard, but for some of them
        await app(scope, receive, send)
    return b"".join(parts)


@pytest.mark.parametrize("app", APPS)
@settings(max_examples=400)
@given(
    root_path=st.sampled_from(ROOT_PATHS),
    start=st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    end=st.sampled_from((PATH, PATH[1:], "/openai", "openai", f"{PATH}/", "//webhooks//openai")),
)
@example(root_path="", start="/mounted", end=PATH[1:])
@example(root_path="/", start="/mountedx", end=PATH)
@example(root_path="/prefix", start="/prefix/mounted/x/prefix", end=PATH)
@example(root_path="/prefix", start="/prefix/mountedx/prefix", end=PATH)
def test_forged(runner: asyncio.Runner, app: tuple[str, str], root_path: str, start: str, end: str) -> None:
    """A forged delivery reaches no handler."""
    assert b'"handler"' not in runner.run(answer_to(app_of(*app), start + end, root_path))
