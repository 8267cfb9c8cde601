"""A client that decides on every byte, and the requests that it sends."""

import json
import socket
import struct
from collections.abc import Mapping
from http.client import HTTPMessage, HTTPResponse
from typing import Any, NamedTuple, Self

from support import BODY, PATH, signed

#: Seconds. Nothing here takes a tenth of it, so what does is stuck.
TIMEOUT = 10.0

#: The limit of the guards, in bytes.
LIMIT = 1000


def head(headers: Mapping[str, str | int], *, method: str = "POST", path: str = PATH) -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: test", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def genuine(webhook_id: str, *, path: str = PATH, headers: Mapping[str, str | int] = {}) -> bytes:
    """Return a genuine delivery, but for what `headers` say."""
    all_headers = {**signed(webhook_id=webhook_id), "content-length": len(BODY), **headers}
    return head(all_headers, path=path) + BODY


def chunked_head(webhook_id: str) -> bytes:
    """Return the head of a genuine delivery whose body comes in chunks."""
    return head({**signed(webhook_id=webhook_id), "transfer-encoding": "chunked"})


def chunk(data: bytes) -> bytes:
    """Return one chunk of a body; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Answer(NamedTuple):
    """A whole response."""

    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str | None]:
        """The status and, if it is the guard that refused, the reason."""
        ours = self.body and self.headers["content-type"] == "application/problem+json"
        return self.status, self.json()["reason"] if ours else None


class Client:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        # Each piece goes out when it is sent, and does not wait for the next one.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send `data`, all of it."""
        self.socket.sendall(data)

    def response(self) -> HTTPResponse:
        """Return the next response as soon as its head is there."""
        response = HTTPResponse(self.socket)
        response.begin()
        return response

    def answer(self) -> Answer:
        """Return the next response when it is complete."""
        with self.response() as response:
            return Answer(response.status, response.headers, response.read())

    def line(self) -> bytes:
        """Return the next line that the server sends; `response` would skip a "100 Continue"."""
        line = b""
        while not line.endswith(b"\r\n"):
            received = self.socket.recv(1)
            assert received, line
            line += received
        return line

    def wait_to_continue(self) -> None:
        """Wait for a "100 Continue"."""
        assert self.line() == b"HTTP/1.1 100 Continue\r\n"
        assert self.line() == b"\r\n"

    def rest(self) -> bytes:
        """Return all that the server sends until it closes the connection."""
        return b"".join(iter(lambda: self.socket.recv(65_536), b""))

    def end_sending(self) -> None:
        """Send no more, but listen on."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def reset(self) -> None:
        """Hang up as a client that crashed, without a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
