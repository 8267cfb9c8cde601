"""One connection to a server, and the exchanges over it: h11 reads what comes, and a deadline bounds each of them."""

import contextlib
import functools
import socket
import ssl
import time
from urllib.parse import SplitResult

import h11

#: Bytes that are read of an answer's body, and at most of its head.
LARGEST_ANSWER = 65_536
_CHUNK = 65_536
#: What every answer begins with. Other protocols would leave us waiting for the end of a head.
_BEGINNING = b"HTTP/"


class Connection:
    """A connection of its own to the host of a URL.

    Args:
        url: http:// or https://.
        deadline: When connecting is given up, on the monotonic clock.

    Attributes:
        has_answered: Whether the server has said anything in the exchange at hand.

    Raises:
        OSError: There is no such host, nothing listens there, it takes too long, or TLS fails.
    """

    def __init__(self, url: SplitResult, deadline: float) -> None:
        self.has_answered: bool = False
        self._socket = _connect(url, deadline)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_ANSWER)

    def exchange(self, request: h11.Request, body: bytes, deadline: float) -> tuple[h11.Response, bytes]:
        """Send a request, and return the answer with the beginning of its body.

        Raises:
            OSError: The connection breaks, or the deadline passes.
            h11.RemoteProtocolError: What comes is no answer.
            h11.LocalProtocolError: The headers contradict the body.
        """
        self.has_answered = False
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        message = b"".join(self._http.send(part) or b"" for part in parts)
        self._socket.settimeout(_left(deadline))
        # A server may answer and close before it has read everything, as one that refuses a large body unread.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(message)
        return self._read(deadline)

    def is_kept(self) -> bool:
        """Say whether another exchange can follow; if so, it is prepared."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _read(self, deadline: float) -> tuple[h11.Response, bytes]:
        while not isinstance(head := self._next(deadline), h11.Response):
            pass  # informational, as 103 Early Hints
        content = bytearray()
        while len(content) < LARGEST_ANSWER and isinstance(event := self._next(deadline), h11.Data):
            content += event.data
        return head, bytes(content[:LARGEST_ANSWER])

    def _next(self, deadline: float) -> object:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(self._receive(deadline))
        except h11.RemoteProtocolError:
            if self._http.trailing_data[1]:
                raise ConnectionResetError from None
            raise
        return event

    def _receive(self, deadline: float) -> bytes:
        self._socket.settimeout(_left(deadline))
        data = self._socket.recv(_CHUNK)
        if data and not self.has_answered and not data.startswith(_BEGINNING[: len(data)]):
            raise h11.RemoteProtocolError("no HTTP")
        self.has_answered = self.has_answered or bool(data)
        return data


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return what all connections share: it takes long to make."""
    return ssl.create_default_context()


def _connect(url: SplitResult, deadline: float) -> socket.socket:
    host, is_tls = str(url.hostname), url.scheme == "https"
    try:
        plain = socket.create_connection((host, url.port or (443 if is_tls else 80)), _left(deadline))
    except UnicodeError:  # a label of the name is empty, or too long
        raise socket.gaierror from None
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not is_tls:
        return plain
    try:
        plain.settimeout(_left(deadline))
        return tls_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _left(deadline: float) -> float:
    """Return the seconds until the deadline.

    Raises:
        TimeoutError: There are none.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
