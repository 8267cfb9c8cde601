"""Store servers of a test's own, which it stops, starts again on the same port and data, and freezes."""

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import redis

from faults.waiting import PATIENCE, wait_until
from services import give_up
from support import free_port


class OwnServer(ABC):
    """A server with its data in a folder.

    Args:
        folder: Empty.
    """

    #: The signal at which it ends in good order, without waiting for its clients to go.
    ends_at: signal.Signals
    #: Who runs it, if not who runs the tests.
    user: str | None = None

    def __init__(self, folder: Path) -> None:
        self.port: int = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def where(self) -> str:
        """What a store connects to."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _ask(self) -> None:
        """Ask something, to see whether it answers."""

    def start(self) -> None:
        """Start it, and return when it answers."""
        try:
            wait_until(self._is_started, f"{self._command()[0]} answers")
        except AssertionError as error:
            error.add_note(self._log().read_text()[-2_000:])
            raise

    def _is_started(self) -> bool:
        # Right after a crash, what is left of the last one may still be in the way.
        if self._process is None or self._process.poll() is not None:
            self._process = self._run(*self._command())
        try:
            self._ask()
        except (redis.RedisError, psycopg.Error):
            return False
        return True

    def crash(self) -> None:
        """Kill it, and all its processes: its machine lost power."""
        process = self._running()
        pids = self.freeze()  # so that none of them sees another one die, or makes one more
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE)

    def shut_down(self) -> None:
        """Have it end in good order."""
        process = self._running()
        process.send_signal(self.ends_at)
        process.wait(PATIENCE)

    def freeze(self) -> list[int]:
        """Stop all its processes where they are, and return them: connections stay, and nobody answers."""
        first = self._running().pid
        _stop(first)
        pids = [first, *_children(first)]
        for pid in pids:
            _stop(pid)
        return pids

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        first = self._running().pid
        # The first one last, because it is who forgets the others when they end.
        for pid in (*_children(first), first):
            os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self.shut_down()

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    def _log(self) -> Path:
        return self._folder / "log"

    def _run(self, *command: str) -> "subprocess.Popen[bytes]":
        with self._log().open("ab") as log:
            return subprocess.Popen(  # noqa: S603  every word of it is ours
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _stop(pid: int) -> None:
    """Stop a process, and return when it does nothing more."""
    os.kill(pid, signal.SIGSTOP)
    # The state stands behind the name, which is in brackets; Z is a process that has ended.
    wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ", f"{pid} stops")


class OwnRedis(OwnServer):
    """A Redis that has on the disk what it confirms."""

    ends_at = signal.SIGTERM

    @property
    def where(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        return [_program("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), *durable]

    def _ask(self) -> None:
        with redis.Redis.from_url(self.where, socket_timeout=1) as client:  # pyright: ignore[reportUnknownMemberType]  its options are untyped
            client.ping()  # pyright: ignore[reportUnknownMemberType]  the same


class OwnPostgres(OwnServer):
    """A PostgreSQL cluster."""

    # SIGTERM would wait for the clients.
    ends_at = signal.SIGINT
    # It refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if self.user:
            shutil.chown(folder, self.user, self.user)
        self._run(_program("initdb"), "--username=test", "--auth=trust", "--no-sync", self._data).wait(PATIENCE)

    @property
    def where(self) -> str:
        """Its DSN."""
        return f"host=127.0.0.1 port={self.port} user=test dbname=postgres"

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _command(self) -> list[str]:
        listening = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        return [_program("postgres"), "-D", self._data, "-p", str(self.port), *listening]

    def _ask(self) -> None:
        psycopg.connect(self.where, connect_timeout=2).close()


def _program(name: str) -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    return shutil.which(name, path=path) or give_up(f"{name} is not installed")


@contextmanager
def own(kind: str) -> Generator[OwnServer]:
    """Start a server, and end it and remove its data.

    Args:
        kind: redis or postgres.
    """
    with TemporaryDirectory() as folder:
        server = {"redis": OwnRedis, "postgres": OwnPostgres}[kind](Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.end()
