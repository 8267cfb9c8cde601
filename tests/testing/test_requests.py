"""Signed requests: what any client can send, and the guard accepts."""

import re
import time
from typing import Any

import pytest

from webhook_guard import ConfigurationError, PayloadError, parse_event, unwrap
from webhook_guard.testing.events import event_body, make_event
from webhook_guard.testing.requests import SignedRequest, new_secret, signed_request

from support import BODY, NOW, SECRET, VECTOR_BODY, VECTOR_HEADERS, VECTOR_SECRET, WEBHOOK_ID


def test_an_event() -> None:
    """An event is written and signed, and the guard accepts it now."""
    event = make_event("batch.completed")
    request = signed_request(event, SECRET)
    assert request.body == event_body(event)
    assert unwrap(request.body, request.headers, secret=SECRET) == event


def test_headers() -> None:
    """The headers are those of a delivery, made now, with an id of its own."""
    before = int(time.time())
    headers = signed_request(BODY, SECRET).headers
    assert list(headers) == ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"]
    assert headers["content-type"] == "application/json"
    assert re.fullmatch(r"wh_[0-9a-f]{32}", headers["webhook-id"])
    assert before <= int(headers["webhook-timestamp"]) <= time.time()
    assert signed_request(BODY, SECRET).headers["webhook-id"] != headers["webhook-id"]


def test_as_published() -> None:
    """OpenAI's published event, signed at its time, is OpenAI's published vector."""
    request = signed_request(parse_event(VECTOR_BODY), VECTOR_SECRET, webhook_id=WEBHOOK_ID, timestamp=NOW)
    assert request == SignedRequest({"content-type": "application/json", **VECTOR_HEADERS}, VECTOR_BODY)


@pytest.mark.parametrize("body", [BODY, BODY.decode(), bytearray(BODY), memoryview(BODY)], ids=type)
def test_a_body(body: Any) -> None:
    """A body is signed as it is."""
    request = signed_request(body, SECRET)
    assert request.body == BODY
    assert unwrap(request.body, request.headers, secret=SECRET) == parse_event(BODY)


@pytest.mark.parametrize("body", ["", b"\xff", "batch.completed", "\ud800"])
def test_no_event(body: str | bytes) -> None:
    """A body that is no event is signed like any other."""
    request = signed_request(body, SECRET)
    with pytest.raises(PayloadError):
        unwrap(request.body, request.headers, secret=SECRET)


def test_wrong_arguments() -> None:
    """What can't be signed is an error that says so."""
    with pytest.raises(TypeError, match=r"must be an event, .* or a body of str or bytes, not dict"):
        signed_request({}, SECRET)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  what it refuses
    with pytest.raises(ConfigurationError, match="webhook_id"):
        signed_request(BODY, SECRET, webhook_id="")
    with pytest.raises(ConfigurationError, match="timestamp"):
        signed_request(BODY, SECRET, timestamp=0)
    with pytest.raises(ConfigurationError, match="secret"):
        signed_request(BODY, "")


def test_new_secret() -> None:
    """A new secret is as OpenAI's are, and no other's."""
    secret = new_secret()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert unwrap(BODY, signed_request(BODY, secret).headers, secret=secret) == parse_event(BODY)
    assert new_secret() != secret


def test_repr() -> None:
    """Neither the signature nor the body is shown, by rich neither."""
    request = signed_request(BODY, SECRET, webhook_id="wh_1", timestamp=NOW)
    assert repr(request) == f"SignedRequest(webhook_id='wh_1', webhook_timestamp='{NOW}')"
    assert request.__rich_repr__() == [("webhook_id", "wh_1"), ("webhook_timestamp", str(NOW))]


@pytest.mark.parametrize("name", ["headers", "body"])
def test_frozen(name: str) -> None:
    """It can't be changed."""
    with pytest.raises(AttributeError):
        setattr(signed_request(BODY, SECRET), name, None)
