"""One connection: exchanges that follow each other, and an end to each of them."""

import select
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import h11
import pytest

from webhook_guard.cli.connection import LARGEST_ANSWER, Connection, tls_context

from cli.scripted import CERTIFICATE, NO_CONTENT, Drip, Early, Reply, Sip, answer, refusing, serving

#: Seconds.
ENOUGH, SHORT = 10.0, 0.2


def within(seconds: float) -> float:
    """Return a deadline."""
    return time.monotonic() + seconds


def request(length: int = 2) -> h11.Request:
    """Return a request with a body of so many bytes."""
    return h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", str(length))])


def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate of `serving`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    # Not the cached one, which other tests have made, or would be left with.
    monkeypatch.setattr("webhook_guard.cli.connection.tls_context", tls_context.__wrapped__)


def resolve(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """Have a name that has the addresses of all these URLs."""
    hosts = [urlsplit(url).netloc.split(":") for url in urls]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, int(port))) for host, port in hosts]

    def getaddrinfo(*_: object, **__: object) -> object:
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def await_something(connection: Connection) -> None:
    """Wait until the server has closed a connection, or said something."""
    assert select.select([connection._socket], [], [], ENOUGH)[0]  # pyright: ignore[reportPrivateUsage]  as it says


@contextmanager
def connected(*replies: Reply, tls: bool = False) -> Generator[Connection, None, None]:
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


def test_exchanges_follow_each_other() -> None:
    """After one that leaves the connection open, there can be another."""
    with connected(answer("200 OK", b"one"), answer("200 OK", b"two", "connection: close")) as connection:
        assert exchange(connection) == (200, b"one")
        assert connection.is_kept()
        assert exchange(connection) == (200, b"two")
        assert not connection.is_kept()


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", id="an end"),
        pytest.param(answer("200 OK", b"x" * 100_000), id="more of it"),
        pytest.param(NO_CONTENT + answer("408 Request Timeout"), id="another answer"),
    ],
)
def test_the_last_exchange(reply: bytes) -> None:
    """A connection that ends with the answer, or on which something follows it, is not for another exchange."""
    with connected(reply) as connection:
        exchange(connection)
        assert not connection.is_kept()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_an_answer_to_what_was_not_read(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:  # noqa: FBT001  a table
    """A server that refuses a large body unread, and closes, is heard."""
    trust(monkeypatch)
    with connected(Early(answer("413 Content Too Large")), tls=tls) as connection:
        assert exchange(connection, b"x" * 16_000_000) == (413, b"")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(b"", ConnectionError, id="nothing"),
        pytest.param(b"HT", ConnectionError, id="part of a word"),
        pytest.param(answer("200 OK", b"hello")[:-1], ConnectionError, id="not all of the body"),
        pytest.param(b"-ERR unknown command\r\n", h11.RemoteProtocolError, id="another protocol"),
        pytest.param(b"HTTP/1.1 OK\r\n\r\n", h11.RemoteProtocolError, id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, h11.RemoteProtocolError, id="an endless head"),
        pytest.param(None, TimeoutError, id="silence"),
        pytest.param(Drip(b"HTTP/1.1 200 OK\r\n\r\n"), TimeoutError, id="a slow body"),
    ],
)
def test_no_answer(reply: Reply, error: type[Exception]) -> None:
    """What is no answer, and what does not end in time, is an error."""
    with connected(reply) as connection, pytest.raises(error):
        exchange(connection, seconds=SHORT)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_server_that_reads_slowly(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:  # noqa: FBT001  a table
    """A large body that is read bit by bit is given up in time, too."""
    trust(monkeypatch)
    with connected(Sip(), tls=tls) as connection:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            exchange(connection, b"x" * 16_000_000, seconds=SHORT)
        assert time.monotonic() - start < 10 * SHORT


def broken(peer: socket.socket) -> None:
    """Break a connection, instead of closing it."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def stray(peer: socket.socket) -> None:
    """Say what nobody asked for."""
    peer.sendall(answer("408 Request Timeout"))


@pytest.mark.parametrize("happen", [socket.socket.close, broken, stray])
def test_stale(happen: Callable[[socket.socket], None]) -> None:
    """Between two exchanges, it is found out if the server has closed the connection, or talks out of turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(urlsplit(f"http://127.0.0.1:{listener.getsockname()[1]}"), within(ENOUGH))
        with closing(connection), listener.accept()[0] as peer:
            peer.sendall(NO_CONTENT)
            exchange(connection)
            assert (connection.is_kept(), connection.is_stale()) == (True, False)
            happen(peer)
            await_something(connection)
            assert connection.is_stale()


def test_the_first_address_that_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the addresses of a name, those where nothing listens are passed over."""
    with refusing() as nowhere, serving([NO_CONTENT]) as server:
        resolve(monkeypatch, nowhere, server.url)
        with closing(Connection(urlsplit("http://name/"), within(ENOUGH))) as connection:
            assert exchange(connection) == (204, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, a server with a full queue refuses, or takes more")
def test_addresses_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several addresses that say nothing do not take longer than one."""
    with socket.socket() as silent, socket.socket() as queued:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        queued.connect(silent.getsockname())
        resolve(monkeypatch, *[f"http://127.0.0.1:{silent.getsockname()[1]}"] * 10)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            Connection(urlsplit("http://name/"), within(SHORT))
        assert time.monotonic() - start < 5 * SHORT


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
    trust(monkeypatch)
    with connected(answer("200 OK", b"one"), answer("200 OK", b"two"), tls=True) as connection:
        assert exchange(connection) == (200, b"one")
        assert (connection.is_kept(), connection.is_stale()) == (True, False)
        assert exchange(connection) == (200, b"two")
        assert connection.is_kept()
        await_something(connection)
        assert connection.is_stale()


def test_a_certificate_that_nobody_vouches_for() -> None:
    """Over TLS, nothing is sent where the certificate is not trusted."""
    with pytest.raises(ssl.SSLCertVerificationError), connected(tls=True):
        pass
