"""The text of ``docs/differential.md``: the table of differences, with what was counted."""

import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from textwrap import TextWrapper

from differential.cases import PLAIN, SEED, Case
from differential.compared import Kind
from differential.differences import ENTRIES
from differential.entry import Entry
from differential.generated import EVENTS
from differential.receivers import LIBRARIES
from differential.run import Run
from differential.statement import Rule, broken_rule

_LINES = TextWrapper(120, break_long_words=False, break_on_hyphens=False)

_HEAD = """\
# Differences from `openai` and `standardwebhooks`

`openai` is OpenAI's SDK, whose `client.webhooks` verifies deliveries; `standardwebhooks` is the reference library of
Standard Webhooks v1. `tests/differential` makes deliveries and gives each to all three: to verify it, and to verify and
decode it. They are genuine ones of all %d event types and of unknown ones, with bodies, ids, secrets and header
containers drawn from a fixed seed; each of them changed in one way, before it is signed or after; and others changed in
two. Each difference must be one of those listed here, and each one listed must be found; else the tests fail.

What is forbidden, genuine or left open is not decided by one of the three, but by `tests/differential/statement.py`,
which states what Standard Webhooks v1 and the RFCs below it say, and uses none of them. Most differences take somebody
who can sign; those marked \\* anybody can post. The last columns count how often a difference was found.

`tox -e differential -- --differences=write` writes this page, and `tox -e differential` checks it.
"""

_KINDS = {
    Kind.CRASHES: (
        "They crash",
        "They raise what is not their own error, so a handler that catches theirs answers 500.",
    ),
    Kind.FORBIDDEN: ("They accept what is forbidden", "We refuse it."),
    Kind.MISTYPES: ("We keep what they mistype", "Both accept it; the events differ."),
    Kind.REFUSES: ("They refuse what is genuine", "We accept it."),
    Kind.STRICTER: (
        "We refuse what is left open",
        "They accept it, and the specification has no word against it.",
    ),
}

_SOURCES = {Kind.FORBIDDEN: "who forbids it", Kind.STRICTER: "where we do"}

_TAIL = """\
## What we accept although it is forbidden

With both libraries: keys of 16 to 23 bytes, where Standard Webhooks asks for 24, because such are in use; and, as
`openai` does, signatures without `v1,`, which OpenAI's SDKs accept. Nothing else, the tests say.

## What is not compared

The exact borders of the tolerance, because the others read the clock: deliveries stay ten seconds away from them, and
`tests/sansio/test_signature.py` has the borders. Raw bytes as a secret are no text for `openai`, and
`standardwebhooks` has no option for the tolerance. Where there are two secrets, the others get one after the other.
"""


def rendered(run: Run, date: str) -> str:
    """Return the text of the file, for a run on a day."""
    return "\n".join([_HEAD % len(EVENTS), *_figures(run, date), *_kinds(run), _TAIL])


def figures(run: Run) -> str:
    """Return the figures of a run, in one sentence."""
    differing = run.comparisons - run.same
    listed = f"{len(run.unlisted):,} of which are not" if run.unlisted else "all of which are"
    return (
        f"{run.deliveries:,} deliveries, {run.comparisons:,} comparisons: the same in {run.same:,}, and {differing:,}"
        f" with differences, {listed} among the {len(ENTRIES)} listed."
    )


def _figures(run: Run, date: str) -> Iterator[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    python = f"CPython {platform.python_version().rpartition('.')[0]}"
    yield _LINES.fill(f"On {date}, with {python}, {versions} and the seed {SEED}: {figures(run)}")
    yield ""


def _kinds(run: Run) -> Iterator[str]:
    for kind, (title, says) in _KINDS.items():
        yield from (f"## {title}", "", says, "")
        heads = ["what", "why", *([_SOURCES[kind]] if kind in _SOURCES else []), "for example", *LIBRARIES]
        yield f"| {' | '.join(heads)} |"
        yield f"|{'---|' * (len(heads) - len(LIBRARIES))}{'--:|' * len(LIBRARIES)}"
        yield from (_row(entry, run) for entry in ENTRIES if entry.kind is kind)
        yield ""


def _row(entry: Entry, run: Run) -> str:
    counts = [f"{run.hits[entry.name, name]:,}" if name in entry.libraries else "" for name in LIBRARIES]
    source = [entry.source] if entry.source else []
    cells = [_starred(entry), entry.reason, *source, ", ".join(entry.example), *counts]
    return f"| {' | '.join(cells)} |"


def _starred(entry: Entry) -> str:
    """Return its name, with a star if its example crashes them without a signature."""
    forged = broken_rule(Case(PLAIN, entry.example).delivered(int(time.time())), with_event=False) is Rule.UNSIGNED
    return f"{entry.name}\\*" if forged and entry.kind is Kind.CRASHES else entry.name
