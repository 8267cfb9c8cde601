"""Received requests on the screen: a line each, in columns; as JSON; and with all that is in them.

A stranger chose nearly everything in a refused request, and some of the text in an event: it is shown as `printable`
returns it, and cut. No signature is shown. In a terminal, an id that does not fit is shortened in the middle, and what
comes with a request stands below it; in a pipe, a request is one line, and nothing of it is shortened.
"""

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console
from rich.text import Text

from webhook_guard.cli.listen.receiver import Received
from webhook_guard.cli.message import Request
from webhook_guard.cli.output import printable
from webhook_guard.sansio import signature

#: Characters that are shown of a text that a stranger chose: in a column, and by itself.
_LONGEST_CELL, _LONGEST_TEXT = 64, 256
#: Characters that are shown of a body: of a refused one, and of an event, which has a few thousand at most.
_LONGEST_REFUSED, _LONGEST_EVENT = 2_048, 32_768
#: Bytes that are shown of what is no text.
_LONGEST_HEX = 32
#: More headers than this are not shown.
_MOST_HEADERS = 64
#: Columns: of the time, of the verdict with the status, and of the app's milliseconds.
_TIME, _OUTCOME, _MILLISECONDS = 8, 12, 7
#: Columns of a type or a reason: the longest type, which is shortened in the middle in a terminal that is not wide.
_TYPE, _SHORT_TYPE, _WIDE = 29, 25, 100
#: Milliseconds that are shown without a fraction.
_LEAST_WHOLE = 10
#: Columns of an id: evt_ or wh_ and 32 digits; less than the second is not worth a look.
_ID, _SHORTEST_ID = 36, 9
_INDENT = " " * 4
_NONE = "-"


def line(received: Received, console: Console, *, file: str | None, forwards: bool) -> Iterator[Text]:
    """Yield the line of a request, and in a terminal what comes with it below.

    Args:
        received: The request, and what became of it.
        console: Where it is shown.
        file: The name of the file that it is saved in.
        forwards: Whether there is a column for the app's milliseconds.
    """
    columns = Text("  ").join(_columns(received, console, forwards=forwards))
    notes = list(_notes(received, file))
    if console.is_terminal:
        yield columns
        yield from (Text(piece, style) for note, style in notes for piece in _wrapped(note, console))
    else:
        yield Text("  ").join([columns, *(Text(note, style) for note, style in notes)])


def details(received: Received, console: Console) -> Iterator[Text]:
    """Yield the lines of all that is in a request, indented: no line but ours begins at the left."""
    request = received.request
    if received.refusal is not None:
        yield from map(Text, _wrapped(f"({received.refusal})", console))
    head = (f"{_cut(request.method)} {_cut(request.target)}", *_shown_headers(request))
    for text in (*head, "", *_shown_body(received)):
        pieces = chop_cells(text, _room(console)) if console.is_terminal else [text]
        yield from (Text(_INDENT + piece) for piece in pieces or [""])
    yield Text()


def as_json(received: Received, *, file: str | None, verbose: bool) -> dict[str, Any]:
    """Return what is known of a request, as plain JSON values; `verbose` adds the headers and the body."""
    refusal, forwarded, request = received.refusal, received.forwarded, received.request
    values: dict[str, Any] = {
        "time": datetime.fromtimestamp(received.time, UTC).isoformat(timespec="milliseconds"),
        "verdict": "accepted" if received.is_accepted else "refused",
        "status": received.status,
        "reason": refusal and refusal.reason.value,
        "detail": refusal and str(refusal),
        "type": _type(received),
        "event_id": _event_id(received),
        "webhook_id": _webhook_id(received),
        "method": request.method,
        "target": request.target,
        "size": len(request.body),
        "complete": received.is_whole,
        "forwarded": forwarded and {"seconds": forwarded.seconds, "problem": forwarded.problem},
        "file": file,
    }
    if verbose:
        values["headers"] = [[name, None if name == signature.SIGNATURE else value] for name, value in request.headers]
        values["body"] = request.body.decode("utf-8", "backslashreplace")
    return values


def _columns(received: Received, console: Console, *, forwards: bool) -> Iterator[Text]:
    yield Text(f"{datetime.fromtimestamp(received.time):%H:%M:%S}", "dim")  # noqa: DTZ006  the user's own time
    yield _outcome(received)
    if forwards:
        yield Text(_milliseconds(received).rjust(_MILLISECONDS))
    yield Text(_fitted(_type(received) or received.verdict, _type_width(console), console))
    event_id, webhook_id = _id_widths(console, forwards=forwards)
    yield Text(_fitted(_event_id(received) or _NONE, event_id, console))
    yield Text(_fitted(_webhook_id(received) or _NONE, webhook_id, console).rstrip())


def _outcome(received: Received) -> Text:
    verdict, style = ("accepted", "green") if received.is_accepted else ("refused ", "yellow")
    if received.forwarded is not None and received.forwarded.is_failure:
        return Text.assemble((verdict, style), " ", (str(received.status), "red"))
    return Text(f"{verdict} {received.status}", style)


def _milliseconds(received: Received) -> str:
    if received.forwarded is None or received.forwarded.seconds is None:
        return _NONE
    milliseconds = received.forwarded.seconds * 1000
    return f"{milliseconds:.0f}ms" if milliseconds > _LEAST_WHOLE else f"{milliseconds:.1f}ms"


def _notes(received: Received, file: str | None) -> Iterator[tuple[str, str]]:
    if received.forwarded is not None and received.forwarded.problem is not None:
        yield f"app: {received.forwarded.problem}", "red"
    if file is not None:
        yield f"saved: {file}", "dim"


def _type(received: Received) -> str | None:
    return received.delivery.event.type if received.delivery is not None else None


def _event_id(received: Received) -> str | None:
    return received.delivery.event.id if received.delivery is not None else None


def _webhook_id(received: Received) -> str | None:
    """Return the webhook id that a request claims, if it does."""
    return next(iter(received.request.values(signature.ID)), None)


def _type_width(console: Console) -> int:
    return _TYPE if console.width >= _WIDE else _SHORT_TYPE


def _id_widths(console: Console, *, forwards: bool) -> tuple[int, int]:
    """Return the columns of the two ids, of those that the rest leaves: the webhook id has the most."""
    widths = (_TIME, _OUTCOME, _type_width(console), *([_MILLISECONDS] if forwards else []))
    left = console.width - sum(2 + width for width in widths) - 2
    webhook_id = max(_SHORTEST_ID, min(_ID, left - _SHORTEST_ID))
    return max(_SHORTEST_ID, min(_ID, left - webhook_id)), webhook_id


def _fitted(text: str, width: int, console: Console) -> str:
    """Return a stranger's text in a column: as wide as that, or in a pipe as wide as need be."""
    shown = printable(text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}..")
    if cell_len(shown) <= width:
        return set_cell_size(shown, width)
    if not console.is_terminal:
        return shown
    end = (width - 1) // 2
    return set_cell_size(f"{shown[: width - end - 2]}..{shown[-end:]}", width)


def _cut(text: str) -> str:
    """Return a stranger's text, harmless and not long."""
    if len(text) <= _LONGEST_TEXT:
        return printable(text)
    return f"{printable(text[:_LONGEST_TEXT])}... ({len(text)} characters)"


def _wrapped(text: str, console: Console) -> list[str]:
    """Return a text of ours, indented, in as many lines as it takes."""
    return textwrap.wrap(text, len(_INDENT) + _room(console), initial_indent=_INDENT, subsequent_indent=_INDENT)


def _room(console: Console) -> int:
    """Return the columns beside the indent: at least one, however narrow a terminal says that it is."""
    return max(1, console.width - len(_INDENT))


def _shown_headers(request: Request) -> Iterator[str]:
    for name, value in request.headers[:_MOST_HEADERS]:
        yield f"{_cut(name)}: {'(not shown)' if name.lower() == signature.SIGNATURE else _cut(value)}"
    if (more := len(request.headers) - _MOST_HEADERS) > 0:
        yield f"({more} more headers)"


def _shown_body(received: Received) -> Iterator[str]:
    body = received.request.body
    size = f"{len(body)} bytes" if received.is_whole else f"{len(body)} bytes, and not all of it"
    if received.delivery is not None:
        # What is large is not indented: that could make a hundred times as much of it.
        event = body if len(body) > _LONGEST_EVENT else msgspec.json.format(body, indent=2)
        yield from _lines_of(event.decode(), _LONGEST_EVENT)
        return
    try:
        text = body.decode()
    except UnicodeDecodeError:
        yield f"(a body of {size}, which is no text; it begins with {body[:_LONGEST_HEX].hex(' ')})"
        return
    yield f"(a body of {size}:)" if text else "(no body)"
    if text:
        yield from _lines_of(text, _LONGEST_REFUSED)


def _lines_of(text: str, longest: int) -> list[str]:
    lines = printable(text[:longest], keep="\n").split("\n")
    if len(text) > longest:
        lines.append(f"(and {len(text) - longest} more characters)")
    return lines
