"""One table of claims and answers, which the core and both fronts are held to (`test_claim_scenarios.py`)."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from webhook_guard import Reason
from webhook_guard.idempotency import Claim, ClaimState

#: How a granted claim ends.
Ending = Literal["completed", "released"]


class Step(Enum):
    """What an app does once it has given a status."""

    #: It gives a part of its answer's body.
    PART = "part"
    #: It gives a part without any bytes.
    EMPTY = "empty part"
    #: It fails.
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class ClaimScenario:
    """What a store answers to a claim, what the app does if it is called, and what becomes of it.

    Attributes:
        name: What is special about it.
        store: What the store answers, or raises.
        reason: Why the app is not called; None if it is.
        status: What the app answers with; None if it gives no status.
        steps: What the app does then.
        ending: How the claim ends; None if there is none.
    """

    name: str
    store: object = Claim(ClaimState.NEW, "a token")
    reason: Reason | None = None
    status: int | None = 200
    steps: tuple[Step, ...] = (Step.PART,)
    ending: Ending | None


def _refused(name: str, store: object, reason: Reason) -> ClaimScenario:
    return ClaimScenario(name=name, store=store, reason=reason, ending=None)


def _handled(name: str, status: int | None, *steps: Step, ending: Ending) -> ClaimScenario:
    return ClaimScenario(name=name, status=status, steps=steps, ending=ending)


REFUSED = [
    _refused("completed", Claim(ClaimState.COMPLETED), Reason.DUPLICATE),
    _refused("in progress", Claim(ClaimState.IN_PROGRESS), Reason.IN_PROGRESS),
    _refused("the store is down", ConnectionRefusedError("port 6379"), Reason.STORE_UNAVAILABLE),
    _refused("the store is slow", TimeoutError("2 s"), Reason.STORE_UNAVAILABLE),
    _refused("the store has a bug", KeyError("a key"), Reason.STORE_UNAVAILABLE),
    _refused("the store answers nothing", None, Reason.STORE_UNAVAILABLE),
    _refused("the store answers text", "yes", Reason.STORE_UNAVAILABLE),
    _refused("the store gives no token", Claim(ClaimState.NEW), Reason.STORE_UNAVAILABLE),
]
HANDLED = [
    _handled("200", 200, Step.PART, ending="completed"),
    _handled("200 in parts", 200, Step.PART, Step.PART, ending="completed"),
    _handled("200, and a part without bytes first", 200, Step.EMPTY, Step.PART, ending="completed"),
    _handled("204", 204, Step.EMPTY, ending="completed"),
    _handled("299", 299, Step.PART, ending="completed"),
    _handled("200, and fails after the first part", 200, Step.PART, Step.FAIL, ending="completed"),
    _handled("200, and fails before the first part", 200, Step.FAIL, ending="released"),
    _handled("303", 303, Step.PART, ending="released"),
    _handled("404", 404, Step.PART, ending="released"),
    _handled("409", 409, Step.PART, ending="released"),
    _handled("500", 500, Step.PART, ending="released"),
    _handled("503 in parts", 503, Step.PART, Step.PART, ending="released"),
    _handled("500, and fails after the first part", 500, Step.PART, Step.FAIL, ending="released"),
    _handled("fails without a status", None, Step.FAIL, ending="released"),
    _handled("answers nothing", None, ending="released"),
]

CLAIM_SCENARIOS = [*REFUSED, *HANDLED]
