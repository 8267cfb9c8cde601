"""The PostgreSQL stores: the contract of stores, what is sent, how they fail, who shares them, which DSNs and pools go.

How connections are used is tested in `test_postgres_pool.py`.
"""

import asyncio
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Unpack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, AsyncNullConnectionPool, ConnectionPool, NullConnectionPool

from webhook_guard import ConfigurationError, IdempotencyError
from webhook_guard.idempotency import AsyncPostgresStore, Claim, ClaimState, PostgresStore, StoreOptions
from webhook_guard.idempotency.postgres import CREATE_TABLE
from webhook_guard.testing import StoreConformance

from services import own_schema
from store_caller import StoreCaller
from support import free_port

#: Seconds after which a test has failed.
DEADLINE = 10.0
#: Seconds: the time-out of a store that is to run into it.
SHORT = 0.2

KINDS: dict[str, Any] = {"sync": PostgresStore, "async": AsyncPostgresStore}
POOLS: dict[str, Any] = {"sync": ConnectionPool, "async": AsyncConnectionPool}
NULL_POOLS: dict[str, Any] = {"sync": NullConnectionPool, "async": AsyncNullConnectionPool}


@pytest.fixture(scope="module")
def postgres_dsn() -> Iterator[str]:
    """Return where PostgreSQL is, and a table of the tests' own."""
    with own_schema() as dsn:
        with closing(PostgresStore(dsn)) as store:
            store.create_table()
        yield dsn


class TestContract(StoreConformance):
    """What every store promises."""

    @pytest.fixture(autouse=True, params=list(KINDS.values()), ids=list(KINDS))
    def _server(self, request: pytest.FixtureRequest, postgres_dsn: str) -> None:
        self.kind: type[PostgresStore | AsyncPostgresStore] = request.param
        self.dsn = postgres_dsn

    def make_store(self, **options: Unpack[StoreOptions]) -> PostgresStore | AsyncPostgresStore:
        """Return one with connections of its own."""
        return self.kind(self.dsn, **options)


class Caller(StoreCaller):
    """A PostgreSQL store of either kind."""

    def __init__(self, kind: str, dsn_or_pool: Any, **options: Any) -> None:
        super().__init__(KINDS[kind](dsn_or_pool, **options))

    def create_table(self) -> None:
        """Make the table."""
        self.run(self.store.create_table())

    def prune(self) -> int:
        """Remove what has expired."""
        return int(self.run(self.store.prune()))

    def connection(self) -> Any:
        """Return the store's connection that nobody uses now."""

        async def pool() -> Any:
            return self.store._source()._pool

        (connection,) = self._runner.run(pool())._pool
        return connection


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store."""
    return str(request.param)


@pytest.fixture
def store_of(kind: str) -> Iterator[Callable[..., Caller]]:
    """What makes stores, which are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(closing(Caller(kind, *arguments, **options)))


@pytest.fixture
def schema() -> Iterator[str]:
    """The DSN of a schema without a table."""
    with own_schema() as dsn:
        yield make_conninfo(dsn, application_name=f"test {os.getpid()}")


class Table:
    """What is in the table."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True, application_name="test")
        self.execute(CREATE_TABLE)

    def execute(self, statement: Any, *values: object) -> list[Any]:
        """Run a statement, and return its rows."""
        cursor = self._connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def rows(self) -> list[Any]:
        """Return the key, whether it is completed, and in how many seconds it ends."""
        seconds = "extract(epoch FROM ends - clock_timestamp())::float8"
        return self.execute(f"SELECT key, completed, {seconds} FROM webhook_guard_claims ORDER BY key")  # noqa: S608  ours

    def add(self, name: str, *, completed: bool, ended: float, number: int = 1) -> None:
        """Add rows that ended some seconds ago."""
        self.execute(
            """INSERT INTO webhook_guard_claims SELECT %s || number, '', %s, now() - make_interval(secs => %s)
            FROM generate_series(1, %s) number""",
            *(name, completed, float(ended), number),
        )

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Lock all rows."""
        self.execute("BEGIN")
        self.execute("SELECT FROM webhook_guard_claims FOR UPDATE")
        yield
        self.execute("ROLLBACK")

    def sessions(self) -> list[int]:
        """Return the process ids of the sessions of stores."""
        statement = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        return [pid for (pid,) in self.execute(statement, f"test {os.getpid()}")]

    def terminate(self) -> None:
        """End the sessions of stores, as a restart of the server does."""
        self.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) pid", self.sessions())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@pytest.fixture
def table(schema: str) -> Iterator[Table]:
    """A table of the test's own."""
    with closing(Table(schema)) as table:
        yield table


@contextmanager
def traced(connection: Any, path: Path) -> Generator[None, None, None]:
    """Have libpq write into a file what goes over a connection."""
    with path.open("wb") as file:
        connection.pgconn.trace(file.fileno())
        yield
        connection.pgconn.untrace()


class TestStatements:
    """What is sent, and what is in the table."""

    def test_rows(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """A row per key, with the namespace before it, and when its lease or retention ends by the server's time."""
        store = store_of(table.dsn, namespace="shop", lease=60, retention=600)
        store.claim("/a#wh_1")
        store.complete(store.claim("/a#wh_2").token, "/a#wh_2")
        assert table.rows() == [
            ("shop:/a#wh_1", False, pytest.approx(60, abs=5)),
            ("shop:/a#wh_2", True, pytest.approx(600, abs=5)),
        ]

    def test_token(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """A token is 128 random bits: nobody guesses another's."""
        store = store_of(table.dsn)
        tokens = {store.claim(f"#wh_{number}").token for number in range(10)}
        assert [len(bytes.fromhex(token)) for token in tokens] == [16] * 10

    def test_completed_again(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """To complete again does not begin another retention."""
        store = store_of(table.dsn, retention=600)
        token = store.claim().token
        store.complete(token)
        table.execute("UPDATE webhook_guard_claims SET ends = now() + interval '60 s'")
        assert store.complete(token)
        assert table.rows() == [("webhook_guard:#wh_1", True, pytest.approx(60, abs=5))]

    def test_repeated(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """A claim that is repeated with its token, because the answer was lost, is granted as the first time."""
        store = store_of(table.dsn)
        statement, values = store.store._claiming("#wh_1", "token")
        assert store.run(store.store._rows(statement, values)) == [("token", False)]
        table.execute("UPDATE webhook_guard_claims SET ends = now() + interval '60 s'")
        assert store.run(store.store._rows(statement, values)) == [("token", False)]
        assert table.rows() == [("webhook_guard:#wh_1", False, pytest.approx(60, abs=5))]

    def test_long_key(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """The longest key fits, whatever it is made of."""
        store, key = store_of(table.dsn, namespace="n" * 100), "/webhooks#" + "".join(map(chr, range(0x1F400, 0x1F600)))
        assert store.complete(store.claim(key).token, key)
        assert store.claim(key) == Claim(ClaimState.COMPLETED)

    @pytest.mark.skipif(sys.platform != "linux", reason="libpq's trace needs Linux")
    def test_one_round_trip(self, table: Table, store_of: Callable[..., Caller], tmp_path: Path) -> None:
        """Each call is sent once, and then waited for: a Sync ends what is sent, whatever came before."""
        store = store_of(table.dsn)
        store.claim("#wh_connects")
        with traced(store.connection(), tmp_path / "trace"):
            first, second = store.claim("#wh_1"), store.claim("#wh_2")
            assert (store.complete(first.token, "#wh_1"), store.release(second.token, "#wh_2")) == (True, True)
        sent = re.findall(r"\tF\t\d+\t(\w+)", (tmp_path / "trace").read_text())
        assert sent == ["Parse", "Bind", "Describe", "Execute", "Sync"] * 4

    def test_prune(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """Completed entries go when the retention ends; of a lease that ended, the owner may still complete."""
        table.add("completed ", completed=True, ended=1)
        table.add("kept ", completed=True, ended=-1000)
        table.add("lost ", completed=False, ended=601)
        table.add("late ", completed=False, ended=599)
        table.add("running ", completed=False, ended=-1000)
        store = store_of(table.dsn, retention=600)
        assert store.prune() == 2
        assert [key for key, *_ in table.rows()] == ["kept 1", "late 1", "running 1"]
        assert store.prune() == 0

    def test_prune_many(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """All that has expired goes, however much it is."""
        table.add("", completed=True, ended=1, number=2500)
        assert store_of(table.dsn).prune() == 2500

    def test_prune_locked(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """What is being claimed right now is left alone, and not waited for."""
        table.add("", completed=True, ended=1)
        with table.locked():
            assert store_of(table.dsn).prune() == 0
        assert len(table.rows()) == 1


class TestTable:
    """The table, and how it comes to be there."""

    def test_missing(self, schema: str, store_of: Callable[..., Caller]) -> None:
        """Without a table, the error says how to make it."""
        store = store_of(schema)
        with pytest.raises(IdempotencyError) as caught:
            store.claim()
        assert str(caught.value) == (
            "the table webhook_guard_claims is not there: call the store's create_table() once, or run"
            " webhook_guard.idempotency.postgres.CREATE_TABLE"
        )
        assert isinstance(caught.value.__cause__, psycopg.errors.UndefinedTable)
        store.create_table()
        assert store.claim().state is ClaimState.NEW

    def test_again(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """What is in the table stays there when it is made again."""
        store = store_of(table.dsn)
        store.claim()
        store.create_table()
        assert store.claim().state is ClaimState.IN_PROGRESS

    def test_by_many(self, schema: str) -> None:
        """Many that make it at the same moment all succeed."""
        start = threading.Barrier(8)

        def create() -> None:
            with closing(PostgresStore(schema, timeout=DEADLINE)) as store:
                start.wait(DEADLINE)
                store.create_table()

        with ThreadPoolExecutor(8) as threads:
            for created in [threads.submit(create) for _ in range(8)]:
                created.result()

    def test_index(self, table: Table) -> None:
        """Pruning has an index to find what has expired."""
        table.execute("SET enable_seqscan = off")
        plan = table.execute("EXPLAIN SELECT key FROM webhook_guard_claims WHERE ends <= now()")
        assert "webhook_guard_claims_ends" in str(plan)


class TestFailures:
    """What a call says when it can't be answered."""

    def test_restarted_server(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """When the sessions were ended meanwhile, nobody notices."""
        store = store_of(table.dsn)
        token = store.claim().token
        table.terminate()
        assert store.claim().state is ClaimState.IN_PROGRESS
        table.terminate()
        assert store.complete(token)

    def test_locked_row(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """A row that is locked for too long is an outage; when it is free again, it works."""
        store = store_of(table.dsn, timeout=SHORT)
        token, began = store.claim().token, time.monotonic()
        with table.locked(), pytest.raises(IdempotencyError, match=r"did not answer within 0\.2 s"):
            store.complete(token)
        assert time.monotonic() - began < SHORT + 1
        assert store.complete(token)

    def test_any_exception(self, kind: str, store_of: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a pool raises is an outage, psycopg's or not."""

        def fail(*_: object) -> None:
            raise ZeroDivisionError("no such luck")

        pool = POOLS[kind]("", open=False)
        monkeypatch.setattr(pool, "connection", fail)
        with pytest.raises(IdempotencyError) as caught:
            store_of(pool).claim()
        assert str(caught.value) == "the store failed with ZeroDivisionError: no such luck"

    def test_down(self, store_of: Callable[..., Caller]) -> None:
        """A server that is down is no error of configuration, but of each call, at once, in one line."""
        store, began = store_of(f"host=127.0.0.1 port={free_port()}"), time.monotonic()
        with pytest.raises(
            IdempotencyError, match=r"the store failed with OperationalError: .*Connection refused"
        ) as caught:
            store.claim()
        assert time.monotonic() - began < 1
        assert caught.value.reason == "store_unavailable"
        assert isinstance(caught.value.__cause__, psycopg.OperationalError)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "dsn",
        ["postgresql://user:hunter2@127.0.0.1:{}/shop", "host=127.0.0.1 port={} password=hunter2"],
        ids=["URL", "keywords"],
    )
    def test_password(self, store_of: Callable[..., Caller], dsn: str) -> None:
        """No error and no traceback has the password in it."""
        store = store_of(dsn.format(free_port()))
        with pytest.raises(IdempotencyError) as caught:
            store.claim()
        assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(store.store)


class TestSharing:
    """Who shares a store."""

    def test_threads(self, table: Table) -> None:
        """More threads than connections wait for one, and each gets its own answers."""
        with closing(PostgresStore(table.dsn, timeout=DEADLINE)) as store, ThreadPoolExecutor(20) as threads:
            keys = list(map(str, range(100)))
            claims = list(threads.map(store.claim, keys))
            assert all(threads.map(store.complete, keys, [claim.token for claim in claims]))
            assert len(table.sessions()) <= 10

    def test_tasks(self, table: Table) -> None:
        """More tasks than connections wait for one, and each gets its own answers."""

        async def main() -> None:
            store = AsyncPostgresStore(table.dsn, timeout=DEADLINE)
            claims = await asyncio.gather(*(store.claim(str(number)) for number in range(100)))
            done = await asyncio.gather(*(store.complete(str(key), claim.token) for key, claim in enumerate(claims)))
            assert all(done)
            assert len(table.sessions()) <= 10
            await store.aclose()

        asyncio.run(main())

    def test_fork(self, table: Table) -> None:
        """A child process has connections of its own: neither reads the other's answers."""
        with closing(PostgresStore(table.dsn, timeout=DEADLINE)) as store:
            store.claim("parent")

            def child() -> None:
                with closing(store):
                    for number in range(50):
                        store.claim(f"child {number}")

            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            for number in range(50):
                store.claim(f"parent {number}")
            process.join(DEADLINE)
        assert process.exitcode == 0
        assert len(table.rows()) == 101

    def test_loops(self, table: Table) -> None:
        """An async store works in one event loop after the other, and in two at once."""
        store = AsyncPostgresStore(table.dsn, timeout=DEADLINE)

        async def main() -> ClaimState:
            claim = await store.claim("#wh_1")
            await store.aclose()
            return claim.state

        def run() -> ClaimState:
            return asyncio.run(main())

        with ThreadPoolExecutor(2) as threads:
            states = [run(), *(ran.result() for ran in [threads.submit(run), threads.submit(run)])]
        assert states == [ClaimState.NEW, ClaimState.IN_PROGRESS, ClaimState.IN_PROGRESS]

    def test_left_open(self, table: Table) -> None:
        """A process that closes nothing ends at once, and quietly."""
        script = """
import asyncio, sys
from webhook_guard.idempotency import AsyncPostgresStore, PostgresStore
store, other = PostgresStore(sys.argv[1]), AsyncPostgresStore(sys.argv[1])
store.claim("#wh_1")
asyncio.run(other.claim("#wh_1"))
asyncio.run(other.claim("#wh_1"))
"""
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", script, table.dsn]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)  # noqa: S603  our own
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_closed(self, table: Table, store_of: Callable[..., Caller]) -> None:
        """A store closes its connections, and opens another when it is called again."""
        store = store_of(table.dsn)
        store.claim()
        connection = store.connection()
        store.close_store()
        assert connection.closed
        assert store.claim().state is ClaimState.IN_PROGRESS


class TestGiven:
    """The DSN or pool that is given."""

    def test_pool(self, table: Table, kind: str, store_of: Callable[..., Caller]) -> None:
        """A pool is used, and neither opened nor closed."""
        pool = POOLS[kind](table.dsn, min_size=1, open=False)
        store = store_of(pool)
        with pytest.raises(IdempotencyError, match=r"PoolClosed: .* is not open yet"):
            store.claim()
        store.run(pool.open())
        token = store.claim().token
        store.close_store()
        assert store.complete(token)
        assert store.claim() == Claim(ClaimState.COMPLETED)
        store.run(pool.close())

    def test_null_pool(self, table: Table, kind: str, store_of: Callable[..., Caller]) -> None:
        """A pool that keeps no connection is a pool."""
        pool = NULL_POOLS[kind](table.dsn, open=False)
        store = store_of(pool)
        store.run(pool.open())
        assert store.claim().state is ClaimState.NEW
        store.run(pool.close())

    def test_other_pool(self, kind: str) -> None:
        """A pool of the other kind is refused, and the store for it named."""
        other = {"sync": "async", "async": "sync"}[kind]
        pool = POOLS[other]("", open=False)
        with pytest.raises(ConfigurationError) as caught:
            KINDS[kind](pool)
        expected = f"dsn_or_pool: a pool of the class {POOLS[other].__name__} is for {KINDS[other].__name__}"
        assert str(caught.value) == expected

    @pytest.mark.parametrize(
        ("wrong", "found"),
        [
            (None, "not NoneType; is the environment variable set?"),
            (b"dbname=test", "not bytes"),
            (ConnectionPool, "not the class ConnectionPool"),
            (psycopg.Connection, "not the class Connection"),
        ],
        ids=repr,
    )
    def test_no_pool(self, kind: str, wrong: Any, found: str) -> None:
        """What is neither a DSN nor a pool is refused, and what it is is said."""
        with pytest.raises(ConfigurationError) as caught:
            KINDS[kind](wrong)
        expected = f"dsn_or_pool: must be a DSN, or a {POOLS[kind].__name__} of psycopg_pool, {found}"
        assert str(caught.value) == expected

    @pytest.mark.parametrize(
        "wrong",
        [
            "",
            "  ",
            "hunter2",
            "host=a hunter2",
            "hunter2=a",
            "mysql://user:hunter2@host/shop",
            "postgresql+psycopg://user:hunter2@host/shop",
            "postgresql://user:hunter2%@host/shop",
            "postgresql://user:p@hunter2@host/shop",
            "postgresql://user:p/hunter2@host/shop",
            "postgresql://user:p?hunter2=a@host/shop",
            "postgresql://user:1/hunter2@host/shop",
            "postgresql://user:hunter2@host/shop\n",
            "postgresql://user:hunter2@host/shop?hunter2=1",
            "host=\ud800hunter2",
        ],
    )
    def test_wrong_dsn(self, kind: str, wrong: str) -> None:
        """What libpq can't read, or would read otherwise than it was meant, is refused, and not quoted."""
        with pytest.raises(ConfigurationError) as caught:
            KINDS[kind](wrong)
        assert str(caught.value) == (
            "dsn_or_pool: must be a DSN that libpq reads, such as postgresql://user:password@host/dbname or 'host=..."
            " dbname=...'; in a URL, special characters of user and password are percent-encoded (@ is %40, / is %2F)"
        )
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__context__ is None

    @pytest.mark.parametrize(
        "dsn",
        [
            "dbname=shop",
            "postgresql://",
            "postgres://host",
            "postgresql://user@host/shop",
            "postgresql://user:p%40ss#w0rd@one:5432,two:5433/shop?target_session_attrs=read-write",
            "postgresql:///shop?host=/run/postgresql",
            "postgresql://user:secret@[::1]/shop",
            "host=db password='a@b://c/d' user=me",
        ],
    )
    def test_dsn(self, kind: str, dsn: str) -> None:
        """What libpq can read is taken, and nothing is connected yet."""
        assert KINDS[kind](dsn).timeout == 2

    def test_options(self, kind: str) -> None:
        """It has the options of all stores."""
        with pytest.raises(ConfigurationError, match="leese: there is no such option"):
            KINDS[kind]("dbname=shop", leese=1)

    @pytest.mark.parametrize("module", ["psycopg", "psycopg_pool"])
    def test_not_installed(self, kind: str, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
        """Without psycopg, or its pool where one is given, the message says what to install."""
        given = {"psycopg": "dbname=shop", "psycopg_pool": POOLS[kind]("", open=False)}[module]
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigurationError) as caught:
            KINDS[kind](given)
        assert str(caught.value) == "psycopg is not installed: pip install 'webhook_guard[postgres]'"
