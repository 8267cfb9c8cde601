"""One POST, byte for byte as it is meant.

No header is added but Host and Content-Length, where they are missing; no redirect is followed, as OpenAI follows none;
no more is read than an answer needs; nothing is sent twice; and no exchange outlasts its time-out, however slowly the
server talks or reads. Only the lookup of its name has no bound but the resolver's own.
"""

import socket
import ssl
import time
from http import HTTPStatus
from typing import Annotated, NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

import h11
import msgspec

from webhook_guard.cli.connection import Connection
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.output import printable

#: Seconds until a server that does not answer is given up: longer than OpenAI waits.
TIMEOUT = 30.0
_PROBLEM = "application/problem+json"

#: Names and values, in order; text is Latin-1 on the wire.
Headers = tuple[tuple[str, str], ...]


class NoAnswerError(Exception):
    """A URL that does not answer.

    Attributes:
        why: Why, and what to do; the whole text has the URL before it.
    """

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url}: {why}")
        self.why: str = why


class _Problem(msgspec.Struct):
    """What an answer of the guard says (RFC 9457). A reason is a code: what does not look like one is none."""

    reason: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}\Z")]


class Answer(NamedTuple):
    """What came back."""

    status: int
    phrase: str
    headers: Headers
    #: At most 65,536 bytes of it.
    body: bytes
    #: From the first byte sent to the last one read.
    seconds: float

    @property
    def reason(self) -> str | None:
        """Why a guard refused it, as a code; None if no guard did."""
        if (self.value("content-type") or "").partition(";")[0].strip().lower() != _PROBLEM:
            return None
        try:
            return msgspec.json.decode(self.body, type=_Problem).reason
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def is_accepted(self) -> bool:
        """Whether OpenAI takes the delivery for accepted, and does not try again."""
        return is_success(self.status)

    @property
    def verdict(self) -> str:
        """Accepted; refused, if a guard did; or failed, if the app or the server answered something else."""
        refused = "failed" if self.reason is None else "refused"
        return "accepted" if self.is_accepted else refused

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the sender elsewhere: OpenAI does not go, and counts it as a failure."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    def value(self, name: str) -> str | None:
        """Return the value of the first header of a name, which is given in lower case."""
        return next((value for each, value in self.headers if each.lower() == name), None)


def is_success(status: int) -> bool:
    """Say whether a status is 2xx: OpenAI sends again what is answered otherwise."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


class Client:
    """Posts to one URL, over one connection as long as the server keeps it open. A thread has one of its own.

    A server that closes a kept connection at the very moment of a post leaves that one without an answer: whether it
    was taken is unknown, so it is not sent again.

    Args:
        url: http:// or https://.
        timeout: Seconds for a post, from connecting to the end of the answer; the lookup of the name is not cut short.

    Raises:
        Misuse: The URL is none.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url = _parse(url)
        self._timeout = timeout
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def post(self, headers: Headers, body: bytes) -> Answer:
        """Send a request, once, and return the answer.

        Raises:
            NoAnswerError: There is none, and why.
            Misuse: A header can't be sent.
        """
        try:
            return self._exchange(_request(self._url, headers, body), body, time.monotonic() + self._timeout)
        except (OSError, h11.RemoteProtocolError) as error:
            self._close()
            raise NoAnswerError(printable(self._url.geturl()), self._explained(error)) from None
        except (UnicodeEncodeError, h11.LocalProtocolError):  # whose text has the value
            self._close()
            raise Misuse("a header can't be sent: HTTP does not have its characters, or its length") from None

    def _exchange(self, request: h11.Request, body: bytes, deadline: float) -> Answer:
        connection = self._usable(deadline)
        start = time.perf_counter()
        head, content = connection.exchange(request, body, deadline)
        seconds = time.perf_counter() - start
        if not connection.is_kept():
            self._close()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        return Answer(head.status_code, head.reason.decode("latin-1"), headers, content, seconds)

    def _usable(self, deadline: float) -> Connection:
        if self._connection is not None and self._connection.is_stale():
            self._close()
        if self._connection is None:
            self._connection = Connection(self._url, deadline)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _explained(self, error: Exception) -> str:
        for kind, text in _FAILURES:
            if isinstance(error, kind):
                return text.format(timeout=f"{self._timeout:g}")
        return f"{printable(getattr(error, 'strerror', None) or str(error))}; check the URL"


#: What a failure means, and what to do. The first that fits is taken: those below others come first.
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "there is no host of that name; check the URL"),
    (ConnectionRefusedError, "nothing listens there; start the app, or check the port"),
    (TimeoutError, "no whole answer within {timeout} s; look into the app, or give it more time"),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted, and OpenAI would not send; mend it, or try http://",
    ),
    (ssl.SSLError, "it does not speak TLS; try http://"),
    (ConnectionError, "it closed the connection without a whole answer; look into the server's log"),
    (h11.RemoteProtocolError, "what answers there does not speak HTTP; check the port, or try https://"),
)


def _parse(url: str) -> SplitResult:
    """Return the parts of a URL.

    Raises:
        Misuse: It is none that can be posted to.
    """
    shown = printable(url)
    if not url.isascii() or " " in url or not url.isprintable():
        raise Misuse(f"{shown}: the URL has blanks or other characters that must be percent-encoded")
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise Misuse("the URL has a user name in it, which would not be sent; leave it out")
        is_complete = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise Misuse(f"that is no URL: {error}") from None
    if not is_complete:
        raise Misuse(f"{shown}: not a URL; it is to be like http://127.0.0.1:8000/webhooks/openai")
    return parts


def _request(url: SplitResult, headers: Headers, body: bytes) -> h11.Request:
    names = {name.lower() for name, _ in headers}
    missing: list[tuple[str, str]] = []
    if "host" not in names:
        missing.append(("host", url.netloc.removesuffix(":")))
    if not names & {"content-length", "transfer-encoding"}:
        missing.append(("content-length", str(len(body))))
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*missing, *headers)]
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return h11.Request(method="POST", target=target, headers=fields)
