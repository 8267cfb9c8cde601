"""The search for what makes a signature match: of one cause first, then of two.

Each way is tried by computing its MAC. How much is computed is bounded in bytes, so that a large body takes as long as
it may and no longer; what is likely is tried first.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, product, starmap
from typing import NamedTuple

from webhook_guard.diagnose import bodies, reserialized, signatures
from webhook_guard.diagnose.causes import BodyUndone, Cause, Step
from webhook_guard.diagnose.fields import Field
from webhook_guard.diagnose.heads import Head, heads
from webhook_guard.diagnose.secrets import Reading

#: What a search may cost, in bytes that are hashed: SHA-256 takes 0.4 to 2 GB a second.
_MOST_WORK = 2_000_000_000
#: What a MAC costs beside the body, and what a byte of a body costs that is made: the same unit.
_OVERHEAD, _UNDOING, _REWRITING = 2048, 2, 40


class Found(NamedTuple):
    """What makes the signature match. Its repr does not show the body.

    Attributes:
        steps: What to undo, in this order.
        body: The body that was signed.
        timestamp: The timestamp that was signed; empty if there is none.
        secret_index: Which of the secrets signed, counted from 0.
    """

    steps: tuple[Step, ...]
    body: bytes
    timestamp: bytes
    secret_index: int

    def __repr__(self) -> str:
        return f"<found after {len(self.steps)} steps>"


class _Way(NamedTuple):
    """How to compute a MAC, whatever the body is."""

    reading: Reading
    head: Head

    @property
    def cost(self) -> int:
        """How many causes it undoes."""
        return len(self.reading.steps) + len(self.head.steps)


class _OutOfWork(Exception):  # noqa: N818  no error: the end of the search
    """As much was tried as may be."""


class Search:
    """One search.

    Args:
        readings: The keys to try.
        fields: The headers that may matter.

    Attributes:
        tried: How many MACs were computed.
        is_complete: Whether nothing was left out.
    """

    def __init__(self, readings: list[Reading], fields: list[Field]) -> None:
        self._ways = sorted(starmap(_Way, product(readings, heads(fields))), key=lambda way: way.cost)
        self._targets = signatures.targets(fields)
        self._work = _MOST_WORK
        self.tried: int = 0
        self.is_complete: bool = True

    @property
    def has_targets(self) -> bool:
        """Whether there is anything that may be a signature."""
        return bool(self._targets)

    def run(self, body: bytes) -> Found | None:
        """Return the first way, with the fewest causes, in which the signature matches; None if there is none.

        Args:
            body: The body as it came.
        """
        if not self.has_targets:
            return None
        try:
            return next(self._all(body), None)
        except _OutOfWork:
            self.is_complete = False
            return None

    def _all(self, body: bytes) -> Iterator[Found]:
        plain, one, two = (self._of_cost(cost) for cost in range(3))
        yield from self._try([*plain, *one], body)
        for undone in self._undone(body):
            yield from self._try(plain, undone.body, undone.step)
            del undone
        # Making these costs more than trying them, so each is made once.
        for undone in self._rewritten(body):
            yield from self._try([*plain, *one], undone.body, undone.step)
            for again in self._undone(undone.body):
                yield from self._try(plain, again.body, undone.step, again.step)
                del again
            del undone
        yield from self._try(two, body)
        for undone in self._undone(body):
            yield from self._try(one, undone.body, undone.step)
            for again in chain(self._undone(undone.body), self._rewritten(undone.body)):
                yield from self._try(plain, again.body, undone.step, again.step)
                del again
            del undone
        yield from self._reordered(plain, body)
        for undone in self._undone(body):
            yield from self._reordered(plain, undone.body, undone.step)

    def _reordered(self, ways: list[_Way], body: bytes, *steps: Step) -> Iterator[Found]:
        for undone in self._charged(reserialized.reordered(body), _REWRITING):
            yield from self._try(ways, undone.body, *steps, undone.step)

    def _undone(self, body: bytes) -> Iterator[BodyUndone]:
        return self._charged(bodies.undone(body), _UNDOING)

    def _rewritten(self, body: bytes) -> Iterator[BodyUndone]:
        return self._charged(reserialized.undone(body), _REWRITING)

    def _charged(self, undone: Iterable[BodyUndone], rate: int) -> Iterator[BodyUndone]:
        for each in undone:
            self._charge(rate * len(each.body))
            yield each
            del each  # or two would be in memory while the next one is made: so in all loops here

    def _charge(self, work: int) -> None:
        self._work -= work
        if self._work < 0:
            raise _OutOfWork

    def _of_cost(self, cost: int) -> list[_Way]:
        return [way for way in self._ways if way.cost == cost]

    def _try(self, ways: list[_Way], body: bytes, *steps: Step) -> Iterator[Found]:
        """Yield the way to compute the MAC of a body that is right, after the steps back to that body."""
        for way in ways:
            mac = self._mac(way, body)
            target = signatures.match(mac, self._targets)
            if target is not None:
                rest = _in_order([*way.reading.steps, *way.head.steps, *target.steps])
                yield Found((*steps, *rest), body, way.head.timestamp, way.reading.secret_index)

    def _mac(self, way: _Way, body: bytes) -> bytes:
        self._charge(len(body) + _OVERHEAD)
        self.tried += 1
        return way.reading.mac.digest(way.head.prefix, body)


def _in_order(steps: list[Step]) -> Iterator[Step]:
    """Yield one step for each cause, in the order of the causes: between a secret and headers, no order is right."""
    for cause in Cause:
        hows = dict.fromkeys(step.how for step in steps if step.cause is cause)
        if hows:
            yield Step(cause, "; ".join(hows))
