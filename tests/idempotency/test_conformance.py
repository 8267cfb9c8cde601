"""Every store of this package keeps what stores promise."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Unpack

import pytest

from webhook_guard.idempotency import (
    AsyncPostgresStore,
    AsyncRedisStore,
    MemoryStore,
    PostgresStore,
    RedisStore,
    SQLiteStore,
    StoreOptions,
)
from webhook_guard.testing import StoreConformance

from services import need_redis, own_schema


class TestMemoryStore(StoreConformance):
    """The store of one process."""

    shared = False

    def make_store(self, **options: Unpack[StoreOptions]) -> MemoryStore:
        """Return one that knows of no other."""
        return MemoryStore(**options)


class TestSQLiteStore(StoreConformance):
    """The store of one machine."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "webhooks.sqlite3"

    def make_store(self, **options: Unpack[StoreOptions]) -> SQLiteStore:
        """Return one of the test's file."""
        return SQLiteStore(self.path, **options)


@pytest.fixture(scope="module")
def redis_url() -> str:
    """Return where Redis is."""
    return need_redis()


class TestRedisStore(StoreConformance):
    """The store in Redis."""

    @pytest.fixture(autouse=True)
    def _server(self, redis_url: str) -> None:
        self.url = redis_url

    def make_store(self, **options: Unpack[StoreOptions]) -> RedisStore:
        """Return one with connections of its own."""
        return RedisStore(self.url, **options)


class TestAsyncRedisStore(StoreConformance):
    """The same, awaited."""

    @pytest.fixture(autouse=True)
    def _server(self, redis_url: str) -> None:
        self.url = redis_url

    def make_store(self, **options: Unpack[StoreOptions]) -> AsyncRedisStore:
        """Return one with connections of its own."""
        return AsyncRedisStore(self.url, **options)


@pytest.fixture(scope="module")
def postgres_dsn() -> Iterator[str]:
    """Return where PostgreSQL is, and a table of the tests' own."""
    with own_schema() as dsn:
        with closing(PostgresStore(dsn)) as store:
            store.create_table()
        yield dsn


class TestPostgresStore(StoreConformance):
    """The store in PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres_dsn: str) -> None:
        self.dsn = postgres_dsn

    def make_store(self, **options: Unpack[StoreOptions]) -> PostgresStore:
        """Return one with connections of its own."""
        return PostgresStore(self.dsn, **options)


class TestAsyncPostgresStore(StoreConformance):
    """The same, awaited."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres_dsn: str) -> None:
        self.dsn = postgres_dsn

    def make_store(self, **options: Unpack[StoreOptions]) -> AsyncPostgresStore:
        """Return one with connections of its own."""
        return AsyncPostgresStore(self.dsn, **options)
