"""What all workers share: turns, the network between them and the store, and the ledger."""

from collections import Counter
from collections.abc import Callable, Collection
from enum import Enum
from functools import partial
from typing import Any

from webhook_guard.idempotency import Claim

from model.ledger import Attempt, Invariant, Ledger
from model.turns import Killed, Turns


class Outage(Enum):
    """What becomes of calls while the store is away: all fail."""

    #: They are not carried out.
    REFUSED = "refused"
    #: They are carried out, and the answer is lost.
    ANSWER_LOST = "answer lost"
    #: They are carried out later, when nobody waits for them any more.
    LATE = "late"


class Call:
    """One call.

    Args:
        attempt: For whom.
        name: claim, complete or release.
        arguments: The key, and the token where there is one.
        method: The store's.
    """

    def __init__(self, attempt: Attempt, name: str, arguments: tuple[str, ...], method: Callable[..., Any]) -> None:
        self.attempt = attempt
        self.name = name
        self.arguments = arguments
        self.carry_out: Callable[[], Any] = partial(method, *arguments)


class World:
    """What all workers share, made anew for each run.

    Args:
        now: Returns the time by the stores' clock.
        looked_for: Which invariants are looked for.
    """

    def __init__(self, now: Callable[[], float], looked_for: Collection[Invariant]) -> None:
        self._now = now
        self._looked_for = looked_for
        self.counts: Counter[str] = Counter()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Begin a run."""
        self.turns = Turns()
        self.ledger = Ledger(self._now, self._looked_for)
        #: What becomes of the next calls.
        self.outages: list[Outage] = []
        #: The calls that failed, but are still to be carried out.
        self.late: list[Call] = []

    def admit(self, call: Call) -> bool:
        """Return whether the answer to `call` gets through, if it is to be carried out; fail if it is not."""
        if call.attempt.is_killed:
            raise Killed
        if not self.outages:
            return True
        self.counts["store calls failed"] += 1
        call.attempt.call_failed = True
        call.attempt.claim_failed |= call.name == "claim"
        outage = self.outages.pop()
        if outage is Outage.ANSWER_LOST:
            return False
        if outage is Outage.LATE:
            self.late.append(call)
        raise ConnectionError("the store is away")

    def carried_out(self, call: Call, answer: Any, *, is_late: bool = False) -> None:
        """Take in that `call` was carried out."""
        key, *token = call.arguments
        event = self.ledger.event(key.rpartition("#")[2])
        if isinstance(answer, Claim):
            self.ledger.claimed(event, None if is_late else call.attempt, answer)
        elif answer is True:
            end = self.ledger.completed if call.name == "complete" else self.ledger.released
            end(event, *token)
