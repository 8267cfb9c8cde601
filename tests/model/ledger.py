"""The abstract state of each event, kept apart from any store, and what must never be seen: the invariants."""

import json
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from webhook_guard.idempotency import Claim, ClaimState

from model.scripts import Script

#: Seconds. The clock moves by hundreds of them, so the moments at which a run takes place don't matter.
LEASE, RETENTION = 1_000.0, 10_050.0


class Invariant(StrEnum):
    """What is looked for."""

    LOST = "an event is lost"
    SECOND = "a second handler within a lease"
    AGAIN = "a run after completion"
    ANSWER = "an answer that the table does not have"
    HELD = "a claim is held for nobody"


ALL = frozenset(Invariant)


class InvariantError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Grant:
    """A claim that the store granted.

    Attributes:
        until: When its lease ends.
        is_over: Whether the store has carried out its completion or its release.
    """

    until: float
    is_over: bool = False


@dataclass
class Answer:
    """What the sender got."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass
class Event:
    """What is known of an event.

    Attributes:
        webhook_id: Its deliveries' id.
        grants: By token, all claims that were granted.
        attempts: All attempts to deliver it.
        is_done: Whether a handler has finished it with a success.
        completed_by: The claim that was completed last.
        completed_until: How long the store must remember that.
    """

    webhook_id: str
    grants: dict[str, Grant] = field(default_factory=dict[str, Grant])
    attempts: "list[Attempt]" = field(default_factory=list["Attempt"])
    is_done: bool = False
    completed_by: Grant | None = None
    completed_until: float = -inf


@dataclass(eq=False)
class Attempt:
    """An attempt to deliver an event, and the worker that answers it.

    Attributes:
        event: What is delivered.
        script: What the handler does, if it is called.
        expected: The answer, if the handler is called; and whether the app fails.
        grant: The claim, if it was granted.
        found_done: Whether the event was done when the claim was carried out.
        found_held: Whether somebody had it then.
        claim_failed: Whether the store failed when it was asked for the claim.
        call_failed: Whether it failed, then or later.
        was_called: Whether the handler has begun.
        is_running: Whether the handler runs.
        is_killed: Whether the worker was killed.
        is_cancelled: Whether the request was cancelled.
        is_over: Whether the front is done with it.
        error: What the front raised.
        answer: What the sender got.
    """

    event: Event
    script: Script
    expected: tuple[Answer, bool]
    grant: Grant | None = None
    found_done: bool = False
    found_held: bool = False
    claim_failed: bool = False
    call_failed: bool = False
    was_called: bool = False
    is_running: bool = False
    is_killed: bool = False
    is_cancelled: bool = False
    is_over: bool = False
    error: BaseException | None = None
    answer: Answer = field(default_factory=Answer)


class Ledger:
    """All events of one run.

    Args:
        now: Returns the time by the stores' clock.
        looked_for: Which invariants are looked for.
    """

    def __init__(self, now: Callable[[], float], looked_for: Collection[Invariant]) -> None:
        self._now = now
        self._looked_for = looked_for
        self.events: dict[str, Event] = {}
        #: Whether an invariant was found not to hold.
        self.is_violated = False

    def event(self, webhook_id: str) -> Event:
        """Return an event, a new one if nobody has asked for it yet."""
        return self.events.setdefault(webhook_id, Event(webhook_id))

    def claimed(self, event: Event, attempt: Attempt | None, claim: Claim) -> None:
        """Take in that the store has carried out a claim.

        Args:
            event: What was claimed.
            attempt: For whom; None if nobody waits for it any more.
            claim: What the store answered.
        """
        is_held = any(self._is_live(grant) for grant in event.grants.values())
        if attempt is not None:
            attempt.found_done, attempt.found_held = event.is_done, is_held
        if claim.state is ClaimState.NEW:
            event.grants[claim.token] = grant = Grant(self._now() + LEASE)
            if attempt is not None:
                attempt.grant = grant

    def completed(self, event: Event, token: str) -> None:
        """Take in that the store has confirmed a completion."""
        grant = event.grants[token]
        grant.is_over = True
        if event.completed_by is not grant:
            event.completed_by, event.completed_until = grant, self._now() + RETENTION

    def released(self, event: Event, token: str) -> None:
        """Take in that the store has confirmed a release."""
        event.grants[token].is_over = True

    @contextmanager
    def running(self, attempt: Attempt) -> Generator[None]:
        """Take in that a handler begins, and that it ends.

        Raises:
            InvariantError: It must not begin.
        """
        self._check_beginning(attempt)
        attempt.was_called = attempt.is_running = True
        try:
            yield
        finally:
            attempt.is_running = False

    def done(self, attempt: Attempt) -> None:
        """Take in that a handler has done its work, and answers with its status."""
        attempt.event.is_done |= attempt.script.succeeds

    def check_ended(self, attempt: Attempt) -> None:
        """Check an attempt of which nothing goes on any more.

        Raises:
            InvariantError: Its answer is wrong, or its claim is still held.
        """
        if attempt.is_killed:
            return
        if not attempt.is_cancelled:
            self._check_answer(attempt)
        if attempt.grant is not None and self._is_live(attempt.grant) and not attempt.call_failed:
            self.violated(Invariant.HELD, attempt, "its worker has ended")

    def violated(self, invariant: Invariant, attempt: Attempt, how: str) -> None:
        """Raise that an invariant does not hold, if it is looked for."""
        if invariant not in self._looked_for:
            return
        self.is_violated = True
        raise InvariantError(f"{invariant}: {attempt.event.webhook_id}: {how}")

    def _is_live(self, grant: Grant) -> bool:
        return not grant.is_over and self._now() < grant.until

    def _check_beginning(self, attempt: Attempt) -> None:
        event, grant = attempt.event, attempt.grant
        if grant is None:
            self.violated(Invariant.ANSWER, attempt, "the app is called without a claim")
        elif self._now() < grant.until:  # else it has outlived its lease before it began: nothing is promised
            for other in event.attempts:
                if other.is_running and other.grant is not None and self._now() < other.grant.until:
                    self.violated(Invariant.SECOND, attempt, "another handler runs")
            if any(self._is_live(other) for other in event.grants.values() if other is not grant):
                self.violated(Invariant.SECOND, attempt, "another claim is held")
            if event.completed_by is not grant and self._now() < event.completed_until:
                self.violated(Invariant.AGAIN, attempt, "the store had confirmed it")

    def _check_answer(self, attempt: Attempt) -> None:
        if attempt.claim_failed:
            self._check_refusal(attempt, 503, "store_unavailable")
        elif attempt.grant is not None:
            if (attempt.answer, attempt.error is not None) != attempt.expected:
                self.violated(Invariant.ANSWER, attempt, f"{attempt.answer}, not the app's own, {attempt.expected}")
        elif attempt.answer.status == 200:
            self._check_refusal(attempt, 200, "duplicate")
            if not attempt.found_done:
                self.violated(Invariant.LOST, attempt, "answered as a duplicate, but no handler has finished it")
        else:
            self._check_refusal(attempt, 409, "in_progress")
            if not attempt.found_held:
                self.violated(Invariant.HELD, attempt, "answered as in progress, but nobody has it")

    def _check_refusal(self, attempt: Attempt, status: int, reason: str) -> None:
        answer = attempt.answer
        comes_again = "retry-after" in answer.headers
        if (answer.status, comes_again) != (status, status != 200) or json.loads(answer.body)["reason"] != reason:
            self.violated(Invariant.ANSWER, attempt, f"{answer}, not {status} {reason}")
