"""Those who call a store at the same time: threads for a sync store, tasks for an async one."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import NamedTuple, TypeAlias

from benchmarks.delivery import PATH
from webhook_guard.idempotency import AsyncPostgresStore, AsyncRedisStore, Store

AwaitedStore: TypeAlias = AsyncRedisStore | AsyncPostgresStore


class Run(NamedTuple):
    """What callers did together."""

    #: How many deliveries they claimed and completed.
    deliveries: int
    seconds: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds


def new_key(moment: float | None = None) -> str:
    """Return the key of a delivery. As with OpenAI's, its id begins with the time, and is random after that.

    Args:
        moment: Unix seconds; None is now.
    """
    seconds = int(time.time() if moment is None else moment)
    return f"{PATH}#wh_{seconds:08x}{random.getrandbits(96):024x}"


def run(store: Store | AwaitedStore, callers: int, seconds: float, runner: asyncio.Runner) -> Run:
    """Let so many callers claim and complete deliveries, each one after the other."""
    if isinstance(store, (AsyncRedisStore, AsyncPostgresStore)):
        return runner.run(_run_tasks(store, callers, seconds))
    return _run_threads(store, callers, seconds)


def claim_and_complete(store: Store, key: str) -> None:
    """Handle a delivery that is new."""
    _check(done=store.complete(key, store.claim(key).token))


def _run_threads(store: Store, callers: int, seconds: float) -> Run:
    together = threading.Barrier(callers)

    def call() -> Run:
        together.wait()
        start, deliveries = perf_counter(), 0
        while perf_counter() - start < seconds:
            claim_and_complete(store, new_key())
            deliveries += 1
        return Run(deliveries, perf_counter() - start)

    with ThreadPoolExecutor(callers) as threads:
        calls = [threads.submit(call) for _ in range(callers)]
        return _together([each.result() for each in calls])


async def _run_tasks(store: AwaitedStore, callers: int, seconds: float) -> Run:
    start = perf_counter()

    async def call() -> Run:
        deliveries = 0
        while perf_counter() - start < seconds:
            key = new_key()
            claim = await store.claim(key)
            _check(done=await store.complete(key, claim.token))
            deliveries += 1
        return Run(deliveries, perf_counter() - start)

    return _together(await asyncio.gather(*(call() for _ in range(callers))))


def _together(runs: Sequence[Run]) -> Run:
    return Run(sum(each.deliveries for each in runs), max(each.seconds for each in runs))


def _check(*, done: bool) -> None:
    if not done:
        raise RuntimeError("a new delivery was not claimed and completed: its time would mean nothing")
