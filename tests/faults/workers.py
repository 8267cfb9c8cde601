"""A real server with two worker processes, which starts another one when one is killed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from faults import journal
from faults.journal import Step
from faults.served import environment
from faults.stores import Spec
from faults.waiting import PATIENCE, wait_until
from support import free_port

_GUNICORN = (
    "gunicorn --config python:servers.gunicorn_settings --bind 127.0.0.1:{port} --workers 2 --log-level critical "
    "--worker-class gthread --threads 8 faults.wsgi_app:served()"
)
_UVICORN = (
    "uvicorn --host 127.0.0.1 --port {port} --workers 2 --log-level critical --loop asyncio --lifespan off "
    "--factory faults.asgi_app:served"
)
#: By the front that is tried.
SERVERS = {"wsgi": _GUNICORN, "asgi": _UVICORN}


class Workers:
    """The workers of a running server.

    Args:
        port: Where the server listens.
        path: The journal.
    """

    def __init__(self, port: int, path: Path) -> None:
        self.port = port
        self.killed: list[int] = []
        self._path = path

    def started(self) -> list[int]:
        """Return all that have come up, in their order, those that were killed since included."""
        return [entry.pid for entry in journal.read(self._path) if entry.step is Step.WORKER]

    def alive(self) -> list[int]:
        """Return those that have come up and were not killed."""
        return [pid for pid in self.started() if pid not in self.killed]

    def wait_for(self, least: int) -> None:
        """Wait until so many have come up, and the server listens."""
        what = f"{least} workers (the server's log is beside {self._path})"
        wait_until(lambda: len(self.alive()) >= least and self._listens(), what)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        except ConnectionRefusedError:
            return False
        return True

    def kill(self, pid: int) -> None:
        """Kill one of them, at once."""
        os.kill(pid, signal.SIGKILL)
        self.killed.append(pid)


@contextmanager
def serving(front: str, spec: Spec, folder: Path, *, pace: int = 1) -> Generator[Workers]:
    """Run a server, and end it and its workers.

    Args:
        front: What is tried, wsgi or asgi.
        spec: The store.
        folder: Where the journal and the server's log are kept.
        pace: How fast the guard's clock goes.
    """
    path = folder / "journal"
    path.touch()
    port = free_port()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  every word of it is ours
            [sys.executable, "-m", *SERVERS[front].format(port=port).split()],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment(spec, path, pace)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a group of its own, so that its workers end with it
        )
    with process:
        try:
            workers = Workers(port, path)
            workers.wait_for(2)
            yield workers
        finally:
            os.killpg(process.pid, signal.SIGKILL)
