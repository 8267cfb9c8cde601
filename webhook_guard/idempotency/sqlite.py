"""The store of one machine: a file that all its worker processes share. Nothing to install, nothing to run.

The file is in WAL mode, so it must be on a local disk (SQLite documentation, "Write-Ahead Logging"). Each change is on
the disk before a call returns.
"""

import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Unpack
from weakref import WeakSet

from webhook_guard.idempotency.store import ConfiguredStore, StoreOptions
from webhook_guard.sansio.claims import Claim, ClaimState
from webhook_guard.sansio.errors import ConfigurationError, IdempotencyError
from webhook_guard.sansio.guard import check_callable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_guard_claims (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    completed INTEGER NOT NULL,
    ends REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_guard_claims_ends ON webhook_guard_claims (ends);
"""
_CLAIM = """
INSERT INTO webhook_guard_claims AS held (key, token, completed, ends) VALUES (:key, :token, 0, :now + :lease)
ON CONFLICT (key) DO UPDATE SET token = excluded.token, completed = 0, ends = excluded.ends WHERE held.ends <= :now
"""
_IS_COMPLETED = "SELECT completed FROM webhook_guard_claims WHERE key = :key"
# Again by the same token, it changes nothing, and is still a row.
_COMPLETE = """
UPDATE webhook_guard_claims SET ends = CASE completed WHEN 1 THEN ends ELSE :now + :retention END, completed = 1
WHERE key = :key AND token = :token
"""
_RELEASE = "DELETE FROM webhook_guard_claims WHERE key = :key AND token = :token AND completed = 0"
# A lease that has ended is kept for a while: its owner may still complete.
_PRUNE = """
DELETE FROM webhook_guard_claims WHERE key IN (
    SELECT key FROM webhook_guard_claims
    WHERE ends <= :now AND (completed = 1 OR ends <= :now - :retention) LIMIT :most
)
"""

#: After so many claims, up to ten times as many expired entries are removed: the file can't grow for ever.
_CLAIMS_PER_PRUNE = 100
_MOST_PRUNED = 1_000
#: Seconds between attempts to switch a file to WAL mode, for which SQLite itself does not wait.
_PAUSE = 0.01


class SQLiteStore(ConfiguredStore):
    """A store in an SQLite file: for the threads and worker processes of one machine.

    The file and its table are made on first use. What has expired is removed on the way.

    Args:
        path: The file; its folder must exist.
        clock: Returns Unix seconds, the same for all processes that share the file.
        **options: Those of all stores: `StoreOptions`.

    Raises:
        ConfigurationError: The path or an option can't be used; the message names it and the fix.

    >>> import tempfile
    >>> from webhook_guard.idempotency import SQLiteStore
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = SQLiteStore(f"{folder}/webhooks.sqlite3")
    ...     claim = store.claim("wh_1")
    ...     store.complete("wh_1", claim.token)
    ...     store.claim("wh_1").state
    ...     store.close()
    True
    <ClaimState.COMPLETED: 'completed'>
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], float] = time.time,
        **options: Unpack[StoreOptions],
    ) -> None:
        super().__init__(options)
        self.path: Path = _check_path(path)
        self._clock = check_callable("clock", clock)
        self._claims = itertools.count()
        self._file = _File(self.path, self.timeout)

    def claim(self, key: str, /) -> Claim:
        """Claim `key`.

        Raises:
            IdempotencyError: The file can't be read or written, or was locked for all of `timeout`.
        """
        token = token_hex(16)
        if next(self._claims) % _CLAIMS_PER_PRUNE == 0:
            self._change(_PRUNE, most=_MOST_PRUNED)
        if self._change(_CLAIM, key=key, token=token, lease=self.lease):
            return Claim(ClaimState.NEW, token)
        with self._file.connection() as connection:
            row = connection.execute(_IS_COMPLETED, {"key": self.named(key)}).fetchone()
        # No row: it was released since.
        return Claim(ClaimState.COMPLETED if row is not None and row[0] else ClaimState.IN_PROGRESS)

    def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed, if `token` is its owner's."""
        return self._change(_COMPLETE, key=key, token=token) == 1

    def release(self, key: str, token: str, /) -> bool:
        """Free `key`, if `token` is its owner's."""
        return self._change(_RELEASE, key=key, token=token) == 1

    def prune(self) -> int:
        """Remove all that has expired, and return how many entries that were."""
        return self._change(_PRUNE, most=-1)

    def close(self) -> None:
        """Close this process's connection; the next call opens another."""
        self._file.close()

    def _change(self, statement: str, *, key: str = "", **values: float | str) -> int:
        """Return how many entries `statement` changed."""
        named = {"key": self.named(key), "now": self._clock(), "retention": self.retention, **values}
        with self._file.connection() as connection:
            return connection.execute(statement, named).rowcount


class _File:
    """The connection to a file, opened on first use; for one call at a time, in whatever thread.

    It is closed before a fork: a child that inherits SQLite's notes on the locks of its parent would take them for its
    own, and could remove what the parent's last changes are in (SQLite documentation, "How To Corrupt An SQLite
    Database File", section 2.6).
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        _files.add(self)

    @contextmanager
    def connection(self) -> Generator[sqlite3.Connection, None, None]:
        """Give the connection to one caller, and to the next one when it is done."""
        if not self._lock.acquire(timeout=self._timeout):
            raise IdempotencyError(f"{self._path}: other threads of this process use it for over {self._timeout} s")
        try:
            self._connection = self._connection or self._open()
            yield self._connection
        except sqlite3.Error as error:
            self._drop()  # the file may have been moved or mended
            raise IdempotencyError(f"{self._path}: {type(error).__name__}, {error}") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    def before_fork(self) -> None:
        """Let the call in progress end, and no other begin."""
        self._lock.acquire()
        self._drop()

    def after_fork(self) -> None:
        """Let calls begin."""
        self._lock.release()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._timeout,
            isolation_level=None,  # each statement is a transaction
            check_same_thread=False,  # the lock sees to it
        )
        try:
            self._switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")  # a 2xx that was confirmed survives a power cut
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
            else:
                return


_files: WeakSet[_File] = WeakSet()
#: Those that wait for the end of a fork.
_waiting: list[_File] = []


def _before_fork() -> None:
    for file in list(_files):
        file.before_fork()
        _waiting.append(file)


def _after_fork() -> None:
    while _waiting:
        _waiting.pop().after_fork()


# Windows has no forks, and nothing to register at.
getattr(os, "register_at_fork", dict)(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _check_path(path: object) -> Path:
    if not isinstance(path, (str, Path)) or not str(path) or str(path).startswith((":", "file:")):
        raise ConfigurationError("path: must be the path of a file, str or Path; what is kept in memory is MemoryStore")
    file = Path(path).absolute()  # a server may change its folder
    try:
        is_usable = not file.is_dir() and file.parent.is_dir() and b"\0" not in os.fsencode(file)
    except (OSError, ValueError):  # too long, or not encodable
        is_usable = False
    if not is_usable:
        raise ConfigurationError(f"path: {str(file)!a} must be a file in a folder that exists")
    return file
