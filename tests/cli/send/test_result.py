"""What became of what was sent: whether it is right, and as JSON."""

import json
from collections.abc import Sequence

import pytest

from webhook_guard.cli.http import Answer
from webhook_guard.cli.posting import Expected, expectation

from cli.send.results import PROBLEM, result
from support import WEBHOOK_ID

ACCEPTED = Answer(204, "No Content", (), b"", 0.0015)
REFUSED = Answer(400, "Bad Request", PROBLEM, b'{"reason":"signature_mismatch"}', 0.0005)
FAILED = Answer(400, "Bad Request", (), b"", 0.0025)


@pytest.mark.parametrize(
    ("answers", "expected", "right"),
    [
        pytest.param([ACCEPTED], expectation(None), 1, id="accepted"),
        pytest.param([REFUSED], expectation(None), 0, id="refused"),
        pytest.param([REFUSED], expectation(None, is_tampered=True), 1, id="refused, as it should be"),
        pytest.param([ACCEPTED, REFUSED, FAILED], expectation(400), 2, id="some"),
        pytest.param([ACCEPTED, "closed"], expectation(None), 1, id="no answer"),
    ],
)
def test_right(answers: Sequence[Answer | str], expected: Expected, right: int) -> None:
    """All is right if every request was answered as expected."""
    found = result(answers, expected)
    assert (found.right, found.is_right) == (right, right == len(answers))


def test_json_of_one() -> None:
    """One request has its ids."""
    values = result([REFUSED], expectation(None)).as_json()
    assert json.loads(json.dumps(values)) == {
        "url": "http://localhost/",
        "type": "batch.completed",
        "webhook_id": WEBHOOK_ID,
        "event_id": "evt_1",
        "requests": 1,
        "statuses": {"400": 1},
        "reasons": {"signature_mismatch": 1},
        "no_answer": 0,
        "problems": {},
        "seconds": 0.25,
        "latency_ms": {"median": 0.5, "p99": 0.5},
        "expected": "2xx",
        "ok": False,
    }


def test_json_of_many() -> None:
    """Many are counted, and have no ids."""
    problems = ["closed", "no whole answer", "closed"]
    values = result([ACCEPTED, REFUSED, FAILED, REFUSED, *problems], expectation(204)).as_json()
    assert json.loads(json.dumps(values)) == {
        "url": "http://localhost/",
        "type": "batch.completed",
        "requests": 7,
        "statuses": {"204": 1, "400": 3},
        "reasons": {"signature_mismatch": 2},
        "no_answer": 3,
        "problems": {"closed": 2, "no whole answer": 1},
        "seconds": 0.25,
        "latency_ms": {"median": 0.5, "p99": 2.5},
        "expected": "204",
        "ok": False,
    }


def test_json_of_no_event() -> None:
    """What is no event has no type, and no id."""
    values = result([ACCEPTED], expectation(None), b"junk").as_json()
    assert (values["type"], values["event_id"], values["ok"]) == (None, None, True)
