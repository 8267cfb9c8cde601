"""The store of one process: nothing to install, nothing kept when the process ends."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from secrets import token_hex
from typing import NamedTuple, Unpack

from webhook_guard.idempotency.store import ConfiguredStore, StoreOptions
from webhook_guard.sansio.claims import Claim, ClaimState
from webhook_guard.sansio.errors import IdempotencyError
from webhook_guard.sansio.guard import check_callable, check_whole_number

#: Some 25 MiB; ten deliveries a minute for a week.
MAX_ENTRIES = 100_000
_MOST_ENTRIES = 1_000_000_000


class _Entry(NamedTuple):
    token: str
    #: When the lease or the retention ends, by the store's clock.
    ends: float


class MemoryStore(ConfiguredStore):
    """A store in the memory of one process: for tests, and for a server with a single worker.

    When it is full, what has expired makes room first, then the oldest completed entry, whose delivery may then be
    handled again.

    Args:
        max_entries: The most keys that are held.
        clock: Returns seconds that never go back.
        **options: Those of all stores: `StoreOptions`.

    Raises:
        ConfigurationError: An option can't be used; the message names it and the fix.

    >>> from webhook_guard.idempotency import MemoryStore
    >>> store = MemoryStore()
    >>> claim = store.claim("wh_1")
    >>> store.complete("wh_1", claim.token)
    True
    >>> store.claim("wh_1").state
    <ClaimState.COMPLETED: 'completed'>
    """

    def __init__(
        self,
        *,
        max_entries: int = MAX_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
        **options: Unpack[StoreOptions],
    ) -> None:
        super().__init__(options)
        self.max_entries: int = check_whole_number("max_entries", max_entries, 1, _MOST_ENTRIES)
        self._clock = check_callable("clock", clock)
        self._lock = threading.Lock()
        # Each is in the order in which its entries end, because lease and retention are the same for all.
        self._in_progress: OrderedDict[str, _Entry] = OrderedDict()
        self._completed: OrderedDict[str, _Entry] = OrderedDict()

    def claim(self, key: str, /) -> Claim:
        """Claim `key`.

        Raises:
            IdempotencyError: It is full of deliveries in progress.
        """
        with self._lock:
            now = self._clock()
            if self._holds(self._completed, key, now):
                return Claim(ClaimState.COMPLETED)
            if self._holds(self._in_progress, key, now):
                return Claim(ClaimState.IN_PROGRESS)
            self._completed.pop(key, None)
            self._in_progress.pop(key, None)
            self._make_room(now)
            self._in_progress[key] = _Entry(token_hex(16), now + self.lease)
            return Claim(ClaimState.NEW, self._in_progress[key].token)

    def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed, if `token` is its owner's."""
        with self._lock:
            if self._is_owner(self._in_progress, key, token):
                del self._in_progress[key]
                self._completed[key] = _Entry(token, self._clock() + self.retention)
            return self._is_owner(self._completed, key, token)

    def release(self, key: str, token: str, /) -> bool:
        """Free `key`, if `token` is its owner's."""
        with self._lock:
            if not self._is_owner(self._in_progress, key, token):
                return False
            del self._in_progress[key]
            return True

    @staticmethod
    def _holds(entries: OrderedDict[str, _Entry], key: str, now: float) -> bool:
        return key in entries and now < entries[key].ends

    @staticmethod
    def _is_owner(entries: OrderedDict[str, _Entry], key: str, token: str) -> bool:
        return key in entries and entries[key].token == token

    def _make_room(self, now: float) -> None:
        if len(self._in_progress) + len(self._completed) < self.max_entries:
            return
        for entries in (self._completed, self._in_progress):
            if entries and next(iter(entries.values())).ends <= now:
                entries.popitem(last=False)
                return
        if not self._completed:
            raise IdempotencyError(f"all {self.max_entries} entries (max_entries) are in progress; make it larger")
        self._completed.popitem(last=False)
