"""How rows are shown: as tables in the terminal, and in docs/benchmarks.md, each part between its own marks."""

import os
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill

from rich.console import Group

from benchmarks import charts
from benchmarks.results import Row, Target
from benchmarks.tables import cells, table, version

_COMPARED = ("webhook_guard", "openai", "standardwebhooks", "svix")
_BENEATH = ("msgspec", "pydantic", "starlette", "werkzeug", "fastapi", "flask", "uvicorn", "granian", "gunicorn")
#: Characters of a line of the docs.
_LINE = 120
DOCS = Path(__file__).parents[1] / "docs"


def heading() -> Iterator[str]:
    """Yield what the figures depend on."""
    yield f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC, {platform.python_implementation()} {platform.python_version()}"
    yield f"{os.cpu_count()} cores, which everything shares; load {os.getloadavg()[0]:.1f} in the last minute"
    yield ", ".join(map(version, _COMPARED))
    yield "beneath them: " + ", ".join(map(version, _BENEATH))


def shown(row: Row) -> Group:
    """Return the table of a row, for the terminal."""
    made = table(row.title, row.unit.value, "ratio to the first")
    for line in cells(row):
        made.add_row(*line)
    notes = (f" {name}: {figure}" for name, figure in row.notes.items())
    return Group(made, *notes, *map(_verdict, row.targets))


def write(part: str, rows: Sequence[Row], docs: Path = DOCS) -> None:
    """Write the rows of a part between its marks in benchmarks.md, and draw them beside that.

    Args:
        part: Its name.
        rows: Its rows.
        docs: The folder of benchmarks.md.

    Raises:
        LookupError: The page has no marks for the part.
    """
    page = docs / "benchmarks.md"
    before, begin, rest = page.read_text("utf-8").partition(f"<!-- {part} -->\n")
    _, end, after = rest.partition(f"<!-- end of {part} -->")
    if not end:
        raise LookupError(f"{page} has no marks for {part}")
    chart = docs / "benchmarks" / f"{part}.svg"
    chart.parent.mkdir(exist_ok=True)
    chart.write_text(charts.draw(rows), "utf-8")
    page.write_text("".join([before, begin, *_markdown(part, rows), end, after]), "utf-8")


def _markdown(part: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"\n{fill(_dated(part), _LINE)}\n"
    yield f"\n![{_escaped(charts.describe(rows))}](benchmarks/{part}.svg)\n\n"
    for row in rows:
        yield from (f"{line}\n" for line in _section(row))


def _dated(part: str) -> str:
    return f"`python -m benchmarks {part}`, {'; '.join(heading())}."


def _section(row: Row) -> Iterator[str]:
    yield from (f"**{_escaped(row.title)}**", "", f"| | {row.unit.value} | ratio |", "| --- | ---: | ---: |")
    yield from (f"| {' | '.join(map(_escaped, line))} |" for line in cells(row))
    yield ""
    yield from (f"- {_escaped(f'{name}: {figure}')}" for name, figure in row.notes.items())
    for target in row.targets:
        yield f"- Target: {_escaped(target.text)}: **{_escaped(target.figure)}**, {_escaped(_met(target))}."
    if row.notes or row.targets:
        yield ""


def _escaped(text: str) -> str:
    """Return `text` so that nothing in it is Markdown, also in a cell or an image's text."""
    return re.sub(r"[\\|<*`\[\]]", r"\\\g<0>", text)


def _verdict(target: Target) -> str:
    return f" target: {target.text}: {target.figure}, {'[green]' if target.met else '[red]'}{_met(target)}[/]"


def _met(target: Target) -> str:
    if target.met:
        return "met"
    return f"missed: {target.reason}" if target.reason else "missed"
