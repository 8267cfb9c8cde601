"""A clock that tests can set: what the middleware's option `clock` takes.

It waits for nothing, and changes no other clock.
"""

import time

from webhook_guard.sansio.guard import check_number

#: Seconds: any time that a clock may show, and no NaN.
_ANY_TIME = 1e15


class Clock:
    """Returns Unix seconds: the real time, until it is set; then it stands still.

    >>> from webhook_guard.testing import Clock
    >>> clock = Clock()
    >>> clock.set(1_750_861_210)
    >>> clock.advance(301)
    >>> clock()
    1750861511.0
    """

    def __init__(self) -> None:
        self._standing: float | None = None
        self._advance = 0.0

    def __call__(self) -> float:
        """Return the time, in Unix seconds."""
        return (time.time() if self._standing is None else self._standing) + self._advance

    def set(self, now: float) -> None:
        """Show this time, and stand still.

        Args:
            now: In Unix seconds.

        Raises:
            ConfigurationError: It is no number.
        """
        self._standing, self._advance = check_number("now", now, -_ANY_TIME, _ANY_TIME), 0.0

    def advance(self, seconds: float) -> None:
        """Move on, or back if `seconds` is negative; a clock that runs goes on running.

        Args:
            seconds: How far.

        Raises:
            ConfigurationError: It is no number.
        """
        self._advance += check_number("seconds", seconds, -_ANY_TIME, _ANY_TIME)
