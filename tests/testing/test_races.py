"""The checks of what happens at the same moment: good stores pass, and each check finds who is not atomic."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any, Unpack

import pytest
from testing.kit import AsyncMemoryStore, checks_of, failure, suite

from webhook_guard.idempotency import Claim, ClaimState, MemoryStore, StoreOptions
from webhook_guard.testing import StoreConformance
from webhook_guard.testing.races import Races

CHECKS = checks_of(Races)
#: Set when a test is over: what hangs ends then.
OVER = threading.Event()


@pytest.fixture(autouse=True)
def _over() -> Iterator[None]:
    OVER.clear()
    yield
    OVER.set()


def others() -> None:
    """Let the other threads run: a while, in which whatever they do is done."""
    OVER.wait(0.005)


class ChecksThenSets(MemoryStore):
    """Looks at a key, and claims it later."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        free = key not in self._in_progress or self._in_progress[key].ends <= self._clock()
        others()
        if free:
            self._in_progress.pop(key, None)
        return super().claim(key)


class AsyncChecksThenSets:
    """The same, where others run in the same loop."""

    def __init__(self, **_: Any) -> None:
        self.claimed: set[str] = set()

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        free = key not in self.claimed
        await asyncio.sleep(0)
        self.claimed.add(key)
        return Claim(ClaimState.NEW, token_hex(8)) if free else Claim(ClaimState.IN_PROGRESS)


class TakesOverLater(MemoryStore):
    """Looks at a lease, and takes over later."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        if key in self._in_progress and self._in_progress[key].ends <= self._clock():
            others()
            self._in_progress.pop(key, None)
        return super().claim(key)


class GrantsWhileReleasing(MemoryStore):
    """Says that a key is free, before it is."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.releasing = ""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        return Claim(ClaimState.NEW, token_hex(8)) if key == self.releasing else super().claim(key)

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        self.releasing = key
        others()
        return super().release(key, token)


class GivesUp(MemoryStore):
    """Changes nothing, if anybody has come for the same key meanwhile."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.claims = 0

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        self.claims += 1
        return super().claim(key)

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return self.is_alone() and super().complete(key, token)

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return self.is_alone() and super().release(key, token)

    def is_alone(self) -> bool:
        """Return whether nobody claims for a while."""
        claims = self.claims
        others()
        return claims == self.claims


class CompletesLater(MemoryStore):
    """Frees a key, and completes it later."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        entry = self._in_progress.pop(key)
        others()
        self._in_progress[key] = entry
        return super().complete(key, token)


class LooksThenCompletes(MemoryStore):
    """Looks who the owner is, and completes later."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        entry = self._in_progress[key]
        others()
        self._in_progress[key] = entry
        return super().complete(key, token)


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
    """Needs a while for each claim."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        others()
        return super().claim(key)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [MemoryStore, AsyncMemoryStore])
def test_good_stores_pass(make: Callable[..., Any], check: str) -> None:
    """A store that keeps its promises, sync or async, passes each check."""
    getattr(suite(make), check)()


BROKEN = [
    ("test_one_of_many", suite(ChecksThenSets), r"of 16 claims, \d+ returned NEW"),
    ("test_one_of_many", suite(AsyncChecksThenSets), "of 16 claims, 16 returned NEW"),
    ("test_one_of_many", suite(MemoryStore, shared=True), "of 16 claims, 2 returned NEW"),
    ("test_one_of_many_after_lease", suite(TakesOverLater, short=0.1), r"of 16 claims, \d+ returned NEW"),
    ("test_claims_during_release", suite(GrantsWhileReleasing), r"of 16 claims, \d+ returned NEW"),
    ("test_claims_during_release", suite(GivesUp), "release returned False to the owner"),
    ("test_claims_during_completion", suite(CompletesLater), r"of 16 claims, 1 returned NEW"),
    ("test_claims_during_completion", suite(GivesUp), "complete returned False to the owner"),
    ("test_claims_during_late_completion", suite(LooksThenCompletes), "complete returned True, and of 16 claims 1 "),
    ("test_calls_end", suite(Hangs, patience=0.1), "of 30 calls at once, some did not end within 0.1 s"),
    ("test_calls_end", suite(AsyncHangs, patience=0.1), "of 30 calls at once, some did not end within 0.1 s"),
]


@pytest.mark.parametrize(("check", "tested", "found"), BROKEN)
def test_broken_stores_fail(check: str, tested: StoreConformance, found: str) -> None:
    """A store that is not atomic fails, with the promise and what was found."""
    assert re.match(found, failure(tested, check))


def test_slow_store() -> None:
    """A store whose claims take longer than the lease may grant a key again."""
    suite(IsSlow, short=0.001).test_one_of_many_after_lease()


def test_each_check_can_fail() -> None:
    """For each check there is a store that it finds."""
    assert {check for check, *_ in BROKEN} == set(CHECKS)
