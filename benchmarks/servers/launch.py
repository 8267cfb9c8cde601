"""Servers in processes of their own, each with one worker on a free port of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.delivery import BODY, PATH
from benchmarks.servers import cores

_HOST = "127.0.0.1"
#: Where `benchmarks` is: it is not installed.
_ROOT = Path(__file__).parents[2]
#: Seconds until a server that does not answer is given up: up to four of them start on one core.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Server:
    """A server, and how it is started.

    Attributes:
        package: The distribution that it is in, which is also the module that runs it.
        uses: What it runs on, where there is a choice.
        options: What it is started with; ``{address}``, or ``{host}`` and ``{port}``, are filled in.
    """

    package: str
    uses: str
    options: str

    def command(self, app: str, port: int) -> list[str]:
        """Return the command line that serves the app of that name in `apps`."""
        options = self.options.format(address=f"{_HOST}:{port}", host=_HOST, port=port)
        return [sys.executable, "-m", self.package, f"benchmarks.servers.apps:{app}", *options.split()]


@contextmanager
def running(server: Server, app: str) -> Generator[int]:
    """Run a server that serves `app`, and give its port, where it may not listen yet."""
    port = _free_port()
    with cores.pinned(cores.SERVERS):
        process = subprocess.Popen(  # noqa: S603  every word of it is ours
            server.command(app, port),
            cwd=_ROOT,
            env={**os.environ, "WEB_CONCURRENCY": "1"},  # one worker, all three of them
            start_new_session=True,  # a group of its own, so that its workers end with it, and Ctrl-C is not for it
        )
    try:
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # nothing that it still has to say is of interest
        process.wait()


def status(port: int, headers: dict[str, str]) -> int:
    """Return the status of the answer to the delivery with `headers`, as soon as the server listens."""
    _wait_until_it_listens(port)
    with closing(HTTPConnection(_HOST, port, timeout=_PATIENCE)) as connection:
        connection.request("POST", PATH, BODY, headers)
        return connection.getresponse().status


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection((_HOST, port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)  # there is no event of a foreign process to wait for
        else:
            return


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
