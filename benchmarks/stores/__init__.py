"""What the stores cost: deliveries per second, round trips, and how time and memory grow with the keys that are held.

In each round every store has a turn, in any order, so that other load on the machine, and what the one before left to
be written, meets them alike; a figure is the median.
"""

import asyncio
import os
import platform
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from rich.console import Console, Group
from rich.table import Table

from benchmarks.stores.backends import AnyStore, Backend, MemoryBackend, SQLiteBackend, UnmeasuredError
from benchmarks.stores.callers import claim_and_complete, new_key, run
from benchmarks.stores.disk import Disk
from benchmarks.stores.proxy import CountingProxy
from benchmarks.stores.servers import PostgresBackend, RedisBackend
from benchmarks.tables import duration, table, version
from webhook_guard.idempotency import (
    AsyncPostgresStore,
    AsyncRedisStore,
    ClaimState,
    PostgresStore,
    RedisStore,
    Store,
)

_CALLERS = (1, 4, 16)
_HELD = {"10³ keys": 1_000, "10⁵ keys": 100_000, "10⁶ keys": 1_000_000}
_ROUNDS = 9
_GROWTH_ROUNDS = 25
#: Seconds that a store has in a round.
_TURN = 0.25
#: Deliveries that a store handles in a round, while it holds others: few beside those.
_BESIDE = 50
#: Seconds. The deliveries that are held were handled in the last 6 days, so none expires while they are held.
_SPREAD = 518_400
#: So many of the keys that are held are looked up.
_CHECKED = 100


@dataclass(frozen=True)
class _Filled:
    """A store that holds keys."""

    backend: Backend
    store: Store
    count: int
    #: Bytes that they take.
    size: int
    #: Seconds that a new delivery took beside them, in each round.
    times: list[float] = field(default_factory=list[float])


def measure(console: Console) -> None:
    """Measure the stores whose servers are there, and print a table of each figure."""
    with ExitStack() as stack:
        # Not where temporary files are: that may be in memory.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix=".benchmark-", dir=Path.cwd())))
        disk = Disk(folder)
        runner = stack.enter_context(asyncio.Runner())
        (backends, missing), *others = [_opened(stack, folder, place) for place in range(len(_HELD))]
        console.print(*_heading(disk, backends, missing), sep="\n")
        stores = [_lent(stack, runner, store) for backend in backends for store in backend.stores()]
        rates = _rates(stores, runner)
        console.print(_rates_shown(rates, dict(_round_trips(stack, runner, backends)), missing))
        growth = _growth([backends, *(opened for opened, _ in others)], disk)
        console.print(_growth_shown(growth, missing))


def _opened(stack: ExitStack, folder: Path, place: int) -> tuple[list[Backend], list[UnmeasuredError]]:
    opened: list[Backend] = []
    missing: list[UnmeasuredError] = []
    sqlite = partial(SQLiteBackend, folder / f"{place}.sqlite3")
    for kind in (MemoryBackend, sqlite, partial(RedisBackend, place), PostgresBackend):
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
        case RedisStore() | PostgresStore():
            stack.callback(store.close)
        case _:
            pass
    return store


def _rates(stores: Sequence[AnyStore], runner: asyncio.Runner) -> dict[str, list[float]]:
    """Return deliveries per second, by store and number of callers."""
    found: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(1 + _ROUNDS):
        for callers in _CALLERS:
            for store in random.sample(stores, len(stores)):
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


def _growth(places: Sequence[Sequence[Backend]], disk: Disk) -> list[_Filled]:
    """Return the stores, each with so many keys as there are in `_HELD`."""
    filled = [each for count, backends in zip(_HELD.values(), places, strict=True) for each in _filled(count, backends)]
    disk.settle()
    for _ in range(1 + _GROWTH_ROUNDS):
        for each in random.sample(filled, len(filled)):
            each.times.append(_delivery_time(each.backend, each.store))
    return filled


def _filled(count: int, backends: Sequence[Backend]) -> Iterator[_Filled]:
    start = time.time() - _SPREAD
    moments = (start + _SPREAD * number / count for number in range(count))
    handled = [(new_key(moment), moment) for moment in moments]
    for backend in backends:
        store = backend.fill(handled)
        if {store.claim(key).state for key, _ in handled[:: count // _CHECKED]} != {ClaimState.COMPLETED}:
            raise RuntimeError(f"{_name(store)} does not hold what it was filled with")
        yield _Filled(backend, store, count, backend.size())


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
    yield "Threads call sync stores, asyncio tasks async ones."
    yield f"Medians of {_ROUNDS} interleaved rounds, of {_GROWTH_ROUNDS} where keys are held. All in one process."


def _rates_shown(
    rates: Mapping[str, Sequence[float]], trips: Mapping[str, Sequence[float]], missing: Sequence[UnmeasuredError]
) -> Table:
    headings = [f"{callers} caller{'s' * (callers > 1)}" for callers in _CALLERS]
    shown = table("Claim + complete per second, and round trips of each", *headings, "round trips", min_width=12)
    for name, found in rates.items():
        shown.add_row(name, *(f"{rate:,.0f}" for rate in found), " / ".join(f"{trip:.3g}" for trip in trips[name]))
    _add_missing(shown, missing)
    return shown


def _growth_shown(growth: Sequence[_Filled], missing: Sequence[UnmeasuredError]) -> Group:
    times = table("Claim + complete by one caller, with so many completed keys held", *_HELD, "last to first")
    sizes = table("Memory or disk that they take", *_HELD, "a key of the last")
    for name in dict.fromkeys(_name(each.store) for each in growth):
        found = [each for each in growth if _name(each.store) == name]
        # The first round warmed up.
        seconds = [median(each.times[1:]) for each in found]
        times.add_row(name, *map(duration, seconds), f"{seconds[-1] / seconds[0]:.2f}")
        per_key = found[-1].size / found[-1].count
        sizes.add_row(name, *(f"{each.size / 1e6:,.2f} MB" for each in found), f"{per_key:.0f} bytes")
    for shown in (times, sizes):
        _add_missing(shown, missing)
    return Group(times, sizes)


def _add_missing(shown: Table, missing: Sequence[UnmeasuredError]) -> None:
    for error in missing:
        for name in error.names:
            shown.add_row(name, "not measured")
