"""The machine finds what is broken: each store and each front here breaks one promise, and is caught with that one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from webhook_guard.idempotency import MemoryStore

from model import broken
from model.bench import open_bench
from model.ledger import Invariant, InvariantError
from model.machine import catch
from model.subjects import memory

FRONTS = ["asgi", "wsgi"]

STORES = [
    (broken.ForgetsCompletions, Invariant.AGAIN),
    (broken.ForgetsAfterLease, Invariant.AGAIN),
    (broken.GrantsAll, Invariant.SECOND),
    (broken.ClaimsInTwoSteps, Invariant.SECOND),
    (broken.EndsLeasesEarly, Invariant.SECOND),
    (broken.ReleasesForAnybody, Invariant.SECOND),
    (broken.CompletesOnClaim, Invariant.LOST),
    (broken.NeverEndsLeases, Invariant.HELD),
    (broken.KeepsReleased, Invariant.HELD),
]
BOTH_FRONTS = [
    (broken.complete_first, Invariant.LOST),
    (broken.complete_whatever_status, Invariant.LOST),
    (broken.answer_duplicate, Invariant.LOST),
    (broken.release_first, Invariant.SECOND),
    (broken.never_release, Invariant.HELD),
    (broken.go_without_store, Invariant.ANSWER),
]
ASGI_FRONT = [
    (broken.keep_late_claims, Invariant.HELD),
    (broken.cancel_store_calls, Invariant.HELD),
]


def _named(value: object) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(("store", "invariant"), STORES, ids=_named)
def test_store(front: str, store: type[MemoryStore], invariant: Invariant, tmp_path: Path) -> None:
    """A store that breaks its promise is found out, by the invariant that it breaks."""
    with (
        memory(tmp_path, store) as subject,
        open_bench(front, subject, directly=False, looked_for={invariant}) as bench,
    ):
        vars(subject.make())["world"] = bench.world
        with pytest.raises(InvariantError, match=invariant):
            catch(bench)


@pytest.mark.parametrize(
    ("front", "break_front", "invariant"),
    [(front, *how) for how in BOTH_FRONTS for front in FRONTS] + [("asgi", *how) for how in ASGI_FRONT],
    ids=_named,
)
def test_front(
    front: str,
    break_front: Callable[[pytest.MonkeyPatch], None],
    invariant: Invariant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A front that breaks its promise is found out, by the invariant that it breaks."""
    break_front(monkeypatch)
    with (
        memory(tmp_path) as subject,
        open_bench(front, subject, directly=False, looked_for={invariant}) as bench,
        pytest.raises(InvariantError, match=invariant),
    ):
        catch(bench)
