"""What type checkers make of the public names; never run, only checked."""

from typing import Any, assert_type

from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from werkzeug.datastructures import Headers as WerkzeugHeaders

from webhook_guard import (
    ASGIWebhookMiddleware,
    BatchCompleted,
    Delivery,
    RealtimeCallIncoming,
    Reason,
    ResponseCompleted,
    UnknownEvent,
    VerificationError,
    WebhookEvent,
    WSGIWebhookMiddleware,
    get_delivery,
    get_event,
    parse_event,
    sign,
    unwrap,
    verify_signature,
)
from webhook_guard.idempotency import (
    AsyncPostgresStore,
    AsyncRedisStore,
    Claim,
    ClaimState,
    MemoryStore,
    PostgresStore,
    RedisStore,
    SQLiteStore,
)
from webhook_guard.testing import (
    EVENT_TYPES,
    Clock,
    HostileRequest,
    Response,
    SignedRequest,
    StoreConformance,
    Webhook,
    assert_refuses_all,
    event_body,
    event_class,
    hostile_requests,
    make_event,
    signed_request,
)


def narrowing(event: WebhookEvent) -> None:
    """`match` on the classes narrows, to the members' types too."""
    assert_type(event.type, str) if isinstance(event, UnknownEvent) else None
    match event:
        case BatchCompleted():
            assert_type(event.data.id, str)
        case RealtimeCallIncoming(data=data):
            assert_type(data.sip_headers[0].name, str)
            assert_type(data.sip_media_security, str | None)
        case UnknownEvent(id=event_id, data=anything):
            assert_type(event_id, str | None)
            assert_type(anything, Any)
        case _:
            assert_type(event.created_at, int)


def narrowing_by_type(event: BatchCompleted | ResponseCompleted) -> None:
    """`type` is a literal, and tells the classes apart."""
    if event.type == "batch.completed":
        assert_type(event, BatchCompleted)
    else:
        assert_type(event, ResponseCompleted)


def functions(body: bytes, raw: list[tuple[bytes, bytes]]) -> None:
    """The functions take what frameworks have."""
    assert_type(unwrap(body, Headers()), WebhookEvent)
    assert_type(unwrap(body, WerkzeugHeaders(), secret=["a", b"b"]), WebhookEvent)
    assert_type(unwrap(body.decode(), raw, secret="a", tolerance=1.5, now=1), WebhookEvent)
    assert_type(unwrap(memoryview(body), {"webhook-id": "x"}), WebhookEvent)
    verify_signature(bytearray(body), {b"webhook-id": b"x"}, secret=b"key")
    assert_type(parse_event(body), WebhookEvent)
    assert_type(sign(body, "secret", webhook_id="x", timestamp=1), dict[str, str])


def access(request: object) -> None:
    """Handlers get typed values."""
    assert_type(get_event(request), WebhookEvent)
    delivery = get_delivery(request)
    assert_type(delivery, Delivery)
    assert_type(delivery.event, WebhookEvent)
    assert_type(Delivery.from_dict(delivery.to_dict()), Delivery)
    delivery.verify(["one", "two"])


def errors(error: VerificationError) -> None:
    """Errors carry typed facts."""
    assert_type(error.reason, Reason)
    assert_type(error.status, int)


def fronts(flask: Flask) -> None:
    """Frameworks' apps are apps, and a guarded app is one."""
    guarded = ASGIWebhookMiddleware(FastAPI(), path="/webhooks/openai")
    ASGIWebhookMiddleware(guarded, path=["/a", "/b"], secret=b"key")
    app = Starlette()
    app.add_middleware(ASGIWebhookMiddleware, path="/webhooks/openai")
    app.mount("/", guarded)
    WSGIWebhookMiddleware(WSGIWebhookMiddleware(flask.wsgi_app), path="/webhooks/openai")


def testing(app: FastAPI, flask: Flask, answer: Response) -> None:
    """What is for tests fits what tests have."""
    event = make_event("batch.completed", id="batch_1")
    assert_type(event, WebhookEvent)
    assert_type(event_body(event), bytes)
    assert_type([event_class(kind) for kind in EVENT_TYPES], list[type[WebhookEvent]])
    request = signed_request(event, b"key", webhook_id="x", timestamp=1)
    assert_type(request, SignedRequest)
    TestClient(app).post("/", content=request.body, headers=request.headers)
    flask.test_client().post("/", data=request.body, headers=request.headers)
    signed_request(memoryview(request.body), "secret")
    webhook = Webhook("secret", Clock())
    assert_type(webhook.request(event), SignedRequest)
    assert_type(webhook.request("batch.completed", webhook_id="x", id="batch_1"), SignedRequest)
    ASGIWebhookMiddleware(app, clock=webhook.clock)
    WSGIWebhookMiddleware(flask, clock=webhook.clock)
    assert_type(hostile_requests(), tuple[HostileRequest, ...])
    assert_refuses_all(flask.test_client(), "/", secret=b"key", now=1.5)
    assert_type((answer.status_code, answer.headers, answer.content), tuple[int, dict[str, str], bytes])


class OwnSuite(StoreConformance):
    """A suite for a store of somebody's own."""


class OwnStore:
    """A store of somebody's own."""

    def claim(self, key: str) -> Claim:
        """Claim."""
        return Claim(ClaimState.NEW, key)

    def complete(self, key: str, token: str) -> bool:
        """Complete."""
        return key == token

    def release(self, key: str, token: str) -> bool:
        """Release."""
        return key == token


def stores(app: FastAPI, flask: Flask) -> None:
    """The fronts take the stores that they can call."""
    ASGIWebhookMiddleware(app, idempotency=MemoryStore(lease=1, key=lambda delivery: delivery.webhook_id))
    ASGIWebhookMiddleware(app, idempotency=AsyncRedisStore("redis://localhost"))
    ASGIWebhookMiddleware(app, idempotency=AsyncPostgresStore("dbname=test", timeout=1))
    ASGIWebhookMiddleware(app, idempotency=OwnStore())
    WSGIWebhookMiddleware(flask.wsgi_app, idempotency=SQLiteStore("a.sqlite3", namespace="b"))
    WSGIWebhookMiddleware(flask.wsgi_app, idempotency=RedisStore("redis://localhost"))
    WSGIWebhookMiddleware(flask.wsgi_app, idempotency=PostgresStore("dbname=test"))
    WSGIWebhookMiddleware(flask.wsgi_app, idempotency=AsyncRedisStore(""))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  WSGI can't await
    RedisStore("redis://localhost", lese=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  no such option
    assert_type(MemoryStore().claim("a"), Claim)
