"""Waiting for other processes, of which there is no event to wait for."""

import time
from collections.abc import Callable

#: Seconds until what should have happened long ago is given up.
PATIENCE = 30.0


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Return when `is_so` says so.

    Args:
        is_so: Asked again and again.
        what: What is waited for, in words.
    """
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.01)
