"""A diagnosis on the screen: the verdict, and below it what was found, in texts beside their labels.

It shows what was undone to make the signature match, and where the body differs first from what was signed. What a
stranger chose is shown as `printable` returns it, and cut. No secret and no signature is shown. Nothing is told by
colours alone, and each can be read on black and on white.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from webhook_guard.cli.captured import Captured
from webhook_guard.cli.output import console, printable
from webhook_guard.diagnose import Cause, Diagnosis
from webhook_guard.sansio.signature import ID, read_fields

#: Columns: longer lines are hard to read. In a pipe, a text is one line.
_WIDEST = 100
#: Columns of what is cut, in a pipe: what most screens show.
_WIDEST_IN_A_PIPE = 80
#: Lines that a small screen shows beside the command: where there are more, the bodies are left out.
_MOST_LINES = 12
#: Columns of the text beside the labels, however narrow a terminal says that it is.
_LEAST_ROOM = 20
#: Characters that are shown of a body: before the first difference, and from there on, where a terminal has the room.
_BEFORE, _AFTER = 16, 400
#: Characters that stand out where two bodies differ first: enough to see it, and what follows may be the same again.
_MARKED = 3
#: What stands where a text was cut.
_CUT = "..."


def show(diagnosis: Diagnosis, captured: Captured, age: int | None) -> None:
    """Print a diagnosis.

    Args:
        diagnosis: What was found.
        captured: The request that it is about.
        age: How old the request's timestamp is, in seconds; None if it has none.
    """
    out = console()
    rows = [*_rows(diagnosis, captured, age)]
    lines = [_verdict(diagnosis), *_beside_labels(rows, out)]
    if len(lines) > _MOST_LINES:
        lines[1:] = _beside_labels([(label, text) for label, text in rows if not text.no_wrap], out)
    for line in lines:
        out.print(line, soft_wrap=True)


def _verdict(diagnosis: Diagnosis) -> Text:
    reason = diagnosis.reason
    if reason is None:
        return Text("genuine", "bold green")
    is_found = any(cause is not Cause.CLOCK for cause in diagnosis.causes)  # else it matches as it is, or never
    text = f"{reason}; the signature matches once this is undone" if is_found else f"{reason}: {reason.phrase}"
    return Text.assemble(("refused", "bold red"), f"  {text}")


def _rows(diagnosis: Diagnosis, captured: Captured, age: int | None) -> Iterator[tuple[Text, Text]]:
    """Yield what was found, each text with its label."""
    if captured.note is not None:
        yield _label("note"), Text(printable(captured.note))
    if diagnosis.verdict == "genuine":
        yield _label("webhook id"), Text(read_fields(captured.headers).values[ID].decode("ascii"))
        yield _label("age"), Text(f"{age:,} s")
    yield _label("why"), Text(printable(diagnosis.explanation))
    for number, step in enumerate(diagnosis.steps, start=1):
        label = f"proof {number}" if len(diagnosis.steps) > 1 else "proof"
        yield _label(label), Text(f"{step.cause.value}: {printable(step.how)}")
    yield from _difference(captured.body, diagnosis.body)
    if diagnosis.fix:
        yield Text("fix", "bold"), Text(printable(diagnosis.fix), "bold")


def _label(text: str) -> Text:
    return Text(text, "dim")


def _difference(received: bytes, signed: bytes) -> Iterator[tuple[Text, Text]]:
    """Yield where two bodies differ first, if they do, and both are texts."""
    if received == signed:
        return
    try:
        texts = received.decode(), signed.decode()
    except UnicodeDecodeError:
        return
    pairs = enumerate(zip(*texts, strict=False))
    start = next((index for index, (one, other) in pairs if one != other), min(map(len, texts)))
    yield _label("received"), _excerpt(texts[0], start)
    yield _label("signed"), _excerpt(texts[1], start)


def _excerpt(text: str, start: int) -> Text:
    """Return the text around a position, for one line; what is there stands out, even if it is a blank."""
    begin, marked, end = max(0, start - _BEFORE), start + _MARKED, start + _AFTER
    before, after = _CUT if begin else "", _CUT if end < len(text) else ""
    return Text.assemble(
        before + printable(text[begin:start]),
        (printable(text[start:marked]), "reverse"),
        printable(text[marked:end]) + after,
        no_wrap=True,
    )


def _beside_labels(rows: list[tuple[Text, Text]], out: Console) -> Iterator[Text]:
    """Yield the lines of texts that are wrapped, or cut, beside their labels."""
    indent = max(len(label) for label, _ in rows) + len("    ")
    longest, widest = (min(out.width, _WIDEST), out.width) if out.is_terminal else (out.width, _WIDEST_IN_A_PIPE)
    for label, text in rows:
        room = max(_LEAST_ROOM, (widest if text.no_wrap else longest) - indent)
        for index, line in enumerate([_cut(text, room)] if text.no_wrap else _wrapped(text, room, out)):
            start = Text() if index else Text.assemble("  ", label)
            start.pad_right(indent - len(start))
            yield start.append_text(line)


def _wrapped(text: Text, room: int, out: Console) -> Iterator[Text]:
    for line in text.wrap(out, room):
        line.rstrip()
        yield line


def _cut(text: Text, room: int) -> Text:
    if text.cell_len > room:
        text.truncate(room - len(_CUT), overflow="crop")
        text.append(_CUT)
    return text
