"""How results are shown: one width for all tables, and figures in the unit that suits them."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from rich.table import Table

WIDTH = 96
_MILLISECOND = 1e-3


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


def duration(seconds: float) -> str:
    """Return `seconds` as people read them."""
    return f"{seconds * 1e3:.1f} ms" if abs(seconds) >= _MILLISECOND else f"{seconds * 1e6:.2f} µs"


def version(name: str) -> str:
    """Return the name and the version of a package."""
    try:
        return f"{name} {installed(name)}"
    except PackageNotFoundError:
        return f"{name} (checkout)"
