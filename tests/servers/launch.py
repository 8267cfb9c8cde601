"""Real servers, each in processes of its own on a free port of this machine, with what `servers.apps` serves."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Literal

from servers.client import TIMEOUT, Answer, Client, head
from support import free_port

#: Seconds until a server that does not listen is given up: a cold start with all frameworks takes a few.
PATIENCE = 60.0

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A server, and how it is started.

    Attributes:
        name: As the table has it: the program, and what of it is used.
        interface: What it speaks with its app.
        package: The distribution that it is in; None if it is Python's own.
        command: The words after ``python -m``, the program first; ``{port}`` and ``{app}`` are filled in.
        prefix: The words more with which it serves its app below the path `servers.apps.PREFIX`; None if it can't.
    """

    name: str
    interface: Literal["asgi", "wsgi"]
    package: str | None
    command: str
    prefix: str | None = None

    @property
    def version(self) -> str:
        """The version that is installed."""
        return version(self.package) if self.package else f"Python {sys.version_info[0]}.{sys.version_info[1]}"

    def arguments(self, port: int, *, below_prefix: bool) -> list[str]:
        """Return the command line."""
        program, *rest = self.command.split()
        words = [program, *((self.prefix or "").split() if below_prefix else ()), *rest]
        return [sys.executable, "-m", *(word.format(port=port, app=f"servers.apps:{self.interface}") for word in words)]


_UVICORN = "uvicorn {app} --host 127.0.0.1 --port {port} --loop asyncio --http "
_GUNICORN = "gunicorn {app} --config python:servers.gunicorn_settings --bind 127.0.0.1:{port} --worker-class "
_GRANIAN = "granian {app} --host 127.0.0.1 --port {port} --loop asyncio --log-level warning --interface "

_ALL = (
    Server("uvicorn h11", "asgi", "uvicorn", _UVICORN + "h11", prefix="--root-path /prefix"),
    Server("uvicorn httptools", "asgi", "uvicorn", _UVICORN + "httptools", prefix="--root-path /prefix"),
    Server("hypercorn", "asgi", "hypercorn", "hypercorn {app} --bind 127.0.0.1:{port}", prefix="--root-path /prefix"),
    Server("granian ASGI", "asgi", "granian", _GRANIAN + "asgi", prefix="--url-path-prefix /prefix"),
    Server("daphne", "asgi", "daphne", "daphne {app} --bind 127.0.0.1 --port {port}", prefix="--root-path /prefix"),
    Server("gunicorn ASGI", "asgi", "gunicorn", _GUNICORN + "asgi", prefix="--root-path /prefix"),
    Server("gunicorn sync", "wsgi", "gunicorn", _GUNICORN + "sync", prefix="--env SCRIPT_NAME=/prefix"),
    Server(
        "gunicorn gthread", "wsgi", "gunicorn", _GUNICORN + "gthread --threads 4", prefix="--env SCRIPT_NAME=/prefix"
    ),
    Server(
        "granian WSGI",
        "wsgi",
        "granian",
        _GRANIAN + "wsgi --blocking-threads 4",
        prefix="--url-path-prefix /prefix",
    ),
    Server("waitress", "wsgi", "waitress", "waitress --listen=127.0.0.1:{port} {app}", prefix="--url-prefix=/prefix"),
    Server("wsgiref", "wsgi", None, "servers.wsgiref_server {port} {app}"),
)
SERVERS: dict[str, Server] = {server.name: server for server in _ALL}


class Running:
    """A running server: its port and its log."""

    def __init__(self, server: Server, port: int, log: Path, *, below_prefix: bool) -> None:
        self.server = server
        self.port = port
        self.below_prefix = below_prefix
        self._log = log
        self._read = 0

    def connect(self) -> Client:
        """Open a connection."""
        return Client(self.port)

    def ask(self, request: bytes) -> Answer:
        """Return the answer to a request on a connection of its own."""
        with self.connect() as client:
            client.send(request)
            return client.answer()

    def get(self, path: str, app: str) -> Answer:
        """Return the answer to a GET."""
        return self.ask(head({"x-app": app}, method="GET", path=path))

    def journal(self) -> dict[str, list[str]]:
        """Return, by webhook id, what became of the requests: a reason, or "called" with what the app saw."""
        entries: dict[str, list[str]] = self.get("/", "journal").json()
        return entries

    def new_log(self) -> str:
        """Return what was logged since the last call."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        self._read += len(text)
        return text.decode(errors="replace")


@contextmanager
def running(server: Server, *, below_prefix: bool = False) -> Generator[Running]:
    """Run a server, and stop it at the end."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as output, _started(server, port, output, below_prefix=below_prefix) as process:
            ready = Running(server, port, log, below_prefix=below_prefix)
            try:
                _wait_until_it_listens(process, ready)
                yield ready
            finally:
                _stop(process)


def _started(server: Server, port: int, output: IO[bytes], *, below_prefix: bool) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(  # noqa: S603  every word of it is ours
        server.arguments(port, below_prefix=below_prefix),
        cwd=Path(output.name).parent,
        # One worker: what it has noted is in its memory.
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "WEB_CONCURRENCY": "1"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a group of its own, so that its workers end with it
    )


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", server: Running) -> None:
    """Return when a connection is accepted; there is no event of a foreign process to wait for."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, server.port), TIMEOUT).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{server.server.name} does not listen: {server.new_log()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server and its workers, at once: nothing that it still has to say is of interest."""
    for step in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, step)
            process.wait(TIMEOUT)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        else:
            break
