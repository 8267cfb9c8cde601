"""The search for what makes a signature match: one change undone, then two.

Each possibility is tried by computing its MAC. What that may cost is bounded, in bytes that are hashed, so that a large
body takes as long as it may and no longer; what is likely is tried first.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, product, starmap
from typing import NamedTuple, TypeAlias

from webhook_guard.diagnose import bodies, reserialized, signatures
from webhook_guard.diagnose.causes import BodyUndone, Cause, Step
from webhook_guard.diagnose.fields import Field
from webhook_guard.diagnose.heads import Head, heads
from webhook_guard.diagnose.secrets import Reading
from webhook_guard.diagnose.work import OutOfWorkError, Work

_Undo: TypeAlias = Callable[[bytes, Work], Iterator[BodyUndone]]

#: What computing a MAC costs beside the body, in bytes that are hashed.
_OVERHEAD = 2048
#: What all senders begin with who sign no more than a body, or a timestamp and a body. A body that begins otherwise may
#: be more than a body: who moves the id of a delivery into it needs no secret for the MAC to be right.
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+[{\[]")


class Found(NamedTuple):
    """What makes the signature match. Its repr does not show the body.

    Attributes:
        steps: What to undo, in this order.
        body: The body that was signed.
        timestamp: The timestamp that was signed; empty if there is none.
    """

    steps: tuple[Step, ...]
    body: bytes
    timestamp: bytes

    def __repr__(self) -> str:
        return f"<found after {len(self.steps)} steps>"


class Result(NamedTuple):
    """What came of a search.

    Attributes:
        found: What makes the signature match, with as few steps as was found first; None if nothing does.
        has_signature: Whether there is anything that may be a signature.
        tried: How many MACs were computed.
        is_complete: Whether all that could be tried was, if nothing was found.
    """

    found: Found | None
    has_signature: bool
    tried: int
    is_complete: bool


class _Signing(NamedTuple):
    """What may have been signed with which key, but for the body."""

    reading: Reading
    head: Head

    @property
    def cost(self) -> int:
        """How many causes it undoes."""
        return len(self.reading.steps) + self.head.cost


class _Candidate(NamedTuple):
    """A body that may have been signed, and the steps to it."""

    body: bytes
    steps: tuple[Step, ...] = ()


def search(body: bytes, readings: list[Reading], fields: list[Field]) -> Result:
    """Find what makes the signature match.

    Args:
        body: The body as it came.
        readings: The keys to try.
        fields: The headers that may matter.
    """
    return _Search(readings, fields).run(body)


class _Search:
    def __init__(self, readings: list[Reading], fields: list[Field]) -> None:
        signings = list(starmap(_Signing, product(readings, heads(fields))))
        #: By how many causes each undoes: none, one, or two.
        self._plain, self._one, self._two = (
            [signing for signing in signings if signing.cost == cost] for cost in range(3)
        )
        self._targets = signatures.targets(fields)
        self._work = Work()
        self._tried = 0

    def run(self, body: bytes) -> Result:
        if not self._targets:
            return Result(None, has_signature=False, tried=0, is_complete=True)
        found = None
        with suppress(OutOfWorkError):
            found = next(self._found(_Candidate(body)), None)
        return Result(found, has_signature=True, tried=self._tried, is_complete=self._work.is_complete)

    def _found(self, came: _Candidate) -> Iterator[Found]:
        for candidate, signings in self._candidates(came):
            yield from self._matching(candidate, signings)
            del candidate  # or two would be in memory while the next is made: 10 bodies of 1 MiB, and not 9

    def _candidates(self, came: _Candidate) -> Iterator[tuple[_Candidate, list[_Signing]]]:
        """Yield bodies, each with what to try it with; the likelier first, and one cause before two mostly."""
        yield came, [*self._plain, *self._one]
        yield from self._undone(came, bodies.undone, self._plain)
        # To make these costs more than to try them, so each is made once.
        for rewritten, signings in self._undone(came, reserialized.undone, [*self._plain, *self._one]):
            yield rewritten, signings
            yield from self._undone(rewritten, bodies.undone, self._plain)
            del rewritten
        yield came, self._two
        for undone, signings in self._undone(came, bodies.undone, self._one):
            yield undone, signings
            yield from self._undone(undone, bodies.undone, self._plain)
            yield from self._undone(undone, reserialized.undone, self._plain)
            del undone
        undone_or_not = chain([came], (each for each, _ in self._undone(came, bodies.undone, [])))
        for candidate in undone_or_not:
            yield from self._undone(candidate, reserialized.reordered, self._plain)

    def _undone(
        self, candidate: _Candidate, undo: _Undo, signings: list[_Signing]
    ) -> Iterator[tuple[_Candidate, list[_Signing]]]:
        for undone in undo(candidate.body, self._work):
            yield _Candidate(undone.body, (*candidate.steps, undone.step)), signings
            del undone

    def _matching(self, candidate: _Candidate, signings: list[_Signing]) -> Iterator[Found]:
        for reading, head in signings:
            self._work.spend(len(candidate.body) + _OVERHEAD)
            self._tried += 1
            target = signatures.match(reading.mac.digest(head.prefix, candidate.body), self._targets)
            if target is not None and (head.is_whole or _JSON.match(candidate.body)):
                steps = _in_order([*reading.steps, *head.steps, *target.steps])
                yield Found((*candidate.steps, *steps), candidate.body, head.timestamp)


def _in_order(steps: list[Step]) -> Iterator[Step]:
    """Yield one step for each cause, in the order of the causes: between a secret and headers, no order is right."""
    for cause in Cause:
        hows = dict.fromkeys(step.how for step in steps if step.cause is cause)
        if hows:
            yield Step(cause, "; ".join(hows))
