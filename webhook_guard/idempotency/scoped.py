"""One of something for each process or event loop: no connection outlives a fork, or the loop that it began in."""

import asyncio
import os
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class PerProcess(Generic[_T]):
    """One for each process, made on first use, as after the fork of a worker.

    What a parent had made is neither used nor closed here: it shares the parent's sockets and locks.

    Args:
        make: Makes one. Of two threads that come first, both may make one, and one is dropped: so it opens nothing yet.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._made: dict[int, _T] = {}

    def get(self) -> _T:
        """Return this process's own."""
        pid = os.getpid()
        if pid not in self._made:
            self._made.setdefault(pid, self._make())
        return self._made[pid]


class PerLoop(Generic[_T]):
    """One for each event loop, made on first use, and forgotten when the loop is closed and another one asks.

    Args:
        make: Makes one.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        # Not by weak references: connections may refer to their loop, and would keep it.
        self._made: dict[asyncio.AbstractEventLoop, _T] = {}

    def get(self) -> _T:
        """Return the running loop's own."""
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            for closed in [other for other in list(self._made) if other.is_closed()]:
                self._made.pop(closed, None)
            self._made[loop] = self._make()
        return self._made[loop]
