"""The command `webhook-guard demo`: real servers on the loopback interface, and what they answer to webhooks.

    scenarios    what is sent, and what must come back: the table in code
    client       one request over one socket, byte for byte
    servers      a guarded ASGI app on uvicorn, a guarded Flask app on Werkzeug
    report       the table on the screen
    runner       sends the scenarios to the servers, and compares

It needs the extra `demo` only when it runs. Its secrets are made up for each run: it reads no configuration.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial

__all__ = ["main"]

#: Seconds that `--keep` lasts if nobody stops it: a day. Sleeping is what Ctrl-C ends on every platform.
_KEPT = 86_400.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Its arguments; None takes those of the process.

    Returns:
        The exit status: 0 if everything was answered as designed, 1 if not, 2 if the extra is not installed.
    """
    keep: bool = _parser().parse_args(argv).keep
    try:
        from webhook_guard.demo.runner import run  # noqa: PLC0415  needs the extra
    except ImportError as missing:
        print(f"webhook-guard: {missing}; try: pip install 'webhook_guard[demo]'", file=sys.stderr)  # noqa: T201  a command
        return 2
    return run(wait=partial(time.sleep, _KEPT) if keep else None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="webhook-guard", description="Verifies OpenAI webhooks.")
    commands = parser.add_subparsers(required=True, metavar="command")
    about = "send genuine, forged and repeated webhooks to guarded servers on this machine, and show what they answer"
    demo = commands.add_parser("demo", help=about, description=about)
    demo.add_argument("--keep", action="store_true", help="leave the servers running, with a curl line for each to try")
    return parser
