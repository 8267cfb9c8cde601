"""Interleaved timing: in each round every contender has a turn, so that other load on the machine meets them alike."""

from collections.abc import Callable, Mapping
from itertools import repeat
from time import perf_counter
from typing import TypeAlias

#: Runs its contender so many times, and returns how many seconds that took.
Batch: TypeAlias = Callable[[int], float]

ROUNDS = 200
#: Seconds. Long beside the clock's resolution, and short beside a turn of the scheduler.
BATCH_TIME = 0.004


def calls(function: Callable[[], object]) -> Batch:
    """Return the batch that calls `function`."""

    def batch(times: int) -> float:
        start = perf_counter()
        for _ in repeat(None, times):
            function()
        return perf_counter() - start

    return batch


def compare(contenders: Mapping[str, Batch], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the seconds that one run of each contender takes: the least of all rounds, since noise only adds."""
    sizes = {name: _batch_size(batch) for name, batch in contenders.items()}
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, batch in contenders.items():
            best[name] = min(best[name], batch(sizes[name]) / sizes[name])
    return best


def _batch_size(batch: Batch) -> int:
    batch(20)  # warm up: caches that the first calls fill
    return max(1, round(BATCH_TIME / batch(20) * 20))
