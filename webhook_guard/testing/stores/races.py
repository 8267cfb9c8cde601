"""The checks of what happens at the same moment: in threads, or as tasks where the store is async."""

import time
from collections.abc import Callable
from typing import Any

from webhook_guard.testing.stores.driven import DrivenStore, Stores, new_key
from webhook_guard.testing.stores.suite import StoreSuite, check

#: How many call at the same moment, and how often that is tried.
_CALLERS, _ROUNDS = 16, 8


class Races(StoreSuite):
    """What holds, whoever comes first."""

    __test__ = False

    @check
    def test_one_of_many(self, stores: Stores) -> None:
        """Of all who claim a key at the same moment, one gets NEW."""
        both = self.two_stores(stores)
        for _ in range(_ROUNDS):
            key = new_key()
            granted = stores.granted(stores.at_once([store.claiming(key) for store in both] * (_CALLERS // 2)))
            stores.must(len(granted) == 1, f"of {_CALLERS} claims, {len(granted)} returned NEW")

    @check
    def test_one_of_many_after_lease(self, stores: Stores) -> None:
        """Of all who claim a key at the same moment when a lease is over, one gets NEW."""
        store = stores.make(lease=self.short)
        claimed = _claimed(store)
        store.outlast_lease()
        for key, _ in claimed:
            began = time.monotonic()
            granted = stores.granted(stores.at_once([store.claiming(key)] * _CALLERS))
            # A second one is right, if the first one's lease may be over, too.
            most = 1 if time.monotonic() - began < self.short else _CALLERS
            stores.must(1 <= len(granted) <= most, f"of {_CALLERS} claims, {len(granted)} returned NEW")

    @check
    def test_claims_during_release(self, stores: Stores) -> None:
        """Of all who claim a key at the moment when it is released, at most one gets NEW."""
        one, other = self.two_stores(stores)
        for number, (key, token) in enumerate(_claimed(one)):
            released, granted = _race(stores, other.claiming(key), one.releasing(key, token), number)
            stores.must(released is True, f"release returned {released!r} to the owner")
            stores.must(len(granted) <= 1, f"of {_CALLERS} claims, {len(granted)} returned NEW")

    @check
    def test_claims_during_completion(self, stores: Stores) -> None:
        """Of all who claim a key at the moment when it is completed, none gets NEW."""
        one, other = self.two_stores(stores)
        for number, (key, token) in enumerate(_claimed(one)):
            completed, granted = _race(stores, other.claiming(key), one.completing(key, token), number)
            stores.must(completed is True, f"complete returned {completed!r} to the owner")
            stores.must(not granted, f"of {_CALLERS} claims, {len(granted)} returned NEW")

    @check
    def test_claims_during_late_completion(self, stores: Stores) -> None:
        """When a lease is over, either its owner completes or somebody gets NEW, also at the same moment."""
        store = stores.make(lease=self.short)
        claimed = _claimed(store)
        store.outlast_lease()
        for number, (key, token) in enumerate(claimed):
            completed, granted = _race(stores, store.claiming(key), store.completing(key, token), number)
            found = f"complete returned {completed!r}, and of {_CALLERS} claims {len(granted)} returned NEW"
            stores.must(completed is (not granted), found)

    @check
    def test_calls_end(self, stores: Stores) -> None:
        """Each call ends, however many there are at once, of whatever keys."""
        store = stores.make()
        claims = [store.claiming(key) for key, _ in _claimed(store)]
        completions = [store.completing(key, token) for key, token in _claimed(store)]
        releases = [store.releasing(key, token) for key, token in _claimed(store)]
        stores.at_once([*claims, *completions, *releases])


def _claimed(store: DrivenStore) -> list[tuple[str, str]]:
    """Return keys that have been claimed, each with its token."""
    return [(key, store.must_grant(key)) for key in (new_key() for _ in range(_ROUNDS))]


def _race(stores: Stores, claim: Callable[[], Any], ending: Callable[[], Any], number: int) -> tuple[object, list[str]]:
    """Return what `ending` returns among claims, and the tokens that these get."""
    # Of tasks the first comes first; of threads often the last, which finds all others waiting.
    position = (0, _CALLERS // 2, _CALLERS)[number % 3]
    calls = [claim] * _CALLERS
    calls.insert(position, ending)
    answers = stores.at_once(calls)
    return answers.pop(position), stores.granted(answers)
