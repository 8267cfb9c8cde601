"""How a worker learns what to serve: from its environment, in which the test has put it."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from faults.journal import Journal, JournalHandler, Step
from faults.stores import Spec

_STORE, _JOURNAL, _PACE = "FAULTS_STORE", "FAULTS_JOURNAL", "FAULTS_PACE"


def environment(spec: Spec, journal: Path, pace: int) -> dict[str, str]:
    """Return the variables for a worker.

    Args:
        spec: Its store.
        journal: The file to note in.
        pace: How fast the guard's clock goes: so many seconds in one.
    """
    return {_STORE: msgspec.json.encode(spec).decode(), _JOURNAL: str(journal), _PACE: str(pace)}


def begin() -> tuple[Spec, Journal, Callable[[], float]]:
    """Note that a worker is there, and return its store, its journal and the guard's clock."""
    spec = msgspec.json.decode(os.environ[_STORE], type=Spec)
    journal = Journal(Path(os.environ[_JOURNAL]))
    logger = logging.getLogger("webhook_guard")
    logger.setLevel(logging.INFO)
    logger.addHandler(JournalHandler(journal))
    journal.note(Step.WORKER)
    return spec, journal, clock(int(os.environ[_PACE]))


def clock(pace: int) -> Callable[[], float]:
    """Return a clock that goes `pace` times as fast as the real one, and is the same in all processes."""
    return lambda: time.time() * pace
