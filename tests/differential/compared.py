"""Compares what the libraries make of one delivery, and says of what kind each difference is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from differential import receivers
from differential.delivery import Delivery
from differential.receivers import Outcome, Verdict
from differential.statement import TOLERATED, Rule, broken_rule
from differential.values import Mistyped, differing


class Kind(StrEnum):
    """What a difference is: told by the outcomes and the statement alone, never by the table."""

    CRASHES = "they crash"
    FORBIDDEN = "they accept what is forbidden"
    MISTYPES = "we keep what they mistype"
    REFUSES = "they refuse what is genuine"
    STRICTER = "we refuse what is left open"
    #: No difference may be of this kind.
    LAXER = "we accept what is forbidden, and they refuse it"


@dataclass(frozen=True)
class Difference:
    """One difference between a library and ours.

    Attributes:
        kind: Of what kind it is.
        library: Whose verdict or value differs.
        delivery: What was given to both.
        ours: What came of it with us.
        theirs: What came of it with them.
        rule: The rule that the delivery breaks, if any.
        mistyped: The value that differs, if it is one.
    """

    kind: Kind
    library: str
    delivery: Delivery
    ours: Outcome
    theirs: Outcome
    rule: Rule | None
    mistyped: Mistyped | None = None


@dataclass(frozen=True)
class Comparison:
    """One delivery, given to us and to a library.

    Attributes:
        library: The other library.
        rule: The rule that the delivery breaks, if any.
        ours: What came of it with us.
        differences: None, if it is the same with both.
    """

    library: str
    rule: Rule | None
    ours: Outcome
    differences: tuple[Difference, ...]


def compared(delivery: Delivery) -> Iterator[Comparison]:
    """Give a delivery to all, to verify it and to verify and decode it, and compare."""
    for with_event in (False, True):
        ours = receivers.ours(delivery, with_event=with_event)
        rule = broken_rule(delivery, with_event=with_event)
        for library in receivers.LIBRARIES:
            theirs = receivers.theirs(library, delivery, with_event=with_event)
            if theirs:
                found = _differences(Difference(Kind.CRASHES, library, delivery, ours, theirs, rule))
                yield Comparison(library, rule, ours, tuple(found))


def _differences(both: Difference) -> Iterator[Difference]:
    if both.theirs.verdict is Verdict.CRASHED:
        yield both
    elif both.ours.verdict is both.theirs.verdict:
        yield from (replace(both, kind=Kind.MISTYPES, mistyped=value) for value in _mistyped(both.ours, both.theirs))
    else:
        yield replace(both, kind=_kind_of(both.theirs.verdict, both.rule))


def _mistyped(ours: Outcome, theirs: Outcome) -> Iterator[Mistyped]:
    return differing(ours.value, theirs.value) if theirs.verdict is Verdict.ACCEPTED else iter(())


def _kind_of(theirs: Verdict, rule: Rule | None) -> Kind:
    is_genuine = rule is None or rule in TOLERATED
    if theirs is Verdict.ACCEPTED:
        return Kind.STRICTER if is_genuine else Kind.FORBIDDEN
    return Kind.REFUSES if is_genuine else Kind.LAXER
