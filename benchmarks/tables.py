"""How results are shown: one width for all tables, and figures in the unit that suits them."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from rich.table import Table

from benchmarks.results import Row, Unit

WIDTH = 96
_MILLISECOND = 1e-3
_MANY_BYTES = 10 * 2**20


def table(title: str, *headings: str, min_width: int = 14) -> Table:
    """Return a table without rows: a name in the first column, and a figure under each heading.

    Args:
        title: What stands over it.
        headings: Those of the figures.
        min_width: Characters of a figure's column.
    """
    made = Table(title=f"\n[bold]{title}", title_justify="left", title_style="", width=WIDTH, box=None)
    made.add_column("", ratio=1)
    for heading in headings:
        made.add_column(heading, justify="right", min_width=min_width)
    return made


def cells(row: Row) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each contender, its figure, and the ratio of that to the first one's."""
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
            return f"{figure / 2**20:,.0f} MiB" if figure >= _MANY_BYTES else f"{figure / 1024:,.1f} KiB"


def duration(seconds: float) -> str:
    """Return `seconds` as people read them."""
    return f"{seconds * 1e3:.1f} ms" if abs(seconds) >= _MILLISECOND else f"{seconds * 1e6:.2f} µs"


def version(name: str) -> str:
    """Return the name and the version of a package."""
    try:
        return f"{name} {installed(name)}"
    except PackageNotFoundError:
        return f"{name} (checkout)"
