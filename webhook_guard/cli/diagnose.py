"""The command `diagnose`: why the signature of a captured request does not match. No secret or signature is shown."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

import click

from webhook_guard.cli.captured import Captured, read
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.files import read_file
from webhook_guard.cli.options import json_option
from webhook_guard.cli.output import print_json
from webhook_guard.diagnose import diagnose
from webhook_guard.sansio.guard import TOLERANCE
from webhook_guard.sansio.keys import VARIABLE
from webhook_guard.sansio.signature import TIMESTAMP, read_fields

#: Unix seconds of the year 5138, and milliseconds of 1973.
_MILLISECONDS = 1e11
_UNIX_SECONDS = "give Unix seconds, as webhook-timestamp has them"
#: Two secrets in one; a single one may have blanks, which the diagnosis finds.
_TWO_SECRETS = re.compile(r"whsec_\S+\s+\S*whsec_\S")
#: A timestamp whose age can be told: digits, as many as no time has.
_TIMESTAMP = re.compile(rb"[0-9]{1,18}")


def _unix_seconds(text: str) -> float:
    """Return the time that an option says.

    Raises:
        Misuse: It says none.
    """
    try:
        seconds = float(text)
    except ValueError:
        raise Misuse(f"--now {text} is no number: {_UNIX_SECONDS}") from None
    if seconds > _MILLISECONDS:
        raise Misuse(f"--now {text} looks like milliseconds: {_UNIX_SECONDS}")
    return seconds


@click.command()
@click.argument("requests", nargs=-1, metavar="[REQUEST]")
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
    type=_unix_seconds,
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
def command(
    *, requests: Sequence[str], secrets: Sequence[str], now: float | None, tolerance: int, as_json: bool
) -> int:
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
    request = _only(requests)
    captured = _read(request)
    now = _written(request) if now is None else now
    diagnosis = diagnose(
        captured.body, captured.headers, secrets or None, now=now, tolerance=tolerance, method=captured.method
    )
    age = _age(captured, now)
    if as_json:
        print_json(diagnosis.to_dict() | {"age": age, "note": captured.note})
    else:
        from webhook_guard.cli.diagnosis_text import show  # noqa: PLC0415  programs need no colours

        show(diagnosis, captured, age)
    return 0 if diagnosis.verdict == "genuine" else 1


def _check_secrets(secrets: Sequence[str]) -> None:
    """Refuse to work without any secret, or with two in one; whatever else is wrong with one is for the diagnosis.

    Raises:
        Misuse: There is none, or an option has two.
    """
    given = secrets or os.environ.get(VARIABLE, "").split()
    if not any(secret.strip() for secret in given):
        raise Misuse(f"no signing secret: give --secret whsec_..., or set {VARIABLE}, to the one that the app has")

    if any(_TWO_SECRETS.search(secret) for secret in secrets):
        raise Misuse("--secret has two secrets: repeat --secret for each")


def _only(requests: Sequence[str]) -> str:
    """Return the name of the file; without one, that of standard input.

    Raises:
        Misuse: There is more than one.
    """
    if len(requests) > 1:
        raise Misuse(f"one request at a time, not {len(requests)}: give one file")
    return requests[0] if requests else "-"


def _read(name: str) -> Captured:
    content = read_file(name)
    try:
        return read(content)
    except ValueError as error:
        raise Misuse(f"{'standard input' if name == '-' else name} {error}") from None


def _written(name: str) -> float:
    """Return when a file was written, in Unix seconds; that is now for standard input, and for a file that is gone."""
    try:
        return time.time() if name == "-" else Path(name).stat().st_mtime
    except OSError:
        return time.time()


def _age(captured: Captured, now: float) -> int | None:
    """Return how old a request's timestamp is, in seconds; None if it has none."""
    timestamp = read_fields(captured.headers).values.get(TIMESTAMP, b"")
    return round(now) - int(timestamp) if _TIMESTAMP.fullmatch(timestamp) else None
