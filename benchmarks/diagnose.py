"""What a diagnosis costs: bodies of 1 MiB to which two things happened, and some that nothing explains."""

import base64
import gzip
import html
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from rich.console import Console

from benchmarks.delivery import SECRET, signed
from benchmarks.tables import duration, table
from webhook_guard.diagnose import Diagnosis, diagnose

_SIZE = 1_048_576
#: Seconds, and bodies in memory, at most.
_LONGEST, _MOST_BODIES = 2.0, 10.0
_ROUNDS = 3


def measure(console: Console) -> None:
    """Print the time and the memory of each case, and whether all are within the targets."""
    shown = table("Diagnoses of 1 MiB bodies", "time", "MACs", "memory, bodies", "found", min_width=10)
    slowest, largest = 0.0, 0.0
    for name, body, came in _cases():
        headers = signed(body=body)
        seconds = min(_time(came, headers) for _ in range(_ROUNDS))
        peak, diagnosis = _memory(came, headers)
        memory = peak / max(len(body), len(came))
        slowest, largest = max(slowest, seconds), max(largest, memory)
        shown.add_row(name, duration(seconds), f"{diagnosis.tried:,}", f"{memory:.1f}", str(len(diagnosis.causes)))
    console.print(shown)
    _print_target(console, f"at most {_LONGEST:g} s", duration(slowest), met=slowest <= _LONGEST)
    _print_target(console, f"at most {_MOST_BODIES:g} bodies", f"{largest:.1f}", met=largest <= _MOST_BODIES)


def _print_target(console: Console, text: str, figure: str, *, met: bool) -> None:
    console.print(f" target: {text}: {figure}, {'[green]met' if met else '[red]missed'}[/]")


def _time(came: bytes, headers: dict[str, str]) -> float:
    start = time.perf_counter()
    diagnose(came, headers, SECRET)
    return time.perf_counter() - start


def _memory(came: bytes, headers: dict[str, str]) -> tuple[int, Diagnosis]:
    """Return how many bytes were held beside the body that came, and the diagnosis."""
    tracemalloc.start()
    try:
        diagnosis = diagnose(came, headers, SECRET)
        return tracemalloc.get_traced_memory()[1], diagnosis
    finally:
        tracemalloc.stop()


def _cases() -> Iterator[tuple[str, bytes, bytes]]:
    """Yield names, the bodies that were signed, and what came."""
    for shape, items in _shapes().items():
        event = _event(items)
        body = _compact(event)
        for name, damage in _DAMAGES.items():
            yield f"{shape}: {name}", body, damage(event)


def _shapes() -> dict[str, list[Any]]:
    return {
        "one text": ["x" * (_SIZE - 200)],
        "small objects": [{"key": f"value {number}", "number": number} for number in range(_SIZE // 34)],
        "all escapes": [{"a": f"<é{number}/😀>", "b": number / 2} for number in range(_SIZE // 36)],
        "numbers": [1_750_861_210] * (_SIZE // 11 - 20),
    }


def _event(items: list[Any]) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "created_at": 1_750_861_210,
        "type": "batch.completed",
        "data": {"id": "batch_1", "items": items},
    }


def _compact(event: dict[str, Any], **options: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), **options).encode()


_DAMAGES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "spaced, line feed": lambda event: json.dumps(event).encode() + b"\n",
    "sorted, line feed": lambda event: _compact(event, sort_keys=True) + b"\n",
    "indented, gzip": lambda event: gzip.compress(json.dumps(event, indent=2).encode()),
    "spaced, percent-encoded": lambda event: quote(json.dumps(event, ensure_ascii=False)).encode(),
    "quoted, escaped as HTML": lambda event: html.escape(json.dumps(_compact(event).decode())).encode(),
    "line feed, base64": lambda event: base64.b64encode(_compact(event) + b"\n"),
    "a byte lost": lambda event: _compact(event)[:-9] + _compact(event)[-8:],
}
