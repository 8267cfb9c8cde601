"""The screen: colours where it is a terminal, plain text in a pipe, JSON where it is asked for.

What a stranger sent is shown only as `printable` returns it: no character reaches the terminal that it would obey.
"""

import json
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

#: Columns, where the output is no terminal: no line is wrapped, and tables are as wide as what is in them.
_UNWRAPPED = 10_000
#: Control, format, private, half-surrogate and unassigned characters, and separators that break lines.
_NOT_SHOWN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def console(*, stderr: bool = False) -> "Console":
    """Return a console that guesses no markup, emoji or colours out of what it prints."""
    from rich.console import Console  # noqa: PLC0415  a third of the time that the help takes

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if stream.isatty() else _UNWRAPPED,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def print_json(value: Any) -> None:
    """Print a value as JSON, in one line and in ASCII, which every terminal and pipe takes."""
    click.echo(json.dumps(value))


def printable(text: str, *, keep: str = "") -> str:
    r"""Return `text` with every character escaped that a terminal would obey, or that shows as another or not at all.

    Args:
        text: Whatever came.
        keep: Characters that stay, such as the line break.

    >>> printable("\x1b[2J evil\u202e")
    '\\x1b[2J evil\\u202e'
    """
    return "".join(
        character if character in keep or unicodedata.category(character) not in _NOT_SHOWN else _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
