"""The command `replay`: saved deliveries once more, signed anew."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.files import read_file
from webhook_guard.cli.http import Answer, Client, Headers
from webhook_guard.cli.message import Request, end_to_end, from_wire
from webhook_guard.cli.options import json_option, secret_option, signing_secret
from webhook_guard.cli.output import console, print_json, printable
from webhook_guard.cli.posting import (
    Expected,
    expect_option,
    expectation,
    first_answer,
    later_answer,
    timeout_option,
)
from webhook_guard.sansio.errors import VerificationError
from webhook_guard.sansio.keys import Keys
from webhook_guard.sansio.signature import AN_ID, ID, SIGNATURE, TIMESTAMP, check_head, is_id, read_fields, verify
from webhook_guard.testing.events import new_id
from webhook_guard.verify import configured_keys, sign

#: Where `listen` listens.
_LISTEN = "http://127.0.0.1:8787"
#: What is made anew; the rest of a file's headers, but for those of its connection, are sent as they are.
_OWN = {"host", "content-length", ID, TIMESTAMP, SIGNATURE}


class Saved(NamedTuple):
    """A delivery from a file. Its repr shows neither headers nor body."""

    name: str
    headers: Headers
    body: bytes
    webhook_id: str

    def __repr__(self) -> str:
        return f"<{self.name}: {self.webhook_id}, {len(self.body)} bytes>"

    def signed(self, secret: str) -> Headers:
        """Return the headers of an attempt that is made now."""
        signature = sign(self.body, secret, webhook_id=self.webhook_id, timestamp=int(time.time()))
        return (*self.headers, *signature.items())


class Outcome(NamedTuple):
    """What a saved delivery was answered."""

    saved: Saved
    #: Or why there is none.
    answer: Answer | str
    expected: Expected

    @property
    def is_right(self) -> bool:
        """Whether it was answered as expected."""
        return not isinstance(self.answer, str) and self.expected.fits(self.answer.status)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        answer, problem = (None, self.answer) if isinstance(self.answer, str) else (self.answer, None)
        return {
            "file": self.saved.name,
            "webhook_id": self.saved.webhook_id,
            "status": answer and answer.status,
            "reason": answer and answer.reason,
            "ms": answer and round(answer.seconds * 1000, 3),
            "problem": problem,
            "expected": str(self.expected),
            "ok": self.is_right,
        }


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
# Never the Host in the file: that may come from a stranger, and a request that we sign must not go where one says.
@click.option("--to", default=_LISTEN, metavar="URL", help=f"Where to; {_LISTEN}, where `listen` is, without it.")
@click.option(
    "--new-id", "is_new", is_flag=True, help="Give each a new webhook-id: it counts as a delivery of its own."
)
@click.option("--unverified", is_flag=True, help="Sign also what was not genuine by the secret, whoever sent it.")
@secret_option
@timeout_option
@expect_option
@json_option
def command(
    *,
    files: Sequence[str],
    to: str,
    is_new: bool,
    unverified: bool,
    secret: str | None,
    timeout: float,
    expect: int | None,
    as_json: bool,
) -> int:
    """Send the delivery in each FILE again, signed anew: raw HTTP requests, as `listen --save` writes them.

    The body is sent byte for byte, with the headers of the file, the same webhook-id and the time of now: a guard that
    has a store answers that it was handled before, unless --new-id is given. Neither the path nor the Host in the file
    counts: all goes to the one URL. What was not genuine by the secret, whenever it came, is not signed: a stranger may
    have sent it.

    The exit status is 0 if every answer is 2xx, or that of --expect; 1 if one is not; 2 if the command is misused, or
    the URL does not answer or redirects. Nothing is sent unless all files can be.

    \b
    Examples:
      webhook-guard replay deliveries/*-accepted.http --to $URL
      webhook-guard replay delivery.http --to $URL --new-id
    """  # noqa: D301  \b is click's mark for lines to be kept
    key = signing_secret(secret)
    expected = expectation(expect)
    keys = None if unverified else configured_keys(secret)
    with Client(to, timeout) as client:
        saved = [_read(name, keys, is_new=is_new) for name in files]
        width = max(len(printable(each.name)) for each in saved)
        is_right = True
        for outcome in _outcomes(client, to, saved, key, expected):
            is_right &= outcome.is_right
            _show(outcome, width, as_json=as_json)
    return 0 if is_right else 1


def _read(name: str, keys: Keys | None, *, is_new: bool) -> Saved:
    """Return the delivery in a file, which must be genuine by one of the keys; None takes any.

    Raises:
        Misuse: There is none that can be sent.
    """
    if name.lower().startswith(("http://", "https://")):
        raise Misuse(f"{name} is a URL, and a file is expected here: give the URL as --to {name}")
    content = read_file(name)
    try:
        return _delivery(name, from_wire(content), keys, is_new=is_new)
    except ValueError as error:
        raise Misuse(f"{name} {error}") from None


def _delivery(name: str, request: Request, keys: Keys | None, *, is_new: bool) -> Saved:
    if request.method != "POST":
        raise ValueError("is no POST request, with which webhooks are delivered: take another file")
    webhook_id = new_id("wh_") if is_new else _webhook_id(request)
    if keys is not None:
        _verify(request, keys)
    return Saved(name, tuple(end_to_end(request.headers, without=_OWN)), request.body, webhook_id)


def _webhook_id(request: Request) -> str:
    """Return the webhook id of a request, if a guard would take it."""
    values = request.values(ID)
    if len(values) != 1:
        raise ValueError(f"has {len(values)} webhook-id headers, not one: --new-id makes one")
    if not is_id(values[0].encode("latin-1")):
        raise ValueError(f"has a webhook-id that is not {AN_ID}: --new-id makes one")
    return values[0]


def _verify(request: Request, keys: Keys) -> None:
    """Check the signature that a request came with; its time does not matter.

    Who signs what a stranger wrote forges it, and an app would believe it.
    """
    try:
        verify(check_head(read_fields(request.headers)), request.body, keys)
    except VerificationError as error:
        raise ValueError(
            f"is not genuine by the secret ({error.reason}), so a stranger may have sent it: --unverified signs it"
            " all the same"
        ) from None


def _outcomes(client: Client, url: str, saved: list[Saved], secret: str, expected: Expected) -> Iterator[Outcome]:
    first, *later = saved
    yield Outcome(first, first_answer(client, url, first.signed(secret), first.body, expected), expected)
    for each in later:
        yield Outcome(each, later_answer(client, each.signed(secret), each.body), expected)


def _show(outcome: Outcome, width: int, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.as_json())
        return
    from rich.text import Text  # noqa: PLC0415  programs need no colours

    name, verdict, rest = _columns(outcome)
    style = "green" if outcome.is_right else "bold red"
    console().print(Text.assemble(f"{name:{width}}  ", (verdict, style), rest), soft_wrap=True)


def _columns(outcome: Outcome) -> tuple[str, str, str]:
    """Return the file's name, the verdict, and the rest of the line."""
    name = printable(outcome.saved.name)
    answer = outcome.answer
    wrong = "" if outcome.is_right else f"  (expected {outcome.expected})"
    if isinstance(answer, str):
        return name, "no answer", f": {answer}{wrong}"
    reason = f"  {answer.reason}" if answer.reason is not None else ""
    return name, f"{answer.verdict:8}", f" {answer.status}{answer.seconds * 1000:8,.1f} ms{reason}{wrong}"
