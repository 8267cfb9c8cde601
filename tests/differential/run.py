"""Compares all cases, and counts: what is the same, what differs for a reason of the table, and what for none."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from differential.cases import Case
from differential.compared import Comparison, Difference, compared
from differential.differences import ENTRIES
from differential.entry import Entry
from differential.receivers import Verdict
from differential.statement import Rule


@dataclass
class Run:
    """What came of all cases.

    Attributes:
        deliveries: How many there were.
        comparisons: How many: each delivery with each library that it can be given to, verified, and decoded too.
        same: How many of them had the same verdict and the same values.
        hits: How often each entry explained a difference, by its name and the library.
        tolerated: How often we accepted what breaks a rule, by the rule.
        unlisted: The differences that no entry explains.
        crashed: The cases at which we raised what is no error of ours.
        refused: The genuine deliveries, without any change, that we refused.
    """

    deliveries: int = 0
    comparisons: int = 0
    same: int = 0
    hits: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    tolerated: Counter[Rule] = field(default_factory=Counter[Rule])
    unlisted: list[tuple[Case, Difference]] = field(default_factory=list[tuple[Case, Difference]])
    crashed: list[Case] = field(default_factory=list[Case])
    refused: list[Case] = field(default_factory=list[Case])


def run(cases: Iterable[Case], entries: Iterable[Entry] = ENTRIES) -> Run:
    """Compare cases; each is signed when its turn comes, because the others read the clock."""
    done, entries = Run(), tuple(entries)
    for case in cases:
        done.deliveries += 1
        for comparison in compared(case.delivered(int(time.time()))):
            _count(done, case, comparison)
            for difference in comparison.differences:
                _explain(done, case, difference, entries)
    return done


def explanations(difference: Difference, entries: Iterable[Entry] = ENTRIES) -> list[Entry]:
    """Return the entries that explain a difference."""
    return [entry for entry in entries if entry.explains(difference)]


def _count(done: Run, case: Case, comparison: Comparison) -> None:
    done.comparisons += 1
    done.same += not comparison.differences
    accepted = comparison.ours.verdict is Verdict.ACCEPTED
    if comparison.rule and accepted:
        done.tolerated[comparison.rule] += 1
    if comparison.ours.verdict is Verdict.CRASHED:
        done.crashed.append(case)
    if not case.changes and not accepted:
        done.refused.append(case)


def _explain(done: Run, case: Case, difference: Difference, entries: tuple[Entry, ...]) -> None:
    found = explanations(difference, entries)
    if found:
        done.hits[found[0].name, difference.library] += 1
    else:
        done.unlisted.append((case, difference))
