"""The command `secret`: a new signing secret."""

import click

from webhook_guard.cli.options import json_option
from webhook_guard.cli.output import print_json
from webhook_guard.testing.requests import new_secret


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Make a new signing secret, and print it: to test with, where OpenAI's own is not needed.

    It is random, is kept nowhere, and has the form of OpenAI's: whsec_ and 32 bytes in base64.

    \b
    Examples:
      webhook-guard secret
      export OPENAI_WEBHOOK_SECRET=$(webhook-guard secret)
    """  # noqa: D301  \b is click's mark for lines to be kept
    secret = new_secret()
    if as_json:
        print_json({"secret": secret})
    else:
        click.echo(secret)
