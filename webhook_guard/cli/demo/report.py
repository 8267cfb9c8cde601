"""The table on the screen: what was sent, what both servers answered, and what their apps saw."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from webhook_guard.cli.demo.scenarios import NOTHING, Outcome, Scenario

_INTRODUCTION = """\
Each request goes to a guarded ASGI app on uvicorn, and to a guarded Flask app.
Each of them has a new SQLite store, which remembers what was handled."""
_NOTE = "* WSGI servers join doubled headers with a comma: there, it is malformed."
_SERVERS = ("uvicorn", "Flask")
_WRONG = "bold red"
#: Columns that the whole table takes. Where there are fewer, the classes of the events that the apps saw are left out.
_WIDE = 96


class Result(NamedTuple):
    """A scenario, and what became of it on each server."""

    scenario: Scenario
    outcomes: tuple[Outcome, ...]

    @property
    def wrong(self) -> int:
        """How many outcomes are not the designed ones."""
        return sum(outcome != designed for outcome, designed in zip(self.outcomes, self.scenario.designed, strict=True))


def show(console: Console, groups: Mapping[str, Sequence[Result]]) -> None:
    """Print the table and its summary."""
    console.print(_INTRODUCTION, end="\n\n")
    console.print(_table(groups if console.width >= _WIDE else _narrowed(groups)))
    console.print()
    console.print(_NOTE, style="dim")
    console.print(_summary([result for group in groups.values() for result in group]))


def values(groups: Mapping[str, Sequence[Result]]) -> list[dict[str, Any]]:
    """Return the results as plain values, for JSON."""
    return [
        {
            "group": heading,
            "sent": result.scenario.label,
            "right": not result.wrong,
            **{name: outcome._asdict() for name, outcome in zip(_SERVERS, result.outcomes, strict=True)},
        }
        for heading, results in groups.items()
        for result in results
    ]


def _narrowed(groups: Mapping[str, Sequence[Result]]) -> dict[str, list[Result]]:
    """Return the results without the classes of events."""
    return {heading: [_narrow(result) for result in results] for heading, results in groups.items()}


def _narrow(result: Result) -> Result:
    uvicorn, flask = map(_without_class, result.scenario.designed)
    return Result(result.scenario._replace(designed=(uvicorn, flask)), tuple(map(_without_class, result.outcomes)))


def _without_class(outcome: Outcome) -> Outcome:
    return outcome._replace(saw=outcome.saw.rpartition(" ")[2])


def _table(groups: Mapping[str, Sequence[Result]]) -> Table:
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("Sent", *_SERVERS, "Answer", "The app saw"):
        table.add_column(heading)
    for heading, results in groups.items():
        table.add_section()
        table.add_row(Text(heading, style="bold"))
        for result in results:
            _add(table, result)
    return table


def _add(table: Table, result: Result) -> None:
    style = _WRONG if result.wrong else ""
    _add_rows(table, Text(f"  {result.scenario.label}", style=style), result.outcomes, style=style)
    if result.wrong:
        _add_rows(table, Text("  ^ WRONG; as designed:", style=_WRONG), result.scenario.designed)


def _add_rows(table: Table, label: Text, outcomes: tuple[Outcome, ...], *, style: str = "") -> None:
    """Add one row if the servers agree, or else one for each."""
    for outcome in dict.fromkeys(outcomes):
        answer = style or ("green" if _is_accepted(outcome) else "yellow")
        saw = style or ("dim" if outcome.saw == NOTHING else "")
        statuses = (str(each.status or "none") if each == outcome else "" for each in outcomes)
        cells = (Text(text, style=answer) for text in (*statuses, outcome.verdict))
        table.add_row(label, *cells, Text(outcome.saw, style=saw))
        label = Text()


def _summary(results: list[Result]) -> Text:
    outcomes = [outcome for result in results for outcome in result.outcomes]
    wrong = sum(result.wrong for result in results)
    if wrong:
        right = len(outcomes) - wrong
        return Text(f"{right} of {len(outcomes)} as designed, {wrong} NOT: see the marked rows.", style=_WRONG)
    accepted = sum(map(_is_accepted, outcomes))
    unseen = sum(outcome.saw == NOTHING for outcome in outcomes)
    failed = len(outcomes) - accepted - unseen
    figures = f"{accepted} accepted, {failed} failed in the app, {unseen} answered without it"
    return Text(f"{len(outcomes)} of {len(outcomes)} as designed: {figures}.", style="bold green")


def _is_accepted(outcome: Outcome) -> bool:
    return outcome.verdict.startswith("accepted")
