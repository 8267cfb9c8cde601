"""Who goes on, and when: all that runs waits at points for its turn, so a run is the same each time.

Only one thread runs at any time, and no event loop runs on by itself.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import cast

from model.ledger import Attempt

#: Seconds until what should wait or end is given up.
_PATIENCE = 60.0

#: For whom the code runs.
current: ContextVar[Attempt] = ContextVar("current")


class Killed(BaseException):
    """The worker is gone; what it would do to clean up has no effect."""


class Strand(threading.Thread):
    """Work in a thread, which goes on when it is told to, until it waits for its next turn.

    Args:
        work: Raises nothing.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._context = copy_context()
        self._turn = threading.Semaphore(0)
        self._paused = threading.Semaphore(0)
        self._thrown: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Do the work."""
        self._turn.acquire()
        try:
            self._context.run(self._work)
        finally:
            self._paused.release()

    def go_on(self, thrown: BaseException | None = None) -> None:
        """Let it go on, and return when it waits again or has ended.

        Args:
            thrown: What to raise where it waits.
        """
        self._thrown = thrown
        self._turn.release()
        assert self._paused.acquire(timeout=_PATIENCE), "a thread neither waits nor ends"

    def wait(self) -> None:
        """Wait for the next turn; called by the work itself."""
        self._paused.release()
        self._turn.acquire()
        if self._thrown is not None:
            raise self._thrown


@dataclass(frozen=True, eq=False)
class Waiting:
    """Somebody who waits for a turn.

    Attributes:
        attempt: In which attempt.
        point: Where.
        go_on: Gives the turn; called with what to raise there, or None.
    """

    attempt: Attempt
    point: str
    go_on: Callable[[BaseException | None], None]


class Turns:
    """All who wait."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []

    def of(self, attempt: Attempt) -> list[Waiting]:
        """Return who waits in an attempt."""
        return [waiting for waiting in self.waiting if waiting.attempt is attempt]

    def wait(self, point: str) -> None:
        """Wait for a turn, in a strand."""
        strand = cast(Strand, threading.current_thread())
        waiting = self._come(point, strand.go_on)
        try:
            strand.wait()
        finally:
            self.waiting.remove(waiting)

    async def wait_async(self, point: str) -> None:
        """Wait for a turn, in a task."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def go_on(thrown: BaseException | None) -> None:
            if thrown is None:
                turn.set_result(None)
            else:
                turn.set_exception(thrown)

        waiting = self._come(point, go_on)
        try:
            await turn
        finally:
            self.waiting.remove(waiting)

    def _come(self, point: str, go_on: Callable[[BaseException | None], None]) -> Waiting:
        attempt = current.get()
        if attempt.is_killed:
            raise Killed
        self.waiting.append(Waiting(attempt, point, go_on))
        return self.waiting[-1]
