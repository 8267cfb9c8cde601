"""The public function, and what it returns."""

from typing import Any, Literal

import msgspec

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.sansio.errors import Reason
from webhook_guard.sansio.guard import TOLERANCE
from webhook_guard.sansio.keys import Secret
from webhook_guard.sansio.signature import Headers
from webhook_guard.verify import Payload


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What is right or wrong about a request.

    Attributes:
        verdict: "genuine", or "refused".
        reason: Why a guard refuses it; None if it is genuine.
        steps: What to undo, in this order; then the signature matches. Empty if nothing was found, or is wrong.
        explanation: What happened, in plain words: one to three sentences.
        fix: Where to look, and what to change; empty if it is genuine.
        body: The body as it was signed, in bytes, if that was found; else as it came.
        tried: How many ways were tried to make the signature match.
    """

    verdict: Literal["genuine", "refused"]
    reason: Reason | None
    steps: list[Step]
    explanation: str
    fix: str
    body: bytes
    tried: int

    @property
    def causes(self) -> list[Cause]:
        """The causes, in the order to undo them."""
        return [step.cause for step in self.steps]

    def __repr__(self) -> str:
        causes = [cause.value for cause in self.causes]
        return f"Diagnosis(verdict={self.verdict!r}, reason={self.reason and self.reason.value!r}, causes={causes})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field, the body too.
        return [("verdict", self.verdict), ("reason", self.reason), ("causes", self.causes)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: all but the body."""
        return {
            "verdict": self.verdict,
            "reason": self.reason and self.reason.value,
            "causes": [cause.value for cause in self.causes],
            "undone": [step.how for step in self.steps],
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
    tolerance: float = TOLERANCE,
    method: str = "POST",
) -> Diagnosis:
    """Say whether a captured request is genuine, and if not, why.

    Args:
        body: The body as it came.
        headers: All headers as they came: a mapping or an iterable of pairs, names in any case, str or bytes.
        secret: The secret that the app verifies with; of several, the first, and the others are candidates, such as
            other endpoints'. None takes all in OPENAI_WEBHOOK_SECRET as the app's.
        now: When the request came, in Unix seconds; None reads the clock.
        tolerance: How far from `now` the attempt may be, either way, in seconds.
        method: The request's method.

    Raises:
        ConfigurationError: An option is of another type, or there is no secret at all.
        TypeError: The body or the headers are of another type.
    """
    raise NotImplementedError
