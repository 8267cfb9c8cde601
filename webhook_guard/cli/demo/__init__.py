"""The command `webhook-guard demo`: real servers on the loopback interface, and what they answer to webhooks.

    scenarios    what is sent, and what must come back: the table in code
    client       one request over one socket, byte for byte
    servers      a guarded ASGI app on uvicorn, a guarded Flask app on Werkzeug
    report       the table on the screen
    runner       sends the scenarios to the servers, and compares

It needs the extra `demo`. Its secrets are made up for each run: it reads no configuration.
"""

import time
from functools import partial

import click

from webhook_guard.cli.options import json_option

#: Seconds that `--keep` lasts if nobody stops it: a day. Sleeping is what Ctrl-C ends on every platform.
_KEPT = 86_400.0


@click.command()
@click.option("--keep", is_flag=True, help="Leave the servers running, with a curl line for each to try.")
@json_option
def command(*, keep: bool, as_json: bool) -> int:
    """Watch real servers behind the guard accept genuine deliveries, refuse forged ones, and handle repeated ones once.

    It starts a guarded ASGI app on uvicorn and a guarded Flask app, on free ports of this machine; sends both the same
    requests; and shows what they answer, and what the apps see. Its secrets are made up for each run.

    The exit status is 0 if everything is answered as designed, else 1.

    \b
    Examples:
      webhook-guard demo
      webhook-guard demo --keep
    """  # noqa: D301  \b is click's mark for lines to be kept
    if keep and as_json:
        raise click.UsageError("--keep invites people, and --json serves programs: give one of them")
    from webhook_guard.cli.demo.runner import run  # noqa: PLC0415  the other extra; --help needs none

    return run(wait=partial(time.sleep, _KEPT) if keep else None, as_json=as_json)
