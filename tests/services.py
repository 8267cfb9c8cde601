"""The servers that stores are tested with: where they are, and what a test does where there are none."""

import os

import psycopg
import pytest
import redis

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
        _give_up(f"no Redis at {REDIS_URL} (WEBHOOK_GUARD_REDIS_URL): {error}")
    return REDIS_URL


def need_postgres() -> str:
    """Return the DSN of a PostgreSQL database that answers, or skip the test."""
    try:
        psycopg.connect(POSTGRES_DSN, connect_timeout=5).close()
    except psycopg.Error as error:
        _give_up(f"no PostgreSQL at {POSTGRES_DSN!r} (WEBHOOK_GUARD_POSTGRES_DSN): {error}")
    return POSTGRES_DSN


def _give_up(reason: str) -> None:
    if _REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)
