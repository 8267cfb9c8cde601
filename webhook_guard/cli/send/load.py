"""Many attempts at once: senders are threads, each with a connection of its own, and what comes back is counted.

Memory does not grow with their number, but for eight bytes each: how long every answer took.
"""

import math
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from webhook_guard.cli.http import Answer, Client
from webhook_guard.cli.posting import later_answer
from webhook_guard.cli.send.attempts import Attempt

#: Seconds between two looks at how far the senders are.
_INTERVAL = 0.1
#: Seconds that senders have after Ctrl-C, to hear the answers to what they have sent: no app should see them vanish.
#: One that waits for a slower server ends with the process.
_PATIENCE = 0.5


class Latency(NamedTuple):
    """How long answers took, in seconds."""

    median: float
    p99: float


class Tally:
    """What came back, counted; several threads may add to it."""

    def __init__(self) -> None:
        #: How often a status came with a reason, or with none.
        self.answers: Counter[tuple[int, str | None]] = Counter()
        #: How often there was none, by why.
        self.problems: Counter[str] = Counter()
        self._seconds = array("d")
        self._lock = threading.Lock()

    @property
    def no_answer(self) -> int:
        """How many requests were not answered."""
        return self.problems.total()

    @property
    def total(self) -> int:
        """How many requests there were."""
        return len(self._seconds) + self.no_answer

    def add(self, answer: Answer | str) -> None:
        """Count an answer, or why there was none."""
        with self._lock:
            if isinstance(answer, str):
                self.problems[answer] += 1
            else:
                self.answers[answer.status, answer.reason] += 1
                self._seconds.append(answer.seconds)

    def latency(self) -> Latency:
        """Return how long the answers took."""
        return latency(self._seconds)


def post_all(
    connect: Callable[[], Client],
    attempts: Iterator[Attempt],
    tally: Tally,
    *,
    concurrency: int,
    watch: Callable[[int], object],
) -> None:
    """Send all attempts, and count what comes back; Ctrl-C ends it.

    Args:
        connect: Makes the client of a sender.
        attempts: What to send.
        tally: Where to count.
        concurrency: How many senders there are.
        watch: Called now and then with the number of requests that are done.
    """
    feed = _Feed(attempts)
    ended = threading.Semaphore(0)
    running = 0
    try:
        for _ in range(concurrency):
            threading.Thread(target=_send, args=(connect, feed, tally, ended), daemon=True).start()
            running += 1
        while running:
            if ended.acquire(timeout=_INTERVAL):
                running -= 1
            watch(tally.total)
    finally:
        feed.stop()
        deadline = time.monotonic() + _PATIENCE
        while running and ended.acquire(timeout=max(0.0, deadline - time.monotonic())):
            running -= 1


def latency(seconds: Sequence[float]) -> Latency:
    """Return the median and the 99th percentile, each being one of the values (the nearest rank).

    >>> latency([0.3, 0.1, 0.2])
    Latency(median=0.2, p99=0.3)
    """
    ordered = sorted(seconds)
    return Latency(*(ordered[math.ceil(len(ordered) * percent / 100) - 1] for percent in (50, 99)))


class _Feed:
    """Attempts for several threads, one after another."""

    def __init__(self, attempts: Iterator[Attempt]) -> None:
        self._attempts = attempts
        self._lock = threading.Lock()
        self._is_stopped = False

    def take(self) -> Attempt | None:
        """Return the next one; None if there is none any more."""
        with self._lock:
            return None if self._is_stopped else next(self._attempts, None)

    def stop(self) -> None:
        """Have no more."""
        self._is_stopped = True


def _send(connect: Callable[[], Client], feed: _Feed, tally: Tally, ended: threading.Semaphore) -> None:
    try:
        with connect() as client:
            while (attempt := feed.take()) is not None:
                tally.add(later_answer(client, attempt.headers, attempt.body))
    finally:
        ended.release()
