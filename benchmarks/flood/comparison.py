"""The rows: both contenders in turns, and then what waiting takes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean, quantiles
from typing import TypeVar

from benchmarks.flood import memory, turns
from benchmarks.flood.apps import BARE, GUARDED
from benchmarks.flood.genuine import RATE
from benchmarks.flood.processes import allow_connections
from benchmarks.flood.strangers import STRANGERS
from benchmarks.flood.turns import Turn
from benchmarks.results import Row, Unit, at_most
from benchmarks.tables import duration

_T = TypeVar("_T")

_ROUNDS = 2
_CONTENDERS = (BARE, GUARDED)
_MOST = 2.0


def rows() -> Iterator[Row]:
    """Flood both, and then count what waiting takes."""
    allow_connections(STRANGERS + memory.CONNECTIONS // 10)
    taken: Mapping[str, list[Turn]] = {contender: [] for contender in _CONTENDERS}
    for number in range(_ROUNDS):
        for contender in _CONTENDERS[:: -1 if number % 2 else 1]:
            taken[contender].append(turns.take(contender))
    yield _latency(taken)
    yield _peak(taken)
    yield from memory.rows()


def _latency(taken: Mapping[str, Sequence[Turn]]) -> Row:
    seconds = {name: sorted(each for turn in found for each in turn.seconds) for name, found in taken.items()}
    p99 = {name: quantiles(found, n=100)[98] for name, found in seconds.items()}
    return Row(
        f"Genuine deliveries during the flood, {RATE} a second: the 99th percentile",
        p99,
        targets=(at_most("guard to bare app", p99[GUARDED] / p99[BARE], _MOST),),
        notes={
            "median": _each(seconds, lambda found: duration(quantiles(found, n=100)[49])),
            "slowest": _each(seconds, lambda found: duration(found[-1])),
            "deliveries, all answered 204": _each(seconds, lambda found: f"{len(found):,}"),
            "the server's core was busy": _each(taken, lambda found: f"{mean(turn.cpu for turn in found):.0%}"),
            "full garbage collections": _each(taken, lambda found: str(sum(turn.collections for turn in found))),
            "strangers' requests": _each(taken, lambda found: f"{sum(turn.requests for turn in found):,}"),
        },
    )


def _peak(taken: Mapping[str, Sequence[Turn]]) -> Row:
    peaks = {name: float(max(turn.growth for turn in found)) for name, found in taken.items()}
    return Row("The flood: memory at its peak, beyond the idle server's", peaks, Unit.SIZE)


def _each(found: Mapping[str, _T], shown: Callable[[_T], str]) -> str:
    return ", ".join(f"{name} {shown(each)}" for name, each in found.items())
