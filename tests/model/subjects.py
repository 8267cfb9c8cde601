"""The stores under test: opened several times on the same data, and with a clock that can be moved."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, LiteralString

import psycopg
import redis
from psycopg.conninfo import make_conninfo

from webhook_guard.idempotency import (
    AsyncPostgresStore,
    AsyncRedisStore,
    MemoryStore,
    PostgresStore,
    RedisStore,
    SQLiteStore,
    StoreOptions,
)

from model.ledger import LEASE, RETENTION
from services import need_redis, own_schema


class Subject:
    """A store under test.

    Args:
        make: Makes a store object on the same data.
        shift: Moves what a server has noted so many seconds back, because the server's own clock can't be moved.
    """

    def __init__(self, make: Callable[[], Any], shift: Callable[[float], object] = bool) -> None:
        self.make = make
        self._shift = shift
        self._passed = 0.0

    def now(self) -> float:
        """Return the time."""
        return 1_000_000 + self._passed

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._passed += seconds
        self._shift(seconds)


def _options() -> StoreOptions:
    return {"namespace": f"model-{token_hex(4)}", "lease": LEASE, "retention": RETENTION}


@contextmanager
def memory(_folder: Path, store: type[MemoryStore] = MemoryStore) -> Generator[Subject]:
    """Give the store in memory, which all workers of a process share."""
    subject = Subject(lambda: shared)
    shared = store(clock=subject.now, **_options())
    yield subject


@contextmanager
def sqlite(folder: Path) -> Generator[Subject]:
    """Give the store in a file."""
    options = _options()
    subject = Subject(lambda: SQLiteStore(folder / "claims.sqlite3", clock=subject.now, **options))
    yield subject


@contextmanager
def redis_server(make: Callable[..., Any], _folder: Path) -> Generator[Subject]:
    """Give a store in Redis; it is emptied in the end."""
    url, options = need_redis(), _options()
    pattern = f"{options.get('namespace')}:*"
    client: Any = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]  its options are untyped

    def keys() -> Iterator[bytes]:
        return iter(list(client.scan_iter(pattern)))

    def shift(seconds: float) -> None:
        for key in keys():
            _shift_key(client, key, int(seconds * 1000))

    with client:
        yield Subject(lambda: make(url, **options), shift)
        for key in keys():
            client.delete(key)


def _shift_key(client: Any, key: bytes, milliseconds: int) -> None:
    if client.hexists(key, "lease_ends"):
        client.hincrby(key, "lease_ends", -milliseconds)
    client.pexpire(key, max(client.pttl(key) - milliseconds, 0))


_SHIFT: LiteralString = "UPDATE webhook_guard_claims SET ends = ends - make_interval(secs => %s)"


@contextmanager
def postgres_server(make: Callable[..., Any], _folder: Path) -> Generator[Subject]:
    """Give a store in PostgreSQL, in a schema that is dropped in the end."""
    options = _options()
    with own_schema() as waiting, psycopg.connect(waiting, autocommit=True) as connection:
        # Nothing here is to survive a power cut, for which each change would wait for the disk.
        dsn = make_conninfo(waiting, options=f"{connection.info.options} -c synchronous_commit=off")
        connection.execute("SET synchronous_commit = off")
        store = PostgresStore(dsn)
        store.create_table()
        store.close()
        yield Subject(lambda: make(dsn, **options), lambda seconds: connection.execute(_SHIFT, [seconds]))


#: By name: what gives each store, in a folder of its own.
SUBJECTS: dict[str, Callable[[Path], AbstractContextManager[Subject]]] = {
    "MemoryStore": memory,
    "SQLiteStore": sqlite,
    "RedisStore": partial(redis_server, RedisStore),
    "AsyncRedisStore": partial(redis_server, AsyncRedisStore),
    "PostgresStore": partial(postgres_server, PostgresStore),
    "AsyncPostgresStore": partial(postgres_server, AsyncPostgresStore),
}
