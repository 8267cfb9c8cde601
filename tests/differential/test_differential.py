"""What `openai` or `standardwebhooks` accepts of what is genuine, we accept; and each difference has its reason."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from webhook_guard.sansio.events import Extra, UnknownEvent

from differential.cases import PLAIN, Case
from differential.compared import Difference, compared
from differential.delivery import Delivery
from differential.differences import ENTRIES
from differential.entry import Entry
from differential.run import Run, explanations, run
from differential.statement import TOLERATED, Rule, broken_rule
from differential.table import rendered
from differential.values import differing
from support import NOW, VECTOR_BODY, VECTOR_HEADERS, VECTOR_SECRET

PAGE = Path(__file__).parents[2] / "docs" / "differential.md"
VECTOR = Delivery(headers=tuple(VECTOR_HEADERS.items()), body=VECTOR_BODY, now=NOW, secrets=(VECTOR_SECRET,))
HITS = [(entry, library) for entry in ENTRIES for library in entry.libraries]


def test_there_are_thousands(compared_all: Run) -> None:
    """Thousands of deliveries are compared, and most come out the same."""
    assert compared_all.deliveries > 5000
    assert compared_all.same > compared_all.comparisons / 2


def test_each_difference_has_a_reason(compared_all: Run) -> None:
    """No difference is missing in the table."""
    assert not [
        f"{case.changes}: {found.kind} ({found.library}; {found.rule}), ours {found.ours}, theirs {found.theirs}"
        for case, found in compared_all.unlisted[:10]
    ]


def test_nothing_genuine_is_refused(compared_all: Run) -> None:
    """No generated delivery that nobody changed is refused."""
    assert not compared_all.refused


def test_nothing_forbidden_is_accepted(compared_all: Run) -> None:
    """We accept nothing that the statement forbids, but for what it tolerates, which is among the cases."""
    assert set(compared_all.tolerated) == TOLERATED


def test_we_never_crash(compared_all: Run) -> None:
    """Whatever is delivered, and whatever the secret is, the error is ours."""
    assert not compared_all.crashed


@pytest.mark.parametrize(("entry", "library"), HITS, ids=lambda part: getattr(part, "name", part))
class TestTable:
    """Each line of the table, with each of its libraries."""

    @staticmethod
    def test_is_found(entry: Entry, library: str, compared_all: Run) -> None:
        """A difference like this is among the cases."""
        assert compared_all.hits[entry.name, library] > 0

    @staticmethod
    def test_example(entry: Entry, library: str) -> None:
        """The example shows this difference, and this line alone explains it."""
        explained = [explanations(difference) for difference in _differences(entry.example, library)]
        assert [entry] in explained
        assert {len(entries) for entries in explained} == {1}

    @staticmethod
    def test_is_missed(entry: Entry, library: str) -> None:
        """Without this line, its example is a difference without a reason."""
        others = [other for other in ENTRIES if other is not entry]
        unlisted = run([Case(PLAIN, entry.example)], others).unlisted
        assert {found.library for _, found in unlisted} >= {library}


def _differences(changes: tuple[str, ...], library: str) -> list[Difference]:
    delivery = Case(PLAIN, changes).delivered(int(time.time()))
    return [found for comparison in compared(delivery) for found in comparison.differences if found.library == library]


def test_the_plain_delivery_has_no_difference() -> None:
    """What the examples change is itself accepted by all, with the same values."""
    done = run([Case(PLAIN)], entries=())
    assert (done.comparisons, done.same, done.refused) == (4, 4, [])


def test_statement_on_published_vector() -> None:
    """The statement finds nothing wrong with the delivery that OpenAI's SDKs publish."""
    assert broken_rule(VECTOR, with_event=True) is None


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        (replace(VECTOR, body=VECTOR_BODY + b" "), Rule.UNSIGNED),
        (replace(VECTOR, now=NOW + 301), Rule.IN_TIME),
        (replace(VECTOR, headers=VECTOR.headers[1:]), Rule.HEADERS),
    ],
    ids=["another body", "late", "no id"],
)
def test_statement_on_changed_vector(changed: Delivery, rule: Rule) -> None:
    """The statement says which rule a changed delivery breaks."""
    assert broken_rule(changed, with_event=True) is rule


VALUES: list[tuple[object, object, list[str]]] = [
    ({"a": 1, "b": [{}, None]}, {"a": 1, "b": [{}, None]}, []),
    ({"a": 1}, {"a": True}, ["a"]),
    ({"a": 1}, {"a": 1.0}, ["a"]),
    ({"a": 0.0}, {"a": -0.0}, ["a"]),
    ({}, {"a": None}, ["a"]),
    ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b[1].c"]),
    ({"a": [1]}, {"a": [1, 2]}, ["a"]),
    (UnknownEvent(type="x", extra=Extra(y=1)), {"type": "x", "y": 1}, []),
    (UnknownEvent(type="x"), {"type": "x", "y": 1}, ["y"]),
]


@pytest.mark.parametrize(
    ("ours", "theirs", "paths"),
    VALUES,
    ids=["equal", "bool", "float", "sign", "missing", "nested", "shorter", "extra", "no extra"],
)
def test_values(ours: object, theirs: object, paths: list[str]) -> None:
    """Values differ if their types do, and what they have must be there with us, however deep."""
    assert [found.path for found in differing(ours, theirs)] == paths


def test_page(compared_all: Run, request: pytest.FixtureRequest) -> None:
    """``docs/differential.md`` says what is in the table, and what was counted; its date is that of its writing."""
    if request.config.getoption("--differences") == "write":
        PAGE.write_text(rendered(compared_all, f"{datetime.now(UTC):%Y-%m-%d}"), "utf-8")
    written = PAGE.read_text("utf-8")
    (date,) = re.findall(r"^On (\d{4}-\d\d-\d\d),", written, re.MULTILINE)
    assert written == rendered(compared_all, date)
