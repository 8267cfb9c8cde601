"""The commands by name. Each has a module, which is imported when the command runs: the help is quick."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any, cast

import click

from webhook_guard.cli.output import print_nowhere, printable
from webhook_guard.sansio.errors import ConfigurationError

#: The commands in the order of the help, and what each does. `webhook_guard.cli.NAME` has it as `command`.
COMMANDS = {
    "events": "List the event types; show the fields and a sample of one.",
    "secret": "Make a new signing secret.",
    "sign": "Sign a body: print the headers, or a whole curl command.",
    "send": "Send your app an event, signed as OpenAI signs.",
    "listen": "Show what comes, verified; save it, forward it.",
    "replay": "Send saved deliveries again, signed anew.",
    "diagnose": "Say why a signature does not match.",
    "demo": "Watch guarded servers accept and refuse.",
}
#: The extra that a command needs, where it is not `cli`.
_EXTRAS = {"demo": "demo"}
#: The exit statuses of what Ctrl-C ended, or a closed pipe, as shells have them: 128 and the number of the signal.
_INTERRUPTED, _CLOSED_PIPE = 130, 141


class _Commands(click.Group):
    """The group: it knows the names without the modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  the same
        """Return a command by its name, or None if there is none.

        Raises:
            ImportError: What the command needs is not installed.
        """
        if cmd_name not in COMMANDS:
            return None
        module: Any = importlib.import_module(f"webhook_guard.cli.{cmd_name}")
        return cast(click.Command, module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  the same
        """Write the commands, and import none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`webhook-guard COMMAND --help` says more, with examples.",
)
@click.version_option(package_name="webhook_guard", message="%(version)s")
def group() -> None:
    """Send your app OpenAI webhooks, and watch what comes: on your own machine, offline, for every event type.

    A first try: make a secret, listen, and send to that from a second terminal, with the same secret.

    \b
      webhook-guard secret > secret.txt
      export OPENAI_WEBHOOK_SECRET=$(cat secret.txt)    # in both terminals
      webhook-guard listen
      webhook-guard send http://127.0.0.1:8787 batch.completed

    The signing secret comes from --secret, else from OPENAI_WEBHOOK_SECRET. The exit status is 0 if all is right, 1 if
    an answer is wrong, 2 if the command is misused.
    """  # noqa: D301  \b is click's mark for lines to be kept


def run(argv: Sequence[str] | None) -> int:
    """Run the command, as `webhook_guard.cli.main` documents it."""
    _print_anything()
    try:
        # Without standalone mode, click returns what a command returns, and raises what went wrong.
        return int(group.main(None if argv is None else list(argv), "webhook-guard", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as help_is_needed:
        help_is_needed.show()
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "webhook-guard"
        _complain(f"{error.format_message().rstrip('.')}; see {command} --help")
    except click.ClickException as error:
        _complain(error.format_message())
    except ConfigurationError as error:
        _complain(str(error))
    except ImportError as missing:
        _complain(f"{missing}; try: pip install 'webhook_guard[{_extra(argv)}]'")
    except click.Abort:  # Ctrl-C: click has ended the line that ^C stands in
        return _INTERRUPTED
    except SystemExit as end:  # click and rich, with 1, where nobody reads the output; click's completion, with 0
        return _CLOSED_PIPE if end.code else 0
    except OSError as error:  # commands have seen to all others
        print_nowhere(sys.stdout)
        _complain(f"can't write the output: {error.strerror}; see where it goes")
    return 2


def _print_anything() -> None:
    """Have characters escaped that the output's encoding does not have: a stranger may have sent some."""
    stdout: Any = sys.stdout  # stderr does so by itself
    if hasattr(stdout, "reconfigure"):  # not so where somebody has replaced it
        stdout.reconfigure(errors="backslashreplace")


def _complain(message: str) -> None:
    try:
        click.echo(printable(f"webhook-guard: {message}"), err=True)
    except OSError:  # nobody can be told
        print_nowhere(sys.stderr)


def _extra(argv: Sequence[str] | None) -> str:
    arguments = sys.argv[1:] if argv is None else argv
    return next((_EXTRAS[argument] for argument in arguments if argument in _EXTRAS), "cli")
