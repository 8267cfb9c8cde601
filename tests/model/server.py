"""What drives a front: a server, of which each worker does one step at a time."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from model.ledger import Answer, Attempt
from model.scripts import AppError, Script
from model.turns import Killed

#: How an attempt may end without being wrong.
_USUAL = (AppError, Killed, asyncio.CancelledError)


class Server(Protocol):
    """What answers attempts."""

    def guarded(self, store: Any) -> Any:
        """Return the app of one process, behind the front, with its store."""
        ...

    def expected(self, script: Script) -> tuple[Answer, bool]:
        """Return what the sender gets if the handler is called, and whether the app fails."""
        ...

    def begin(self, attempt: Attempt, guarded: Any) -> None:
        """Begin to answer an attempt."""
        ...

    def cancel(self, attempt: Attempt) -> None:
        """Cancel an attempt."""
        ...

    def settle(self) -> None:
        """Let all go on that need no turn."""
        ...

    def run(self, call: Callable[[], Any]) -> Any:
        """Return what a call of a store returns."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


def check_error(attempt: Attempt) -> None:
    """Raise what the front raised, if it is nothing that it may raise."""
    if attempt.error is not None and not isinstance(attempt.error, _USUAL):
        raise attempt.error
