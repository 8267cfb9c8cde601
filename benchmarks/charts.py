"""Charts of rows, as SVG, readable on light and dark pages.

Each row has a panel, with a bar for each contender. Bars begin at zero; each panel has a scale of its own.

No text colour has the contrast of 4.5 to 1 that WCAG asks for on both white and GitHub's #0d1117: the best has 4.35. So
a chart lies on a card, which takes the page's colour where ``prefers-color-scheme`` is known, and is white elsewhere.
"""

from collections.abc import Iterable, Sequence
from html import escape
from textwrap import wrap
from typing import NamedTuple

from benchmarks.results import Row, Unit
from benchmarks.tables import cells

#: Pixels.
WIDTH = 720
#: Pixels that a character of a label or a figure takes at most, on average: digits in DejaVu Sans, a wide font.
CHARACTER = 7.7
_MARGIN = 16
_GAP = 10
_LINE = 18
_BAR = 14
_BETWEEN = 4
_PANEL_GAP = 22
#: Characters of a line.
_LABEL = 32
_TITLE = 68
#: Contenders with this in their names are ours; a row without one compares ours with each other.
_OURS = "guard"

_STYLE = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 14px; font-weight: 600 }
.label { text-anchor: end }
.muted { fill: #59636e }
.card { fill: #ffffff }
.axis { fill: #59636e }
.ours { fill: #0969da }
.other { fill: #818b98 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.muted { fill: #9198a1 }
.card { fill: #0d1117 }
.axis { fill: #9198a1 }
.ours { fill: #4493f8 }
.other { fill: #656c76 }
}"""


class _Block(NamedTuple):
    """Elements, and how many pixels high they are."""

    svg: str
    height: int


class _Columns(NamedTuple):
    """Where the bars of a chart begin, and how long the longest of each panel is, in pixels."""

    zero: float
    longest: float


class _Bar(NamedTuple):
    """What a contender's bar shows: `share` is its length, in lengths of the longest."""

    label: list[str]
    figure: str
    ratio: str
    share: float
    ours: bool


def draw(rows: Sequence[Row]) -> str:
    """Return the chart of a part: a panel for each row."""
    bars = [list(_bars(row)) for row in rows]
    columns = _columns([bar for panel in bars for bar in panel])
    panels = _stack([_panel(row, panel, columns) for row, panel in zip(rows, bars, strict=True)], _PANEL_GAP)
    height = panels.height + 2 * _MARGIN
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">
<title>{escape("; ".join(row.title for row in rows))}</title>
<desc>{escape(describe(rows))}</desc>
<style>
{_STYLE}
</style>
<rect class="card" width="{WIDTH}" height="{height}" rx="6"/>
<g transform="translate(0 {_MARGIN})">
{panels.svg}
</g>
</svg>
"""


def describe(rows: Iterable[Row]) -> str:
    """Return what a chart says, in words."""
    return " ".join(map(_sentence, rows))


def _sentence(row: Row) -> str:
    (first, figure, _), *others = cells(row)
    compared = (f"; {name} {other}, {ratio} times that" for name, other, ratio in others)
    return f"{row.title}: {first} {figure}{''.join(compared)}."


def _bars(row: Row) -> Iterable[_Bar]:
    largest = max(row.figures.values())
    named = any(_OURS in name for name in row.figures)
    for (name, figure, ratio), value in zip(cells(row), row.figures.values(), strict=True):
        yield _Bar(
            wrap(name, _LABEL),
            figure,
            f"{ratio}\N{MULTIPLICATION SIGN}",
            value / largest,
            ours=not named or _OURS in name,
        )


def _columns(bars: Sequence[_Bar]) -> _Columns:
    label = max(len(line) for bar in bars for line in bar.label) * CHARACTER
    figure = max(len(bar.figure + bar.ratio) for bar in bars) * CHARACTER
    zero = _MARGIN + label + _GAP
    return _Columns(zero, WIDTH - _MARGIN - figure - 2 * _GAP - zero)


def _panel(row: Row, bars: Iterable[_Bar], columns: _Columns) -> _Block:
    drawn = _stack([_bar(bar, columns) for bar in bars])
    axis = f'<rect class="axis" x="{columns.zero - 1:.1f}" width="1" height="{drawn.height}"/>'
    return _stack([_heading(row), _Block(f"{drawn.svg}\n{axis}", drawn.height)], _GAP)


def _heading(row: Row) -> _Block:
    better = "more" if row.unit is Unit.RATE else "less"
    lines = [("title", line) for line in wrap(row.title, _TITLE)]
    lines.append(("muted", f"{row.unit.value}: {better} is better"))
    return _stack([_Block(_text(kind, _MARGIN, line), _LINE) for kind, line in lines], 2)


def _bar(bar: _Bar, columns: _Columns) -> _Block:
    kind = "ours" if bar.ours else "other"
    length = bar.share * columns.longest
    label = _stack([_Block(_text("label", columns.zero - _GAP, line), _LINE) for line in bar.label])
    rect = f'<rect class="{kind}" x="{columns.zero:.1f}" y="2" width="{length:.1f}" height="{_BAR}"/>'
    ratio = f'<tspan class="muted" dx="{_GAP}">{bar.ratio}</tspan>'
    figure = _text("figure", columns.zero + length + _GAP, bar.figure, ratio)
    return _Block(f"{label.svg}\n{rect}\n{figure}", label.height + _BETWEEN)


def _text(kind: str, x: float, text: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="13">{escape(text)}{more}</text>'


def _stack(blocks: Iterable[_Block], gap: int = 0) -> _Block:
    top, moved = -gap, list[str]()
    for svg, height in blocks:
        top += gap
        moved.append(f'<g transform="translate(0 {top})">\n{svg}\n</g>')
        top += height
    return _Block("\n".join(moved), top)
