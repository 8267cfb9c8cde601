"""Deliveries to an app under test: what is posted, when, and what comes back."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from webhook_guard import (
    ASGIWebhookMiddleware,
    BatchCompleted,
    ConfigurationError,
    UnknownEvent,
    get_delivery,
    get_event,
    parse_event,
)
from webhook_guard.idempotency import MemoryStore
from webhook_guard.sansio.events import EVENT_CLASSES
from webhook_guard.testing.clock import Clock
from webhook_guard.testing.events import make_event
from webhook_guard.testing.webhook import Webhook

from support import BODY, NOW, PATH, SECRET


async def receive(request: Request) -> JSONResponse:
    """Answer with what was delivered."""
    delivery = get_delivery(request)
    return JSONResponse({"type": get_event(request).type, "id": delivery.webhook_id, "at": delivery.timestamp})


def app(**options: Any) -> ASGIWebhookMiddleware:
    """Return a guarded app."""
    api = Starlette(routes=[Route(PATH, receive, methods=["POST"])])
    return ASGIWebhookMiddleware(api, path=PATH, secret=SECRET, **options)


@pytest.mark.parametrize("kind", EVENT_CLASSES)
def test_each_type(kind: str) -> None:
    """An event of each type is delivered, by its name."""
    answer = Webhook(SECRET).post(app(), PATH, kind)
    assert (answer.status_code, answer.json()["type"]) == (200, kind)


def test_through_a_client() -> None:
    """What comes back is what the client returns."""
    answer = Webhook(SECRET).post(TestClient(app()), PATH, "batch.completed")
    assert (answer.status_code, answer.json()["type"]) == (200, "batch.completed")
    assert answer.http_version


def test_through_an_async_client() -> None:
    """An async client's answer is to be awaited."""

    async def post() -> Any:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app()), base_url="http://testserver") as client:
            return await Webhook(SECRET).post(client, PATH, "batch.completed")

    assert asyncio.run(post()).json()["type"] == "batch.completed"


def test_data() -> None:
    """Keywords are members of the event's data."""
    event = parse_event(Webhook(SECRET).request("batch.completed", id="batch_1", path="/p", client="c").body)
    assert isinstance(event, BatchCompleted)
    assert (event.data.id, event.data.extra) == ("batch_1", {"path": "/p", "client": "c"})


@pytest.mark.parametrize("event", [parse_event(BODY), UnknownEvent(type="moon.landed")], ids=["known", "unknown"])
def test_an_event(event: Any) -> None:
    """An event is delivered as it is."""
    assert parse_event(Webhook(SECRET).request(event).body) == event


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_a_body(make: Callable[[bytes], Any]) -> None:
    """Bytes are a body, and delivered as they are."""
    assert Webhook(SECRET).request(make(BODY)).body == BODY
    assert Webhook(SECRET).post(app(), PATH, make(b"no event")).json()["reason"] == "malformed_payload"


def test_retries() -> None:
    """An attempt with the id of the first one is a retry: a guard with a store knows it again."""
    webhook, guarded = Webhook(SECRET), app(idempotency=MemoryStore())
    answers = [webhook.post(guarded, PATH, "batch.completed", webhook_id="wh_1") for _ in range(2)]
    assert [answer.json().get("reason") for answer in answers] == [None, "duplicate"]
    assert answers[0].json()["id"] == "wh_1"
    assert webhook.post(guarded, PATH, "batch.completed").json()["id"] != "wh_1"


def test_clock() -> None:
    """Attempts are made when the clock says."""
    clock = Clock()
    clock.set(NOW + 0.9)
    webhook, guarded = Webhook(SECRET, clock), app(clock=clock)
    assert webhook.clock is clock
    assert webhook.post(guarded, PATH, "batch.completed").json()["at"] == NOW


def test_aging() -> None:
    """A request that waits while the clock goes on is too old."""
    clock = Clock()
    webhook, guarded = Webhook(SECRET, clock), app(clock=clock)
    clock.set(NOW)
    request = webhook.request("batch.completed")
    clock.advance(301)
    answer = TestClient(guarded).post(PATH, content=request.body, headers=request.headers)
    assert answer.json()["reason"] == "timestamp_too_old"


def test_own_clock() -> None:
    """Without a clock, it has one that runs."""
    one, other = Webhook(SECRET), Webhook(SECRET)
    one.clock.advance(3600)
    assert one.clock() > other.clock() + 3500


def test_secret() -> None:
    """The secret can be asked for, and is not shown."""
    assert Webhook(SECRET).secret == SECRET
    assert SECRET not in repr(Webhook(SECRET))


def test_unknown_type() -> None:
    """Text is the name of a type: if there is no such type, the nearest are offered."""
    with pytest.raises(ConfigurationError, match=r"did you mean 'batch\.completed'"):
        Webhook(SECRET).post(app(), PATH, "batch.complete")
    with pytest.raises(ConfigurationError, match="is not in the catalogue"):
        Webhook(SECRET).request(BODY.decode())


@pytest.mark.parametrize("event", [make_event("batch.completed"), BODY], ids=["event", "body"])
def test_data_of_an_event(event: Any) -> None:
    """An event or a body takes no members."""
    with pytest.raises(TypeError, match=r"^id, size: members go with the type of an event"):
        Webhook(SECRET).request(event, id="batch_1", size=1)
