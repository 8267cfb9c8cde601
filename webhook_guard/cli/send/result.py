"""What became of what was sent, and whether it is right."""

from collections import Counter
from typing import Any, NamedTuple

from webhook_guard.cli.http import Answer
from webhook_guard.cli.posting import Expected
from webhook_guard.cli.send.attempts import Attempt
from webhook_guard.cli.send.load import Tally


class Result(NamedTuple):
    """All requests to a URL, and their answers."""

    url: str
    #: How many there were.
    requests: int
    #: The first one, and what it was answered.
    attempt: Attempt
    answer: Answer
    #: What all of them were answered.
    tally: Tally
    #: How long it took.
    seconds: float
    expected: Expected

    @property
    def right(self) -> int:
        """How many answers are as expected."""
        return sum(count for (status, _), count in self.tally.answers.items() if self.expected.fits(status))

    @property
    def is_right(self) -> bool:
        """Whether all requests were answered, and as expected."""
        return self.right == self.requests

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values; ids only if there was one request."""
        event = self.attempt.event
        statuses = Counter[int]()
        reasons = Counter[str]()
        for (status, reason), count in sorted(self.tally.answers.items(), key=str):
            statuses[status] += count
            reasons.update({reason: count} if reason is not None else {})
        ids = {"webhook_id": self.attempt.webhook_id, "event_id": event and event.id}
        return {
            "url": self.url,
            "type": event and event.type,
            **(ids if self.requests == 1 else {}),
            "requests": self.requests,
            "statuses": statuses,
            "reasons": reasons,
            "no_answer": self.tally.no_answer,
            "problems": self.tally.problems,
            "seconds": round(self.seconds, 3),
            "latency_ms": {name: round(value * 1000, 3) for name, value in self.tally.latency()._asdict().items()},
            "expected": str(self.expected),
            "ok": self.is_right,
        }
