"""What the tests of `webhook-guard listen` share: a server for the current test, its output as it comes, and an app."""

import io
import signal
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from queue import SimpleQueue

from webhook_guard.asgi import ASGIApp, Receive, Scope, Send

from servers.client import TIMEOUT, Client
from support import free_port


class Stage:
    """An ASGI app that is the one of the current test: starting a server for each would take longer than the tests."""

    def __init__(self) -> None:
        self.port = 0
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app of the current test."""
        assert self.app is not None
        await self.app(scope, receive, send)

    def connect(self) -> Client:
        """Open a connection."""
        return Client(self.port)


class Lines(io.StringIO):
    """A text stream that gives out each line as soon as it is written; any thread may write."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._begun = ""
        self._whole = SimpleQueue[str]()

    def write(self, text: str, /) -> int:
        """Take text."""
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in lines:
                self._whole.put(line)
        return super().write(text)

    def next(self) -> str:
        """Wait for a line, and return it."""
        return self._whole.get(timeout=TIMEOUT)


class RawApp:
    """An app that records requests to the byte, each on a connection of its own, and answers as it is told.

    Attributes:
        url: Where it is.
        answers: The bytes to answer with, in order; none hangs until the app ends.
    """

    def __init__(self, port: int, ended: threading.Event) -> None:
        self.url = f"http://127.0.0.1:{port}/hook?key=1"
        self.answers = SimpleQueue[bytes]()
        self._requests = SimpleQueue[bytes]()
        self._ended = ended

    def request(self) -> bytes:
        """Wait for a request, and return it: head and body."""
        return self._requests.get(timeout=TIMEOUT)

    def has_more(self) -> bool:
        """Whether there was a request more."""
        return not self._requests.empty()

    def take(self, request: bytes) -> bytes:
        """Take a request, and return the answer."""
        self._requests.put(request)
        if self.answers.empty():
            self._ended.wait(TIMEOUT)
            return b""
        return self.answers.get()


class _Handler(socketserver.StreamRequestHandler):
    """Reads one request with a Content-Length."""

    def handle(self) -> None:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        lengths = [int(line.partition(b":")[2]) for line in lines if line.lower().startswith(b"content-length:")]
        body = self.rfile.read(*lengths)
        assert isinstance(self.server, _Server)
        self.wfile.write(self.server.app.take(b"".join([*lines, b"\r\n", body])))


class _Server(socketserver.ThreadingTCPServer):
    app: RawApp


@contextmanager
def raw_app(*answers: bytes) -> Generator[RawApp, None, None]:
    """Run an app that gives these answers."""
    ended = threading.Event()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.app = RawApp(server.server_address[1], ended)
        for answer in answers:
            server.app.answers.put(answer)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.app
        finally:
            ended.set()
            server.shutdown()
            thread.join(TIMEOUT)


@contextmanager
def visited(number: signal.Signals, first: bytes, *others: bytes) -> Generator[tuple[int, Lines], None, None]:
    """Send requests to what is going to listen on a port, and then this process a signal; give port and stderr.

    There is at least one request: who has answered one is ready for a signal.
    """
    port = free_port()
    with redirect_stderr(Lines()) as err, redirect_stdout(Lines()):

        def visit() -> None:
            while err.next() != "Ctrl-C stops it.":
                pass
            for request in (first, *others):
                with Client(port) as client:
                    client.send(request)
                    client.answer()
            signal.raise_signal(number)

        visitor = threading.Thread(target=visit)
        visitor.start()
        yield port, err
        visitor.join(TIMEOUT)
