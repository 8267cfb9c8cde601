"""One turn of the flood: a server of its own, the strangers, and the genuine deliveries meanwhile."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.flood.apps import BARE, GUARDED
from benchmarks.flood.processes import Process, Server
from benchmarks.flood.strangers import CYCLE, Tally
from webhook_guard.asgi import BODY_TIMEOUT

#: Seconds during which all strangers are there, and genuine deliveries are sent and measured.
WINDOW = 45.0
#: Slow strangers break off two seconds after the time-out: so many of them may do so before a busy server answers.
_TIMED_OUT, _LATE = "408", 0.01
#: Seconds until the strangers' process has started.
_START = 1.0

#: What each kind of strangers is answered; None if nobody ever answers.
_STATUSES: Mapping[str, Mapping[str, str | None]] = {
    BARE: {
        "junk": "204",
        "forged": "204",
        "slow": None,
        "oversized, declared": "204",
        "oversized, in chunks": "204",
    },
    GUARDED: {
        "junk": "400",
        "forged": "400",
        "slow": "408",
        "oversized, declared": "413",
        "oversized, in chunks": "413",
    },
}


@dataclass(frozen=True)
class Turn:
    """What was found in one turn."""

    #: Seconds that each genuine delivery took.
    seconds: list[float]
    #: Bytes by which the server's memory grew at most.
    growth: int
    #: The share of a core that the server used.
    cpu: float
    #: Full garbage collections.
    collections: int
    #: Requests of strangers.
    requests: int


def take(contender: str) -> Turn:
    """Flood a contender.

    Raises:
        RuntimeError: An answer was not what it should be, or was missing: the figures would mean nothing.
    """
    with Server(contender, BODY_TIMEOUT) as server:
        memory = server.memory()
        start = time.monotonic() + _START
        full, end = start + CYCLE, start + CYCLE + WINDOW
        with (
            Process("strangers", *server.address, start, end) as strangers,
            Process("genuine", *server.address, full, end) as genuine,
        ):
            _sleep_until(full)
            cpu, collections = server.cpu(), server.seen().collections
            _sleep_until(end)
            cpu = server.cpu() - cpu
            seconds: list[float] = genuine.result(0)
            tallies = {kind: Tally(**tally) for kind, tally in strangers.result(0).items()}
        seen = server.seen()
        _check(contender, tallies, len(seconds), seen.complete)
        return Turn(
            seconds,
            growth=server.peak() - memory,
            cpu=cpu / WINDOW,
            collections=seen.collections - collections,
            requests=sum(tally.requests for tally in tallies.values()),
        )


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _check(contender: str, tallies: Mapping[str, Tally], genuine: int, complete: int) -> None:
    answered = 0
    for kind, tally in tallies.items():
        wanted = _STATUSES[contender][kind]
        missing = tally.unanswered > (_LATE * tally.requests if wanted == _TIMED_OUT else 0)
        if tally.statuses.keys() != {wanted} - {None} or (wanted and missing):
            raise RuntimeError(f"{contender}: not all {kind} strangers were answered {wanted}: {tally}")
        answered += sum(tally.statuses.values())
    # All that the guard lets through are the genuine ones; the bare app also gets the strangers' last ones.
    is_right = complete == genuine if contender == GUARDED else complete >= genuine + answered
    if not is_right:
        raise RuntimeError(f"{contender}: {genuine} genuine deliveries were answered, and the app got {complete}")
