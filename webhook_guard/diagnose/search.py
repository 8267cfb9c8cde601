"""The search for what makes a signature match: of one cause first, then of two.

Each way is tried by computing its MAC. How much is computed is bounded in bytes, so that a large body takes as long as
it may and no longer; what is likely is tried first.
"""

from collections.abc import Iterator
from itertools import chain, product, starmap
from typing import NamedTuple

from webhook_guard.diagnose import bodies, reserialized, signatures
from webhook_guard.diagnose.causes import BodyUndone, Cause, Step
from webhook_guard.diagnose.fields import Field
from webhook_guard.diagnose.heads import Head, heads
from webhook_guard.diagnose.secrets import Reading

#: Bytes that MACs are computed over. SHA-256 takes 0.4 to 2 GB a second: this is 1 to 3 seconds in all.
_MOST_WORK = 1_500_000_000
#: Bytes that a MAC costs beside the body.
_OVERHEAD = 2048


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
        for undone in _one_step(body, all_orders=True):
            yield from self._try(plain, undone.body, undone.step)
        yield from self._try(two, body)
        for undone in _one_step(body, all_orders=False):
            yield from self._try(one, undone.body, undone.step)
            for again in _second_step(undone):
                yield from self._try(plain, again.body, undone.step, again.step)

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
        self._work -= len(body) + _OVERHEAD
        if self._work < 0:
            raise _OutOfWork
        self.tried += 1
        return way.reading.mac.digest(way.head.prefix, body)


def _in_order(steps: list[Step]) -> Iterator[Step]:
    """Yield one step for each cause, in the order of the causes: between a secret and headers, no order is right."""
    for cause in Cause:
        hows = dict.fromkeys(step.how for step in steps if step.cause is cause)
        if hows:
            yield Step(cause, "; ".join(hows))


def _one_step(body: bytes, *, all_orders: bool) -> Iterator[BodyUndone]:
    return chain(bodies.undone(body), reserialized.undone(body, all_orders=all_orders))


def _second_step(undone: BodyUndone) -> Iterator[BodyUndone]:
    if undone.step.cause is Cause.RESERIALIZED:
        return bodies.undone(undone.body)  # written again twice is written again once
    return _one_step(undone.body, all_orders=True)
