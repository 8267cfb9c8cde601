"""The command `diagnose`: why the signature of a captured request does not match.

It shows what was undone to make it match, and where the body differs first from what was signed. What a stranger chose
is shown as `printable` returns it, and cut. No secret and no signature is shown.
"""

import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from webhook_guard.cli.captured import Captured, read
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.files import read_file
from webhook_guard.cli.options import json_option
from webhook_guard.cli.output import console, print_json, printable
from webhook_guard.diagnose import Cause, Diagnosis, diagnose
from webhook_guard.sansio.guard import TOLERANCE
from webhook_guard.sansio.keys import VARIABLE
from webhook_guard.sansio.signature import ID, TIMESTAMP, read_fields

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Columns: longer lines are hard to read. In a pipe, a text is one line.
_WIDEST = 100
#: Columns of the text beside the labels, however narrow a terminal says that it is.
_LEAST_ROOM = 20
#: Characters that are shown of a body, before the first difference and from there on.
_BEFORE, _AFTER = 16, 44


@click.command()
@click.argument("request", default="-")
@click.option(
    "--secret",
    "secrets",
    metavar="WHSEC",
    multiple=True,
    help=f"The signing secret that the app has; more of them are tried too. Without it, those in {VARIABLE}, which no"
    " other user of the machine sees.",
)
@click.option(
    "--now",
    type=float,
    metavar="SECONDS",
    help="When the request came, in Unix seconds; without it, when the file was written.",
)
@click.option(
    "--tolerance",
    type=click.IntRange(min=0),
    default=TOLERANCE,
    metavar="SECONDS",
    help=f"The guard's tolerance; {TOLERANCE} without it.",
)
@json_option
def command(*, request: str, secrets: Sequence[str], now: float | None, tolerance: int, as_json: bool) -> int:
    """Say why the signature of the request in the file REQUEST, or on standard input, does not match.

    It names a cause only if the signature matches once that is undone, and shows how it was. REQUEST is a raw HTTP
    request, as `listen --save` and proxies write it, or JSON: {"headers": {...}, "body": "..."}, or "body_base64". The
    body must be there byte for byte as the app got it. A secret may also be one that a guard refuses.

    The exit status is 0 if the request is genuine, 1 if a guard refuses it, 2 if the command is misused.

    \b
    Examples:
      webhook-guard diagnose deliveries/20261121T224639.684Z-0002-signature_mismatch.http
      webhook-guard diagnose request.http --secret $MINE --secret $OTHER_ENDPOINT
      webhook-guard diagnose request.json --now 1750861210 --json
    """  # noqa: D301  \b is click's mark for lines to be kept
    _check_secrets(secrets)
    captured = _read(request)
    now = _written(request) if now is None else now
    diagnosis = diagnose(
        captured.body, captured.headers, secrets or None, now=now, tolerance=tolerance, method=captured.method
    )
    if as_json:
        print_json(diagnosis.to_dict() | ({} if captured.note is None else {"note": captured.note}))
    else:
        _show(diagnosis, captured, now)
    return 0 if diagnosis.verdict == "genuine" else 1


def _check_secrets(secrets: Sequence[str]) -> None:
    """Refuse to work without any secret; whatever else is wrong with one is for the diagnosis.

    Raises:
        Misuse: There is none.
    """
    given = secrets or os.environ.get(VARIABLE, "").split()
    if not any(secret.strip() for secret in given):
        raise Misuse(f"no signing secret: give --secret whsec_..., or set {VARIABLE}, to the one that the app has")


def _read(name: str) -> Captured:
    content = read_file(name)
    try:
        return read(content)
    except ValueError as error:
        raise Misuse(f"{'standard input' if name == '-' else name} {error}") from None


def _written(name: str) -> float:
    """Return when a file was written, in Unix seconds; for standard input, that is now."""
    return time.time() if name == "-" else os.stat(name).st_mtime  # noqa: PTH116  a Path refuses other names than open


def _show(diagnosis: Diagnosis, captured: Captured, now: float) -> None:
    out = console()
    out.print(_verdict(diagnosis), soft_wrap=True)
    for line in _beside_labels([*_rows(diagnosis, captured, now)], out):
        out.print(line, soft_wrap=True)


def _beside_labels(rows: Sequence[tuple[str, "Text"]], out: "Console") -> Iterator["Text"]:
    """Yield the lines of texts that are wrapped beside their labels."""
    from rich.text import Text  # noqa: PLC0415  programs need no colours

    indent = max(len(label) for label, _ in rows) + len("    ")
    room = max(_LEAST_ROOM, (min(out.width, _WIDEST) if out.is_terminal else out.width) - indent)
    for label, text in rows:
        for index, line in enumerate(text.wrap(out, room)):
            line.rstrip()
            yield Text.assemble((("" if index else f"  {label}").ljust(indent), "dim"), line)


def _verdict(diagnosis: Diagnosis) -> "Text":
    from rich.text import Text  # noqa: PLC0415  the same

    reason = diagnosis.reason
    if reason is None:
        return Text("genuine", "green")
    is_found = any(cause is not Cause.CLOCK for cause in diagnosis.causes)  # else it matches as it is, or never
    text = f"{reason}; the signature matches once this is undone" if is_found else f"{reason}: {reason.phrase}"
    return Text.assemble(("refused", "bold red"), f"  {text}")


def _rows(diagnosis: Diagnosis, captured: Captured, now: float) -> Iterator[tuple[str, "Text"]]:
    """Yield what was found, each text with its label."""
    from rich.text import Text  # noqa: PLC0415  the same

    if captured.note is not None and captured.note not in diagnosis.explanation:
        yield "note", Text(captured.note, "yellow")
    if diagnosis.verdict == "genuine":
        fields = read_fields(captured.headers).values
        yield "webhook id", Text(fields[ID].decode("ascii"))
        yield "age", Text(f"{now - int(fields[TIMESTAMP]):,.0f} s")
    yield "why", Text(printable(diagnosis.explanation))
    for number, step in enumerate(diagnosis.steps, start=1):
        label = f"undo {number}" if len(diagnosis.steps) > 1 else "undo"
        yield label, Text.assemble((step.cause.value, "bold"), f": {printable(step.how)}")
    yield from _difference(captured.body, diagnosis.body)
    if diagnosis.fix:
        yield "fix", Text(printable(diagnosis.fix))


def _difference(received: bytes, signed: bytes) -> Iterator[tuple[str, "Text"]]:
    """Yield where two bodies differ first, if they do, and both are texts."""
    if received == signed:
        return
    try:
        texts = received.decode(), signed.decode()
    except UnicodeDecodeError:
        return
    pairs = enumerate(zip(*texts, strict=False))
    start = next((index for index, (one, other) in pairs if one != other), min(map(len, texts)))
    yield "received", _excerpt(texts[0], start, "red")
    yield "signed", _excerpt(texts[1], start, "green")


def _excerpt(text: str, start: int, style: str) -> "Text":
    """Return the text around a position, for one line; what comes from there on has the style."""
    from rich.text import Text  # noqa: PLC0415  the same

    begin, end = max(0, start - _BEFORE), start + _AFTER
    before = ("..." if begin else "") + printable(text[begin:start])
    after = printable(text[start:end]) + ("..." if end < len(text) else "")
    return Text.assemble(before, (after, style), no_wrap=True, overflow="ellipsis")
