"""The model of `model/` in short: it finds nothing in the stores that need no server, and finds what is broken."""

from pathlib import Path

import pytest

from webhook_guard.idempotency import MemoryStore

from model.bench import open_bench
from model.broken import CompletesOnClaim, ForgetsCompletions, GrantsAll, KeepsReleased, go_without_store
from model.ledger import Invariant, InvariantError
from model.machine import catch, search
from model.subjects import SUBJECTS, memory

each_front = pytest.mark.parametrize("front", ["asgi", "wsgi"])


@each_front
@pytest.mark.parametrize("store", ["MemoryStore", "SQLiteStore"])
def test_promise(front: str, store: str, tmp_path: Path) -> None:
    """No event is lost, none has a second handler within a lease, and none runs after its completion."""
    with SUBJECTS[store](tmp_path) as subject, open_bench(front, subject) as bench:
        search(bench, max_examples=20, derandomize=True)
    assert bench.counts["handlers run"] > bench.counts["runs"]


@each_front
@pytest.mark.parametrize(
    ("store", "invariant"),
    [
        (CompletesOnClaim, Invariant.LOST),
        (GrantsAll, Invariant.SECOND),
        (ForgetsCompletions, Invariant.AGAIN),
        (KeepsReleased, Invariant.HELD),
    ],
    ids=["lost", "second", "again", "held"],
)
def test_broken_store(front: str, store: type[MemoryStore], invariant: Invariant, tmp_path: Path) -> None:
    """A store that breaks its promise is found out."""
    with (
        memory(tmp_path, store) as subject,
        open_bench(front, subject, directly=False, looked_for={invariant}) as bench,
        pytest.raises(InvariantError, match=invariant),
    ):
        catch(bench)


@each_front
def test_broken_front(front: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A front that calls the app while the store is away is found out."""
    go_without_store(monkeypatch)
    looked_for = {Invariant.ANSWER}
    with (
        memory(tmp_path) as subject,
        open_bench(front, subject, directly=False, looked_for=looked_for) as bench,
        pytest.raises(InvariantError, match=Invariant.ANSWER),
    ):
        catch(bench)
