"""A server that says what a test tells it to, byte for byte: what real ones rarely do, and a client must bear."""

import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

#: Seconds until something that should have happened counts as failed.
DEADLINE = 10.0
#: Seconds between the bytes of what drips.
_PACE = 0.01
#: Bytes of a request that are read at a time, where that takes long.
_SIP = 16_384
#: A key and a certificate for localhost and 127.0.0.1, made for these tests, until 2120.
CERTIFICATE = Path(__file__).parents[1] / "data" / "loopback.pem"

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Drip(bytes):
    """An answer that comes byte by byte, again and again, until the client goes."""


class Early(bytes):
    """An answer that comes before the request is read."""


#: Bytes that are read at a time.
_CHUNK = 65_536

#: What a request is answered with; None is no answer, until the client goes.
Reply: TypeAlias = bytes | None


class Sip(bytes):
    """No answer, while the request is read bit by bit, until the client goes."""


class Served(NamedTuple):
    """A running server."""

    url: str
    #: What came, whole.
    requests: list[bytes]
    #: Released once for each connection that is closed.
    closed: threading.Semaphore


@contextmanager
def serving(*connections: Sequence[Reply], tls: bool = False) -> Generator[Served, None, None]:
    """Serve connections one after another; each has its requests answered in turn, and is closed then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        url = f"http{'s' * tls}://127.0.0.1:{listener.getsockname()[1]}/webhooks"
        served = Served(url, [], threading.Semaphore(0))

        def serve() -> None:
            for replies in connections:
                with _accept(listener) as connection, suppress(ConnectionError, ssl.SSLError):  # some clients go early
                    _converse(_encrypted(connection) if tls else connection, replies, served.requests)
                served.closed.release()

        thread = threading.Thread(target=serve)
        thread.start()
        yield served
        thread.join(DEADLINE)
        assert not thread.is_alive()


@contextmanager
def refusing() -> Generator[str, None, None]:
    """Give a URL where nothing listens, nor will meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/webhooks"


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return an answer with a status and its phrase, a body and perhaps more headers."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""])
    return head.encode() + body


def _accept(listener: socket.socket) -> socket.socket:
    connection = listener.accept()[0]
    connection.settimeout(DEADLINE)
    return connection


def _encrypted(connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context.wrap_socket(connection, server_side=True)


def _converse(connection: socket.socket, replies: Sequence[Reply], requests: list[bytes]) -> None:
    with connection, connection.makefile("rb") as source:
        for reply in replies:
            if not isinstance(reply, Early | Sip):
                requests.append(_request(source))
            if reply is None:
                source.read()
            elif isinstance(reply, Drip):
                _drip(connection, reply)
            elif isinstance(reply, Sip):
                _sip(connection)
            else:
                connection.sendall(reply)
            if isinstance(reply, Early) and isinstance(connection, ssl.SSLSocket):
                _linger(connection)


def _request(source: BinaryIO) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (line := source.readline()):
            raise ConnectionError  # the client has gone
        head += line
    length = re.search(rb"(?i)\r\ncontent-length: ?(\d+)", head)
    return head + source.read(int(length[1]) if length else 0)


def _drip(connection: socket.socket, reply: bytes) -> None:
    while True:
        for index in range(len(reply)):
            connection.sendall(reply[index : index + 1])
            select.select([connection], [], [], _PACE)  # until the client goes, but not longer


def _linger(connection: ssl.SSLSocket) -> None:
    """Take the request in behind its answer: closed at once, TLS may lose the answer before the client reads it."""
    while connection.recv(_CHUNK):
        pass


def _sip(connection: socket.socket) -> None:
    while connection.recv(_SIP):
        time.sleep(_PACE)
