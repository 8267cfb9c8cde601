"""Where stores keep their claims, and what it takes to fill, weigh and empty it.

Each uses a place of its own, and leaves nothing behind: a file, a namespace in Redis, a schema in PostgreSQL.
"""

import sqlite3
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from typing import ClassVar, Protocol, TypeAlias

from benchmarks.stores.callers import AwaitedStore, claim_and_complete
from benchmarks.stores.proxy import CountingProxy
from webhook_guard.idempotency import MemoryStore, SQLiteStore, Store
from webhook_guard.idempotency.store import RETENTION

AnyStore: TypeAlias = Store | AwaitedStore
#: A key that was completed, and when, in Unix seconds. A tuple, because the garbage collector need not look at those.
Handled: TypeAlias = tuple[str, float]


class UnmeasuredError(Exception):
    """Stores can't be measured.

    Args:
        names: Those of the stores.
        why: As it is shown.
    """

    def __init__(self, names: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.names = names


class Backend(Protocol):
    """Where the stores of one kind keep their claims."""

    #: The names of its stores, the sync one first.
    names: ClassVar[tuple[str, ...]]
    #: Its version, and the settings that its figures depend on.
    settings: str

    def stores(self) -> Sequence[AnyStore]:
        """Return its stores, the sync one first."""
        ...

    def proxied(self) -> tuple[CountingProxy, Sequence[AnyStore]] | None:
        """Return the same stores behind a proxy; None where there is no server."""
        ...

    def fill(self, handled: Sequence[Handled]) -> Store:
        """Hold these deliveries as completed and nothing else; return a store that sees them."""
        ...

    def size(self) -> int:
        """Return how many bytes what it was filled with takes."""
        ...

    def forget(self, keys: Sequence[str]) -> None:
        """Remove deliveries that came after it was filled."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


class MemoryBackend:
    """The process's own memory."""

    names: ClassVar[tuple[str, ...]] = ("MemoryStore",)
    settings = "MemoryStore: full, so that each claim drops the oldest key"

    def __init__(self) -> None:
        self._size = 0

    def stores(self) -> Sequence[Store]:
        """Return one that holds as many as by default."""
        return (MemoryStore(),)

    def proxied(self) -> None:
        """There is no server."""

    def fill(self, handled: Sequence[Handled]) -> Store:
        """Handle all of them."""
        tracemalloc.start()
        try:
            store = MemoryStore(max_entries=len(handled))
            for key, _ in handled:
                claim_and_complete(store, key)
            self._size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return store

    def size(self) -> int:
        """Return what Python allocated."""
        return self._size

    def forget(self, keys: Sequence[str]) -> None:
        """Do nothing: the store drops as many as it takes in."""

    def close(self) -> None:
        """Do nothing."""


class SQLiteBackend:
    """A file.

    Args:
        path: Where to make it.
    """

    names: ClassVar[tuple[str, ...]] = ("SQLiteStore",)
    settings = f"SQLite {sqlite3.sqlite_version}, WAL, synchronous=FULL (the store's)"

    def __init__(self, path: Path) -> None:
        self._store = SQLiteStore(path)

    def stores(self) -> Sequence[Store]:
        """Return the one."""
        return (self._store,)

    def proxied(self) -> None:
        """There is no server."""

    def fill(self, handled: Sequence[Handled]) -> Store:
        """Insert them into the store's table."""
        self._store.close()
        for path in self._store.path.parent.glob(f"{self._store.path.name}*"):
            path.unlink()
        self._store.prune()  # makes the file anew, with its table
        rows = ((self._store.named(key), token_hex(16), at + RETENTION) for key, at in handled)
        with closing(sqlite3.connect(self._store.path)) as file:
            file.executemany("INSERT INTO webhook_guard_claims (key, token, completed, ends) VALUES (?, ?, 1, ?)", rows)
            file.commit()
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._store

    def size(self) -> int:
        """Return the size of the file."""
        return self._store.path.stat().st_size

    def forget(self, keys: Sequence[str]) -> None:
        """Delete them."""
        with closing(sqlite3.connect(self._store.path)) as file, file:
            rows = [(self._store.named(key),) for key in keys]
            file.executemany("DELETE FROM webhook_guard_claims WHERE key = ?", rows)

    def close(self) -> None:
        """Close the file: the folder is removed by whoever made it."""
        self._store.close()
