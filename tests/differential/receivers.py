"""The three libraries, asked the same: each says what it accepts, refuses, or does not survive."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import standardwebhooks
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks.webhooks import EmptyWebhookSecretError

import webhook_guard
from webhook_guard import WebhookError

from differential.delivery import CONTAINERS, Delivery

#: The tolerance of what has no option for it, in seconds.
_FIXED_TOLERANCE = 300
_CLIENT = OpenAI(api_key="none", webhook_secret="none")


class Verdict(Enum):
    """What came of a delivery."""

    ACCEPTED = auto()
    REFUSED = auto()
    CRASHED = auto()


@dataclass(frozen=True)
class Outcome:
    """A verdict, with the value or the error."""

    verdict: Verdict
    value: Any = None
    error: Exception | None = None


def ours(delivery: Delivery, *, with_event: bool) -> Outcome:
    """Return what `webhook_guard` makes of a delivery."""
    receive = webhook_guard.unwrap if with_event else webhook_guard.verify_signature
    headers = CONTAINERS[delivery.container].ours(delivery.headers)
    first, *others = delivery.secrets
    secret = delivery.secrets if others else first

    def call() -> Any:
        return receive(delivery.payload, headers, secret=secret, tolerance=delivery.tolerance, now=float(delivery.now))

    return _outcome(call, lambda error: isinstance(error, WebhookError))


def openai(delivery: Delivery, secret: str | bytes, *, with_event: bool) -> Outcome | None:
    """Return what `openai` makes of a delivery, with one secret; None if it has no way to ask that."""
    if isinstance(secret, bytes) or (with_event and delivery.tolerance != _FIXED_TOLERANCE):
        return None
    headers = CONTAINERS[delivery.container].theirs(delivery.headers)

    def call() -> Any:
        if with_event:
            return _CLIENT.webhooks.unwrap(delivery.payload, headers, secret=secret)
        _CLIENT.webhooks.verify_signature(delivery.payload, headers, secret=secret, tolerance=delivery.tolerance)
        return None

    return _outcome(call, _is_openais)


def standard(delivery: Delivery, secret: str | bytes, *, with_event: bool) -> Outcome | None:
    """Return what `standardwebhooks` makes of a delivery, with one secret; None if it has no way to ask that."""
    if delivery.tolerance != _FIXED_TOLERANCE:
        return None
    headers = CONTAINERS[delivery.container].theirs(delivery.headers)

    def call() -> Any:
        return standardwebhooks.Webhook(secret).verify(delivery.payload, headers, json_parse=with_event)

    return _outcome(call, lambda error: isinstance(error, _STANDARD_ERRORS))


_STANDARD_ERRORS = (standardwebhooks.WebhookVerificationError, EmptyWebhookSecretError)
_THEIRS = {"openai": openai, "standardwebhooks": standard}
LIBRARIES = tuple(_THEIRS)


def theirs(library: str, delivery: Delivery, *, with_event: bool) -> Outcome | None:
    """Return what a library makes of a delivery; of several secrets, its user tries one after the other."""
    outcome: Outcome | None = None
    for secret in delivery.secrets:
        outcome = _THEIRS[library](delivery, secret, with_event=with_event)
        if outcome is None or outcome.verdict is not Verdict.REFUSED:
            return outcome
    return outcome


def _outcome(call: Callable[[], Any], is_refusal: Callable[[Exception], bool]) -> Outcome:
    try:
        return Outcome(Verdict.ACCEPTED, call())
    except Exception as error:  # noqa: BLE001  which one it is, is what is asked
        return Outcome(Verdict.REFUSED if is_refusal(error) else Verdict.CRASHED, error=error)


def _is_openais(error: Exception) -> bool:
    """Say whether it is raised on purpose: for headers that are missing, that is a plain ValueError."""
    return isinstance(error, InvalidWebhookSignatureError) or (
        type(error) is ValueError and str(error).startswith("Could not find webhook-")
    )
