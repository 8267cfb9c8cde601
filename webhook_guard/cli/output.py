"""The screen: colours where it is a terminal, plain text in a pipe, JSON where it is asked for.

What a stranger sent is shown only as `printable` returns it: no character reaches the terminal that it would obey.
"""

import json
import os
import re
import sys
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

if TYPE_CHECKING:
    from rich.console import Console

#: Columns, where the output is no terminal: no line is wrapped, and tables are as wide as what is in them.
_UNWRAPPED = 10_000
#: Control, format, private, half-surrogate and unassigned characters, and separators that break lines.
_NOT_SHOWN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
#: Characters that look like none, or whose width programs disagree about: fillers, selectors of variants, parts of
#: flags, skin tones. A line of them would be wrapped, and its rest stand where only our own lines do.
_DECEPTIVE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]"
)


def console(*, stderr: bool = False) -> "Console":
    """Return a console that guesses no markup, emoji or colours out of what it prints."""
    from rich.console import Console  # noqa: PLC0415  a third of the time that the help takes

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if is_terminal(stream) else _UNWRAPPED,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether a stream is a terminal; there is none where the process was started without."""
    return stream is not None and stream.isatty()


def print_json(value: Any) -> None:
    """Print a value as JSON, in one line and in ASCII, which every terminal and pipe takes."""
    click.echo(json.dumps(value))


def print_nowhere(stream: TextIO | None) -> None:
    """Let what is still to be printed to a stream go nowhere, also what Python prints at its end: nobody takes it."""
    # There may be no stream at all, or one that is no file.
    with suppress(AttributeError, OSError, ValueError), open(os.devnull, "w") as nowhere:  # noqa: PTH123  its name varies
        os.dup2(nowhere.fileno(), cast(TextIO, stream).fileno())


def printable(text: str, *, keep: str = "") -> str:
    r"""Return `text` with every character escaped that a terminal would obey, or that shows as another or not at all.

    Args:
        text: Whatever came.
        keep: Characters that stay, such as the line break.

    >>> printable("\x1b[2J evil\u202e")
    '\\x1b[2J evil\\u202e'
    """
    return "".join(
        character if character in keep or _is_plain(character) else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _is_plain(character: str) -> bool:
    return unicodedata.category(character) not in _NOT_SHOWN and not _DECEPTIVE.match(character)
