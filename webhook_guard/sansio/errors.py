"""Everything that can go wrong, and how it is answered.

    WebhookError
    ├── ConfigurationError (also a ValueError)    the operator's: raised before any request is served
    ├── VerificationError                         the sender's: the head, the body or the signature
    ├── PayloadError                              authentic, but no event
    ├── IdempotencyError                          authentic, but not now: the claim on the delivery
    └── NotVerifiedError (also a LookupError)     the app's: it asks for an event that nobody verified

Every error has one `Reason`, which is the same in the answer, the log and the exception. Nothing else leaves the core,
whatever came over the wire: any other exception is a bug. No message contains a secret, a signature or a body.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec


class Reason(StrEnum):
    """Why something was refused: a code that is also a `str`.

    >>> Reason.SIGNATURE_MISMATCH == "signature_mismatch"
    True
    >>> Reason("body_too_large").status
    413
    """

    CONFIGURATION = "configuration"
    NOT_VERIFIED = "not_verified"
    WEBSOCKET_REFUSED = "websocket_refused"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MISSING_HEADER = "missing_header"
    DUPLICATE_HEADER = "duplicate_header"
    MALFORMED_HEADER = "malformed_header"
    TIMESTAMP_TOO_OLD = "timestamp_too_old"
    TIMESTAMP_TOO_NEW = "timestamp_too_new"
    LENGTH_REQUIRED = "length_required"
    BODY_TOO_LARGE = "body_too_large"
    BODY_LENGTH_MISMATCH = "body_length_mismatch"
    BODY_TIMEOUT = "body_timeout"
    CLIENT_DISCONNECTED = "client_disconnected"
    SIGNATURE_MISMATCH = "signature_mismatch"
    MALFORMED_PAYLOAD = "malformed_payload"
    DUPLICATE = "duplicate"
    IN_PROGRESS = "in_progress"
    STORE_UNAVAILABLE = "store_unavailable"

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return _ANSWERS[self][0]

    @property
    def phrase(self) -> str:
        """The title of the answer, for people: the same for each refusal, as RFC 9457 section 3.1.3 asks."""
        return _ANSWERS[self][1]


_ANSWERS = {
    Reason.CONFIGURATION: (500, "The webhook guard is not configured correctly"),
    Reason.NOT_VERIFIED: (500, "The request was not verified by the webhook guard"),
    Reason.WEBSOCKET_REFUSED: (403, "Webhooks are not delivered over WebSocket"),
    Reason.METHOD_NOT_ALLOWED: (405, "Webhooks are delivered with POST"),
    Reason.MISSING_HEADER: (400, "A webhook header is missing or empty"),
    Reason.DUPLICATE_HEADER: (400, "A webhook header is repeated"),
    Reason.MALFORMED_HEADER: (400, "A header is malformed"),
    Reason.TIMESTAMP_TOO_OLD: (400, "The timestamp is too old"),
    Reason.TIMESTAMP_TOO_NEW: (400, "The timestamp is too new"),
    Reason.LENGTH_REQUIRED: (411, "A Content-Length is required"),
    Reason.BODY_TOO_LARGE: (413, "The body is too large"),
    Reason.BODY_LENGTH_MISMATCH: (400, "The body did not arrive as declared"),
    Reason.BODY_TIMEOUT: (408, "The body did not arrive in time"),
    Reason.CLIENT_DISCONNECTED: (400, "The client went away before the body was complete"),
    Reason.SIGNATURE_MISMATCH: (400, "No signature matches"),
    Reason.MALFORMED_PAYLOAD: (400, "The body is not an event"),
    Reason.DUPLICATE: (200, "This delivery was handled before"),
    Reason.IN_PROGRESS: (409, "This delivery is being handled now"),
    Reason.STORE_UNAVAILABLE: (503, "The record of handled deliveries is not available"),
}
#: Seconds: a handler is done by then, or a store is back. Senders that don't read it wait longer after a few attempts.
_RETRY_AFTER = 30
_TO_BE_RETRIED = frozenset({Reason.IN_PROGRESS, Reason.STORE_UNAVAILABLE})


class WebhookError(Exception):
    """The base of all errors of this package.

    Args:
        message: What is wrong, with figures, and what to do.
        reason: Why, as a code: kept as the attribute `reason`, and the same in the answer and the log.

    >>> try:
    ...     raise VerificationError("the timestamp is 412 s old", Reason.TIMESTAMP_TOO_OLD)
    ... except WebhookError as error:
    ...     print(error.status, error.reason, error)
    400 timestamp_too_old the timestamp is 412 s old
    """

    def __init__(self, message: str, reason: Reason) -> None:
        # Both become `args`, so that the error survives pickling, as between the processes of a task queue.
        super().__init__(message, reason)
        self.reason: Reason = reason

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def status(self) -> int:
        """The HTTP status that answers it."""
        return self.reason.status


class ConfigurationError(WebhookError, ValueError):
    """An option that can't be used: the message names it and the fix, never the secret."""

    def __init__(self, message: str, reason: Reason = Reason.CONFIGURATION) -> None:
        super().__init__(message, reason)


class VerificationError(WebhookError):
    """A request that is not a delivery: its head, its body or its signature is wrong."""


class PayloadError(WebhookError):
    """A body that is authentic, but no event."""

    def __init__(self, message: str, reason: Reason = Reason.MALFORMED_PAYLOAD) -> None:
        super().__init__(message, reason)


class IdempotencyError(WebhookError):
    """An authentic delivery that is not handed to the app: its claim was not granted.

    A store that can't answer raises it with its default reason, store_unavailable.
    """

    def __init__(self, message: str, reason: Reason = Reason.STORE_UNAVAILABLE) -> None:
        super().__init__(message, reason)


class NotVerifiedError(WebhookError, LookupError):
    """A handler asks for the event of a request that no guard verified."""

    def __init__(self, message: str, reason: Reason = Reason.NOT_VERIFIED) -> None:
        super().__init__(message, reason)


class Answer(NamedTuple):
    """The HTTP response to a refused request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer(error: WebhookError, method: str | None = None) -> Answer:
    """Return the response to a request refused with `error`: an RFC 9457 problem document.

    Args:
        error: Why it was refused.
        method: The request's method. A response to HEAD has the same head and no body (RFC 9110 section 9.3.2).

    >>> answer(VerificationError("...", Reason.BODY_TIMEOUT)).body
    b'{"title":"The body did not arrive in time","status":408,"reason":"body_timeout"}'
    """
    reason = error.reason
    body = msgspec.json.encode({"title": reason.phrase, "status": reason.status, "reason": reason.value})
    headers = [("content-type", "application/problem+json"), ("content-length", str(len(body)))]
    if reason is Reason.METHOD_NOT_ALLOWED:
        headers.append(("allow", "POST"))
    if reason in _TO_BE_RETRIED:
        headers.append(("retry-after", str(_RETRY_AFTER)))
    return Answer(reason.status, headers, b"" if method == "HEAD" else body)
