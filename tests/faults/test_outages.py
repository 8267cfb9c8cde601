"""A store's server stops and starts again while a sender delivers: nothing is lost, and no worker needs a restart."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from faults import journal
from faults.history import History, acknowledged_too_early
from faults.history import figures as summed_up
from faults.own_servers import OwnServer, own
from faults.sender import Sender, events
from faults.served import clock
from faults.stores import Spec
from faults.workers import serving

_EVENTS = 500
#: Seconds.
_LEASE = 2.0
#: Seconds.
_TIMEOUT = 0.5
#: How fast the guards' clock goes, so that what is logged once a minute is logged more than once.
_PACE = 20


def crash(server: OwnServer, seconds: float) -> None:
    """Lose power, and come back."""
    server.crash()
    time.sleep(seconds)
    server.start()


def restart(server: OwnServer, seconds: float) -> None:
    """End in good order, and come back."""
    server.shut_down()
    time.sleep(seconds)
    server.start()


def freeze(server: OwnServer, seconds: float) -> None:
    """Answer nobody for longer than the store waits."""
    server.freeze()
    time.sleep(_TIMEOUT * 2 + seconds)
    server.thaw()


_OUTAGES: list[Callable[[OwnServer, float], None]] = [crash, crash, crash, restart, freeze]


def fail_at_random(server: OwnServer, sender: Sender, random: Random) -> None:
    """Have each outage when some more events were acknowledged."""
    moments = sorted(random.sample(range(1, _EVENTS - 50), len(_OUTAGES)))
    for acknowledged, outage in zip(moments, random.sample(_OUTAGES, len(_OUTAGES)), strict=True):
        sender.wait_for(acknowledged)
        outage(server, random.uniform(0.1, 1.0))


@pytest.mark.parametrize("kind", ["redis", "postgres"])
@pytest.mark.parametrize("front", ["wsgi", "asgi"])
def test_outages(kind: str, front: str, seed: int, tmp_path: Path, figures: list[str]) -> None:
    """No event is lost, and none is handled again whose completion the store confirmed, or whose handler still runs.

    A completion that the store did not confirm is logged, and the answer goes out. Such an event may be handled again
    if it is delivered again.
    """
    random, began = Random(seed), time.monotonic()  # noqa: S311  of choices, not of secrets
    with own(kind) as server, ThreadPoolExecutor(1) as pool:
        spec = Spec(kind, server.where, _LEASE, _TIMEOUT)
        spec.prepare()
        with serving(front, spec, tmp_path, pace=_PACE) as workers:
            sender = Sender(workers.port, clock(_PACE))
            sending = pool.submit(sender.deliver, events(random, _EVENTS, again=0))
            fail_at_random(server, sender, random)
            sending.result()
            completed = History(journal.read(tmp_path / "journal")).completed
            sender.deliver_again(sorted(completed))
            assert workers.started() == workers.alive()
    history = History(journal.read(tmp_path / "journal"))
    figures.append(
        f"{kind} {front}, {len(_OUTAGES)} outages: {summed_up(history, sender)}, "
        f"{len(sender.acknowledged) - len(completed)} not completed, {time.monotonic() - began:.1f} s, seed {seed}"
    )
    _check_events(history, sender)
    _check_refusals(history, sender)
    _check_log(history)


def _check_events(history: History, sender: Sender) -> None:
    assert history.unhandled(sender.acknowledged) == []
    assert acknowledged_too_early(history, sender) == []
    assert history.overlaps(_LEASE) == []
    assert history.begun_after(history.completed) == []
    assert {attempt.reason for attempt in sender.attempts if attempt.again and attempt.succeeded} == {"duplicate"}
    reported = {entry.webhook_id for entry in history.logged if "not completed" in entry.message}
    assert sender.acknowledged.keys() - history.completed.keys() <= reported


def _check_refusals(history: History, sender: Sender) -> None:
    """A store that is down is answered for with a 503 that asks for a retry, and the app is not called."""
    refused = [attempt for attempt in sender.attempts if attempt.status == 503]
    assert {attempt.reason for attempt in refused} == {"store_unavailable"}
    assert {attempt.answer.headers["retry-after"] for attempt in refused if attempt.answer} == {"30"}
    assert {attempt.number for attempt in refused} & history.attempts() == set()


def _check_log(history: History) -> None:
    """What store_unavailable means is an error once a minute, with the number that was held back since the last one."""
    refusals = [entry for entry in history.logged if entry.message.startswith("webhook refused, store_unavailable")]
    errors = [entry for entry in refusals if entry.level == "ERROR"]
    for worker in {entry.pid for entry in errors}:
        moments = [entry.at / 1e9 for entry in errors if entry.pid == worker]
        pauses = [later - earlier for earlier, later in pairwise(moments)]
        # A refusal is logged when the store has failed, and its time is that of the request.
        assert all(pause * _PACE > 60 - 2 * _TIMEOUT * _PACE for pause in pauses), pauses
    assert 0 < sum(entry.count for entry in errors) <= len(refusals) - len(errors)
