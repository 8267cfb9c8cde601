"""What `on_refused` is called with: each request that a guard refuses, and why.

A refused request is told before it is answered, and telling it changes nothing about the answer, whatever `on_refused`
raises. The body is in it only if the guard was told to capture, and then it is what had arrived: never more than the
guard takes. As an HTTP message, a body of which something is missing can't be mistaken for a whole one, and nothing in
a header makes a line of its own. No repr shows headers or body.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote

import msgspec

from webhook_guard.log import RefusalLog
from webhook_guard.sansio.errors import ConfigurationError, Reason, WebhookError
from webhook_guard.sansio.guard import LENGTH, Incoming, check_callable

#: The headers of a request, in their order; text is Latin-1 on the wire.
Headers: TypeAlias = tuple[tuple[str, str], ...]

_CODING = "transfer-encoding"
#: What is refused at the end of the body or after it, by the decision table: the body is all there.
_WHOLE = frozenset(
    {
        *(Reason.SIGNATURE_MISMATCH, Reason.MALFORMED_PAYLOAD),
        *(Reason.DUPLICATE, Reason.IN_PROGRESS, Reason.STORE_UNAVAILABLE),
    }
)
#: Methods of requests that have no body, unless their headers say so.
_BODILESS = {"GET", "HEAD"}
#: Digits that are read of a Content-Length: more than any length has, and `int` refuses thousands.
_DIGITS = 20
#: Line breaks and NUL in a head become spaces (RFC 9110 section 5.5): no server should let them through, but some do.
_SPACES = dict.fromkeys(map(ord, "\r\n\0"), " ")
#: What stands in a path as it is, beside letters and digits (RFC 3986 section 3.3).
_IN_PATHS = "/!$&'()*+,;=:@"
#: A call of one of these gives something that somebody would have to await or iterate over.
_UNFINISHED = (iscoroutinefunction, isasyncgenfunction, isgeneratorfunction)


class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    r"""A request that was refused. Its repr shows neither headers nor body.

    Attributes:
        error: Why it was refused; its text says so with figures.
        method: The method; "GET" for a websocket.
        target: The path with the query, as on the wire, or as near as the server tells.
        headers: Pairs of name and value, in lower case and Latin-1.
        body: What had arrived of the body, in bytes; None if the guard does not capture.
        is_whole: Whether `body` is known to be all of it: a head that is refused leaves it unread.

    >>> from webhook_guard import VerificationError
    >>> request = RefusedRequest(
    ...     error=VerificationError("...", Reason.SIGNATURE_MISMATCH),
    ...     method="POST", target="/webhooks", headers=(("content-length", "2"),), body=b"{}", is_whole=True,
    ... )
    >>> request.to_http()
    b'POST /webhooks HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}'
    """

    error: WebhookError
    method: str
    target: str
    headers: Headers
    body: bytes | None
    is_whole: bool

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field, the headers and the body too.
        return [(name, getattr(self, name)) for name in ("error", "method", "target", "is_whole")]

    def to_http(self) -> bytes:
        """Return the HTTP/1.1 message: written to a file, it is what ``webhook-guard diagnose FILE`` reads.

        A body that came in chunks is written whole, with its length. One that is not whole ends too early.
        """
        headers, body = framed(self.method, self.headers, self.body or b"", is_whole=self.is_whole)
        return to_wire(self.method, self.target, headers, body)


#: An option of both fronts: a function, which is called while the request waits.
OnRefused: TypeAlias = Callable[[Reason, RefusedRequest], object]


class Head(NamedTuple):
    """What a front knows of a request before its body."""

    method: str
    target: str
    headers: Headers


class Refusals:
    """What becomes of the requests that one guard refuses, before they are answered; safe to share between threads.

    Args:
        on_refused: Called with the reason and the request; None if nobody wants to know.
        capture: Whether the request has its body.

    Raises:
        ConfigurationError: An option can't be used; the message names it and the fix.
    """

    def __init__(self, on_refused: OnRefused | None, *, capture: bool) -> None:
        self._on_refused = None if on_refused is None else _check_plain(check_callable("on_refused", on_refused))
        self._capture = _check_capture(capture, on_refused)
        self._log = RefusalLog(captures=capture)

    def tell(self, error: WebhookError, incoming: Incoming, *, path: str, now: float, head: Callable[[], Head]) -> None:
        """Log that a request was refused, and call `on_refused`.

        Args:
            error: What the core refused it with.
            incoming: The request, as far as it has come.
            path: Its path.
            now: The time by the guard's clock, in Unix seconds.
            head: Returns its head; called only if somebody wants to know.
        """
        self._log.refused(error, path=path, webhook_id=incoming.webhook_id, now=now)
        if self._on_refused is None:
            return
        try:
            self._on_refused(error.reason, self._request(error, incoming, head()))
        except Exception as failure:  # noqa: BLE001  whatever it is, the sender gets the answer
            self._log.not_told(failure, error.reason, path=path, webhook_id=incoming.webhook_id, now=now)

    def _request(self, error: WebhookError, incoming: Incoming, head: Head) -> RefusedRequest:
        return RefusedRequest(
            error=error,
            method=head.method,
            target=head.target,
            headers=head.headers,
            body=incoming.body if self._capture else None,
            is_whole=self._capture and error.reason in _WHOLE,
        )


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


def to_wire(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    r"""Return a message, as it is given, but for line breaks and NUL in its head, which become spaces.

    >>> to_wire("POST", "/", [("x-a", "1\r\nx-b: 2")], b"{}")
    b'POST / HTTP/1.1\r\nx-a: 1  x-b: 2\r\n\r\n{}'
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join([*(line.translate(_SPACES) for line in lines), "", ""])
    return head.encode("latin-1", "replace") + body


def framed(method: str, headers: Headers, body: bytes, *, is_whole: bool) -> tuple[Headers, bytes]:
    """Return headers and body so that a message of them ends where the body does, or too early if it is not whole.

    Args:
        method: The request's method.
        headers: As they came.
        body: What is there of it, without chunks.
        is_whole: Whether that is all.
    """
    if not is_whole:
        if _tells_the_end(method, headers, body):
            return headers, body
        # One chunk, and nothing that ends it or the body.
        return _framed_by(_CODING, "chunked", headers), b"%x\r\n%b" % (len(body), body)
    names = {name.lower() for name, _ in headers}
    if _CODING in names or (body and LENGTH not in names):
        return _framed_by(LENGTH, str(len(body)), headers), body
    return headers, body


def _tells_the_end(method: str, headers: Headers, body: bytes) -> bool:
    """Say whether the headers themselves tell how much of a body is missing, if anything is."""
    framing = [(name.lower(), value) for name, value in headers if name.lower() in (_CODING, LENGTH)]
    if not framing:
        return not body and method in _BODILESS
    return not any(name == _CODING or _is_exceeded(value.strip(" \t"), len(body)) for name, value in framing)


def _is_exceeded(length: str, size: int) -> bool:
    return length.isascii() and length.isdigit() and int(length[:_DIGITS]) < size


def _framed_by(name: str, value: str, headers: Headers) -> Headers:
    """Return headers with another framing, in the place of the first one that there was."""

    def replaced() -> Iterator[tuple[str, str]]:
        framing = [(name, value)]
        for header in headers:
            if header[0].lower() not in (_CODING, LENGTH):
                yield header
            elif framing:
                yield framing.pop()
        yield from framing

    return tuple(replaced())


def _check_plain(value: OnRefused) -> OnRefused:
    function: Any = value
    while isinstance(function, partial):
        function = function.func
    if any(is_unfinished(each) for is_unfinished in _UNFINISHED for each in (function, type(function).__call__)):
        raise ConfigurationError(
            "on_refused: must be a plain function: it is called while the request waits; "
            "have it start a task or a thread for what takes longer"
        )
    return value


def _check_capture(value: object, on_refused: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"capture: must be True or False, not {type(value).__name__}")
    if value and on_refused is None:
        raise ConfigurationError("capture: there is no on_refused to give the body to")
    return value
