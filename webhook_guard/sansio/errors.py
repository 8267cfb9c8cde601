"""Everything that can be wrong, and what is answered to it.

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
from typing import NamedTuple, Self

import msgspec


class Reason(StrEnum):
    """Why something was refused, with the HTTP status and the phrase for people.

    A reason is its own text, so it compares and serialises as that:

    >>> Reason.SIGNATURE_MISMATCH == "signature_mismatch"
    True
    >>> Reason("body_too_large").status
    413
    """

    #: The HTTP status of the answer.
    status: int
    #: The title of the answer, for people: the same for each refusal of that reason, as RFC 9457 section 3.1.3 asks.
    phrase: str

    def __new__(cls, code: str, status: int, phrase: str) -> Self:
        """Make a member whose value is `code`."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.phrase = phrase
        return member

    CONFIGURATION = "configuration", 500, "The webhook guard is not configured correctly"
    NOT_VERIFIED = "not_verified", 500, "The request was not verified by the webhook guard"
    WEBSOCKET_REFUSED = "websocket_refused", 403, "Webhooks are not delivered over WebSocket"
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "Webhooks are delivered with POST"
    MISSING_HEADER = "missing_header", 400, "A webhook header is missing or empty"
    DUPLICATE_HEADER = "duplicate_header", 400, "A webhook header is there twice"
    MALFORMED_HEADER = "malformed_header", 400, "A header is malformed"
    TIMESTAMP_TOO_OLD = "timestamp_too_old", 400, "The timestamp is too old"
    TIMESTAMP_TOO_NEW = "timestamp_too_new", 400, "The timestamp is too new"
    LENGTH_REQUIRED = "length_required", 411, "A Content-Length is required"
    BODY_TOO_LARGE = "body_too_large", 413, "The body is too large"
    BODY_LENGTH_MISMATCH = "body_length_mismatch", 400, "The body did not arrive as declared"
    BODY_TIMEOUT = "body_timeout", 408, "The body did not arrive in time"
    CLIENT_DISCONNECTED = "client_disconnected", 400, "The client went away before the body was complete"
    SIGNATURE_MISMATCH = "signature_mismatch", 400, "No signature matches"
    MALFORMED_PAYLOAD = "malformed_payload", 400, "The body is not an event"


class WebhookError(Exception):
    """The base of all errors of this package.

    Args:
        message: What is wrong, with figures, and what to do.
        reason: Why, as a code.

    >>> try:
    ...     raise VerificationError("the timestamp is 412 s old", Reason.TIMESTAMP_TOO_OLD)
    ... except WebhookError as error:
    ...     print(error.status, error.reason, error)
    400 timestamp_too_old the timestamp is 412 s old
    """

    #: Why: the code that the answer, the log and the metrics carry too.
    reason: Reason

    def __init__(self, message: str, reason: Reason) -> None:
        # Both become `args`, so that the error survives pickling, as between the processes of a task queue.
        super().__init__(message, reason)
        self.reason = reason

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

    Reserved: no guard of this version makes claims, so none raises it.
    """


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
    return Answer(reason.status, headers, b"" if method == "HEAD" else body)
