"""The journal of a run: what handlers, stores and workers do, from all processes, in the order in which they did it.

Each entry is one line, written at once to the end of the file: a process that is killed leaves whole lines only.
"""

import logging
import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec


class Step(StrEnum):
    """What an entry notes."""

    #: A worker has loaded the app.
    WORKER = "worker"
    #: The store granted a claim; the time is that before it was asked, so the lease began no earlier.
    CLAIMED = "claimed"
    #: The store has confirmed that a claim is completed.
    COMPLETED = "completed"
    #: The handler begins.
    BEGUN = "begun"
    #: The handler has done its work, and is about to answer with a 2xx.
    DONE = "done"
    #: The handler is gone, whether it did its work or not.
    ENDED = "ended"
    #: The guard has logged something.
    LOGGED = "logged"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line.

    Attributes:
        step: What happened.
        at: When, by the clock that all processes of the machine share (CLOCK_MONOTONIC), in nanoseconds.
        pid: In which process.
        webhook_id: To which delivery, if to one.
        attempt: In which attempt of the sender, if the handler notes it.
        level: Of what is logged.
        message: What is logged.
        reason: Why, as a code, if a refusal is logged.
        count: How many refusals were held back before this one.
    """

    step: Step
    at: int
    pid: int
    webhook_id: str = ""
    attempt: str = ""
    level: str = ""
    message: str = ""
    reason: str = ""
    count: int = 0


class Journal:
    """The journal, for those who write it.

    Args:
        path: The file; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, step: Step, webhook_id: str = "", *, at: int | None = None, attempt: str = "") -> None:
        """Note a step."""
        self.write(Entry(step, at or time.monotonic_ns(), os.getpid(), webhook_id, attempt))

    def write(self, entry: Entry) -> None:
        """Write an entry."""
        os.write(self._file, msgspec.json.encode(entry) + b"\n")

    def run(self, webhook_id: str, attempt: str) -> "HandlerRun":
        """Return what notes one run of a handler."""
        return HandlerRun(self, webhook_id, attempt)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class HandlerRun:
    """Notes the begin and the end of a handler, who enters it and leaves it."""

    def __init__(self, journal: Journal, webhook_id: str, attempt: str) -> None:
        self._journal = journal
        self._webhook_id = webhook_id
        self._attempt = attempt

    def __enter__(self) -> Self:
        self._note(Step.BEGUN)
        return self

    def __exit__(self, *_: object) -> None:
        self._note(Step.ENDED)

    def done(self) -> None:
        """Note that the work is done."""
        self._note(Step.DONE)

    def _note(self, step: Step) -> None:
        self._journal.note(step, self._webhook_id, attempt=self._attempt)


class JournalHandler(logging.Handler):
    """Writes what the guard logs to the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        facts = vars(record)
        self._journal.write(
            Entry(
                Step.LOGGED,
                time.monotonic_ns(),
                os.getpid(),
                webhook_id=facts.get("webhook_id", ""),
                level=record.levelname,
                message=record.getMessage(),
                reason=facts.get("reason", ""),
                count=facts.get("count", 0),
            )
        )


def read(path: Path) -> list[Entry]:
    """Return all entries, in their order."""
    return msgspec.json.Decoder(Entry).decode_lines(path.read_bytes())
