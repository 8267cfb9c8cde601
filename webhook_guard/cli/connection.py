"""One connection to a server, and the exchanges over it: h11 reads what comes, and a deadline bounds each of them.

Only the lookup of the host's name has no bound but the resolver's own. No request is ever sent twice.
"""

import contextlib
import functools
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any
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
        deadline: When connecting is given up, on the monotonic clock; the lookup of the name is not cut short.

    Raises:
        OSError: There is no such host, nothing listens there, it takes too long, or TLS fails.
    """

    def __init__(self, url: SplitResult, deadline: float) -> None:
        self._socket = _connect(url, deadline)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_ANSWER)

    def exchange(self, request: h11.Request, body: bytes, deadline: float) -> tuple[h11.Response, bytes]:
        """Send a request, and return the answer with the beginning of its body.

        Raises:
            OSError: The connection breaks, or the deadline passes.
            h11.RemoteProtocolError: What comes is no answer.
            h11.LocalProtocolError: The headers contradict the body.
        """
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        message = b"".join(self._http.send(part) or b"" for part in parts)
        self._socket.settimeout(_left(deadline))  # for all of it, also over TLS: there it is one write
        # A server may answer and close before it has read everything, as one that refuses a large body unread.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self._socket.sendall(message)
        return self._read(deadline)

    def is_kept(self) -> bool:
        """Say whether another exchange can follow; if so, it is prepared."""
        is_done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not is_done or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return True

    def is_stale(self) -> bool:
        """Say whether the server has closed it since, or said what nobody asked for: another exchange must not follow.

        It can still close it a moment later.
        """
        self._socket.settimeout(0)
        try:
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            pass  # it is broken
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
        is_first = self._http.their_state is h11.SEND_RESPONSE and not self._http.trailing_data[0]
        if is_first and not data.startswith(_BEGINNING[: len(data)]):
            raise h11.RemoteProtocolError("no HTTP")
        return data


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return what all connections share: it takes long to make."""
    return ssl.create_default_context()


def _connect(url: SplitResult, deadline: float) -> socket.socket:
    host = str(url.hostname)
    is_tls = url.scheme == "https"
    plain = _open(host, url.port or (443 if is_tls else 80), deadline)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not is_tls:
        return plain
    try:
        plain.settimeout(_left(deadline))
        return tls_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _open(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address of a host that takes it; all of them have one deadline."""
    problem = OSError()
    for family, kind, protocol, _, address in _addresses(host, port):
        try:
            return _connected(socket.socket(family, kind, protocol), address, deadline)
        except OSError as error:
            problem = error
    raise problem


def _addresses(host: str, port: int) -> Sequence[tuple[int, int, int, str, Any]]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label of the name is empty, or too long
        raise socket.gaierror from None


def _connected(plain: socket.socket, address: Any, deadline: float) -> socket.socket:
    try:
        plain.settimeout(_left(deadline))
        plain.connect(address)
    except BaseException:
        plain.close()
        raise
    return plain


def _left(deadline: float) -> float:
    """Return the seconds until the deadline.

    Raises:
        TimeoutError: There are none.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
