"""The command `webhook-guard`: webhooks on your own machine, without OpenAI and without a network.

    events, secret, sign      what OpenAI sends, and what makes it genuine
    send, replay              a delivery to your app, as OpenAI would make it
    listen                    a guarded receiver that shows, saves and forwards what comes
    diagnose                  why the signature of a captured request does not match
    demo                      real servers, and what they answer to genuine and forged requests

A module or a package per command, and under them:

    group           the commands by name; each is imported only when it runs
    options         what several commands take, and where the signing secret comes from
    posting         what `send` and `replay` share: what an answer should be
    http            one POST, byte for byte, over a `connection`
    message         raw HTTP requests: what `listen` saves and `replay` reads
    captured        requests as `diagnose` reads them: also as logs and editors leave them
    diagnosis_text  a diagnosis on the screen
    files, curl     what is read, and a request as a command line
    output          the screen: colours, JSON, and nothing that a stranger sent which a terminal would obey
    errors, logs    what is misused, in one line; loggers that keep quiet meanwhile

The exit status is 0 if all is right, 1 if an answer is wrong, 2 if the command is misused. No secret is ever printed,
but the new one that `secret` makes. It needs the extra `cli`, and only when it runs.
"""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Its arguments; None takes those of the process.

    Returns:
        The exit status: 0 for right, 1 for wrong, 2 for misused or for an extra that is not installed; 130 if Ctrl-C
        ended it, and 141 if nobody read its output to the end.
    """
    try:
        from webhook_guard.cli.group import run  # noqa: PLC0415  needs the extra

        return run(argv)
    except ImportError as missing:
        print(f"webhook-guard: {missing}; try: pip install 'webhook_guard[cli]'", file=sys.stderr)  # noqa: T201  a command
        return 2
    except KeyboardInterrupt:  # while something is imported
        return 130
