"""Statements on connections to PostgreSQL: each ends at its deadline, and works again as soon as the server does.

The connections are those of psycopg_pool, in a pool of each process or event loop, or in one that was given.
"""

import asyncio
import logging
import math
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import Any, LiteralString, Self, cast
from weakref import finalize

from psycopg import AsyncConnection, Connection, Error
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from webhook_guard.sansio.errors import IdempotencyError

#: Of one process or event loop. Those of nine fit into the 100 that PostgreSQL has by default.
MAX_SIZE = 10
#: Seconds that a call waits for a connection before it looks whether connecting failed.
_PART = 0.1
#: Seconds to ask the server to end a statement; one that does not answer to that is gone, or frozen.
_CANCELLING = 0.5

_NAME = "webhook_guard"


def _is_not_ours(record: logging.LogRecord) -> bool:
    return not (isinstance(record.args, tuple) and record.args[:1] == (_NAME,))


# With each refused call the pool would warn three times; what is wrong is in our own record, once a minute.
logging.getLogger("psycopg.pool").addFilter(_is_not_ours)


class Statements:
    """Runs statements on connections that are lent.

    Args:
        source: Returns what lends them.
        retries: How many more of them to try, when one turns out to be dead.
        timeout: Seconds that a statement may take, with all that goes with it.
    """

    def __init__(self, source: "Callable[[], Pool | ConnectionPool[Any]]", retries: int, timeout: float) -> None:
        self._source = source
        self._retries = retries
        self._timeout = timeout

    def rows(self, statement: LiteralString, values: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        call = _Call(self._retries, self._timeout)
        while True:
            with (
                call.attempt(),
                self._source().connection(call.left()) as connection,
                _nothing_left(connection),
                call.bounded(connection),
            ):
                rows = connection.cursor(row_factory=tuple_row).execute(statement, values).fetchall()
                connection.commit()
                return rows


class AsyncStatements:
    """The same, awaited."""

    def __init__(
        self, source: "Callable[[], AsyncPool | AsyncConnectionPool[Any]]", retries: int, timeout: float
    ) -> None:
        self._source = source
        self._retries = retries
        self._timeout = timeout

    async def rows(self, statement: LiteralString, values: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        call = _Call(self._retries, self._timeout)
        while True:
            with call.attempt():
                async with self._source().connection(call.left()) as connection, _nothing_left_async(connection):
                    with call.bounded(connection):
                        cursor = await connection.cursor(row_factory=tuple_row).execute(statement, values)
                        rows = await cursor.fetchall()
                        await connection.commit()
                        return rows


class _Call:
    """The deadline of a call, and the attempts that it makes until then."""

    def __init__(self, retries: int, timeout: float) -> None:
        self._retries = retries
        self._timeout = timeout
        self._deadline = monotonic() + timeout
        self._is_lost = False

    def left(self) -> float:
        """Return how many seconds are left."""
        return max(0.0, self._deadline - monotonic())

    @contextmanager
    def attempt(self) -> Generator[None, None, None]:
        """Go on behind the block, if another attempt may help: on another connection, or when somebody else is done."""
        self._is_lost = False
        try:
            yield
        except Error as error:
            # Conflicts come only where the default isolation is higher than READ COMMITTED.
            may_help = self._is_lost or isinstance(error, (SerializationFailure, DeadlockDetected))
            if not may_help or self._retries == 0 or self.left() == 0:
                raise
            self._retries -= 1

    @contextmanager
    def bounded(self, connection: Connection[Any] | AsyncConnection[Any]) -> Generator[None, None, None]:
        """Let the block wait for the server no longer than is left; what is not answered by then is cut off."""
        wait: Callable[..., Any] = connection.wait

        def wait_in_time(steps: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
            return wait(self._in_time(steps), *arguments, **options)

        # On this one connection, because a pool that was given makes its own. Nobody else has it now.
        vars(connection)["wait"] = wait_in_time
        try:
            yield
        finally:
            del vars(connection)["wait"]
            self._is_lost = connection.closed

    def _in_time(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Do `steps` as long as there is time: psycopg asks for one each 0.1 s, whether or not something arrived."""
        try:
            state = next(steps)
            while True:
                state = steps.send((yield state))
                if self.left() == 0:
                    raise IdempotencyError(f"PostgreSQL did not answer within {self._timeout} s")
        except StopIteration as end:
            return end.value


@contextmanager
def _nothing_left(connection: Connection[Any]) -> Generator[None, None, None]:
    """End what the block leaves undone, also on the server: it would wait on, and be carried out for nobody."""
    try:
        yield
    finally:
        if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
            with suppress(Error):
                connection.cancel_safe(timeout=_CANCELLING)
            connection.pgconn.finish()


@asynccontextmanager
async def _nothing_left_async(connection: AsyncConnection[Any]) -> AsyncGenerator[None, None]:
    """The same, awaited."""
    try:
        yield
    finally:
        if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
            with suppress(Error):
                await connection.cancel_safe(timeout=_CANCELLING)
            connection.pgconn.finish()


class _Failure:
    """How connecting failed the last time."""

    def __init__(self) -> None:
        self._last: tuple[float, Exception] | None = None

    @contextmanager
    def noted(self) -> Generator[None, None, None]:
        """Note with what the block fails."""
        try:
            yield
        except Exception as error:
            self._last = monotonic(), error
            raise

    def raise_since(self, began: float) -> None:
        """Raise it, if that was after `began`."""
        if self._last is not None and self._last[0] >= began:
            raise self._last[1].with_traceback(None)


class _Wait:
    """A call's wait for a connection. psycopg_pool itself says neither at once nor why there is none."""

    def __init__(self, failure: _Failure, timeout: float) -> None:
        self._failure = failure
        self._timeout = timeout
        self._began = monotonic()

    @contextmanager
    def part(self) -> Generator[float, None, None]:
        """Give the seconds to wait now, and go on behind the block if they are over, but not all."""
        left = self._began + self._timeout - monotonic()
        try:
            yield min(left, _PART)
        except PoolTimeout as error:
            self._failure.raise_since(self._began)
            if left <= _PART:
                raise IdempotencyError(f"PostgreSQL: no connection within {self._timeout:.1f} s") from error


def _options(dsn: str, timeout: float) -> dict[str, Any]:
    return {
        "conninfo": dsn,
        "kwargs": {
            "autocommit": True,
            "prepare_threshold": None,  # PgBouncer may give the next statement to another connection
            "connect_timeout": math.ceil(timeout),
            # Load balancers forget connections that are silent for some minutes, and don't say so.
            "keepalives_idle": 60,
        },
        "min_size": 0,  # nothing connects before it must, and what is idle goes
        "max_size": MAX_SIZE,
        "reconnect_timeout": 0,  # each call tries anew: no call waits for the end of a pause when the server is back
        "name": _NAME,
        "open": False,
    }


def _close_own(pool: ConnectionPool[Connection[Any]], pid: int) -> None:
    # A child would end the sessions of its parent.
    if pid == os.getpid():
        pool.close()


class Pool:
    """The connections of one process, for its threads: a pool of psycopg_pool, opened when it is first used.

    Args:
        dsn: What to connect to.
        timeout: Seconds that each host of it has to accept a connection.
    """

    def __init__(self, dsn: str, timeout: float) -> None:
        self._options = _options(dsn, timeout)
        self._failure = _Failure()
        self._pool = self._make()

    @contextmanager
    def connection(self, timeout: float) -> Generator[Connection[Any], None, None]:
        """Lend a connection."""
        pool, wait = self._pool, _Wait(self._failure, timeout)
        pool.open()
        with ExitStack() as lent:
            connection = None
            while connection is None:
                with wait.part() as seconds:
                    connection = lent.enter_context(pool.connection(seconds))
            yield connection

    def close(self) -> None:
        """Close all connections; the next call opens another pool, because a closed one stays closed."""
        closed, self._pool = self._pool, self._make()
        closed.close()

    def _make(self) -> ConnectionPool[Connection[Any]]:
        failure = self._failure

        class Noting(Connection[Any]):
            @classmethod
            def connect(cls, *arguments: Any, **options: Any) -> Self:
                with failure.noted():
                    return super().connect(*arguments, **options)

        pool: ConnectionPool[Connection[Any]] = ConnectionPool(connection_class=Noting, **self._options)
        # At exit too: on Python 3.13 the pool itself would then wait 20 s for threads that don't run any more.
        finalize(self, _close_own, pool, os.getpid())
        return pool


class AsyncPool:
    """The connections of one event loop: a pool of psycopg_pool, opened when it is first used.

    Args:
        dsn: What to connect to.
        timeout: Seconds that each host of it has to accept a connection.
    """

    def __init__(self, dsn: str, timeout: float) -> None:
        self._options = _options(dsn, timeout)
        self._failure = _Failure()
        self._pool = self._make()

    @asynccontextmanager
    async def connection(self, timeout: float) -> AsyncGenerator[AsyncConnection[Any], None]:  # noqa: ASYNC109  as psycopg_pool has it
        """Lend a connection."""
        pool, wait = self._pool, _Wait(self._failure, timeout)
        await pool.open()
        async with AsyncExitStack() as lent:
            connection = None
            while connection is None:
                with wait.part() as seconds:
                    connection = await lent.enter_async_context(pool.connection(seconds))
            yield connection

    async def aclose(self) -> None:
        """Close all connections; the next call opens another pool, because a closed one stays closed."""
        closed, self._pool = self._pool, self._make()
        await closed.close()

    def _make(self) -> AsyncConnectionPool[AsyncConnection[Any]]:
        failure = self._failure

        class Noting(AsyncConnection[Any]):
            @classmethod
            async def connect(cls, *arguments: Any, **options: Any) -> Self:
                try:
                    with failure.noted():
                        return await super().connect(*arguments, **options)
                except asyncio.CancelledError:
                    # The pool's task (3.3.3) takes it for a failure, and would wait for work: `asyncio.run` never ends.
                    asyncio.get_running_loop().call_soon(cast(asyncio.Task[Any], asyncio.current_task()).cancel)
                    raise

        return AsyncConnectionPool(connection_class=Noting, **self._options)
