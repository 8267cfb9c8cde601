"""What the stores cost: deliveries per second, round trips, and how time and memory grow with the keys that are held.

In each round every store has a turn, so that other load on the machine meets them alike; a figure is the median.
"""

import asyncio
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from rich.console import Console, Group
from rich.table import Table

from benchmarks.backends import AnyStore, Backend, MemoryBackend, SQLiteBackend, UnmeasuredError
from benchmarks.callers import claim_and_complete, new_key, run
from benchmarks.disk import Disk
from benchmarks.proxy import CountingProxy
from benchmarks.servers import PostgresBackend, RedisBackend
from benchmarks.tables import duration, table, version
from webhook_guard.idempotency import (
    AsyncPostgresStore,
    AsyncRedisStore,
    ClaimState,
    PostgresStore,
    RedisStore,
    SQLiteStore,
    Store,
)

_CALLERS = (1, 4, 16)
_HELD = {"10³ keys": 1_000, "10⁵ keys": 100_000, "10⁶ keys": 1_000_000}
_ROUNDS = 9
#: Seconds that a store has in a round.
_TURN = 0.25
#: Deliveries that a store handles in a round, while it holds others: few beside those.
_BESIDE = 50
#: Seconds. The deliveries that are held were handled in the last 6 days, so none expires while they are held.
_SPREAD = 518_400
#: So many of the keys that are held are looked up.
_CHECKED = 100


class _Point(NamedTuple):
    """What a store costs that holds so many keys."""

    #: Of one delivery.
    seconds: float
    #: Bytes, of all keys.
    size: int


def measure(console: Console) -> None:
    """Measure the stores whose servers are there, and print a table of each figure."""
    with ExitStack() as stack:
        # Not where temporary files are: that may be in memory.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix=".benchmark-", dir=Path.cwd())))
        disk = Disk(folder)
        runner = stack.enter_context(asyncio.Runner())
        backends, missing = _opened(stack, folder)
        console.print(*_heading(disk, backends, missing), sep="\n")
        stores = [_lent(stack, runner, store) for backend in backends for store in backend.stores()]
        rates = _rates(stores, runner)
        console.print(_rates_shown(rates, dict(_round_trips(stack, runner, backends)), missing))
        console.print(_growth_shown([_grown(count, backends, disk) for count in _HELD.values()], missing))


def _opened(stack: ExitStack, folder: Path) -> tuple[list[Backend], list[UnmeasuredError]]:
    opened: list[Backend] = []
    missing: list[UnmeasuredError] = []
    for kind in (MemoryBackend, partial(SQLiteBackend, folder), RedisBackend, PostgresBackend):
        try:
            opened.append(kind())
        except UnmeasuredError as error:
            missing.append(error)
        else:
            stack.callback(opened[-1].close)
    return opened, missing


def _lent(stack: ExitStack, runner: asyncio.Runner, store: AnyStore) -> AnyStore:
    """Return `store`, which is closed in the end."""
    match store:
        case AsyncRedisStore() | AsyncPostgresStore():
            stack.callback(lambda: runner.run(store.aclose()))
        case SQLiteStore() | RedisStore() | PostgresStore():
            stack.callback(store.close)
        case _:
            pass
    return store


def _rates(stores: Sequence[AnyStore], runner: asyncio.Runner) -> dict[str, list[float]]:
    """Return deliveries per second, by store and number of callers."""
    found: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(1 + _ROUNDS):
        for callers in _CALLERS:
            for store in stores:
                found[_name(store), callers].append(run(store, callers, _TURN, runner).rate)
    # The first round opened connections.
    return {_name(store): [median(found[_name(store), callers][1:]) for callers in _CALLERS] for store in stores}


def _round_trips(
    stack: ExitStack, runner: asyncio.Runner, backends: Sequence[Backend]
) -> Iterator[tuple[str, list[float]]]:
    """Give, by store, the round trips of a delivery for each number of callers."""
    for backend in backends:
        if (proxied := backend.proxied()) is None:
            yield from ((name, [0.0] * len(_CALLERS)) for name in backend.names)
            continue
        proxy, stores = proxied
        for store in stores:
            _lent(stack, runner, store)
            yield _name(store), [_counted(proxy, store, callers, runner) for callers in _CALLERS]


def _counted(proxy: CountingProxy, store: AnyStore, callers: int, runner: asyncio.Runner) -> float:
    run(store, callers, _TURN, runner)  # opens connections
    before = proxy.round_trips
    deliveries = run(store, callers, _TURN, runner).deliveries
    return (proxy.round_trips - before) / deliveries


def _grown(count: int, backends: Sequence[Backend], disk: Disk) -> dict[str, _Point]:
    """Return, by store, what it costs with `count` keys held."""
    stores = _filled(count, backends)
    sizes = [backend.size() for backend in backends]
    disk.settle()
    seconds: list[list[float]] = [[] for _ in backends]
    for _ in range(1 + _ROUNDS):
        for backend, store, taken in zip(backends, stores, seconds, strict=True):
            taken.append(_delivery_time(backend, store))
    # The first round warmed up.
    points = (_Point(median(taken[1:]), size) for taken, size in zip(seconds, sizes, strict=True))
    return dict(zip(map(_name, stores), points, strict=True))


def _filled(count: int, backends: Sequence[Backend]) -> list[Store]:
    start = time.time() - _SPREAD
    moments = (start + _SPREAD * number / count for number in range(count))
    handled = [(new_key(moment), moment) for moment in moments]
    stores = [backend.fill(handled) for backend in backends]
    for store in stores:
        if {store.claim(key).state for key, _ in handled[:: count // _CHECKED]} != {ClaimState.COMPLETED}:
            raise RuntimeError(f"{_name(store)} does not hold what it was filled with")
    return stores


def _delivery_time(backend: Backend, store: Store) -> float:
    keys = [new_key() for _ in range(_BESIDE)]
    start = perf_counter()
    for key in keys:
        claim_and_complete(store, key)
    seconds = (perf_counter() - start) / _BESIDE
    backend.forget(keys)
    return seconds


def _name(store: AnyStore) -> str:
    return type(store).__name__


def _heading(disk: Disk, backends: Sequence[Backend], missing: Sequence[UnmeasuredError]) -> Iterator[str]:
    yield f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC, {platform.python_implementation()} {platform.python_version()}"
    yield f"{os.cpu_count()} cores, which also run the servers; load before it began: {os.getloadavg()[0]:.1f}"
    yield ", ".join(map(version, ("webhook_guard", "redis", "psycopg")))
    yield f"A page is on the disk in {duration(disk.usual)}."
    yield from (backend.settings for backend in backends)
    yield from (f"{error.names[0]}: {error}" for error in missing)
    yield f"The median of {_ROUNDS} interleaved rounds. Threads call sync stores, tasks async ones, in one process."


def _rates_shown(
    rates: Mapping[str, Sequence[float]], trips: Mapping[str, Sequence[float]], missing: Sequence[UnmeasuredError]
) -> Table:
    headings = [f"{callers} caller{'s' * (callers > 1)}" for callers in _CALLERS]
    shown = table("Claim + complete per second, and round trips of each", *headings, "round trips", min_width=12)
    for name, found in rates.items():
        shown.add_row(name, *(f"{rate:,.0f}" for rate in found), " / ".join(f"{trip:.3g}" for trip in trips[name]))
    _add_missing(shown, missing)
    return shown


def _growth_shown(growth: Sequence[Mapping[str, _Point]], missing: Sequence[UnmeasuredError]) -> Group:
    times = table("Claim + complete by one caller, with so many completed keys held", *_HELD, "last to first")
    sizes = table("Memory or disk that they take", *_HELD, "a key of the last")
    for name in growth[0]:
        points = [by_name[name] for by_name in growth]
        ratio = points[-1].seconds / points[0].seconds
        times.add_row(name, *(duration(point.seconds) for point in points), f"{ratio:.2f}")
        per_key = points[-1].size / max(_HELD.values())
        sizes.add_row(name, *(f"{point.size / 1e6:,.2f} MB" for point in points), f"{per_key:.0f} bytes")
    for shown in (times, sizes):
        _add_missing(shown, missing)
    return Group(times, sizes)


def _add_missing(shown: Table, missing: Sequence[UnmeasuredError]) -> None:
    for error in missing:
        for name in error.names:
            shown.add_row(name, "not measured")
