"""The stores that are tried, described so that every process opens the same one, and made to note what they confirm."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction
from typing import Any

import msgspec

from webhook_guard.idempotency import (
    AsyncPostgresStore,
    AsyncRedisStore,
    AsyncStore,
    PostgresStore,
    RedisStore,
    SQLiteStore,
    Store,
    StoreOptions,
)
from webhook_guard.sansio.claims import Claim, ClaimState

from faults.journal import Journal, Step


class Spec(msgspec.Struct, frozen=True):
    """A store, described.

    Attributes:
        kind: sqlite, redis or postgres.
        where: Its file, URL or DSN.
        lease: Its option, in seconds.
        timeout: Its option, in seconds.
        namespace: Its option.
    """

    kind: str
    where: str
    lease: float = 60.0
    timeout: float = 30.0
    namespace: str = "faults"

    @property
    def options(self) -> StoreOptions:
        """The options that all stores take."""
        # What is left behind on a server that others use is gone after ten minutes.
        return {"namespace": self.namespace, "lease": self.lease, "timeout": self.timeout, "retention": 600}

    def prepare(self) -> None:
        """Make what the store needs on its server."""
        store = self.open()
        if isinstance(store, PostgresStore):
            store.create_table()
            store.close()

    def open(self) -> Store:
        """Return the store for WSGI."""
        return _STORES[self.kind][0](self.where, **self.options)

    def open_async(self) -> Store | AsyncStore:
        """Return the store for ASGI: an async one, where there is one."""
        return _STORES[self.kind][1](self.where, **self.options)


#: By kind: the store for WSGI, and the one for ASGI.
_STORES: dict[str, tuple[Callable[..., Store], Callable[..., Store | AsyncStore]]] = {
    "sqlite": (SQLiteStore, SQLiteStore),
    "redis": (RedisStore, AsyncRedisStore),
    "postgres": (PostgresStore, AsyncPostgresStore),
}


@asynccontextmanager
async def closing_store(front: str, spec: Spec) -> AsyncGenerator[Any]:
    """Give the store for a front, wsgi or asgi, and close it."""
    store: Any = spec.open() if front == "wsgi" else spec.open_async()
    try:
        yield store
    finally:
        if hasattr(store, "aclose"):
            await store.aclose()
        else:
            store.close()


def noted(store: Any, journal: Journal) -> Any:
    """Return `store`, made to note in `journal` each claim that it grants and each completion that it confirms."""
    return (_NotedAsync if iscoroutinefunction(store.claim) else _Noted)(store, journal)


class _Noted:
    def __init__(self, store: Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    def claim(self, key: str) -> Claim:
        """Claim, and note it if it is granted."""
        before = time.monotonic_ns()
        claim = self._store.claim(key)
        if claim.state is ClaimState.NEW:
            self._journal.note(Step.CLAIMED, _webhook_id(key), at=before)
        return claim

    def complete(self, key: str, token: str) -> bool:
        """Complete, and note it if it is confirmed."""
        completed = self._store.complete(key, token)
        if completed:
            self._journal.note(Step.COMPLETED, _webhook_id(key))
        return completed

    def release(self, key: str, token: str) -> bool:
        """Release."""
        return self._store.release(key, token)


class _NotedAsync:
    def __init__(self, store: AsyncStore, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def claim(self, key: str) -> Claim:
        """Claim, and note it if it is granted."""
        before = time.monotonic_ns()
        claim = await self._store.claim(key)
        if claim.state is ClaimState.NEW:
            self._journal.note(Step.CLAIMED, _webhook_id(key), at=before)
        return claim

    async def complete(self, key: str, token: str) -> bool:
        """Complete, and note it if it is confirmed."""
        completed = await self._store.complete(key, token)
        if completed:
            self._journal.note(Step.COMPLETED, _webhook_id(key))
        return completed

    async def release(self, key: str, token: str) -> bool:
        """Release."""
        return await self._store.release(key, token)


def _webhook_id(key: str) -> str:
    return key.rpartition("#")[2]
