"""The command `sign`: what makes a body a delivery."""

import time
from typing import Any

import click

from webhook_guard import sign
from webhook_guard.cli.curl import command_line
from webhook_guard.cli.files import read_file
from webhook_guard.cli.options import json_option, secret_option, signing_secret
from webhook_guard.cli.output import print_json
from webhook_guard.sansio.signature import TIMESTAMP_END
from webhook_guard.testing.events import new_id


@click.command()
@click.argument("file", default="-")
@click.option("--id", "webhook_id", metavar="ID", help="The webhook-id; without it, a new one.")
@click.option(
    "--timestamp",
    type=click.IntRange(1, TIMESTAMP_END - 1),
    metavar="SECONDS",
    help="When it is sent, in Unix seconds; without it, now.",
)
@click.option("--curl", metavar="URL", help="Print a whole command that posts the body to URL.")
@secret_option
@json_option
def command(
    *, file: str, webhook_id: str | None, timestamp: int | None, curl: str | None, secret: str | None, as_json: bool
) -> None:
    """Sign the body in FILE, or on standard input, and print the three headers that make it a delivery.

    The body is signed byte for byte, a line break at its end included, and must be sent so. A guard takes the headers
    for 300 seconds from their timestamp.

    \b
    Examples:
      webhook-guard sign event.json
      webhook-guard sign event.json --curl http://127.0.0.1:8000/webhooks/openai | sh
      printf '%s' "$BODY" | webhook-guard sign --json
    """  # noqa: D301  \b is click's mark for lines to be kept
    key = signing_secret(secret)
    body = read_file(file)
    headers = sign(
        body,
        key,
        webhook_id=new_id("wh_") if webhook_id is None else webhook_id,
        timestamp=int(time.time()) if timestamp is None else timestamp,
    )
    if curl is not None:
        fields = {"content-type": "application/json", **headers}
        line = command_line(curl, fields.items(), body, file=None if file == "-" else file)
        _show(line, {"curl": line}, as_json=as_json)
    else:
        _show("\n".join(f"{name}: {value}" for name, value in headers.items()), {"headers": headers}, as_json=as_json)


def _show(text: str, value: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        click.echo(text)
