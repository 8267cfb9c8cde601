"""Requests as OpenAI would send them: an event or a body, signed, with the headers that go with it.

It signs what it is given, whatever that is, and sends nothing: any client takes `headers` and `body` as they are.
"""

import time
from base64 import b64encode
from collections.abc import Sequence
from secrets import token_bytes
from typing import Any, TypeAlias

import msgspec

from webhook_guard.events import WebhookEvent
from webhook_guard.testing.events import event_body, new_id
from webhook_guard.verify import Payload, sign

#: Names and values, some of them repeated; the characters of a value are those of Latin-1.
HeaderPairs: TypeAlias = Sequence[tuple[str, str]]


class SignedRequest(msgspec.Struct, frozen=True, gc=False):
    """A signed request, for any client. Its repr shows neither the signature nor the body.

    Attributes:
        headers: ``content-type`` and the three webhook headers.
        body: The body, as signed.
    """

    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field.
        return [(name.replace("-", "_"), self.headers[name]) for name in ("webhook-id", "webhook-timestamp")]


def signed_request(
    event_or_body: WebhookEvent | Payload,
    secret: str | bytes,
    *,
    webhook_id: str | None = None,
    timestamp: int | None = None,
) -> SignedRequest:
    """Return the request that delivers an event, signed.

    Args:
        event_or_body: An event, as `make_event` returns it; or a body, which is signed as it is.
        secret: The endpoint's signing secret.
        webhook_id: The id of the delivery; None makes one up. A retry has that of the first attempt.
        timestamp: When this attempt is made, in whole Unix seconds; None is now.

    Raises:
        ConfigurationError: The secret, the id or the timestamp can't be used.
        TypeError: It is neither an event nor a body.

    >>> from secrets import token_bytes
    >>> from webhook_guard import unwrap
    >>> from webhook_guard.testing import make_event, signed_request
    >>> secret = token_bytes(32)
    >>> request = signed_request(make_event("batch.completed", id="batch_1"), secret, webhook_id="wh_1")
    >>> unwrap(request.body, request.headers, secret=secret).data.id
    'batch_1'

    Clients take it as ``client.post(path, content=request.body, headers=request.headers)``; Flask's, Werkzeug's and
    Quart's as ``data=request.body``, and Django's with ``content_type="application/json"`` too.
    """
    body = _body(event_or_body)
    webhook_id = new_id("wh_") if webhook_id is None else webhook_id
    timestamp = int(time.time()) if timestamp is None else timestamp
    signed = sign(body, secret, webhook_id=webhook_id, timestamp=timestamp)
    return SignedRequest({"content-type": "application/json", **signed}, body)


def new_secret() -> str:
    """Return a new signing secret, made up as OpenAI's are: ``whsec_`` and 32 random bytes as base64."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


def _body(event_or_body: WebhookEvent | Payload) -> bytes:
    if isinstance(event_or_body, str):
        return event_or_body.encode("utf-8", "surrogatepass")  # as `sign` does
    if isinstance(event_or_body, (bytes, bytearray, memoryview)):
        return bytes(event_or_body)
    return event_body(event_or_body)
