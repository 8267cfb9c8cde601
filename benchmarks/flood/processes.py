"""Processes of their own: the server has the first core, and everybody else the others, where there are several."""

import json
import os
import resource
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

from benchmarks.flood.apps import SEEN

Address: TypeAlias = tuple[str, int]

#: Seconds that a process may take to start, to answer or to end.
_PATIENCE = 20
#: Files that a process has open beside connections.
_OWN_FILES = 100
_BACKLOG = 2048


class Seen(NamedTuple):
    """What an app says of itself."""

    #: Requests that it read to their end.
    complete: int
    #: Requests that nobody has answered yet.
    waiting: int
    #: Garbage collections of everything there is.
    collections: int


class Process(AbstractContextManager["Process"]):
    """A module of this package that runs until the block ends, if not before.

    Args:
        module: Its name.
        arguments: What it is told.
        serves: Whether it is the server.
        files: Numbers of open files that it inherits.
    """

    def __init__(self, module: str, *arguments: object, serves: bool = False, files: tuple[int, ...] = ()) -> None:
        self._module = f"benchmarks.flood.{module}"
        command = [sys.executable, "-m", self._module, *map(str, arguments)]
        self._popen = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=files)  # noqa: S603  our own modules
        first, *others = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(self._popen.pid, {first} if serves or not others else others)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.communicate()

    def result(self, seconds: float) -> Any:
        """Return what it prints, as JSON, before it ends.

        Args:
            seconds: How long that should take.

        Raises:
            RuntimeError: It failed; why is on stderr.
        """
        printed, _ = self._popen.communicate(timeout=max(0.0, seconds) + _PATIENCE)
        if self._popen.returncode:
            raise RuntimeError(f"{self._module} failed")
        return json.loads(printed)

    def proc(self, name: str) -> str:
        """Return one of the kernel's files about it."""
        return Path(f"/proc/{self._popen.pid}/{name}").read_text("ascii")


class Server(Process):
    """An app in a server of its own, on a port of its own.

    Args:
        contender: Which app.
        body_timeout: The guard's, in seconds.
    """

    def __init__(self, contender: str, body_timeout: float) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
            self.address: Address = listening.getsockname()
            number = listening.fileno()
            super().__init__("apps", contender, number, body_timeout, serves=True, files=(number,))

    def __enter__(self) -> Self:
        self.seen()  # answered as soon as it has started
        return self

    def seen(self) -> Seen:
        """Ask the app."""
        with socket.create_connection(self.address, _PATIENCE) as connection:
            connection.sendall(f"GET {SEEN} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        return Seen(**json.loads(answer.partition(b"\r\n\r\n")[2]))

    def memory(self) -> int:
        """Return what is resident now, in bytes."""
        return self._bytes("smaps_rollup", "Rss")

    def peak(self) -> int:
        """Return the most that was resident since it started, in bytes."""
        return self._bytes("status", "VmHWM")

    def cpu(self) -> float:
        """Return how many seconds of a processor it has had."""
        fields = self.proc("stat").rpartition(")")[2].split()
        # utime and stime are the 14th and 15th field, and these begin with the third.
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _bytes(self, file: str, name: str) -> int:
        (line,) = (line for line in self.proc(file).splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


def allow_connections(count: int) -> None:
    """Let this process, and those that it starts, have so many connections open.

    Raises:
        RuntimeError: The system does not.
    """
    wanted = count + _OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(
            f"{count:,} connections need {wanted:,} open files in a process, and the hard limit is {hard:,}: "
            "raise it (nofile in /etc/security/limits.conf, LimitNOFILE of systemd, --ulimit of Docker)"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
