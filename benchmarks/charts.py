"""Charts of rows, as SVG, readable on light and dark."""

from benchmarks.results import Row


def draw(row: Row) -> str:
    """Return the chart of a row: one bar for each contender."""
    raise NotImplementedError(row)
