"""Run all rows, and print a table of each."""

import asyncio
import logging
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console, Group
from rich.table import Table

from benchmarks import core, fronts, imports
from benchmarks.timing import ROUNDS, Row, Target

_COMPARED = ("webhook_guard", "openai", "standardwebhooks")
_BENEATH = ("msgspec", "pydantic", "starlette", "werkzeug")
_WIDTH = 96
_MILLISECOND = 1e-3


def main() -> None:
    """Print what everything costs."""
    # One refusal a minute is a warning, and without a handler logging would print it.
    logging.getLogger("webhook_guard").addHandler(logging.NullHandler())
    console = Console(width=_WIDTH, highlight=False)
    console.print(*_heading(), sep="\n")
    for row in _rows():
        console.print(_shown(row))


def _rows() -> Iterator[Row]:
    yield core.unwrap()
    yield core.verify_signature()
    with asyncio.Runner() as runner:
        yield fronts.asgi(runner)
        yield fronts.wsgi()
        yield fronts.refusals(runner)
    yield imports.imports()


def _heading() -> Iterator[str]:
    yield f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC, {platform.python_implementation()} {platform.python_version()}"
    yield ", ".join(map(_version, _COMPARED))
    yield "beneath them: " + ", ".join(map(_version, _BENEATH))
    yield f"Per call, the least of {ROUNDS} interleaved rounds; of the imports, the median."


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} (checkout)"


def _shown(row: Row) -> Group:
    table = Table(title=f"\n[bold]{row.title}", title_justify="left", title_style="", width=_WIDTH, box=None)
    table.add_column("", ratio=1)
    for heading in ("time", "over the first", "ratio to the first"):
        table.add_column(heading, justify="right", min_width=14)
    first = next(iter(row.seconds.values()))
    for name, seconds in row.seconds.items():
        table.add_row(name, _duration(seconds), _duration(seconds - first), f"{seconds / first:.2f}")
    return Group(table, *map(_verdict, row.targets))


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if abs(seconds) >= _MILLISECOND else f"{seconds * 1e6:.2f} µs"


def _verdict(target: Target) -> str:
    return f" target: {target.text}: {target.figure}, {'[green]met' if target.met else '[red]missed'}[/]"


if __name__ == "__main__":
    main()
