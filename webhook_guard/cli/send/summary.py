"""What became of what was sent, on the screen: of one request what it was, of many the figures, in columns."""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import NamedTuple

from rich.text import Text

from webhook_guard.cli.output import console, is_terminal, printable
from webhook_guard.cli.send.result import Result
from webhook_guard.sansio.errors import Reason

_RIGHT, _WRONG = "green", "bold red"
#: Characters that are shown of a text that comes from the server, or from a file.
_LONGEST = 200


def show(result: Result) -> None:
    """Print it."""
    lines = _one(result) if result.requests == 1 else _many(result)
    console().print(Text("\n").join(lines))


@contextmanager
def progress(total: int) -> Generator[Callable[[int], object], None, None]:
    """Show a bar on stderr, if that is a terminal; give what moves it to the number of requests that are done."""
    if not is_terminal(sys.stderr):
        yield lambda _: None
        return
    from rich import progress as rich  # noqa: PLC0415  it takes long, and most people send one

    columns = (rich.TextColumn("sending"), rich.BarColumn(), rich.MofNCompleteColumn(), rich.TimeRemainingColumn())
    with rich.Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def phrase(reason: str) -> str:
    """Return what a guard's reason means; nothing, if it is of another guard than ours.

    >>> phrase("duplicate")
    'This delivery was handled before'
    """
    return Reason(reason).phrase if reason in Reason.__members__.values() else ""


def _one(result: Result) -> Iterator[Text]:
    answer = result.answer
    style = _RIGHT if result.is_right else _WRONG
    status = f"{answer.status} {_shown(answer.phrase)}".rstrip()
    yield Text.assemble((answer.verdict, style), f"  {status}, {_milliseconds(answer.seconds)} ms")
    for name, value in _particulars(result):
        yield Text.assemble((f"  {name:12}", "dim"), _shown(value))
    if not result.is_right:
        yield Text(f"  {'expected':12}{result.expected}", _WRONG)


def _particulars(result: Result) -> Iterator[tuple[str, str]]:
    reason = result.answer.reason
    event = result.attempt.event
    if reason is not None:
        yield "reason", f"{reason}: {phrase(reason)}".removesuffix(": ")
    elif not result.answer.is_accepted:
        yield "reason", "none: it was not the guard that answered"
        yield "answer", " ".join(result.answer.body.decode("utf-8", "replace").split()) or "(no body)"
    yield "type", event.type if event is not None else "none: the body is no event"
    if event is not None and event.id is not None:
        yield "event id", event.id
    yield "webhook id", result.attempt.webhook_id


class _Row(NamedTuple):
    label: str
    figure: str
    unit: str = ""
    style: str = ""


def _many(result: Result) -> Iterator[Text]:
    answers = list(_answers(result))
    speed = list(_speed(result))
    labels, figures = (max(len(row[column]) for row in (*answers, *speed)) for column in (0, 1))
    for row in (*answers, _Row("", ""), *speed, _Row("", "")):
        yield Text(f"{row.label:{labels}}  {row.figure:>{figures}} {row.unit}".rstrip(), row.style)
    for why, count in sorted(result.tally.problems.items()):
        yield Text(f"{count:,} without an answer: {_shown(why)}", _WRONG)
    if result.is_right:
        yield Text(f"All {result.requests:,} are as expected: {result.expected}.", _RIGHT)
    else:
        wrong = result.requests - result.right
        yield Text(f"{wrong:,} of {result.requests:,} are not as expected: {result.expected}.", _WRONG)


def _answers(result: Result) -> Iterator[_Row]:
    for (status, reason), count in sorted(result.tally.answers.items(), key=str):
        style = _RIGHT if result.expected.fits(status) else _WRONG
        yield _Row(f"{status} {reason or _standard_phrase(status)}", f"{count:,}", style=style)
    if result.tally.no_answer:
        yield _Row("no answer", f"{result.tally.no_answer:,}", style=_WRONG)


def _speed(result: Result) -> Iterator[_Row]:
    latency = result.tally.latency()
    yield _Row("requests per second", f"{result.requests / result.seconds:,.1f}")
    yield _Row("median latency", _milliseconds(latency.median), "ms")
    yield _Row("99th percentile", _milliseconds(latency.p99), "ms")


def _standard_phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}"


def _shown(text: str) -> str:
    return printable(text[:_LONGEST])
