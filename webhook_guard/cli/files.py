"""The files that commands read: bounded, and what is wrong with one is said in one line."""

import sys
from typing import BinaryIO

from webhook_guard.cli.errors import Misuse

#: Bytes. OpenAI's events have hundreds, and the guard takes 262,144 by default: this is to test limits with.
LARGEST = 16_777_216


def read_file(name: str, *, limit: int = LARGEST) -> bytes:
    """Return what a file has; the name ``-`` is standard input.

    Args:
        name: As the user gave it.
        limit: Bytes; no more is read, so that a device without an end has one.

    Raises:
        Misuse: It can't be read, or has more than `limit` bytes.
    """
    try:
        if name == "-":
            return _read(sys.stdin.buffer, "standard input", limit)
        with open(name, "rb") as source:  # noqa: PTH123  Path refuses no name that open takes
            return _read(source, name, limit)
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        problem = error.strerror if isinstance(error, OSError) else error
        raise Misuse(f"can't read {name}: {problem}; check the name") from None


def _read(source: BinaryIO, name: str, limit: int) -> bytes:
    content = source.read(limit + 1)
    if len(content) > limit:
        raise Misuse(f"{name} has more than {limit} bytes, which no webhook has")
    return content
