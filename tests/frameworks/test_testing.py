"""`webhook_guard.testing` in every framework: through the app itself, and through the clients that differ."""

import asyncio
from typing import Any

import pytest
from litestar import Litestar, post
from litestar.response import Redirect
from litestar.testing import TestClient

from webhook_guard.testing import Clock, Webhook, assert_refuses_all

from frameworks import litestar, quart
from frameworks.catalogue import FRAMEWORKS
from support import NOW, PATH, SECRET

APPS = [
    pytest.param(framework.ways[way], id=f"{framework.name}, {way}")
    for framework in FRAMEWORKS.values()
    for way in ("outside", "own")
    if way in framework.ways
]


@pytest.fixture
def webhook() -> Webhook:
    """Deliver at the time of the apps, with their secret."""
    clock = Clock()
    clock.set(NOW)
    return Webhook(SECRET, clock)


@pytest.mark.parametrize("make", APPS)
def test_apps(make: Any, webhook: Webhook) -> None:
    """The app itself takes a genuine delivery, and refuses all that is hostile."""
    app = make()
    answer = webhook.post(app, PATH, "batch.completed", id="batch_1")
    assert (answer.status_code, answer.json()["get_event"]) == (200, "batch.completed")
    assert_refuses_all(app, PATH, secret=SECRET, now=NOW)


def test_litestar_client(webhook: Webhook) -> None:
    """Litestar's client sends both."""
    with TestClient(litestar.own()) as client:
        assert webhook.post(client, PATH, "batch.completed").status_code == 200
        assert_refuses_all(client, PATH, secret=SECRET, now=NOW)


def test_litestar_redirect(webhook: Webhook) -> None:
    """Litestar's client follows redirects by itself, but no redirect of a webhook."""

    @post(PATH, status_code=307)
    async def moved() -> Redirect:
        return Redirect(f"{PATH}/new", status_code=307)

    @post(f"{PATH}/new")
    async def handle() -> None:
        """Accept everything."""

    with TestClient(Litestar([moved, handle])) as client:
        assert client.post(PATH).status_code == 201
        assert webhook.post(client, PATH, "batch.completed").status_code == 307


def test_quart_client(webhook: Webhook) -> None:
    """Quart's client is async: its answer is to be awaited, and the app itself is given to prove that it is guarded."""
    client = quart.own().test_client()

    async def post() -> Any:
        return await webhook.post(client, PATH, "batch.completed")

    assert asyncio.run(post()).status_code == 200
    with pytest.raises(TypeError, match="is async; give assert_refuses_all a sync test client, or the app itself"):
        assert_refuses_all(client, PATH, secret=SECRET, now=NOW)
