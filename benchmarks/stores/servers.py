"""The servers that stores keep their claims in; `backends.py` says what each can do.

They are found as the tests find them: WEBHOOK_GUARD_REDIS_URL and WEBHOOK_GUARD_POSTGRES_DSN.
"""

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from secrets import token_hex
from typing import Any, ClassVar, LiteralString
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Composed, Identifier

from benchmarks.stores.backends import AnyStore, Handled, UnmeasuredError
from benchmarks.stores.proxy import CountingProxy
from webhook_guard.idempotency import AsyncPostgresStore, AsyncRedisStore, PostgresStore, RedisStore, Store
from webhook_guard.idempotency.store import RETENTION

_REDIS_URL = os.environ.get("WEBHOOK_GUARD_REDIS_URL", "redis://127.0.0.1:6379/15")
_POSTGRES_DSN = os.environ.get("WEBHOOK_GUARD_POSTGRES_DSN", "dbname=test")
#: Seconds that a server has to accept a connection.
_TIMEOUT = 5

# As the store leaves a completed key: without `lease_ends`.
_FILL_REDIS = """
for i, key in ipairs(KEYS) do
    redis.call('HSET', key, 'state', 'completed', 'token', ARGV[2 * i - 1])
    redis.call('PEXPIREAT', key, ARGV[2 * i])
end
"""
_CHUNK = 1_000
#: As many as Redis has by default.
_DATABASES = 16


class RedisBackend:
    """A namespace in a database of Redis.

    Args:
        place: So far from the URL's own database. A database is one table of keys, whatever their namespace.

    Raises:
        UnmeasuredError: Redis is not there.
    """

    names: ClassVar[tuple[str, ...]] = ("RedisStore", "AsyncRedisStore")

    def __init__(self, place: int) -> None:
        if not _REDIS_URL.startswith("redis://"):
            raise UnmeasuredError(self.names, "WEBHOOK_GUARD_REDIS_URL does not begin with redis://")
        self._url = _neighbour(_REDIS_URL, place)
        self._client: Any = redis.Redis.from_url(self._url, socket_timeout=_TIMEOUT)  # pyright: ignore[reportUnknownMemberType]  its options are untyped
        try:
            version, appendonly = self._info("redis_version"), self._info("aof_enabled")
        except redis.RedisError as error:
            raise UnmeasuredError(self.names, _unreachable("WEBHOOK_GUARD_REDIS_URL", error)) from None
        self.settings: str = f"Redis {version}, appendonly {'yes' if appendonly else 'no'}"
        self._namespace = f"webhook_guard_benchmark_{token_hex(4)}"
        self._store = RedisStore(self._url, namespace=self._namespace)
        self._size = 0

    def stores(self) -> Sequence[AnyStore]:
        """Return both."""
        return self._store, AsyncRedisStore(self._url, namespace=self._namespace)

    def proxied(self) -> tuple[CountingProxy, Sequence[AnyStore]]:
        """Return both behind a proxy."""
        parts = urlsplit(self._url)
        proxy = CountingProxy(
            partial(socket.create_connection, (parts.hostname or "localhost", parts.port or 6379), _TIMEOUT)
        )
        user, at, _ = parts.netloc.rpartition("@")
        url = parts._replace(netloc=f"{user}{at}127.0.0.1:{proxy.port}").geturl()
        stores = RedisStore(url, namespace=self._namespace), AsyncRedisStore(url, namespace=self._namespace)
        return proxy, stores

    def fill(self, handled: Sequence[Handled]) -> Store:
        """Make the hashes that the store would."""
        self._clear()
        before = self._used_memory()
        remaining = iter(handled)
        while some := list(islice(remaining, _CHUNK)):
            keys = (self._store.named(key) for key, _ in some)
            self._client.eval(_FILL_REDIS, len(some), *keys, *_tokens_and_ends(some))
        self._size = self._used_memory() - before
        return self._store

    def size(self) -> int:
        """Return by how much its memory grew."""
        return self._size

    def forget(self, keys: Sequence[str]) -> None:
        """Delete them."""
        self._client.unlink(*map(self._store.named, keys))

    def close(self) -> None:
        """Delete what is in the namespace."""
        self._clear()
        self._store.close()
        self._client.close()

    def _clear(self) -> None:
        keys: Iterator[bytes] = self._client.scan_iter(f"{self._namespace}:*", count=_CHUNK)
        while some := list(islice(keys, _CHUNK)):
            self._client.unlink(*some)

    def _used_memory(self) -> int:
        # What the connections have buffered is not the keys'.
        self._client.connection_pool.disconnect()
        return int(self._info("used_memory"))

    def _info(self, name: str) -> Any:
        return self._client.info("everything")[name]


def _neighbour(url: str, place: int) -> str:
    parts = urlsplit(url)
    return parts._replace(path=f"/{(int(parts.path[1:] or 0) - place) % _DATABASES}").geturl()


def _tokens_and_ends(handled: Iterable[Handled]) -> Iterator[str | int]:
    for _, at in handled:
        yield token_hex(16)
        yield round((at + RETENTION) * 1000)


class PostgresBackend:
    """A schema in PostgreSQL.

    Raises:
        UnmeasuredError: PostgreSQL is not there.
    """

    names: ClassVar[tuple[str, ...]] = ("PostgresStore", "AsyncPostgresStore")

    def __init__(self) -> None:
        schema = f"webhook_guard_benchmark_{token_hex(4)}"
        self._schema = Identifier(schema)
        try:
            given = conninfo_to_dict(_POSTGRES_DSN).get("options", "")
            self._dsn = make_conninfo(_POSTGRES_DSN, options=f"{given} -c search_path={schema}")
            self._connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=_TIMEOUT)
        except psycopg.Error as error:
            raise UnmeasuredError(self.names, _unreachable("WEBHOOK_GUARD_POSTGRES_DSN", error)) from None
        self.settings: str = ", ".join(
            [f"PostgreSQL {self._shown('server_version').split()[0]}"]
            + [f"{name} {self._shown(name)}" for name in ("fsync", "synchronous_commit")]
        )
        self._connection.execute(SQL("CREATE SCHEMA {}").format(self._schema))
        self._store = PostgresStore(self._dsn)
        self._store.create_table()

    def stores(self) -> Sequence[AnyStore]:
        """Return both."""
        return self._store, AsyncPostgresStore(self._dsn)

    def proxied(self) -> tuple[CountingProxy, Sequence[AnyStore]]:
        """Return both behind a proxy."""
        with socket.socket(fileno=os.dup(self._connection.fileno())) as connected:
            proxy = CountingProxy(partial(_connect, connected.family, connected.getpeername()))
        dsn = make_conninfo(self._dsn, host="127.0.0.1", port=proxy.port)
        return proxy, (PostgresStore(dsn), AsyncPostgresStore(dsn))

    def fill(self, handled: Sequence[Handled]) -> Store:
        """Copy them into the store's table."""
        self._connection.execute("TRUNCATE webhook_guard_claims")
        with self._connection.cursor().copy("COPY webhook_guard_claims (key, token, completed, ends) FROM STDIN") as to:
            for key, at in handled:
                ends = datetime.fromtimestamp(at + RETENTION, UTC)
                to.write_row((self._store.named(key), token_hex(16), True, ends))
        # Now, and not while it is measured.
        self._connection.execute("VACUUM ANALYZE webhook_guard_claims")
        with suppress(psycopg.errors.InsufficientPrivilege):
            self._connection.execute("CHECKPOINT")
        return self._store

    def size(self) -> int:
        """Return what the table and its indexes take."""
        return int(self._value("SELECT pg_total_relation_size('webhook_guard_claims')"))

    def forget(self, keys: Sequence[str]) -> None:
        """Delete them."""
        named = [self._store.named(key) for key in keys]
        self._connection.execute("DELETE FROM webhook_guard_claims WHERE key = ANY(%s)", [named])

    def close(self) -> None:
        """Drop the schema."""
        self._store.close()
        self._connection.execute(SQL("DROP SCHEMA {} CASCADE").format(self._schema))
        self._connection.close()

    def _shown(self, setting: str) -> str:
        return str(self._value(SQL("SHOW {}").format(Identifier(setting))))

    def _value(self, query: LiteralString | Composed) -> Any:
        (value,) = self._connection.execute(query).fetchone() or (None,)
        return value


def _connect(family: socket.AddressFamily, address: Any) -> socket.socket:
    connection = socket.socket(family)
    connection.connect(address)
    return connection


def _unreachable(variable: str, error: Exception) -> str:
    # Not the message, which may quote what the variable says.
    return f"no server at {variable} ({type(error).__name__})"
