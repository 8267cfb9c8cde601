"""Raw HTTP requests, as they are on the wire: what `listen --save` writes, and `replay` and other tools read."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import h11

from webhook_guard.sansio.signature import ID, SIGNATURE, TIMESTAMP
from webhook_guard.wire import verbatim

#: Bytes of the request line and the headers; most servers take less.
LARGEST_HEAD = 65_536
#: What is between two neighbours, beside what their Connection header names and what begins with "proxy-".
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
#: What no Connection header can take away from the next one, because it is for the app.
_OF_DELIVERIES = {"content-type", ID, TIMESTAMP, SIGNATURE}
_PARTS = "a request line, headers, an empty line and the body"


class Request(NamedTuple):
    """A request as it is on the wire; text is Latin-1 there. Its repr shows neither headers nor body."""

    method: str
    #: The path with the query, as in the request line.
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"<{self.method} {self.target}, {len(self.headers)} headers, {len(self.body)} bytes>"

    def values(self, name: str) -> list[str]:
        """Return the values of all headers of a name, which is given in lower case."""
        return [value for each, value in self.headers if each.lower() == name]


def to_wire(request: Request) -> bytes:
    r"""Return the message, byte for byte as it is meant: nothing is added or joined, and no header is two lines.

    >>> to_wire(Request("POST", "/webhooks", (("host", "localhost"), ("content-length", "2")), b"{}"))
    b'POST /webhooks HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}'
    """
    return verbatim(*request)


def from_wire(message: bytes) -> Request:
    r"""Return the request in a message; its body is whole, and without chunks if it was sent in some.

    Lines may end in LF alone, as editors and logs write them, and line breaks after the body do not count.

    Raises:
        ValueError: It is no request, or not all of one, or more than one; the text says which, as in "the file ...".

    >>> from_wire(b"POST / HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{}\n").body
    b'{}'
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
    connection.receive_data(message)
    connection.receive_data(b"")  # and that is all
    head = _read_head(connection)
    body = b"".join(_read_body(connection, head))
    if connection.trailing_data[0].strip():
        raise ValueError("has more after the request: keep one request in a file, with its Content-Length")
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items())
    return Request(head.method.decode("ascii"), head.target.decode("ascii"), tuple(headers), body)


def end_to_end(headers: Iterable[tuple[str, str]], *, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return the headers that are not for one connection only (RFC 9110 section 7.6.1).

    Args:
        headers: All headers.
        without: More names to leave out, in lower case.

    >>> end_to_end([("Host", "a"), ("Connection", "x-hop"), ("X-Hop", "1"), ("X-Kept", "2")], without=["host"])
    [('X-Kept', '2')]
    """
    pairs = list(headers)
    named = ",".join(value for name, value in pairs if name.lower() == "connection").lower().split(",")
    left_out = {*_HOP_BY_HOP, *without, *({name.strip() for name in named} - _OF_DELIVERIES)}
    return [
        (name, value) for name, value in pairs if not name.lower().startswith("proxy-") and name.lower() not in left_out
    ]


def _read_head(connection: h11.Connection) -> h11.Request:
    try:
        head = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise ValueError(f"is no whole HTTP request ({_problem(error)}): it is to have {_PARTS}") from None
    if isinstance(head, h11.Request):
        return head
    raise ValueError(f"is empty: it is to have {_PARTS}")


def _problem(error: h11.RemoteProtocolError) -> str:
    text = str(error).partition(":")[0]  # behind it may stand what the file has
    return "it ends before its headers do" if text.startswith("peer ") else text


def _read_body(connection: h11.Connection, head: h11.Request) -> Iterator[bytes]:
    found = 0
    try:
        while isinstance(event := connection.next_event(), h11.Data):
            found += len(event.data)
            yield bytes(event.data)
    except h11.RemoteProtocolError:
        declared = dict(head.headers).get(b"content-length")
        if declared is None:
            raise ValueError("is cut off, or its chunks are not well-formed") from None
        raise ValueError(f"is cut off: it has {found} of {declared.decode('ascii')} bytes of the body") from None
