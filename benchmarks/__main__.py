"""Run all parts, or those that are named, and print their tables."""

import argparse
import logging
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console

from benchmarks import report
from benchmarks.results import Row
from benchmarks.tables import WIDTH

#: Parts whose rows are compared, by the modules that measure them.
ROWS = {
    "core": "benchmarks.core",
    "fronts": "benchmarks.fronts",
    "import": "benchmarks.imports",
    "servers": "benchmarks.servers",
    "flood": "benchmarks.flood",
}
#: Parts with tables of their own.
_TABLES = {"stores": "benchmarks.stores", "diagnose": "benchmarks.diagnose"}


def main() -> None:
    """Print what the guard costs."""
    options = _parser().parse_args()
    console = Console(width=WIDTH, highlight=False)
    # One refusal a minute is a warning, and without a handler logging would print it.
    logging.getLogger("webhook_guard").addHandler(logging.NullHandler())
    console.print(*report.heading(), sep="\n")
    for part in options.parts or [*ROWS, *_TABLES]:
        # Imported one by one: some need what others do without.
        if part in _TABLES:
            import_module(_TABLES[part]).measure(console)
        else:
            rows = _measured(console, part)
            if options.write:
                report.write(part, rows)


def _measured(console: Console, part: str) -> Sequence[Row]:
    rows: list[Row] = []
    for row in import_module(ROWS[part]).rows():
        console.print(report.shown(row))
        rows.append(row)
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the guard costs.")
    parser.add_argument("parts", nargs="*", choices=[*ROWS, *_TABLES], help="what to measure; all if none is named")
    parser.add_argument("--write", action="store_true", help="write the figures and charts into docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    main()
