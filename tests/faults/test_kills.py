"""Workers are killed at random moments while a sender delivers: nothing is lost, and nothing is handled twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from faults import journal
from faults.history import History, acknowledged_too_early
from faults.history import figures as summed_up
from faults.sender import Sender, events
from faults.stores import Spec
from faults.waiting import wait_until
from faults.workers import Workers, serving

_EVENTS = 1_000
_KILLS = 18
#: Seconds.
_LEASE = 1.5
#: Seconds: longer than any store waits for a disk of CI.
_TIMEOUT = 5.0


def kill_at_random(workers: Workers, sender: Sender, random: Random) -> None:
    """Kill a worker each time that some more events were acknowledged."""
    for acknowledged in sorted(random.sample(range(1, _EVENTS - 50), _KILLS)):
        sender.wait_for(acknowledged)
        time.sleep(random.uniform(0, 0.05))
        workers.wait_for(1)
        workers.kill(random.choice(workers.alive()))


def cut_off_in(folder: Path) -> set[int]:
    """Return the workers in which a handler began, and did not end."""
    return {run.pid for run in History(journal.read(folder / "journal")).cut_off()}


@pytest.mark.parametrize("front", ["wsgi", "asgi"])
def test_killed_workers(front: str, spec: Spec, seed: int, tmp_path: Path, figures: list[str]) -> None:
    """Of 1,000 events none is lost, none has two handlers at once, and none is handled again after it was completed."""
    spec = replace(spec, lease=_LEASE, timeout=_TIMEOUT)
    random, began = Random(seed), time.monotonic()  # noqa: S311  of choices, not of secrets
    with serving(front, spec, tmp_path) as workers, ThreadPoolExecutor(1) as pool:
        sender = Sender(workers.port)
        sending = pool.submit(sender.deliver, events(random, _EVENTS, again=0.3))
        kill_at_random(workers, sender, random)
        sending.result()
        # A stream may go on when its event was acknowledged as a duplicate.
        wait_until(lambda: cut_off_in(tmp_path) <= set(workers.killed), "the last handlers end")
    history = History(journal.read(tmp_path / "journal"))
    figures.append(
        f"{spec.kind} {front}: {summed_up(history, sender)}, {len(workers.killed)} kills, "
        f"{time.monotonic() - began:.1f} s, seed {seed}"
    )
    assert history.unhandled(sender.acknowledged) == []
    assert acknowledged_too_early(history, sender) == []
    assert history.overlaps(spec.lease) == []
    assert history.begun_after(history.completed) == []
    assert history.begun_after(sender.acknowledged) == []
    assert {attempt.reason for attempt in sender.attempts if attempt.again and attempt.succeeded} == {"duplicate"}
    assert history.cut_off() != []
