"""The stores of many machines: a PostgreSQL database that all of them share.

For PostgreSQL from 12 on, also behind PgBouncer; the client is psycopg 3: `pip install 'webhook_guard[postgres]'`. Each
key is a row of the table `webhook_guard_claims`, which `create_table()` makes once, or a migration with `CREATE_TABLE`.
Each call is one statement, in one round trip, and the time is the server's.

What is completed is remembered as long as PostgreSQL remembers it: with `synchronous_commit = off`, or after a failover
to a replica that lags behind, a delivery may be handled again. What has expired stays until `prune()` is called.
"""

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from secrets import token_hex
from typing import TYPE_CHECKING, Any, LiteralString, Unpack

from webhook_guard.idempotency.scoped import PerLoop, PerProcess
from webhook_guard.idempotency.store import ConfiguredStore, StoreOptions
from webhook_guard.sansio.claims import Claim, ClaimState, unavailable
from webhook_guard.sansio.errors import ConfigurationError, IdempotencyError

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

    from webhook_guard.idempotency import postgres_pool

#: What `create_table()` runs, for migrations. It can be run again.
CREATE_TABLE: LiteralString = """
CREATE TABLE IF NOT EXISTS webhook_guard_claims (
    key text COLLATE "C" PRIMARY KEY,
    token text NOT NULL,
    completed boolean NOT NULL,
    ends timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_guard_claims_ends ON webhook_guard_claims (ends);
"""
# Of two that come at the same moment, IF NOT EXISTS alone lets one fail.
_LOCKED_CREATE_TABLE: LiteralString = "SELECT pg_advisory_xact_lock(hashtext('webhook_guard_claims'));" + CREATE_TABLE

# Always an update, if only to the same values: it waits for whoever writes the row, and then sees what was written. All
# three columns are decided at the same moment, that of the insert, which is `excluded.ends` less the lease.
_CLAIM: LiteralString = """
INSERT INTO webhook_guard_claims AS held (key, token, completed, ends)
VALUES (%(key)s, %(token)s, false, clock_timestamp() + make_interval(secs => %(lease)s))
ON CONFLICT (key) DO UPDATE SET
    token = CASE WHEN held.ends + make_interval(secs => %(lease)s) <= excluded.ends
        THEN excluded.token ELSE held.token END,
    completed = held.completed AND held.ends + make_interval(secs => %(lease)s) > excluded.ends,
    ends = CASE WHEN held.ends + make_interval(secs => %(lease)s) <= excluded.ends
        THEN excluded.ends ELSE held.ends END
RETURNING token, completed
"""
_COMPLETE: LiteralString = """
UPDATE webhook_guard_claims SET
    ends = CASE WHEN completed THEN ends ELSE clock_timestamp() + make_interval(secs => %(retention)s) END,
    completed = true
WHERE key = %(key)s AND token = %(token)s
RETURNING true
"""
_RELEASE: LiteralString = """
DELETE FROM webhook_guard_claims WHERE key = %(key)s AND token = %(token)s AND NOT completed
RETURNING true
"""
# A lease that has ended is kept for a while: its owner may still complete. So many at once that a call is short.
_PRUNE: LiteralString = """
WITH expired AS (
    SELECT key FROM webhook_guard_claims
    WHERE ends <= now() AND (completed OR ends <= now() - make_interval(secs => %(retention)s))
    LIMIT 1000 FOR UPDATE SKIP LOCKED
)
DELETE FROM webhook_guard_claims USING expired WHERE webhook_guard_claims.key = expired.key
RETURNING true
"""
#: SQLSTATE of a table that is not there.
_UNDEFINED_TABLE = "42P01"

#: In a URL, libpq takes what stands before the first @ and the first / for user and password, whatever was meant. The
#: rest would be shown in its errors.
_URL = re.compile(r"postgres(ql)?://([^@/?\s]*@)?[^@\s]*")
_USABLE_DSNS = (
    "must be a DSN that libpq reads, such as postgresql://user:password@host/dbname or 'host=... dbname=...'; in "
    "a URL, special characters of user and password are percent-encoded (@ is %40, / is %2F)"
)


class _PostgresStore(ConfiguredStore):
    """What both stores have in common: all but the waiting.

    Args:
        pool_class: The class of psycopg_pool of which a pool may be given.
        dsn_or_pool: As it was given.
        options: As they were given.
    """

    def __init__(self, pool_class: str, dsn_or_pool: object, options: StoreOptions) -> None:
        super().__init__(options)
        self._pools: Any = _imported("webhook_guard.idempotency.postgres_pool")
        self._is_own = isinstance(dsn_or_pool, str)
        if isinstance(dsn_or_pool, str):
            _check_dsn(dsn_or_pool)
            retries = self._pools.MAX_SIZE
        else:
            retries = _checked_pool(pool_class, dsn_or_pool).max_size
        self._retries: int = retries

    def _claiming(self, key: str, token: str) -> tuple[LiteralString, dict[str, Any]]:
        return _CLAIM, {"key": self.named(key), "token": token, "lease": float(self.lease)}

    def _completing(self, key: str, token: str) -> tuple[LiteralString, dict[str, Any]]:
        return _COMPLETE, {"key": self.named(key), "token": token, "retention": float(self.retention)}

    def _releasing(self, key: str, token: str) -> tuple[LiteralString, dict[str, Any]]:
        return _RELEASE, {"key": self.named(key), "token": token}

    def _pruning(self) -> tuple[LiteralString, dict[str, Any]]:
        return _PRUNE, {"retention": float(self.retention)}


class PostgresStore(_PostgresStore):
    """A store in PostgreSQL: for any number of machines, and for the threads and forked workers of each.

    Args:
        dsn_or_pool: A DSN, such as "postgresql://user@host/dbname"; or a `psycopg_pool.ConnectionPool`, which is used
            with its own settings, and neither opened nor closed. For a DSN the store connects when it is first called,
            and up to 10 times in each process.
        **options: Those of all stores: `StoreOptions`.

    Raises:
        ConfigurationError: The DSN, the pool or an option can't be used, or psycopg is not installed; the message names
            the fix, and does not quote the DSN.

    >>> from webhook_guard.idempotency import PostgresStore
    >>> store = PostgresStore("postgresql://localhost/shop", namespace="shop")
    """

    def __init__(self, dsn_or_pool: "str | ConnectionPool[Any]", **options: Unpack[StoreOptions]) -> None:
        super().__init__("ConnectionPool", dsn_or_pool, options)
        self._source: Callable[[], Any] = (
            PerProcess(partial(self._pools.Pool, dsn_or_pool, self.timeout)).get
            if self._is_own
            else lambda: dsn_or_pool
        )
        self._statements: postgres_pool.Statements = self._pools.Statements(self._source, self._retries, self.timeout)

    def claim(self, key: str, /) -> Claim:
        """Claim `key`.

        Raises:
            IdempotencyError: PostgreSQL can't be reached, or did not answer as it should.
        """
        token = token_hex(16)
        return _claim(self._rows(*self._claiming(key, token)), token)

    def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed, if `token` is its owner's."""
        return bool(self._rows(*self._completing(key, token)))

    def release(self, key: str, token: str, /) -> bool:
        """Free `key`, if `token` is its owner's."""
        return bool(self._rows(*self._releasing(key, token)))

    def create_table(self) -> None:
        """Make the table, if it is not there; several processes may do so at once."""
        self._rows(_LOCKED_CREATE_TABLE)

    def prune(self) -> int:
        """Remove all that has expired, and return how many rows that were."""
        removed = 0
        while some := len(self._rows(*self._pruning())):
            removed += some
        return removed

    def close(self) -> None:
        """Close the store's own connections of this process; the next call opens another."""
        if self._is_own:
            self._source().close()

    def _rows(self, statement: LiteralString, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with _failures():
            return self._statements.rows(statement, values)


class AsyncPostgresStore(_PostgresStore):
    """A store in PostgreSQL, awaited.

    Args:
        dsn_or_pool: A DSN, such as "postgresql://user@host/dbname"; or a `psycopg_pool.AsyncConnectionPool`, which is
            used with its own settings, and neither opened nor closed. For a DSN the store connects when it is first
            called, and up to 10 times in each event loop.
        **options: Those of all stores: `StoreOptions`.

    Raises:
        ConfigurationError: The DSN, the pool or an option can't be used, or psycopg is not installed; the message names
            the fix, and does not quote the DSN.

    >>> from webhook_guard.idempotency import AsyncPostgresStore
    >>> store = AsyncPostgresStore("postgresql://localhost/shop", namespace="shop")
    """

    def __init__(self, dsn_or_pool: "str | AsyncConnectionPool[Any]", **options: Unpack[StoreOptions]) -> None:
        super().__init__("AsyncConnectionPool", dsn_or_pool, options)
        self._source: Callable[[], Any] = (
            PerLoop(partial(self._pools.AsyncPool, dsn_or_pool, self.timeout)).get
            if self._is_own
            else lambda: dsn_or_pool
        )
        self._statements: postgres_pool.AsyncStatements = self._pools.AsyncStatements(
            self._source, self._retries, self.timeout
        )

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`.

        Raises:
            IdempotencyError: PostgreSQL can't be reached, or did not answer as it should.
        """
        token = token_hex(16)
        return _claim(await self._rows(*self._claiming(key, token)), token)

    async def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed, if `token` is its owner's."""
        return bool(await self._rows(*self._completing(key, token)))

    async def release(self, key: str, token: str, /) -> bool:
        """Free `key`, if `token` is its owner's."""
        return bool(await self._rows(*self._releasing(key, token)))

    async def create_table(self) -> None:
        """Make the table, if it is not there; several processes may do so at once."""
        await self._rows(_LOCKED_CREATE_TABLE)

    async def prune(self) -> int:
        """Remove all that has expired, and return how many rows that were."""
        removed = 0
        while some := len(await self._rows(*self._pruning())):
            removed += some
        return removed

    async def aclose(self) -> None:
        """Close the store's own connections of this event loop; the next call opens another."""
        if self._is_own:
            await self._source().aclose()

    async def _rows(self, statement: LiteralString, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with _failures():
            return await self._statements.rows(statement, values)


def _claim(rows: Sequence[tuple[Any, ...]], token: str) -> Claim:
    ((owner, completed),) = rows
    if completed:
        return Claim(ClaimState.COMPLETED)
    return Claim(ClaimState.NEW, token) if owner == token else Claim(ClaimState.IN_PROGRESS)


@contextmanager
def _failures() -> Generator[None, None, None]:
    """Raise whatever goes wrong as an `IdempotencyError`."""
    try:
        yield
    except IdempotencyError:
        raise
    except Exception as error:
        if getattr(error, "sqlstate", None) == _UNDEFINED_TABLE:
            raise IdempotencyError(
                "the table webhook_guard_claims is not there: call the store's create_table() once, or run"
                " webhook_guard.idempotency.postgres.CREATE_TABLE"
            ) from error
        raise unavailable(error) from error


def _check_dsn(dsn: str) -> None:
    parse = _imported("psycopg.conninfo").conninfo_to_dict
    try:
        parse(dsn)
        usable = bool(dsn.strip()) and (not dsn.startswith("postgres") or _URL.fullmatch(dsn) is not None)
    except Exception:  # noqa: BLE001  psycopg's errors here are of several types, and quote the DSN
        usable = False
    if not usable:
        # Outside the handler, so that no traceback shows what psycopg said.
        raise ConfigurationError(f"dsn_or_pool: {_USABLE_DSNS}")


def _checked_pool(pool_class: str, given: object) -> Any:
    library = _imported("psycopg_pool")
    if isinstance(given, getattr(library, pool_class)):
        return given
    for other, store in (("ConnectionPool", PostgresStore), ("AsyncConnectionPool", AsyncPostgresStore)):
        if isinstance(given, getattr(library, other)):
            raise ConfigurationError(f"dsn_or_pool: a pool of the class {other} is for {store.__name__}")
    found = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    hint = "; is the environment variable set?" if given is None else ""
    raise ConfigurationError(f"dsn_or_pool: must be a DSN, or a {pool_class} of psycopg_pool, not {found}{hint}")


def _imported(module: str) -> Any:
    try:
        import_module("psycopg")
        return import_module(module)
    except ImportError:  # also of a psycopg that finds no libpq
        raise ConfigurationError("psycopg is not installed: pip install 'webhook_guard[postgres]'") from None
