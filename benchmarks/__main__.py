"""Run all rows, or those of the stores or of diagnoses, and print a table of each."""

import asyncio
import logging
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module

from rich.console import Console, Group

from benchmarks import core, diagnose, fronts, imports
from benchmarks.tables import WIDTH, duration, table, version
from benchmarks.timing import ROUNDS, Row, Target

_COMPARED = ("webhook_guard", "openai", "standardwebhooks")
_BENEATH = ("msgspec", "pydantic", "starlette", "werkzeug")


def main() -> None:
    """Print what the guard costs, or the stores, or diagnoses."""
    console = Console(width=WIDTH, highlight=False)
    match sys.argv[1:]:
        case []:
            _measure(console)
        case ["stores"]:
            # Imported only here: it needs the clients of the servers.
            import_module("benchmarks.stores").measure(console)
        case ["diagnose"]:
            diagnose.measure(console)
        case _:
            sys.exit("usage: python -m benchmarks [stores|diagnose]")


def _measure(console: Console) -> None:
    # One refusal a minute is a warning, and without a handler logging would print it.
    logging.getLogger("webhook_guard").addHandler(logging.NullHandler())
    console.print(*_heading(), sep="\n")
    for row in _rows():
        console.print(_shown(row))
    console.print("\nThe stores: python -m benchmarks stores, in about three minutes, with Redis and PostgreSQL.")
    console.print("Diagnoses: python -m benchmarks diagnose, in about a minute.")


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
    yield ", ".join(map(version, _COMPARED))
    yield "beneath them: " + ", ".join(map(version, _BENEATH))
    yield f"Per call, the least of {ROUNDS} interleaved rounds; of the imports, the median."


def _shown(row: Row) -> Group:
    shown = table(row.title, "time", "over the first", "ratio to the first")
    first = next(iter(row.seconds.values()))
    for name, seconds in row.seconds.items():
        shown.add_row(name, duration(seconds), duration(seconds - first), f"{seconds / first:.2f}")
    return Group(shown, *map(_verdict, row.targets))


def _verdict(target: Target) -> str:
    return f" target: {target.text}: {target.figure}, {'[green]met' if target.met else '[red]missed'}[/]"


if __name__ == "__main__":
    main()
