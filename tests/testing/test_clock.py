"""The clock: runs, stands still, and moves."""

import time
from typing import Any

import pytest

from webhook_guard import ConfigurationError
from webhook_guard.testing.clock import Clock

from support import NOW


def test_runs() -> None:
    """A new clock shows the real time."""
    before = time.time()
    assert before <= Clock()() <= time.time()


def test_set() -> None:
    """A clock that is set stands still."""
    clock = Clock()
    clock.set(NOW)
    assert (clock(), clock()) == (NOW, NOW)


def test_advance() -> None:
    """It moves either way."""
    clock = Clock()
    clock.set(NOW)
    clock.advance(301)
    clock.advance(-1.5)
    assert clock() == NOW + 299.5


def test_set_again() -> None:
    """What it was moved by before it is set does not count."""
    clock = Clock()
    clock.advance(60)
    clock.set(NOW)
    assert clock() == NOW


def test_advance_while_running() -> None:
    """A clock that runs goes on running, ahead of the real one."""
    clock = Clock()
    clock.advance(3600)
    before = time.time()
    assert before + 3600 <= clock() <= time.time() + 3600


@pytest.mark.parametrize("value", ["12", None, float("nan"), True])
def test_no_number(value: Any) -> None:
    """What is no number is refused at once, not where the clock is read."""
    with pytest.raises(ConfigurationError, match=r"^now: must be a number"):
        Clock().set(value)
    with pytest.raises(ConfigurationError, match=r"^seconds: must be a number"):
        Clock().advance(value)
