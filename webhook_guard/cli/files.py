"""The files that commands read: bounded, and what is wrong with one is said in one line."""

import sys
from typing import BinaryIO

from webhook_guard.cli.errors import Misuse

#: Bytes. OpenAI's events have hundreds, and the guard takes 262,144 by default: this is to test limits with.
LARGEST = 16_777_216


def read_file(name: str) -> bytes:
    """Return what a file has; the name ``-`` is standard input.

    Raises:
        Misuse: It can't be read, or has more than `LARGEST` bytes, as a device without an end has.
    """
    try:
        if name == "-":
            return _read_input()
        with open(name, "rb") as source:  # noqa: PTH123  Path refuses no name that open takes
            return _read(source, name)
    except (OSError, ValueError) as error:  # a name with a null character is a ValueError
        problem = error.strerror if isinstance(error, OSError) else error
        raise Misuse(f"can't read {name}: {problem}; check the name") from None


def _read_input() -> bytes:
    if sys.stdin is None:
        raise Misuse("standard input is closed; give a file")
    return _read(sys.stdin.buffer, "standard input")


def _read(source: BinaryIO, name: str) -> bytes:
    content = source.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Misuse(f"{name} has more than {LARGEST} bytes, which no webhook has")
    return content
