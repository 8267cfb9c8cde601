"""The store in a file: the contract of stores, what is in the file, who shares it, and what its faults do."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Unpack

import pytest

from webhook_guard import ConfigurationError, IdempotencyError
from webhook_guard.idempotency import ClaimState, SQLiteStore, StoreOptions
from webhook_guard.testing import StoreConformance


class TestContract(StoreConformance):
    """What every store promises."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "webhooks.sqlite3"

    def make_store(self, **options: Unpack[StoreOptions]) -> SQLiteStore:
        """Return one of the test's file."""
        return SQLiteStore(self.path, **options)


class Clock:
    """A clock that is set."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store may be."""
    return tmp_path / "webhooks.sqlite3"


@pytest.fixture
def clock() -> Clock:
    """Return a clock that is set."""
    return Clock()


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[SQLiteStore]:
    """Return a store."""
    with closing(SQLiteStore(path, clock=clock, lease=10, retention=100, timeout=0.2)) as result:
        yield result


def connection_of(store: Any) -> Any:
    """Return what a store of this process lends its connection with."""
    return store._file.connection()


def rows(path: Path) -> list[Any]:
    """Return what is in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key, completed, ends FROM webhook_guard_claims ORDER BY key").fetchall()


@contextmanager
def locked(path: Path) -> Generator[None, None, None]:
    """Keep everybody else from writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class TestFile:
    """What is in the file."""

    def test_made_on_first_use(self, store: SQLiteStore, path: Path) -> None:
        """The file is made when it is first needed: a server's parent process opens nothing."""
        assert not path.exists()
        store.claim("wh_1")
        assert path.exists()

    def test_rows(self, store: SQLiteStore, path: Path) -> None:
        """A row per key, with the namespace before it, and when its lease or retention ends."""
        store.claim("/a#wh_1")
        store.complete("/a#wh_2", store.claim("/a#wh_2").token)
        assert rows(path) == [("webhook_guard:/a#wh_1", 0, 1010.0), ("webhook_guard:/a#wh_2", 1, 1100.0)]

    def test_token(self, store: SQLiteStore) -> None:
        """A token is 128 random bits: nobody guesses another's."""
        tokens = {store.claim(f"wh_{number}").token for number in range(10)}
        assert [len(bytes.fromhex(token)) for token in tokens] == [16] * 10

    def test_durable(self, store: SQLiteStore, path: Path) -> None:
        """It is in WAL mode, and each change is on the disk before a call returns."""
        store.claim("wh_1")
        with connection_of(store) as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_kept(self, store: SQLiteStore, path: Path) -> None:
        """What was completed is there after a restart."""
        store.complete("wh_1", store.claim("wh_1").token)
        store.close()
        with closing(SQLiteStore(path, clock=Clock())) as reopened:
            assert reopened.claim("wh_1").state is ClaimState.COMPLETED

    def test_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A path is taken from where the store was made: servers change their folder."""
        monkeypatch.chdir(tmp_path)
        with closing(SQLiteStore("a.sqlite3")) as store:
            monkeypatch.chdir("/")
            store.claim("wh_1")
        assert (tmp_path / "a.sqlite3").exists()

    def test_real_clock(self, path: Path) -> None:
        """Its clock is that of the machine, which all processes share."""
        with closing(SQLiteStore(path)) as store:
            store.claim("wh_1")
            with closing(sqlite3.connect(path)) as connection:
                (left,) = connection.execute("SELECT ends - strftime('%s', 'now') FROM webhook_guard_claims").fetchone()
        assert 290 < left <= 301


class TestClock:
    """The option `clock`."""

    def test_option(self, path: Path) -> None:
        """It is called."""
        with pytest.raises(ConfigurationError, match=r"^clock: must be callable, not int$"):
            SQLiteStore(path, clock=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  wrong, on purpose


class TestPath:
    """The argument `path`."""

    @pytest.mark.parametrize("wrong", ["", ":memory:", "file:a?mode=memory", None, 3, b"a"])
    def test_no_file(self, wrong: Any) -> None:
        """What names no file is refused, and what would be in memory only."""
        with pytest.raises(ConfigurationError) as caught:
            SQLiteStore(wrong)
        assert str(caught.value) == (
            "path: must be the path of a file, str or Path; what is kept in memory is MemoryStore"
        )

    @pytest.mark.parametrize(
        "wrong",
        ["", "no/such/folder.sqlite3", "a" * 5000, "a\0b", "\ud8ff"],
        ids=["folder", "no folder", "too long", "NUL", "half a surrogate pair"],
    )
    def test_no_folder(self, tmp_path: Path, wrong: str) -> None:
        """What can be no file is refused at once, and named."""
        with pytest.raises(ConfigurationError) as caught:
            SQLiteStore(tmp_path / wrong)
        assert str(caught.value) == f"path: {str(tmp_path / wrong)!a} must be a file in a folder that exists"


class TestPruning:
    """What has expired."""

    def test_prune(self, store: SQLiteStore, path: Path, clock: Clock) -> None:
        """Completed entries go when the retention ends; of a lease that ended, the owner may still complete."""
        store.claim("lease")
        store.complete("old", store.claim("old").token)
        clock.now += 100
        store.complete("new", store.claim("new").token)
        assert store.prune() == 1
        assert [key for key, *_ in rows(path)] == ["webhook_guard:lease", "webhook_guard:new"]
        clock.now += 10
        assert store.prune() == 1
        assert store.prune() == 0

    def test_on_the_way(self, store: SQLiteStore, path: Path, clock: Clock) -> None:
        """Claims remove, now and then, more than they add: the file can't grow for ever."""
        for number in range(100):
            store.complete(f"old {number}", store.claim(f"old {number}").token)
        clock.now += 100
        store.claim("new")
        assert [key for key, *_ in rows(path)] == ["webhook_guard:new"]

    def test_some_on_the_way(self, store: SQLiteStore, path: Path) -> None:
        """A claim removes a thousand at most: it must not take long. `prune` removes all."""
        store.claim("new")
        with connection_of(store) as connection:
            connection.executemany(
                "INSERT INTO webhook_guard_claims VALUES (?, '', 1, 0)", [(str(number),) for number in range(1500)]
            )
        for _ in range(100):
            store.claim("new")
        assert len(rows(path)) == 501
        assert store.prune() == 500


class TestFaults:
    """What can be wrong with a file."""

    def test_locked(self, store: SQLiteStore, path: Path) -> None:
        """A file that is locked for too long is an outage; when it is free again, it works."""
        store.claim("wh_1")
        with locked(path), pytest.raises(IdempotencyError) as caught:
            store.claim("wh_2")
        assert (caught.value.reason, str(caught.value)) == (
            "store_unavailable",
            f"{path}: OperationalError, database is locked",
        )
        assert store.claim("wh_2").state is ClaimState.NEW

    def test_time_out(self, store: SQLiteStore) -> None:
        """SQLite waits for a lock as long as the store may, and not for the five seconds that it would by itself."""
        with connection_of(store) as connection:
            assert connection.execute("PRAGMA busy_timeout").fetchone() == (200,)  # milliseconds

    def test_locked_from_the_first(self, store: SQLiteStore, path: Path) -> None:
        """The same before the file has its table."""
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE a (b)")
        with locked(path), pytest.raises(IdempotencyError, match="database is locked"):
            store.claim("wh_1")
        assert store.claim("wh_1").state is ClaimState.NEW

    def test_waits(self, store: SQLiteStore, path: Path) -> None:
        """A lock that goes in time is waited for, also before the file is in WAL mode."""
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE a (b)")
        store.timeout = 10
        claimed: list[ClaimState] = []
        patient = SQLiteStore(path, timeout=10)
        thread = threading.Thread(target=lambda: claimed.append(patient.claim("wh_1").state))
        with locked(path):
            thread.start()
            thread.join(0.1)
            assert claimed == []
        thread.join()
        patient.close()
        assert claimed == [ClaimState.NEW]

    def test_waits_no_longer_than_needed(self, tmp_path: Path) -> None:
        """When a lock goes, whoever waits for it goes on at once, also before the file is in WAL mode."""
        waited = 0.0
        for number in range(3):
            path = tmp_path / f"{number}.sqlite3"
            with closing(sqlite3.connect(path)) as other:
                other.execute("CREATE TABLE a (b)")
            with closing(SQLiteStore(path, timeout=10)) as store:
                thread = threading.Thread(target=store.claim, args=("wh_1",))
                with locked(path):
                    thread.start()
                    thread.join(0.1)
                waited -= time.monotonic()
                thread.join()
                waited += time.monotonic()
        assert waited < 1.5

    def test_busy_threads(self, store: SQLiteStore) -> None:
        """A thread that waits too long for the others of its process is told so."""
        with (
            connection_of(store),
            pytest.raises(IdempotencyError, match=r"other threads of this process use it for over 0\.2 s"),
        ):
            store.claim("wh_1")

    def test_no_database(self, store: SQLiteStore, path: Path) -> None:
        """A file that is something else is an outage, and stays as it is; once it is gone, it works."""
        path.write_bytes(b"Dear diary, " * 100)
        with pytest.raises(IdempotencyError, match="file is not a database") as caught:
            store.claim("wh_1")
        assert str(path) in str(caught.value)
        assert path.read_bytes() == b"Dear diary, " * 100
        path.unlink()
        assert store.claim("wh_1").state is ClaimState.NEW

    def test_other_table(self, store: SQLiteStore, path: Path) -> None:
        """A table of another shape is an outage."""
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE webhook_guard_claims (ends)")
        with pytest.raises(IdempotencyError, match="no such column: key"):
            store.claim("wh_1")

    def test_folder_gone(self, store: SQLiteStore, path: Path) -> None:
        """A folder that is gone is an outage."""
        path.parent.rmdir()
        with pytest.raises(IdempotencyError, match="unable to open database file"):
            store.claim("wh_1")
        path.parent.mkdir()


class TestSharing:
    """Who shares a file."""

    def test_two_stores(self, store: SQLiteStore, path: Path, clock: Clock) -> None:
        """Two stores of one file know the same."""
        token = store.claim("wh_1").token
        with closing(SQLiteStore(path, clock=clock)) as other:
            assert other.claim("wh_1").state is ClaimState.IN_PROGRESS
            assert other.complete("wh_1", token)
        assert store.claim("wh_1").state is ClaimState.COMPLETED

    def test_fork(self, path: Path) -> None:
        """A child process opens the file for itself, while the parent goes on."""
        store = SQLiteStore(path, timeout=10)
        store.claim("parent")
        context = multiprocessing.get_context("fork")

        def child() -> None:
            for number in range(50):
                store.claim(f"child {number}")
            store.close()

        process = context.Process(target=child)
        process.start()
        for number in range(50):
            store.claim(f"parent {number}")
        process.join()
        store.close()
        assert process.exitcode == 0
        assert len(rows(path)) == 101

    @pytest.mark.parametrize("end", ["closes", "goes on"])
    def test_used_before_a_fork(self, store: SQLiteStore, end: str) -> None:
        """A store that was used before a fork is the same file after it, whatever the parent does then."""
        store.claim("parent")
        context = multiprocessing.get_context("fork")
        may_go_on, told = context.Event(), context.Event()

        def child() -> None:
            token = store.claim("child").token
            told.set()
            assert may_go_on.wait(10)
            assert store.complete("child", token)
            os._exit(0)  # as a worker that is killed: it closes nothing

        process = context.Process(target=child)
        process.start()
        assert told.wait(10)
        if end == "closes":
            store.close()
        may_go_on.set()
        process.join(10)
        assert process.exitcode == 0
        assert store.claim("child").state is ClaimState.COMPLETED

    def test_no_forks(self) -> None:
        """The module can be imported where there are no forks, as on Windows."""
        # What else uses them is imported before they are gone.
        code = "import asyncio, os, random; del os.register_at_fork; import webhook_guard.idempotency.sqlite"
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  our own

    def test_fork_during_calls(self, path: Path) -> None:
        """A fork waits for the calls of other threads: no child inherits a call in progress."""
        store, ended = SQLiteStore(path, timeout=10), threading.Event()

        def call() -> None:
            number = 0
            while not ended.wait(0.001):
                number += 1
                store.claim(f"thread {number}")

        thread = threading.Thread(target=call)
        thread.start()
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=store.claim, args=(f"child {number}",)) for number in range(5)]
        for child in children:
            child.start()
            child.join(20)
        ended.set()
        thread.join()
        store.close()
        assert [child.exitcode for child in children] == [0] * 5

    def test_first_use_by_many(self, path: Path) -> None:
        """Many that come first at the same moment make one file, and none of them fails."""
        start = threading.Barrier(16)
        claimed: list[ClaimState] = []

        def claim() -> None:
            with closing(SQLiteStore(path, timeout=10)) as own:
                start.wait(10)
                claimed.append(own.claim("wh_1").state)

        threads = [threading.Thread(target=claim) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(claimed) == [*["in_progress"] * 15, "new"]

    def test_released_meanwhile(self, store: SQLiteStore, path: Path, clock: Clock) -> None:
        """What another releases between our look and the next is still in progress to us."""
        token = store.claim("wh_1").token
        with closing(SQLiteStore(path, clock=clock)) as other:

            def release(statement: str) -> None:
                if statement.startswith("SELECT completed"):
                    other.release("wh_1", token)

            with connection_of(store) as connection:
                connection.set_trace_callback(release)
            assert store.claim("wh_1").state is ClaimState.IN_PROGRESS
        assert store.claim("wh_1").state is ClaimState.NEW
