"""A gunicorn in processes of its own, with the app of `servers.wsgi_app`."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from servers.client import TIMEOUT, Answer, Client, head


class Server:
    """A running gunicorn: its port and its log."""

    def __init__(self, port: int, stderr: IO[str]) -> None:
        self.port = port
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.reader = threading.Thread(target=self._read_log, args=(stderr,))
        self.reader.start()

    def _read_log(self, stderr: IO[str]) -> None:
        for line in stderr:
            self._lines.put(line)

    def connect(self) -> Client:
        """Open a connection; the listening socket takes it even if gunicorn is not ready yet."""
        return Client(self.port)

    def ask(self, request: bytes) -> Answer:
        """Return the answer to a request on a connection of its own."""
        with self.connect() as client:
            client.send(request)
            return client.answer()

    def was_called(self, webhook_id: str) -> bool:
        """Return whether a request with this id has reached the app."""
        answer = self.ask(head({}, method="GET", path="/calls"))
        return webhook_id in answer.json()

    def wait_for_line(self, *texts: str) -> None:
        """Wait for a line of the log with all `texts` in it, and see to it that no traceback comes before it."""
        line = self._lines.get(timeout=TIMEOUT)
        while not all(text in line for text in texts):
            assert "Traceback" not in line
            line = self._lines.get(timeout=TIMEOUT)

    def check_log(self) -> None:
        """See to it that there is no traceback in the log since the last line that was waited for."""
        lines = [self._lines.get() for _ in range(self._lines.qsize())]
        assert "Traceback" not in "".join(lines)


@contextmanager
def running(worker: str, directory: Path) -> Generator[Server]:
    """Run a gunicorn with one worker of the class `worker`, in `directory`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        process = _start(worker, listener, directory)
    # The socket is gunicorn's alone now: should it die, connections are refused and nobody waits.
    with process:
        assert process.stderr is not None
        server = Server(port, process.stderr)
        try:
            yield server
        finally:
            _stop(process)
            server.reader.join(TIMEOUT)
    server.check_log()


def _start(worker: str, listener: socket.socket, directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:servers.gunicorn_settings"]
    options = ["--bind", f"fd://{listener.fileno()}", "--worker-class", worker]
    return subprocess.Popen(  # noqa: S603  every word of it is ours
        [*command, *options, "servers.wsgi_app:app"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        pass_fds=[listener.fileno()],
        stderr=subprocess.PIPE,
        text=True,
    )


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGQUIT)  # at once: kept-alive connections are not waited for
    try:
        process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()  # its worker ends by itself when it finds its parent gone
        raise
