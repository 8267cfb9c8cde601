"""One connection: exchanges that follow each other, and an end to each of them."""

import socket
import ssl
import time
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

import h11
import pytest

from webhook_guard.cli.connection import LARGEST_ANSWER, Connection, tls_context

from cli.scripted import CERTIFICATE, NO_CONTENT, Drip, Early, Reply, answer, serving

#: Seconds.
ENOUGH, SHORT = 10.0, 0.2


def within(seconds: float) -> float:
    """Return a deadline."""
    return time.monotonic() + seconds


def request(length: int = 2) -> h11.Request:
    """Return a request with a body of so many bytes."""
    return h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", str(length))])


@contextmanager
def connected(*replies: Reply, tls: bool = False) -> Generator[Connection]:
    """Give a connection to a server that replies so."""
    with serving(replies, tls=tls) as server:
        connection = Connection(urlsplit(server.url), within(ENOUGH))
        try:
            yield connection
        finally:
            connection.close()


def exchange(connection: Connection, body: bytes = b"{}", seconds: float = ENOUGH) -> tuple[int, bytes]:
    """Send a request, and return the status and the body of the answer."""
    head, content = connection.exchange(request(len(body)), body, within(seconds))
    return head.status_code, content


@pytest.mark.parametrize(
    ("reply", "status", "content"),
    [
        pytest.param(NO_CONTENT, 204, b"", id="no content"),
        pytest.param(answer("200 OK", b"hello"), 200, b"hello", id="a body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
            200,
            b"hello",
            id="chunks",
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello", id="until the end"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n" + answer("200 OK", b"hello"),
            200,
            b"hello",
            id="hints before",
        ),
        pytest.param(answer("200 OK", b"x" * (3 * LARGEST_ANSWER)), 200, b"x" * LARGEST_ANSWER, id="more than is read"),
    ],
)
def test_answers(reply: bytes, status: int, content: bytes) -> None:
    """An answer is read as HTTP has it, and its body as far as it matters."""
    with connected(reply) as connection:
        assert exchange(connection) == (status, content)
        assert connection.has_answered


def test_exchanges_follow_each_other() -> None:
    """After one that leaves the connection open, there can be another."""
    with connected(answer("200 OK", b"one"), answer("200 OK", b"two", "connection: close")) as connection:
        assert exchange(connection) == (200, b"one")
        assert connection.is_kept()
        assert exchange(connection) == (200, b"two")
        assert not connection.is_kept()


@pytest.mark.parametrize("reply", [b"HTTP/1.0 200 OK\r\n\r\n", answer("200 OK", b"x" * 100_000)], ids=["end", "more"])
def test_the_last_exchange(reply: bytes) -> None:
    """A connection that ends with the answer, or on which there is more of it, is not for another exchange."""
    with connected(reply) as connection:
        exchange(connection)
        assert not connection.is_kept()


def test_an_answer_to_what_was_not_read() -> None:
    """A server that refuses a large body unread, and closes, is heard."""
    with connected(Early(answer("413 Content Too Large"))) as connection:
        assert exchange(connection, b"x" * 16_000_000) == (413, b"")


@pytest.mark.parametrize(
    ("reply", "error", "has_answered"),
    [
        pytest.param(b"", ConnectionError, False, id="nothing"),
        pytest.param(b"HT", ConnectionError, True, id="part of a word"),
        pytest.param(answer("200 OK", b"hello")[:-1], ConnectionError, True, id="not all of the body"),
        pytest.param(b"-ERR unknown command\r\n", h11.RemoteProtocolError, False, id="another protocol"),
        pytest.param(b"HTTP/1.1 OK\r\n\r\n", h11.RemoteProtocolError, True, id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, h11.RemoteProtocolError, True, id="an endless head"),
        pytest.param(None, TimeoutError, False, id="silence"),
        pytest.param(Drip(b"HTTP/1.1 200 OK\r\n\r\n"), TimeoutError, True, id="a slow body"),
    ],
)
def test_no_answer(reply: Reply, error: type[Exception], has_answered: bool) -> None:  # noqa: FBT001  a table
    """What is no answer, and what does not end in time, is an error; whether anything came is known."""
    with connected(reply) as connection:
        with pytest.raises(error):
            exchange(connection, seconds=SHORT)
        assert connection.has_answered is has_answered


def test_another_exchange_is_not_answered_yet() -> None:
    """Whether anything came is about the exchange at hand."""
    with connected(NO_CONTENT) as connection:
        exchange(connection)
        assert connection.is_kept()
        with pytest.raises(ConnectionError):
            exchange(connection)
        assert not connection.has_answered


def test_a_deadline_in_the_past() -> None:
    """When there is no time left, nothing is tried."""
    with pytest.raises(TimeoutError):
        Connection(urlsplit("http://127.0.0.1/"), within(-1))


def test_a_name_that_nothing_can_have() -> None:
    """A host name that can't be looked up is one that is not found."""
    with pytest.raises(socket.gaierror):
        Connection(urlsplit("http://a..b/"), within(ENOUGH))


def test_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS it is the same, where the certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    tls_context.cache_clear()
    with connected(answer("200 OK", b"hello"), tls=True) as connection:
        assert exchange(connection) == (200, b"hello")
    tls_context.cache_clear()


def test_a_certificate_that_nobody_vouches_for() -> None:
    """Over TLS, nothing is sent where the certificate is not trusted."""
    with pytest.raises(ssl.SSLCertVerificationError), connected(tls=True):
        pass
