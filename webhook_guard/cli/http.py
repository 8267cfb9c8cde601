"""One POST, byte for byte as it is meant.

No header is added but Host and Content-Length, where they are missing; no redirect is followed, as OpenAI follows none;
and no more is read than an answer needs.
"""

import http.client
import socket
import ssl
import time
from http import HTTPStatus
from typing import NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

import msgspec

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.output import printable

#: Seconds until a server that says nothing is given up: longer than OpenAI waits.
TIMEOUT = 30.0
#: Bytes that are read of an answer's body.
_LARGEST_ANSWER = 65_536

#: Names and values, in order; text is Latin-1 on the wire.
Headers = tuple[tuple[str, str], ...]


class NoAnswerError(Exception):
    """A URL that does not answer; the text says why, and what to do."""


class _Problem(msgspec.Struct):
    """What an answer of the guard says (RFC 9457)."""

    reason: str


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
        if self.value("content-type") != "application/problem+json":
            return None
        try:
            return msgspec.json.decode(self.body, type=_Problem).reason
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the sender elsewhere: OpenAI does not go, and counts it as a failure."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST

    def value(self, name: str) -> str | None:
        """Return the value of the first header of a name, which is given in lower case."""
        return next((value for each, value in self.headers if each.lower() == name), None)


class Client:
    """Posts to one URL, over one connection as long as the server keeps it open. A thread has one of its own.

    Args:
        url: http:// or https://.
        timeout: Seconds until a server that says nothing is given up.

    Raises:
        Misuse: The URL is none.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url = _parse(url)
        self._shown = printable(url)
        self._timeout = timeout
        self._connection = self._connect()
        self._is_used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def post(self, headers: Headers, body: bytes) -> Answer:
        """Send a request, and return the answer.

        Raises:
            NoAnswerError: There is none, and why.
            Misuse: A header can't be sent.
        """
        try:
            try:
                return self._exchange(headers, body)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                if not self._is_used:
                    raise
                self._connection.close()  # the server has closed what it kept open; once more, over a new one
                return self._exchange(headers, body)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._is_used = False
            raise NoAnswerError(self._explained(error)) from None
        except ValueError:
            raise Misuse("a header has characters that HTTP can't send") from None

    def _connect(self) -> http.client.HTTPConnection:
        host, port = str(self._url.hostname), self._url.port
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _exchange(self, headers: Headers, body: bytes) -> Answer:
        connection, start = self._connection, time.perf_counter()
        names = {name.lower() for name, _ in headers}
        connection.putrequest("POST", _target(self._url), skip_host="host" in names, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if "content-length" not in names:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        content = response.read(_LARGEST_ANSWER)
        if not response.isclosed():  # there is more, which nobody reads
            connection.close()
        self._is_used = True
        seconds = time.perf_counter() - start
        return Answer(response.status, response.reason, tuple(response.getheaders()), content, seconds)

    def _explained(self, error: Exception) -> str:
        why = next((text for kind, text in _FAILURES if isinstance(error, kind)), None)
        why = why or f"{printable(str(error))}; check the URL"
        return f"{self._shown}: {why.format(timeout=f'{self._timeout:g}')}"


#: What a failure means, and what to do. The first that fits is taken: those below others come first.
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "there is no host of that name; check the URL"),
    (ConnectionRefusedError, "nothing listens there; start the app, or check the port"),
    (TimeoutError, "no answer within {timeout} s; look into the app, or give it more time"),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted, and OpenAI would not send; mend it, or try http://",
    ),
    (ssl.SSLError, "it does not speak TLS; try http://"),
    (ConnectionError, "it closed the connection without an answer; look into the server's log"),
    (http.client.HTTPException, "what answers there does not speak HTTP; check the port"),
)


def _parse(url: str) -> SplitResult:
    """Return the parts of a URL.

    Raises:
        Misuse: It is none that can be posted to.
    """
    shown = printable(url)
    if not url.isascii() or any(character.isspace() or not character.isprintable() for character in url):
        raise Misuse(f"{shown}: the URL has characters that must be percent-encoded")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Misuse(f"{shown}: not a URL ({error})") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misuse(f"{shown}: not a URL; it is to be like http://127.0.0.1:8000/webhooks/openai")
    if parts.username is not None:
        raise Misuse("the URL has a user name in it, which would not be sent; leave it out")
    return parts


def _target(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")
