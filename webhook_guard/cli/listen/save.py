"""Requests in files: one each, as they were on the wire, for `replay` and other tools.

A body that came in chunks is written whole, with its length. One that did not come whole can't be mistaken for one that
did: its message ends too early. No name has anything in it that a stranger chose, no file is overwritten, and nobody
else on the machine can read one. Header names are in lower case, as ASGI servers give them.
"""

import itertools
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.listen.receiver import Received
from webhook_guard.wire import to_http

#: Opens a file that only its owner reads and writes: bodies and signatures are private.
_private = partial(os.open, mode=0o600)


class Folder:
    """A folder for requests; it is made if it is missing.

    Args:
        path: Where it is.

    Attributes:
        path: Where it is.

    Raises:
        Misuse: It can't be made, or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self._numbers = itertools.count(1)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=path).close()
        except FileExistsError:
            raise Misuse(f"{path} is a file; give a folder") from None
        except OSError as error:
            raise Misuse(f"can't write to the folder {path}: {error.strerror}; give another one") from None

    def save(self, received: Received) -> str:
        """Write a request, and return the name of its file, which sorts by the time when the request came.

        Raises:
            OSError: It can't be written; nothing is left of it.
        """
        while True:
            path = self.path / _name(received, next(self._numbers))
            # A file that is there is that of another `listen`: the next number is free.
            with suppress(FileExistsError):
                _write(path, to_http(*received.request, is_whole=received.is_whole))
                return path.name


def _write(path: Path, message: bytes) -> None:
    file = open(path, "xb", opener=_private)  # noqa: SIM115  it is closed before it is removed
    try:
        with file:
            file.write(message)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _name(received: Received, number: int) -> str:
    time = datetime.fromtimestamp(received.time, UTC)
    milliseconds = time.microsecond // 1000
    return f"{time:%Y%m%dT%H%M%S}.{milliseconds:03}Z-{number:04}-{received.verdict}.http"
