"""Statements on connections to PostgreSQL: when they end, and which connections they use. Sync and awaited alike."""

import asyncio
import gc
import multiprocessing
import os
import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, Self

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from webhook_guard import IdempotencyError
from webhook_guard.idempotency.postgres_pool import MAX_SIZE, AsyncPool, AsyncStatements, Pool, Statements

from services import need_postgres, own_schema
from support import free_port

#: Seconds after which a test has failed.
DEADLINE = 10.0
#: Seconds: the time-out of what is to run into it.
SHORT = 0.2


#: Fails with an SQLSTATE until its last attempt. Sequences are not rolled back.
CONFLICTING = """
CREATE FUNCTION conflicting(last int, code text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') < last THEN RAISE EXCEPTION 'again' USING ERRCODE = code; END IF;
    RETURN 1;
END $$
"""


class Kind(NamedTuple):
    """The classes of one kind."""

    pool: Any
    statements: Any
    given: Any


SYNC = Kind(Pool, Statements, ConnectionPool)
ASYNC = Kind(AsyncPool, AsyncStatements, AsyncConnectionPool)


class Caller:
    """Statements of either kind, called in the same way."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.lent = 0

    def statements(self, pool: Any, timeout: float = DEADLINE, retries: int = 1) -> Callable[[str], Any]:
        """Return a function that returns the first value that a statement returns."""

        def source() -> Any:
            self.lent += 1
            return pool

        statements = self.kind.statements(source, retries, timeout)
        return lambda statement: self.run(statements.rows(statement, None))[0][0]

    def run(self, result: Any) -> Any:
        """Return `result`, or what it returns when it is awaited."""
        return self._runner.run(result) if asyncio.iscoroutine(result) else result

    def hold(self, pool: Any, number: int) -> list[Any]:
        """Return the connections that `number` callers got at the same moment, and have given back."""
        return list(self.run(_held_async(pool, number) if self.kind is ASYNC else _held(pool, number)))

    def pause(self) -> None:
        """Wait for a moment, in which the event loop runs."""
        self._runner.run(asyncio.sleep(0.01))

    def close_pool(self, pool: Any) -> None:
        """Close a pool."""
        self.run(pool.aclose() if self.kind is ASYNC else pool.close())

    def close(self) -> None:
        """End the event loop."""
        self._runner.close()


def _held(pool: Pool, number: int) -> list[Any]:
    with ExitStack() as stack:
        return [stack.enter_context(pool.connection(DEADLINE)) for _ in range(number)]


async def _held_async(pool: AsyncPool, number: int) -> list[Any]:
    together = asyncio.Barrier(number)

    async def hold() -> Any:
        async with pool.connection(DEADLINE) as connection:
            await together.wait()
            return connection

    return await asyncio.gather(*(hold() for _ in range(number)))


@pytest.fixture(params=[SYNC, ASYNC], ids=["sync", "async"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """Call statements of either kind."""
    result = Caller(request.param)
    yield result
    result.close()


@pytest.fixture
def dsn() -> str:
    """Return the DSN of a server."""
    return need_postgres()


@pytest.fixture
def pool(caller: Caller, dsn: str) -> Iterator[Any]:
    """Return a pool."""
    result = caller.kind.pool(dsn, DEADLINE)
    yield result
    caller.close_pool(result)


@contextmanager
def given(caller: Caller, dsn: str, size: int, **options: Any) -> Generator[Any, None, None]:
    """Give a pool of psycopg_pool, full of connections."""
    pool = caller.kind.given(dsn, min_size=size, max_size=size, kwargs=options, open=False)
    caller.run(pool.open(wait=True))
    yield pool
    caller.run(pool.close())


@contextmanager
def administration() -> Generator[Callable[..., Any], None, None]:
    """Give a function that runs statements on a connection of its own."""
    with psycopg.connect(need_postgres(), autocommit=True) as connection:
        yield connection.execute


def terminate(connections: list[Any]) -> None:
    """End the sessions of `connections`, as a restart of the server does."""
    pids = [connection.info.backend_pid for connection in connections]
    with administration() as execute:
        execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) pid", [pids])


class Gate(socketserver.ThreadingTCPServer):
    """Stands before the server: accepts connections, and lets nothing through until it is opened."""

    def __init__(self, port: int = 0) -> None:
        with psycopg.connect(need_postgres()) as connection:
            self._server = (connection.info.host, connection.info.port)
        let_through = self._let_through

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                let_through(self.request)

        super().__init__(("127.0.0.1", port), Handler)
        self.is_open = threading.Event()
        self.accepted = 0
        self.has_accepted = threading.Event()
        #: What to connect to, in place of the server.
        self.dsn: str = dsn_at(self.server_address[1])
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: self.serve_forever(poll_interval=0.01))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def _let_through(self, client: socket.socket) -> None:
        self.accepted += 1
        self.has_accepted.set()
        while not self.is_open.wait(0.01):
            if self._ends.is_set():
                return
        with connected(*self._server) as server:
            peers = {client: server, server: client}
            while not self._ends.is_set():
                for source in select.select(peers, [], [], 0.01)[0]:
                    if not (data := source.recv(65_536)):
                        return
                    peers[source].sendall(data)


def dsn_at(port: int) -> str:
    """Return the DSN of a gate."""
    return make_conninfo(need_postgres(), host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")


def connected(host: str, port: int) -> socket.socket:
    """Return a socket that is connected to PostgreSQL: `host` may be the folder of a Unix domain socket."""
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    result = socket.socket(socket.AF_UNIX)
    result.connect(f"{host}/.s.PGSQL.{port}")
    return result


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate, closed."""
    with Gate() as gate:
        yield gate


class TestPool:
    """What a pool is made of."""

    def test_options(self, pool: Any) -> None:
        """It has a name, ten connections at most, and asks silent ones after a minute; it makes no pauses."""
        made = pool._pool
        assert (made.name, made.max_size, made.kwargs["keepalives_idle"], made.reconnect_timeout) == (
            "webhook_guard",
            10,
            60,
            0,
        )

    def test_values(self, caller: Caller, pool: Any) -> None:
        """A statement has values, which are sent beside it."""
        statements = caller.kind.statements(lambda: pool, 1, DEADLINE)
        assert caller.run(statements.rows("SELECT %(value)s::text", {"value": "'; --"})) == [("'; --",)]


class TestDeadline:
    """When a call ends."""

    def test_statement(self, caller: Caller, pool: Any) -> None:
        """What is not answered in time is cut off, and the next call works."""
        rows = caller.statements(pool, timeout=SHORT)
        before, began = rows("SELECT pg_backend_pid()"), time.monotonic()
        with pytest.raises(IdempotencyError, match=r"PostgreSQL did not answer within 0\.2 s"):
            rows("SELECT pg_sleep(60)")
        assert SHORT <= time.monotonic() - began < SHORT + 1
        assert rows("SELECT pg_backend_pid()") != before
        assert caller.lent == 3

    @pytest.mark.parametrize("autocommit", [True, False], ids=["autocommit", "transactions"])
    def test_given_pool(self, caller: Caller, dsn: str, autocommit: bool) -> None:  # noqa: FBT001  a parameter of the test
        """The same with a pool that was given: it gets a dead connection back, and replaces it."""
        with given(caller, dsn, 1, autocommit=autocommit) as pool:
            rows, began = caller.statements(pool, timeout=SHORT), time.monotonic()
            with pytest.raises(IdempotencyError, match=r"PostgreSQL did not answer within 0\.2 s"):
                rows("SELECT pg_sleep(60)")
            assert time.monotonic() - began < SHORT + 1
            assert caller.statements(pool)("SELECT 1") == 1

    def test_nothing_left(self, caller: Caller, pool: Any) -> None:
        """What is cut off ends on the server, too: it does not wait on, to be carried out for nobody."""
        with pytest.raises(IdempotencyError):
            caller.statements(pool, timeout=SHORT)("SELECT pg_sleep(61)")
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(61)'"
        deadline = time.monotonic() + DEADLINE
        with administration() as execute:
            while execute(running).fetchone() != (0,):
                assert time.monotonic() < deadline

    def test_connection(self, caller: Caller, gate: Gate) -> None:
        """A server that accepts and says nothing is given up in time; what it accepts later is for the next call."""
        pool = caller.kind.pool(gate.dsn, SHORT)
        rows, began = caller.statements(pool, timeout=SHORT), time.monotonic()
        with pytest.raises(IdempotencyError, match=r"PostgreSQL: no connection within 0\.2 s"):
            rows("SELECT 1")
        assert SHORT <= time.monotonic() - began < SHORT + 1
        gate.is_open.set()
        while not pool._pool.get_stats()["pool_available"]:
            assert time.monotonic() < began + DEADLINE
            caller.pause()
        assert (rows("SELECT 1"), gate.accepted) == (1, 1)
        caller.close_pool(pool)

    def test_refused(self, caller: Caller) -> None:
        """A server that is down is an error at once, which says so."""
        pool, began = caller.kind.pool(f"host=127.0.0.1 port={free_port()}", DEADLINE), time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="Connection refused"):
            caller.statements(pool)("SELECT 1")
        assert time.monotonic() - began < 1
        assert caller.lent == 1
        caller.close_pool(pool)

    def test_back(self, caller: Caller) -> None:
        """A server that is back is used at once."""
        port = free_port()
        pool = caller.kind.pool(dsn_at(port), DEADLINE)
        rows = caller.statements(pool)
        for _ in range(3):
            with pytest.raises(psycopg.OperationalError, match="Connection refused"):
                rows("SELECT 1")
        with Gate(port) as gate:
            gate.is_open.set()
            began = time.monotonic()
            assert rows("SELECT 1") == 1
            assert time.monotonic() - began < 1
            caller.close_pool(pool)

    def test_log(self, caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
        """The pool says nothing of its own when a server is down: the error says it, and is logged once a minute."""
        pool = caller.kind.pool(f"host=127.0.0.1 port={free_port()}", DEADLINE)
        with pytest.raises(psycopg.OperationalError):
            caller.statements(pool)("SELECT 1")
        caller.close_pool(pool)
        assert [record for record in caplog.records if record.name == "psycopg.pool"] == []

    def test_log_of_other_pools(self, dsn: str, caplog: pytest.LogCaptureFixture) -> None:
        """Pools of others say what they have to say."""
        with caplog.at_level("INFO", "psycopg.pool"), ConnectionPool(dsn, name="other", open=False) as pool:
            pool.wait()
        assert "waiting for pool 'other' initialization" in caplog.messages

    def test_loop_ends(self, gate: Gate) -> None:
        """An event loop ends at once, also while a server is silent."""

        async def main() -> None:
            silent = AsyncPool(gate.dsn, DEADLINE)
            with pytest.raises(IdempotencyError):
                await AsyncStatements(lambda: silent, 1, SHORT).rows("SELECT 1", None)

        began = time.monotonic()
        asyncio.run(main())
        assert time.monotonic() - began < SHORT + 1

    def test_cancelled(self, gate: Gate) -> None:
        """The connection that a call waited for when it was cancelled is for the next one."""

        async def main() -> int:
            pool = AsyncPool(gate.dsn, DEADLINE)
            statements = AsyncStatements(lambda: pool, 1, DEADLINE)
            call = asyncio.create_task(statements.rows("SELECT 1", None))
            await asyncio.to_thread(gate.has_accepted.wait, DEADLINE)
            call.cancel()
            gate.is_open.set()
            ((one,),) = await statements.rows("SELECT 1", None)
            await pool.aclose()
            return int(one)

        assert (asyncio.run(main()), gate.accepted) == (1, 1)


class TestConnections:
    """Which connections are used."""

    def test_kept(self, caller: Caller, pool: Any) -> None:
        """One call after the other uses the same connection."""
        rows = caller.statements(pool)
        assert rows("SELECT pg_backend_pid()") == rows("SELECT pg_backend_pid()")

    def test_settings(self, caller: Caller, pool: Any) -> None:
        """A statement is a transaction, and nothing is prepared: it works behind PgBouncer."""
        (connection,) = caller.hold(pool, 1)
        assert (connection.autocommit, connection.prepare_threshold) == (True, None)

    def test_at_once(self, caller: Caller, pool: Any) -> None:
        """Calls at the same moment have a connection each."""
        assert len({connection.info.backend_pid for connection in caller.hold(pool, 4)}) == 4

    def test_restarted_server(self, caller: Caller, pool: Any) -> None:
        """When all connections died while nobody used them, a call finds out, and works."""
        terminate(caller.hold(pool, 3))
        assert caller.statements(pool, retries=MAX_SIZE)("SELECT 1") == 1
        assert 2 <= caller.lent <= 4

    def test_restarted_server_of_a_given_pool(self, caller: Caller, dsn: str) -> None:
        """The same with a pool that was given."""
        with given(caller, dsn, 3) as pool:
            terminate(list(pool._pool))
            assert caller.statements(pool, retries=3)("SELECT 1") == 1
            assert 2 <= caller.lent <= 4

    def test_dying_server(self, caller: Caller, pool: Any) -> None:
        """A server that ends the session twice is an error."""
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            caller.statements(pool)("SELECT pg_terminate_backend(pg_backend_pid())")
        assert caller.lent == 2

    def test_failed_statement(self, caller: Caller, pool: Any) -> None:
        """A statement that fails is an error, and is not tried again."""
        rows = caller.statements(pool)
        with pytest.raises(errors.DivisionByZero):
            rows("SELECT 1 / 0")
        assert caller.lent == 1
        assert rows("SELECT 1") == 1

    @pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialization failure", "deadlock"])
    def test_conflict(self, caller: Caller, code: str) -> None:
        """A statement that lost against another one is tried again, as often as it may be."""
        with own_schema() as dsn:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("CREATE SEQUENCE attempts")
                connection.execute(CONFLICTING)
            pool = caller.kind.pool(dsn, DEADLINE)
            rows = caller.statements(pool, retries=2)
            assert rows(f"SELECT conflicting(3, '{code}')") == 1
            assert caller.lent == 3
            with pytest.raises((errors.SerializationFailure, errors.DeadlockDetected)):
                rows(f"SELECT conflicting(7, '{code}')")
            assert caller.lent == 6
            caller.close_pool(pool)

    def test_given_pool(self, caller: Caller, dsn: str) -> None:
        """A pool that was given is used whatever its rows are and whether or not it commits, and commits."""
        with given(caller, dsn, 1, autocommit=False, row_factory=dict_row) as pool:
            rows = caller.statements(pool)
            transaction = "SELECT pg_current_xact_id()"
            assert rows(transaction) != rows(transaction)
            (connection,) = pool._pool
            assert "wait" not in vars(connection)

    def test_closed(self, caller: Caller, pool: Any) -> None:
        """A closed pool has no connection left; when it is used again, it makes a new one."""
        (connection,) = caller.hold(pool, 1)
        caller.close_pool(pool)
        assert connection.closed
        assert caller.statements(pool)("SELECT 1") == 1

    def test_forgotten(self, dsn: str) -> None:
        """A pool that nobody has any more closes its connections."""
        pools = [Pool(dsn, DEADLINE)]
        (connection,) = _held(pools[0], 1)
        pools.clear()
        gc.collect()
        assert connection.closed

    def test_forgotten_by_a_child(self, dsn: str) -> None:
        """A child process does not end the sessions of its parent."""
        pools = [Pool(dsn, DEADLINE)]
        (connection,) = _held(pools[0], 1)

        def child() -> None:
            pools.clear()
            gc.collect()

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(DEADLINE)
        assert process.exitcode == 0
        assert connection.execute("SELECT 1").fetchone() == (1,)
        pools[0].close()

    def test_somebody_elses(self, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What another process has made is not closed here."""
        pools = [Pool(dsn, DEADLINE)]
        (connection,) = _held(pools[0], 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            pools.clear()
            gc.collect()
        assert not connection.closed
        connection.close()
