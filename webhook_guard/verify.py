"""The core, with the environment and the clock supplied: for serverless handlers, scripts and task queues.

`unwrap` is the whole guard for code that already has the body and the headers. Nothing here reads a request or logs.
"""

import os
import time
from typing import TypeAlias

from webhook_guard.sansio import events, guard, keys, signature
from webhook_guard.sansio.events import WebhookEvent
from webhook_guard.sansio.keys import Keys, Secret
from webhook_guard.sansio.signature import Headers

#: A request's body, as it came; text is taken as UTF-8.
Payload: TypeAlias = str | bytes | bytearray | memoryview

#: Unix seconds: any time that a clock may show, and no NaN.
_ANY_TIME = 1e15


class Delivery(guard.Delivery, frozen=True, kw_only=True):
    """One verified attempt to deliver an event: the core's, and what reads the environment, `verify`.

    Attributes:
        webhook_id: The id of the delivery, the same for each attempt: use it to handle the delivery only once.
        timestamp: When this attempt was made, in Unix seconds.
        signature: The value of the signature header, as Latin-1 text.
        body: The body, as signed: bytes.
        event: The event in it.
        secret_index: Which of the configured secrets signed it, counted from 0.

    It crosses a task queue as plain JSON values, and the worker need not trust the queue:

    >>> from secrets import token_bytes
    >>> from webhook_guard import Delivery, sign
    >>> secret = token_bytes(32)
    >>> body = '{"id": "evt_1", "type": "batch.completed", "created_at": 1, "data": {"id": "batch_1"}}'
    >>> headers = sign(body, secret, webhook_id="wh_1", timestamp=1)
    >>> job = {
    ...     "webhook_id": "wh_1",
    ...     "timestamp": 1,
    ...     "signature": headers["webhook-signature"],
    ...     "body": body,
    ...     "secret_index": 0,
    ... }
    >>> delivery = Delivery.from_dict(job)
    >>> delivery.verify(secret)
    >>> delivery
    Delivery(webhook_id='wh_1', timestamp=1, secret_index=0, type='batch.completed')
    """

    def verify(self, secret: Secret | None = None) -> None:
        """Verify the signature again, without the clock: the delivery may have waited in a queue.

        Args:
            secret: What the middleware's `secret` takes; None reads OPENAI_WEBHOOK_SECRET.

        Raises:
            VerificationError: The signature does not match, or the values are not those of a delivery.
            ConfigurationError: The secret can't be used.
        """
        headers = {
            signature.ID: self.webhook_id,
            signature.TIMESTAMP: str(self.timestamp),
            signature.SIGNATURE: self.signature,
        }
        head = signature.check_head(signature.read_fields(headers))
        signature.verify(head, self.body, configured_keys(secret))


def unwrap(
    payload: Payload,
    headers: Headers,
    *,
    secret: Secret | None = None,
    tolerance: float = guard.TOLERANCE,
    now: float | None = None,
) -> WebhookEvent:
    """Verify a delivery, and return the event in it.

    Args:
        payload: The body, exactly as it came: a body that was parsed and written again does not verify.
        headers: The request's headers: a mapping or an iterable of pairs, names in any case, str or bytes.
        secret: The endpoint's signing secret, or a list of several; None reads OPENAI_WEBHOOK_SECRET.
        tolerance: How far from now the attempt may be, either way, in seconds.
        now: The time, in Unix seconds; None reads the clock.

    Raises:
        VerificationError: The headers or the signature are wrong, or the attempt is too old or too new.
        PayloadError: The body is authentic, but no event.
        ConfigurationError: An option can't be used.
        TypeError: The payload or the headers are of another type.

    The rules are those of Standard Webhooks v1, section "Verifying webhook authenticity".

    >>> from webhook_guard import unwrap
    >>> event = unwrap(
    ...     '{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, '
    ...     '"type": "response.completed", "data": {"id": "resp_123"}}',
    ...     {
    ...         "webhook-id": "wh_685c059ae39c8190af8c71ed1022a24d",
    ...         "webhook-timestamp": "1750861210",
    ...         "webhook-signature": "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=",
    ...     },
    ...     secret="whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=",
    ...     now=1750861210,
    ... )
    >>> event.type, event.data.id
    ('response.completed', 'resp_123')
    """
    body = as_bytes(payload)
    _verify(body, headers, secret, tolerance, now)
    return events.parse(body)


def verify_signature(
    payload: Payload,
    headers: Headers,
    *,
    secret: Secret | None = None,
    tolerance: float = guard.TOLERANCE,
    now: float | None = None,
) -> None:
    """Verify a delivery, and don't look into it: `unwrap` without the event.

    Args:
        payload: The body, exactly as it came.
        headers: The request's headers.
        secret: The endpoint's signing secret, or a list of several; None reads OPENAI_WEBHOOK_SECRET.
        tolerance: How far from now the attempt may be, either way, in seconds.
        now: The time, in Unix seconds; None reads the clock.

    Raises:
        VerificationError: The headers or the signature are wrong, or the attempt is too old or too new.
        ConfigurationError: An option can't be used.
        TypeError: The payload or the headers are of another type.

    >>> from secrets import token_bytes
    >>> from webhook_guard import sign, verify_signature
    >>> secret = token_bytes(32)
    >>> headers = sign("{}", secret, webhook_id="wh_1", timestamp=1750861210)
    >>> verify_signature("{}", headers, secret=secret, now=1750861215)
    """
    _verify(as_bytes(payload), headers, secret, tolerance, now)


def parse_event(payload: Payload) -> WebhookEvent:
    """Return the event in a body, without verifying it: for tests, and for bodies that were verified before.

    Args:
        payload: The body.

    Raises:
        PayloadError: It is no event: not UTF-8, not JSON, or no object with a text `type`.
        TypeError: The payload is of another type.

    >>> from webhook_guard import parse_event
    >>> parse_event('{"type": "from.tomorrow", "data": {"id": "x"}}')
    UnknownEvent(type='from.tomorrow', id=None, created_at=None, object=None, data={'id': 'x'}, extra={})
    """
    return events.parse(as_bytes(payload))


def sign(payload: Payload, secret: str | bytes, *, webhook_id: str, timestamp: int) -> dict[str, str]:
    """Return the three headers that make `payload` a delivery, as OpenAI would sign it.

    Args:
        payload: The body, as it will be sent.
        secret: One signing secret; a text without ``whsec_`` is taken as its own bytes, as OpenAI's SDKs take it.
        webhook_id: 1 to 256 visible ASCII characters without dot and comma.
        timestamp: When the attempt is made, in whole Unix seconds.

    Raises:
        ConfigurationError: The secret, the id or the timestamp can't be used.
        TypeError: The payload is of another type.

    >>> from secrets import token_bytes
    >>> from webhook_guard import sign
    >>> headers = sign("{}", token_bytes(32), webhook_id="wh_1", timestamp=1750861210)
    >>> sorted(headers)
    ['webhook-id', 'webhook-signature', 'webhook-timestamp']
    """
    return signature.sign(as_bytes(payload), keys.signing_key(secret), webhook_id, timestamp)


def _verify(body: bytes, headers: Headers, secret: Secret | None, tolerance: float, now: float | None) -> None:
    keys_in_use, now = configured_keys(secret), unix_time(now)
    if tolerance is not guard.TOLERANCE:  # the default itself, which nearly all use, needs no check
        guard.check_tolerance(tolerance)
    head = signature.check_head(signature.read_fields(headers))
    signature.check_timestamp(head, now, tolerance)
    signature.verify(head, body, keys_in_use)


def configured_keys(secret: Secret | None) -> Keys:
    """Return the keys of `secret`, or of the environment if it is None.

    Raises:
        ConfigurationError: There is none, or one can't be used.
    """
    if secret is None:
        return keys.prepare_variable(os.environ.get(keys.VARIABLE))
    return keys.prepare(secret)


def unix_time(now: float | None) -> float:
    """Return the time in Unix seconds: the given one, or the clock's if it is None.

    Raises:
        ConfigurationError: It is no finite number.
    """
    return time.time() if now is None else guard.check_number("now", now, -_ANY_TIME, _ANY_TIME)


def as_bytes(payload: Payload) -> bytes:
    """Return a body's bytes.

    Raises:
        TypeError: It is of another type.
    """
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, str):
        # Half a surrogate pair becomes bytes that are not UTF-8: no sender signs them, and no event has them.
        return payload.encode("utf-8", "surrogatepass")
    if isinstance(payload, (bytearray, memoryview)):
        return bytes(payload)
    raise TypeError(
        f"payload: must be str, bytes, bytearray or memoryview, not {type(payload).__name__}; pass the raw body"
    )
