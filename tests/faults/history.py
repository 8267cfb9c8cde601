"""What a run comes to: the runs of each handler, put together from the journal, and what must not be among them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from faults.journal import Entry, Step
from faults.sender import Sender

#: Nanoseconds by which two clocks of a machine may differ over a lease: a store may round to milliseconds.
_MARGIN = 10_000_000


@dataclass
class Run:
    """A run of a handler; times are the journal's.

    Attributes:
        webhook_id: What was handled.
        attempt: The sender's attempt.
        pid: In which process.
        claimed: When the store was asked for the claim that was granted.
        begun: When it began.
        done: When its work was done; None if it never was.
        ended: When it was gone; None if it was killed.
    """

    webhook_id: str
    attempt: str
    pid: int
    claimed: int
    begun: int
    done: int | None = None
    ended: int | None = None


class History:
    """All runs.

    Args:
        entries: The journal.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        #: By webhook id, in the order in which they began.
        self.runs: dict[str, list[Run]] = defaultdict(list)
        #: By webhook id, when the store confirmed a completion first.
        self.completed: dict[str, int] = {}
        #: What was logged.
        self.logged: list[Entry] = []
        self._claimed: dict[tuple[str, int], int] = {}
        self._attempts: dict[str, Run] = {}
        for entry in entries:
            self._take_in(entry)

    def _take_in(self, entry: Entry) -> None:
        match entry.step:
            case Step.CLAIMED:
                self._claimed[entry.webhook_id, entry.pid] = entry.at
            case Step.COMPLETED:
                self.completed.setdefault(entry.webhook_id, entry.at)
            case Step.BEGUN:
                claimed = self._claimed[entry.webhook_id, entry.pid]
                run = Run(entry.webhook_id, entry.attempt, entry.pid, claimed, entry.at)
                self._attempts[entry.attempt] = run
                self.runs[entry.webhook_id].append(run)
            case Step.DONE:
                self._attempts[entry.attempt].done = entry.at
            case Step.ENDED:
                self._attempts[entry.attempt].ended = entry.at
            case Step.LOGGED:
                self.logged.append(entry)
            case Step.WORKER:
                pass

    def __iter__(self) -> Iterator[Run]:
        for runs in self.runs.values():
            yield from runs

    def attempts(self) -> set[str]:
        """Return the sender's attempts with which a handler was called."""
        return set(self._attempts)

    def cut_off(self) -> list[Run]:
        """Return the runs that never ended."""
        return [run for run in self if run.ended is None]

    def unhandled(self, webhook_ids: Iterable[str]) -> list[str]:
        """Return those of `webhook_ids` whose work was never done."""
        return [webhook_id for webhook_id in webhook_ids if not any(run.done for run in self.runs[webhook_id])]

    def overlaps(self, lease: float) -> list[tuple[Run, Run]]:
        """Return the runs that began while another one of the same id had the delivery to itself."""
        pairs = (pair for runs in self.runs.values() for pair in pairwise(runs))
        return [(first, second) for first, second in pairs if second.begun < _free(first, lease)]

    def begun_after(self, moments: Mapping[str, int]) -> list[Run]:
        """Return the runs that began after the moment that their id has in `moments`, if it has one."""
        return [run for run in self if run.webhook_id in moments and run.begun > moments[run.webhook_id]]


def _free(run: Run, lease: float) -> int:
    """Return when another run may begin: when this one has ended, but in any case when its lease has."""
    lease_ends = run.claimed + int(lease * 1e9) - _MARGIN
    return lease_ends if run.ended is None else min(run.ended, lease_ends)


def acknowledged_too_early(history: History, sender: Sender) -> list[str]:
    """Return the webhook ids that were acknowledged before their work was done."""
    done = {run.webhook_id: run.done for run in reversed(list(history)) if run.done}
    return [webhook_id for webhook_id, at in sender.acknowledged.items() if at < done.get(webhook_id, at + 1)]


def figures(history: History, sender: Sender) -> str:
    """Return what happened, in one line."""
    statuses = [attempt.status for attempt in sender.attempts]
    duplicates = sum(attempt.reason == "duplicate" for attempt in sender.attempts)
    return (
        f"{len(sender.acknowledged)} events, {len(statuses)} attempts, {len(list(history))} handler runs, "
        f"{len(history.cut_off())} cut off, {duplicates} duplicates answered, "
        f"{statuses.count(409)} 409s, {statuses.count(503)} 503s"
    )
