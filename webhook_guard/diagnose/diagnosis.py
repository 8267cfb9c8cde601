"""The public function, and what it returns."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.explanation import Facts, explain
from webhook_guard.diagnose.fields import find
from webhook_guard.diagnose.search import Result, search
from webhook_guard.diagnose.secrets import readings
from webhook_guard.sansio import guard, keys
from webhook_guard.sansio.errors import PayloadError, Reason, VerificationError, WebhookError
from webhook_guard.sansio.keys import Secret
from webhook_guard.sansio.signature import Headers, read_fields
from webhook_guard.verify import Payload, as_bytes, unix_time, unwrap

#: A number of seconds that is not absurd.
_NUMBER = re.compile(rb"[0-9]{1,12}")


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What is right or wrong about a request. Its repr does not show the body.

    Attributes:
        verdict: "genuine", or "refused".
        reason: Why a guard refuses it; None if it is genuine.
        steps: What to undo, in this order; then the signature matches. Empty if nothing was found, or nothing is wrong.
        explanation: What happened, in plain words: a few sentences.
        fix: Where to look, and what to change; empty if it is genuine.
        body: The body as it was signed, in bytes, if that was found; else as it came.
        tried: How many ways were tried to make the signature match.
    """

    verdict: Literal["genuine", "refused"]
    reason: Reason | None
    steps: tuple[Step, ...]
    explanation: str
    fix: str
    body: bytes
    tried: int

    @property
    def causes(self) -> list[Cause]:
        """The causes, in the order to undo them."""
        return [step.cause for step in self.steps]

    def __repr__(self) -> str:
        return f"Diagnosis({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field, the body too.
        return [(name, value) for name, value in self.to_dict().items() if name in {"verdict", "reason", "causes"}]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: all but the body."""
        return {
            "verdict": self.verdict,
            "reason": None if self.reason is None else self.reason.value,
            "causes": [cause.value for cause in self.causes],
            "steps": [{"cause": step.cause.value, "how": step.how} for step in self.steps],
            "explanation": self.explanation,
            "fix": self.fix,
            "tried": self.tried,
        }


def diagnose(
    body: Payload,
    headers: Headers,
    secret: Secret | None = None,
    *,
    now: float | None = None,
    tolerance: float = guard.TOLERANCE,
    method: str = "POST",
) -> Diagnosis:
    """Say whether a captured request is genuine, and if not, why.

    The three webhook headers and the body count, as for `webhook_guard.unwrap`. A cause is named only if the signature
    matches once it is undone. It may take seconds, and is not for the requests of strangers while they wait.

    Args:
        body: The body as it came.
        headers: All headers as they came: a mapping or an iterable of pairs, names in any case, str or bytes.
        secret: The secret that the app verifies with; of several, the first, and the others are candidates, such as
            other endpoints'. None takes all in OPENAI_WEBHOOK_SECRET as the app's. It may be one that a guard refuses.
        now: When the request came, in Unix seconds; None reads the clock.
        tolerance: How far from `now` the attempt may be, either way, in seconds.
        method: The request's method.

    Raises:
        ConfigurationError: An option can't be used, or there is no secret at all.
        TypeError: The body or the headers are of another type.

    >>> from webhook_guard import sign
    >>> from webhook_guard.diagnose import diagnose
    >>> secret = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c="
    >>> headers = sign('{"type":"batch.completed"}', secret, webhook_id="wh_1", timestamp=1750861210)
    >>> diagnosis = diagnose('{"type": "batch.completed"}', headers, secret, now=1750861215)
    >>> diagnosis
    Diagnosis(verdict='refused', reason='signature_mismatch', causes=['reserialized'])
    >>> diagnosis.steps[0].how
    "write the JSON compact, as JavaScript's JSON.stringify does"
    """
    received, pairs = as_bytes(body), _pairs(headers)
    now, tolerance = unix_time(now), guard.check_tolerance(tolerance)
    secrets, in_use = _secrets(secret)
    refusal = _refusal(received, pairs, secrets[:in_use], now=now, tolerance=tolerance, method=method)
    if refusal is None:
        return _genuine(received)
    if isinstance(refusal, PayloadError):
        result = Result(None, has_signature=True, tried=0, is_complete=True)
    else:
        result = search(received, readings(secrets, in_use), find(pairs))
    return _refused(refusal, result, received, now=now, tolerance=tolerance)


def _refusal(
    body: bytes, headers: Headers, secret: Sequence[str | bytes], *, now: float, tolerance: float, method: str
) -> WebhookError | None:
    """Return why a guard would refuse a whole request; None if it would not."""
    if method != "POST":
        return VerificationError("the method is not POST", Reason.METHOD_NOT_ALLOWED)
    try:
        # Messages about one of several secrets say which; about a single one, they need not.
        unwrap(body, headers, secret=secret if len(secret) > 1 else secret[0], tolerance=tolerance, now=now)
    except WebhookError as error:
        return error
    return None


def _secrets(secret: Secret | None) -> tuple[tuple[str | bytes, ...], int]:
    """Return all secrets, and how many of them, from the first, the app has."""
    if secret is None:
        found = keys.variable_entries(os.environ.get(keys.VARIABLE))
        return found, len(found)
    return keys.entries(secret), 1


def _pairs(headers: Any) -> list[tuple[str | bytes, str | bytes]]:
    """Return the names and values of headers, which may be such as can be gone through only once.

    Raises:
        TypeError: They are of another type.
    """
    if isinstance(headers, (str, bytes, bytearray)):  # which are iterable, too
        raise TypeError("headers: must be a mapping or an iterable of (name, value) pairs, not text")
    pairs: list[tuple[str | bytes, str | bytes]] = list(headers.items() if hasattr(headers, "items") else headers)
    read_fields(pairs)
    return pairs


def _genuine(body: bytes) -> Diagnosis:
    return Diagnosis(
        verdict="genuine",
        reason=None,
        steps=(),
        explanation=(
            "The signature is right, the time is within the tolerance, and the body is an event."
            " If your app said signature_mismatch, it has another secret than is given here."
        ),
        fix="",
        body=body,
        tried=0,
    )


def _refused(refusal: WebhookError, result: Result, body: bytes, *, now: float, tolerance: float) -> Diagnosis:
    found = result.found
    age = 0.0 if found is None else _age(found.timestamp, now)
    steps = None if found is None else (*found.steps, *_clock(age, tolerance))
    what, fix = explain(
        Facts(
            refusal=refusal,
            steps=steps,
            body=body,
            has_signature=result.has_signature,
            tried=result.tried,
            is_complete=result.is_complete,
            age=age,
            tolerance=tolerance,
        )
    )
    return Diagnosis(
        verdict="refused",
        reason=refusal.reason,
        steps=steps or (),
        explanation=what,
        fix=fix,
        body=body if found is None else found.body,
        tried=result.tried,
    )


def _age(timestamp: bytes, now: float) -> float:
    """Return how old a timestamp is, in seconds; 0 if there is none."""
    return now - int(timestamp) if _NUMBER.fullmatch(timestamp) else 0


def _clock(age: float, tolerance: float) -> Iterator[Step]:
    """Yield the step that takes the time back, if it is needed."""
    if age > tolerance:
        yield Step(Cause.CLOCK, f"take the time as {age:.0f} s earlier")
    elif age < -tolerance:
        yield Step(Cause.CLOCK, f"take the time as {-age:.0f} s later")
