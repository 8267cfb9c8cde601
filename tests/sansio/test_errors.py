"""Errors: their tree, what they carry, and what is answered."""

import json
import pickle

import pytest

from webhook_guard.sansio.errors import (
    ConfigurationError,
    IdempotencyError,
    NotVerifiedError,
    PayloadError,
    Reason,
    VerificationError,
    WebhookError,
    answer,
)

#: What senders and people are told.
ANSWERS = {
    "configuration": (500, "The webhook guard is not configured correctly"),
    "not_verified": (500, "The request was not verified by the webhook guard"),
    "websocket_refused": (403, "Webhooks are not delivered over WebSocket"),
    "method_not_allowed": (405, "Webhooks are delivered with POST"),
    "missing_header": (400, "A webhook header is missing or empty"),
    "duplicate_header": (400, "A webhook header is repeated"),
    "malformed_header": (400, "A header is malformed"),
    "timestamp_too_old": (400, "The timestamp is too old"),
    "timestamp_too_new": (400, "The timestamp is too new"),
    "length_required": (411, "A Content-Length is required"),
    "body_too_large": (413, "The body is too large"),
    "body_length_mismatch": (400, "The body did not arrive as declared"),
    "body_timeout": (408, "The body did not arrive in time"),
    "client_disconnected": (400, "The client went away before the body was complete"),
    "signature_mismatch": (400, "No signature matches"),
    "malformed_payload": (400, "The body is not an event"),
    "duplicate": (200, "This delivery was handled before"),
    "in_progress": (409, "This delivery is being handled now"),
    "store_unavailable": (503, "The record of handled deliveries is not available"),
}
ERRORS = [
    ConfigurationError("secret: it is empty"),
    VerificationError("too old", Reason.TIMESTAMP_TOO_OLD),
    PayloadError("no event"),
    IdempotencyError("the store is down"),
    NotVerifiedError("no guard"),
]


MESSAGES = ["secret: it is empty", "too old", "no event", "the store is down", "no guard"]


class TestReason:
    """The codes of the decision table."""

    def test_answers(self) -> None:
        """There is a code for each row of the table, with its status and its words for people."""
        assert {reason.value: (reason.status, reason.phrase) for reason in Reason} == ANSWERS

    def test_is_its_text(self) -> None:
        """A reason is its own text, in logs and metrics too."""
        texts: list[str] = [Reason.BODY_TIMEOUT, f"{Reason.BODY_TIMEOUT}", str(Reason("body_timeout"))]
        assert texts == ["body_timeout"] * 3

    def test_phrases_differ(self) -> None:
        """No two reasons have the same words for people."""
        assert len({reason.phrase for reason in Reason}) == len(Reason)


class TestTree:
    """Which error is which."""

    @pytest.mark.parametrize(
        "error", [ConfigurationError, VerificationError, PayloadError, IdempotencyError, NotVerifiedError]
    )
    def test_one_base(self, error: type[WebhookError]) -> None:
        """Every error of the package can be caught as a WebhookError."""
        assert issubclass(error, WebhookError)

    def test_configuration_error_is_a_value_error(self) -> None:
        """Who checks options with ValueError catches ours."""
        assert issubclass(ConfigurationError, ValueError)

    def test_not_verified_error_is_a_lookup_error(self) -> None:
        """Who looks keys up with LookupError catches ours."""
        assert issubclass(NotVerifiedError, LookupError)

    @pytest.mark.parametrize(("error", "message"), list(zip(ERRORS, MESSAGES, strict=True)), ids=MESSAGES)
    def test_message(self, error: WebhookError, message: str) -> None:
        """An error says its message, and nothing else."""
        assert str(error) == message

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_repr(self, error: WebhookError) -> None:
        """For developers, it shows the reason as well."""
        assert repr(error) == f"{type(error).__name__}({str(error)!r}, {error.reason!r})"

    def test_own_reasons(self) -> None:
        """Errors that have one reason only know it."""
        reasons = {type(error): error.reason for error in ERRORS}
        assert reasons == {
            ConfigurationError: Reason.CONFIGURATION,
            VerificationError: Reason.TIMESTAMP_TOO_OLD,
            PayloadError: Reason.MALFORMED_PAYLOAD,
            IdempotencyError: Reason.STORE_UNAVAILABLE,
            NotVerifiedError: Reason.NOT_VERIFIED,
        }

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_survives_pickling(self, error: WebhookError) -> None:
        """An error crosses a process boundary with its message, reason and status."""
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
        assert (type(copy), str(copy), copy.reason, copy.status) == (
            type(error),
            str(error),
            error.reason,
            error.reason.status,
        )


class TestAnswer:
    """The response to a refused request."""

    @pytest.mark.parametrize("reason", Reason)
    def test_problem_document(self, reason: Reason) -> None:
        """It is a problem document with title, status and reason."""
        status, headers, body = answer(WebhookError("not shown", reason))
        assert status == reason.status
        assert json.loads(body) == {"title": reason.phrase, "status": reason.status, "reason": reason.value}
        assert ("content-type", "application/problem+json") in headers
        assert ("content-length", str(len(body))) in headers

    def test_names_the_method_that_is_allowed(self) -> None:
        """405 says what would be allowed, as RFC 9110 section 15.5.6 asks."""
        assert ("allow", "POST") in answer(WebhookError("", Reason.METHOD_NOT_ALLOWED)).headers

    @pytest.mark.parametrize("reason", Reason)
    def test_says_when_to_come_again(self, reason: Reason) -> None:
        """409 and 503 say after how many seconds, as RFC 9110 section 10.2.3 has it; nothing else does."""
        expected = [("retry-after", "30")] if reason in ("in_progress", "store_unavailable") else []
        assert [field for field in answer(WebhookError("", reason)).headers if field[0] == "retry-after"] == expected

    def test_head_has_no_body(self) -> None:
        """The answer to HEAD has the length of the body and no body."""
        whole, head = (answer(WebhookError("", Reason.METHOD_NOT_ALLOWED), method) for method in ("GET", "HEAD"))
        assert head == (whole.status, whole.headers, b"")
