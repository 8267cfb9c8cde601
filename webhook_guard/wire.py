"""Requests as HTTP/1.1 messages: what `on_refused` and `webhook-guard listen --save` keep of them.

A message ends where its body does, and too early if something of the body is missing, so that it can't be mistaken for
a whole one. Nothing in a head makes a line of its own.
"""

from collections.abc import Collection, Iterable
from typing import TypeAlias
from urllib.parse import quote

from webhook_guard.sansio.guard import LENGTH

#: The headers of a request, in their order; text is Latin-1 on the wire.
Headers: TypeAlias = tuple[tuple[str, str], ...]

_CODING = "transfer-encoding"
_FRAMING = frozenset({LENGTH, _CODING})
#: Methods of requests that have no body, unless their headers say so.
_BODILESS = frozenset({"GET", "HEAD"})
#: Digits that are read of a Content-Length: more than any length has, and `int` refuses thousands.
_DIGITS = 20
#: Line breaks and NUL in a head become spaces (RFC 9110 section 5.5): no server should let them through, but some do.
_SPACES = dict.fromkeys(map(ord, "\r\n\0"), " ")
#: What stands in a path as it is, beside letters and digits (RFC 3986 section 3.3).
_IN_PATHS = "/!$&'()*+,;=:@"


def to_http(method: str, target: str, headers: Headers, body: bytes, *, is_whole: bool) -> bytes:
    r"""Return a request as a message, which is whole or ends too early; a body that came in chunks is written without.

    Args:
        method: The method.
        target: The path with the query.
        headers: As they came.
        body: What is there of the body, without chunks.
        is_whole: Whether that is all of it.

    >>> to_http("POST", "/", (("transfer-encoding", "chunked"),), b"{}", is_whole=True)
    b'POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}'
    >>> to_http("POST", "/", (("content-length", "9"),), b"{", is_whole=False)
    b'POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{'
    """
    length = declared(method, headers)
    if is_whole and length != len(body):
        headers = _with((LENGTH, str(len(body))), headers, instead_of=_FRAMING)
    elif not is_whole and (length is None or length < len(body)):
        headers = _with((_CODING, "chunked"), headers, instead_of={_CODING})
        body = b"%x\r\n%b" % (len(body) + 1, body)  # a chunk that lacks its last byte
    return verbatim(method, target, headers, body)


def declared(method: str, headers: Headers) -> int | None:
    """Return how long the body of a request is by its headers, in bytes; None if they do not tell.

    >>> declared("POST", (("content-length", "2"),)), declared("POST", (("transfer-encoding", "chunked"),))
    (2, None)
    """
    framing = {(name.lower(), value.strip(" \t")) for name, value in headers if name.lower() in _FRAMING}
    if not framing and method in _BODILESS:
        return 0
    if len(framing) != 1:
        return None
    ((name, value),) = framing
    is_number = name == LENGTH and value.isascii() and value.isdigit()
    return int(value.lstrip("0")[:_DIGITS] or "0") if is_number else None


def verbatim(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    r"""Return a message as it is given, but for line breaks and NUL in its head, which become spaces.

    >>> verbatim("POST", "/", [("x-a", "1\r\nx-b: 2")], b"{}")
    b'POST / HTTP/1.1\r\nx-a: 1  x-b: 2\r\n\r\n{}'
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join([*(line.translate(_SPACES) for line in lines), "", ""])
    return head.encode("latin-1", "replace") + body


def quoted(path: bytes) -> str:
    """Return a path that a server has decoded as it may have been on the wire.

    >>> quoted("/größe/a b".encode())
    '/gr%C3%B6%C3%9Fe/a%20b'
    """
    return quote(path, safe=_IN_PATHS) or "/"


def target(path: str, query: str) -> str:
    """Return the request target of a path and a query.

    >>> target("/webhooks", "a=1"), target("/webhooks", "")
    ('/webhooks?a=1', '/webhooks')
    """
    return f"{path}?{query}" if query else path


def _with(header: tuple[str, str], headers: Headers, *, instead_of: Collection[str]) -> Headers:
    """Return headers with one that takes the place of the first of some names; the others of these are left out."""
    places = (place for place, (name, _) in enumerate(headers) if name.lower() in instead_of)
    place = next(places, len(headers))
    return (*headers[:place], header, *(pair for pair in headers[place:] if pair[0].lower() not in instead_of))
