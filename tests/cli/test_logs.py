"""Loggers that keep quiet."""

import logging

import pytest

from webhook_guard.cli.logs import silenced

NAMES = ("webhook_guard.a", "webhook_guard.b")


def speak() -> None:
    """Log a line with each logger."""
    for name in NAMES:
        logging.getLogger(name).warning("from %s", name)


def test_what_they_say_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Silenced loggers say nothing, and speak again afterwards."""
    with silenced(*NAMES):
        speak()
    assert caplog.messages == []
    speak()
    assert caplog.messages == [f"from {name}" for name in NAMES]


def test_what_is_let_through(caplog: pytest.LogCaptureFixture) -> None:
    """What is chosen is let through, and nothing else."""
    with silenced(*NAMES, but=lambda record: record.levelno >= logging.ERROR):
        speak()
        logging.getLogger(NAMES[0]).error("grave")
    assert caplog.messages == ["grave"]


def test_silence_within_silence(caplog: pytest.LogCaptureFixture) -> None:
    """Who silences a logger that is silent already, does not make it speak at the end."""
    with silenced(*NAMES):
        with silenced(*NAMES):
            speak()
        speak()
    assert caplog.messages == []


def test_silence_ends_with_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    """Loggers speak again after a failure, too."""
    with pytest.raises(RuntimeError), silenced(*NAMES):
        raise RuntimeError
    speak()
    assert len(caplog.messages) == len(NAMES)
