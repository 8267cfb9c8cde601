"""The promise holds for each front and each store, in whatever order things happen; and what it does not cover."""

import pytest

from model.bench import Bench
from model.machine import search
from model.scripts import SUCCEEDS
from model.subjects import SUBJECTS

EACH = [("asgi", store) for store in SUBJECTS] + [("wsgi", store) for store in SUBJECTS if "Async" not in store]


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize(("front", "store"), EACH)
def test_promise(bench: Bench, examples: int) -> None:
    """No event is lost, none has a second handler within a lease, and none runs after its completion."""
    search(bench, max_examples=examples, derandomize=False)


@pytest.mark.parametrize(("front", "store"), [("asgi", "SQLiteStore"), ("wsgi", "SQLiteStore")])
def test_stopped_worker(bench: Bench) -> None:
    """A worker that stands still between claim and handler, for longer than its lease, runs what is completed."""
    bench.begin_run()
    stopped, other = bench.post(0, SUCCEEDS, 0), bench.post(0, SUCCEEDS, 1)
    bench.reach(stopped, "after claim")
    bench.advance_past_lease()
    bench.reach(other)
    bench.reach(stopped)
    assert [other.was_called, stopped.was_called, other.event.completed_by is other.grant] == [True, True, True]
