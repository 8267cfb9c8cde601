"""A conversation with a server, told as text: what it answered, and what became of the request."""

from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPMessage, parse_headers
from io import BufferedReader

from servers.client import TIMEOUT, Answer, Client

#: Seconds after which a server that says nothing is waiting for something.
SILENCE = 1.0

CLOSED = "closed"
WAITS = "waits"
GARBLED = "garbled"


class Talk:
    """One connection, and what the server says on it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._file: BufferedReader = client.socket.makefile("rb")

    def send(self, *parts: bytes) -> "Talk":
        """Send each part as a packet of its own, as long as the server listens."""
        for part in parts:
            try:
                self.client.send(part)
            except (BrokenPipeError, ConnectionResetError):
                break
        return self

    def half_close(self) -> "Talk":
        """Send no more, but listen on."""
        with suppress(OSError):  # the server may have hung up already
            self.client.end_sending()
        return self

    def leave(self, how: Callable[[Client], None]) -> None:
        """Hang up."""
        self._file.close()  # it holds the socket open
        how(self.client)

    def next(self, *, method: str = "POST", silence: float | None = None) -> str:
        """Return what the server says next: a status, with the reason if the guard gave one, or that it says nothing.

        Args:
            method: Of the request, because an answer to HEAD has no body.
            silence: Seconds of silence after which the server is taken to wait; None waits as long as for anything.
        """
        if silence is not None:
            self.client.socket.settimeout(silence)
        try:
            answer = _read_answer(self._file, method)
        except TimeoutError:
            # A buffered reader can't go on after a time-out, but the socket can.
            self._file = self.client.socket.makefile("rb")
            return WAITS
        except OSError:
            return CLOSED
        except ValueError:
            return GARBLED
        finally:
            self.client.socket.settimeout(TIMEOUT)
        return CLOSED if answer is None else _told(answer)

    def all(self, count: int) -> str:
        """Return what the server says to `count` requests."""
        told: list[str] = []
        while len(told) < count and (not told or told[-1] not in (CLOSED, GARBLED, WAITS)):
            told.append(self.next())
        return ", ".join(told)


def _told(answer: Answer) -> str:
    status, reason = answer.refusal
    return f"{status} {reason}" if reason else str(status)


def _read_answer(file: BufferedReader, method: str) -> Answer | None:
    """Return the next response, or None if the connection is closed instead."""
    line = file.readline(65_537)
    if not line:
        return None
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError(line)
    status = int(rest[:3])
    headers = parse_headers(file)
    return Answer(status, headers, _read_body(file, method, status, headers))


def _read_body(file: BufferedReader, method: str, status: int, headers: HTTPMessage) -> bytes:
    if method == "HEAD" or status < 200 or status in (204, 304):
        return b""
    if headers["transfer-encoding"] == "chunked":
        return b"".join(iter(lambda: _read_chunk(file), b""))
    length = headers["content-length"]
    return file.read() if length is None else file.read(int(length))


def _read_chunk(file: BufferedReader) -> bytes:
    data = file.read(int(file.readline().strip() or b"0", 16))
    file.readline()
    return data
