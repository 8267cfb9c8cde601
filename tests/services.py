"""The servers that stores are tested with: where they are, and what a test does where there are none."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from secrets import token_hex
from typing import NoReturn

import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

REDIS_URL = os.environ.get("WEBHOOK_GUARD_REDIS_URL", "redis://127.0.0.1:6379/15")
POSTGRES_DSN = os.environ.get("WEBHOOK_GUARD_POSTGRES_DSN", "dbname=test")

#: Under this, a test that can't run has failed: nothing is skipped in CI.
_REQUIRED = os.environ.get("WEBHOOK_GUARD_REQUIRE_SERVICES") == "1"


def need_redis() -> str:
    """Return the URL of a Redis that answers, or skip the test."""
    try:
        with redis.Redis.from_url(REDIS_URL, socket_timeout=5) as client:  # pyright: ignore[reportUnknownMemberType]  its options are untyped
            client.ping()  # pyright: ignore[reportUnknownMemberType]  the same
    except redis.RedisError as error:
        give_up(f"no Redis at {REDIS_URL} (WEBHOOK_GUARD_REDIS_URL): {error}")
    return REDIS_URL


def need_postgres() -> str:
    """Return the DSN of a PostgreSQL database that answers, or skip the test."""
    try:
        psycopg.connect(POSTGRES_DSN, connect_timeout=5).close()
    except psycopg.Error as error:
        give_up(f"no PostgreSQL at {POSTGRES_DSN!r} (WEBHOOK_GUARD_POSTGRES_DSN): {error}")
    return POSTGRES_DSN


@contextmanager
def own_schema() -> Generator[str]:
    """Give a DSN whose tables are in a schema of their own, which is dropped in the end."""
    dsn, schema = need_postgres(), f"webhook_guard_{token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        try:
            yield make_conninfo(dsn, options=f"-c search_path={schema}")
        finally:
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))


def give_up(reason: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be skipped.

    Args:
        reason: What is missing.
    """
    if _REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)
