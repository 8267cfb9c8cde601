"""The command `secret`: a new signing secret."""

import secrets
from binascii import b2a_base64

import click

from webhook_guard.cli.options import json_option
from webhook_guard.cli.output import print_json

#: Bytes of the key: as many as the digest of SHA-256 has, and as OpenAI's have.
_KEY_SIZE = 32


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


def new_secret() -> str:
    """Return a new random secret."""
    return "whsec_" + b2a_base64(secrets.token_bytes(_KEY_SIZE), newline=False).decode("ascii")
