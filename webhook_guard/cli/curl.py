"""A request as a command line for a shell, to be copied."""

import shlex
from collections.abc import Iterable

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.output import printable


def command_line(url: str, headers: Iterable[tuple[str, str]], body: bytes, *, file: str | None = None) -> str:
    """Return a line that posts a body with curl, byte for byte.

    Args:
        url: Where to.
        headers: Names and values; curl adds Host and Content-Length.
        body: The body; it stands in the line, unless it comes from a file.
        file: The name of the file that has it.

    Raises:
        Misuse: The body comes from no file, and is no text, or has characters that a terminal would not show.

    >>> command_line("http://127.0.0.1:8000/", [("webhook-id", "wh_1")], b"{}")
    "curl -i --globoff -H 'webhook-id: wh_1' --data-raw '{}' -- http://127.0.0.1:8000/"
    """
    options = [word for name, value in headers for word in ("-H", f"{name}: {value}")]
    data = ["--data-raw", _text(body)] if file is None else ["--data-binary", f"@{file}"]
    # Without --globoff, curl takes brackets and braces in a URL for several URLs.
    return shlex.join(["curl", "-i", "--globoff", *options, *data, "--", url])


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    # No argument of a program can have a null character, and a terminal would obey others, or show them as none.
    if printable(text, keep="\n\t") != text:
        raise Misuse("the body can't stand in a command line as it is: put it into a file, and give its name")
    return text
