"""Requests to the byte, genuine ones and others."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from servers.client import LIMIT, chunk
from support import BODY, PATH, event_body, signed

ID, STAMP, SIGNATURE, LENGTH = b"Webhook-Id", b"Webhook-Timestamp", b"Webhook-Signature", b"Content-Length"
CHUNKED = (b"Transfer-Encoding", b"chunked")
EXPECTATION = (b"Expect", b"100-continue")

_FORGED = b"v1," + base64.b64encode(bytes(32))
_UPGRADE = (
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", base64.b64encode(bytes(16))),
)

#: Webhook ids that no other request has.
_numbers: Iterator[int] = count()


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A request, to the byte.

    Attributes:
        webhook_id: Under which the journal has it.
        line: The request line.
        headers: Names and values, in order; the host comes before them.
        body: What is sent after the head.
    """

    webhook_id: str
    line: bytes = b"POST %b HTTP/1.1" % PATH.encode()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = BODY

    @property
    def head(self) -> bytes:
        """The head, with the empty line after it."""
        lines = [self.line, b"Host: test", *(b"%b: %b" % pair for pair in self.headers)]
        return b"\r\n".join([*lines, b"", b""])

    @property
    def whole(self) -> bytes:
        """Head and body."""
        return self.head + self.body

    def without(self, *names: bytes) -> "Raw":
        """Return it without some headers."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] not in names))

    def plus(self, *headers: tuple[bytes, bytes]) -> "Raw":
        """Return it with more headers at the end."""
        return replace(self, headers=(*self.headers, *headers))

    def having(self, name: bytes, value: bytes) -> "Raw":
        """Return it with another value of a header."""
        return replace(self, headers=tuple((key, value if key == name else old) for key, old in self.headers))

    def renamed(self, rename: Callable[[bytes], bytes]) -> "Raw":
        """Return it with other names for its webhook headers."""
        names = {name: rename(name) for name in (ID, STAMP, SIGNATURE)}
        return replace(self, headers=tuple((names.get(name, name), value) for name, value in self.headers))

    def to(self, target: bytes = PATH.encode(), *, method: bytes = b"POST", version: bytes = b"1.1") -> "Raw":
        """Return it with another request line."""
        return replace(self, line=b"%b %b HTTP/%b" % (method, target, version))

    def carrying(self, body: bytes) -> "Raw":
        """Return it with another body, about which the head says nothing."""
        return replace(self, body=body)

    def in_chunks(self, size: int = LIMIT) -> "Raw":
        """Return it with its body in chunks of so many bytes."""
        chunks = [chunk(self.body[start : start + size]) for start in range(0, len(self.body), size)]
        return self.without(LENGTH).plus(CHUNKED).carrying(b"".join(chunks) + chunk(b""))


def genuine(body: bytes = BODY) -> Raw:
    """Return a genuine delivery."""
    webhook_id = f"wh_{next(_numbers)}"
    values = signed(body, webhook_id=webhook_id)
    headers = tuple((name.title().encode(), value.encode()) for name, value in values.items())
    return Raw(webhook_id=webhook_id, headers=(*headers, (LENGTH, b"%d" % len(body))), body=body)


def forged() -> Raw:
    """Return a delivery with a signature that matches nothing."""
    return genuine().having(SIGNATURE, _FORGED)


def unsigned() -> Raw:
    """Return a delivery without one of the webhook headers: its head is enough to refuse it."""
    return genuine().without(SIGNATURE)


def without_body(method: bytes) -> Raw:
    """Return a request of another method, with the headers of a delivery and no body."""
    return genuine().without(LENGTH).to(method=method).carrying(b"")


def websocket() -> Raw:
    """Return the opening handshake of a websocket."""
    return without_body(b"GET").plus(*_UPGRADE)


def doubled(name: bytes) -> Raw:
    """Return a delivery with one of its headers twice."""
    request = genuine()
    return request.plus((name, dict(request.headers)[name]))


def largest() -> Raw:
    """Return a genuine delivery of exactly the limit."""
    return genuine(event_body("batch.completed", {"id": "b"}).ljust(LIMIT))


def too_large() -> Raw:
    """Return a delivery that is genuine, but one byte over the limit."""
    return genuine(event_body("batch.completed", {"id": "b"}).ljust(LIMIT + 1))


def with_length(value: bytes) -> Raw:
    """Return a delivery that is genuine, but for what its Content-Length says."""
    return genuine().having(LENGTH, value)


def with_coding(*values: bytes) -> Raw:
    """Return a chunked delivery that is genuine, but for what its Transfer-Encoding says."""
    codings = ((CHUNKED[0], value) for value in values)
    return genuine().in_chunks().without(CHUNKED[0]).plus(*codings)


def with_chunks(chunks: bytes) -> Raw:
    """Return a delivery that is genuine, but for the framing of its chunks: its body stands for ``BODY`` in them."""
    return genuine().in_chunks().carrying(chunks.replace(b"BODY", BODY))
