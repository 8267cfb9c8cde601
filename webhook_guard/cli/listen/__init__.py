"""The command `listen`: a guarded receiver that shows, saves and forwards what comes.

listener    the server, from the first line to the summary
address     the socket it listens on
receiver    the ASGI app: records requests, has the guard decide, answers
forward     hands what is verified to the app, and the answer back
save        a file for each request
display     a line for each request
"""

from pathlib import Path

import click

from webhook_guard.cli.options import json_option, signing_secret
from webhook_guard.sansio.guard import TOLERANCE
from webhook_guard.sansio.keys import VARIABLE


@click.command()
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65_535),
    default=8787,
    show_default=True,
    help="Where to listen; 0 takes a free one.",
)
@click.option(
    "--secret",
    "secrets",
    metavar="WHSEC",
    multiple=True,
    help=f"A signing secret; may be given twice, as for a rotation. Without it, {VARIABLE} is read.",
)
@click.option(
    "--tolerance",
    metavar="SECONDS",
    type=int,
    default=TOLERANCE,
    show_default=True,
    help="How far from now an attempt may be signed.",
)
@click.option("--forward", metavar="URL", help="Forward verified deliveries, unchanged, and answer as the app does.")
@click.option(
    "--save",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Save each request in a file, refused ones too, for `replay`.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show headers and body, too.")
@json_option
def command(
    *,
    host: str,
    port: int,
    secrets: tuple[str, ...],
    tolerance: int,
    forward: str | None,
    save: Path | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Receive webhooks on this machine, verify each, and show what came.

    It takes any path, answers as a guarded app does (204 if genuine), and prints a line for each request: when it came,
    whether it was accepted, and as what, or why not.

    \b
    In two terminals, with the same OPENAI_WEBHOOK_SECRET:
      webhook-guard listen
      webhook-guard send http://127.0.0.1:8787 response.completed

    A tunnel brings real events here: enter its public URL at OpenAI. What is genuine is forwarded to your app, as it
    came, and the app answers. What is saved can be sent to it again whenever you like.

    \b
      cloudflared tunnel --url http://127.0.0.1:8787
      webhook-guard listen --save deliveries \\
        --forward http://127.0.0.1:8000/webhooks/openai
      webhook-guard replay deliveries/*-accepted.http \\
        --to http://127.0.0.1:8000/webhooks/openai
    """  # noqa: D301  \b is click's mark for lines to be kept
    from webhook_guard.cli.listen.listener import run  # noqa: PLC0415  a server, which --help does not need

    if not secrets:
        signing_secret(None)
    return run(
        host=host,
        port=port,
        # A message about one of several says which; about a single one, it need not.
        secret=list(secrets) if len(secrets) > 1 else next(iter(secrets), None),
        tolerance=tolerance,
        forward=forward,
        save=save,
        verbose=verbose,
        as_json=as_json,
    )
