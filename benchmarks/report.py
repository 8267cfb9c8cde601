"""How rows are shown: as tables in the terminal, and in docs/benchmarks.md, each part between its own marks."""

import os
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group

from benchmarks import charts
from benchmarks.results import Row, Target, Unit
from benchmarks.tables import duration, table, version

_COMPARED = ("webhook_guard", "openai", "standardwebhooks", "svix")
_BENEATH = ("msgspec", "pydantic", "starlette", "werkzeug", "fastapi", "flask", "uvicorn", "granian", "gunicorn")
_DOCS = Path(__file__).parents[1] / "docs"
_PAGE = _DOCS / "benchmarks.md"


def heading() -> Iterator[str]:
    """Yield what the figures depend on."""
    yield f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC, {platform.python_implementation()} {platform.python_version()}"
    yield f"{os.cpu_count()} cores, which everything shares"
    yield ", ".join(map(version, _COMPARED))
    yield "beneath them: " + ", ".join(map(version, _BENEATH))


def shown(row: Row) -> Group:
    """Return the table of a row, for the terminal."""
    made = table(row.title, row.unit.value, "ratio to the first")
    for cells in _cells(row):
        made.add_row(*cells)
    notes = (f" {name}: {figure}" for name, figure in row.notes.items())
    return Group(made, *notes, *map(_verdict, row.targets))


def write(part: str, rows: Sequence[Row]) -> None:
    """Write the rows of a part into docs/benchmarks.md, and draw its charts beside that."""
    text = "\n".join([*_dated(part), *(line for row in rows for line in _markdown(row))])
    for number, row in enumerate(rows, 1):
        drawn = charts.draw(row)
        (_DOCS / "benchmarks" / f"{part}-{number}.svg").write_text(drawn, "utf-8")
    page = _PAGE.read_text("utf-8")
    between = re.compile(rf"(<!-- {part} -->\n).*?(<!-- end of {part} -->)", re.DOTALL)
    if not between.search(page):
        raise LookupError(f"{_PAGE} has no marks for {part}")
    _PAGE.write_text(between.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page), "utf-8")


def _dated(part: str) -> Iterator[str]:
    yield ""
    yield f"`python -m benchmarks {part}`, {'; '.join(heading())}."


def _markdown(row: Row) -> Iterator[str]:
    yield from ("", f"**{row.title}**", "", f"| | {row.unit.value} | ratio |", "| --- | ---: | ---: |")
    yield from (f"| {' | '.join(cells)} |" for cells in _cells(row))
    yield ""
    yield from (f"- {name}: {figure}" for name, figure in row.notes.items())
    for target in row.targets:
        yield f"- Target: {target.text}: **{target.figure}**, {_met(target)}."


def _cells(row: Row) -> Iterator[tuple[str, str, str]]:
    first = next(iter(row.figures.values()))
    for name, figure in row.figures.items():
        yield name, in_unit(figure, row.unit), f"{figure / first:.2f}"


def in_unit(figure: float, unit: Unit) -> str:
    """Return a figure as people read it."""
    match unit:
        case Unit.TIME:
            return duration(figure)
        case Unit.RATE:
            return f"{figure:,.0f} / s"
        case Unit.SIZE:
            return f"{figure / 1024:,.1f} KiB"


def _verdict(target: Target) -> str:
    return f" target: {target.text}: {target.figure}, {'[green]' if target.met else '[red]'}{_met(target)}[/]"


def _met(target: Target) -> str:
    if target.met:
        return "met"
    return f"missed: {target.reason}" if target.reason else "missed"
