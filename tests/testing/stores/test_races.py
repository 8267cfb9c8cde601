"""The checks of what happens at the same moment: good stores pass, and each check finds who is not atomic."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any, Unpack

import pytest

from webhook_guard.idempotency import Claim, ClaimState, MemoryStore, StoreOptions
from webhook_guard.testing import StoreConformance
from webhook_guard.testing.stores.races import Races

from testing.stores.kit import AsyncMemoryStore, checks_of, failure, suite

CHECKS = checks_of(Races)
CALLERS = 16
#: Seconds that one waits for others who are about to come.
SOON = 5
#: Set when a test is over: what hangs ends then.
OVER = threading.Event()


@pytest.fixture(autouse=True)
def _over() -> Iterator[None]:
    OVER.clear()
    yield
    OVER.set()


def is_one_of_many() -> bool:
    """Return whether others call at the same moment."""
    return threading.current_thread() is not threading.main_thread()


def granted() -> Claim:
    """Return a claim that is granted, whoever else has the key."""
    return Claim(ClaimState.NEW, token_hex(8))


class ChecksThenSets(MemoryStore):
    """Looks whether a key is free, and claims it when all others have looked, too."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.together = threading.Barrier(CALLERS)

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        if not is_one_of_many():
            return super().claim(key)
        with self._lock:
            free = not self._holds(self._in_progress, key, self._clock())
        self.together.wait(SOON)
        return granted() if free else super().claim(key)


class AsyncChecksThenSets(AsyncMemoryStore):
    """The same, where others run in the same loop."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.claimed: set[str] = set()

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        free = key not in self.claimed
        await asyncio.sleep(0)
        self.claimed.add(key)
        return granted() if free else Claim(ClaimState.IN_PROGRESS)


class GrantsToMany(MemoryStore):
    """Grants a key to all who come at the same moment."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        return granted() if is_one_of_many() else super().claim(key)


class FreesThenCompletes(MemoryStore):
    """Completes in two halves; those who claim at the same moment come between them."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.is_between = threading.Event()

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        if is_one_of_many():
            self.is_between.wait(SOON)
        return super().claim(key)

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        owned = super().release(key, token)
        self.is_between.set()
        return owned


class GivesUp(MemoryStore):
    """Changes nothing, if anybody claims at the same moment."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.is_claimed = threading.Event()

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        if is_one_of_many():
            self.is_claimed.set()
        return super().claim(key)

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return not self.is_claimed.wait(SOON) and super().complete(key, token)

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return not self.is_claimed.wait(SOON) and super().release(key, token)


class Hangs(MemoryStore):
    """Never says that it has completed."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        OVER.wait()
        return super().complete(key, token)


class AsyncHangs(AsyncMemoryStore):
    """The same, in a loop."""

    async def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        await asyncio.Event().wait()
        return await super().complete(key, token)


class IsSlow(MemoryStore):
    """Needs longer than its lease for a claim."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        OVER.wait(2 * self.lease)
        return super().claim(key)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [MemoryStore, AsyncMemoryStore])
def test_good_stores_pass(make: Callable[..., Any], check: str) -> None:
    """A store that keeps its promises, sync or async, passes each check."""
    getattr(suite(make), check)()


HINT = " (A store in the memory of one process sets shared = False.)"
BROKEN = [
    ("test_one_of_many", suite(ChecksThenSets), "of 16 claims, 16 returned NEW."),
    ("test_one_of_many", suite(AsyncChecksThenSets), "of 16 claims, 16 returned NEW."),
    ("test_one_of_many", suite(MemoryStore, shared=True), f"of 16 claims, 2 returned NEW.{HINT}"),
    ("test_one_of_many_after_lease", suite(ChecksThenSets, short=0.1), "of 16 claims, 16 returned NEW."),
    ("test_claims_during_release", suite(GrantsToMany), "of 16 claims, 16 returned NEW."),
    ("test_claims_during_release", suite(GivesUp), "release returned False to the owner."),
    ("test_claims_during_completion", suite(FreesThenCompletes), "of 16 claims, 1 returned NEW."),
    ("test_claims_during_completion", suite(GivesUp), "complete returned False to the owner."),
    (
        "test_claims_during_late_completion",
        suite(FreesThenCompletes),
        "complete returned True, and of 16 claims 1 returned NEW.",
    ),
    ("test_calls_end", suite(Hangs, patience=0.1), "of 24 calls at once, some did not end within 0.1 s."),
    ("test_calls_end", suite(AsyncHangs, patience=0.1), "of 24 calls at once, some did not end within 0.1 s."),
]


@pytest.mark.parametrize(("check", "tested", "found"), BROKEN)
def test_broken_stores_fail(check: str, tested: StoreConformance, found: str) -> None:
    """A store that is not atomic fails, with the promise and what was found."""
    assert failure(tested, check) == found


def test_slow_store() -> None:
    """A store whose claims take longer than the lease may grant a key again."""
    suite(IsSlow, short=0.001).test_one_of_many_after_lease()


def test_each_check_can_fail() -> None:
    """For each check there is a store that it finds."""
    assert {check for check, *_ in BROKEN} == set(CHECKS)
