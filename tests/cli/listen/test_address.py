"""The socket that a command listens on, and what is said where there can't be one."""

import errno
import socket

import pytest

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.listen.address import bind, leads_to, problem, url_of

from servers.client import Client
from support import free_port


def test_it_listens_at_once() -> None:
    """Who connects before anybody serves the socket is accepted later."""
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert url_of(listening) == f"http://127.0.0.1:{port}"
        with Client(port) as client:
            client.send(b"early")
            with listening.accept()[0] as connection:
                assert connection.recv(5) == b"early"


def test_a_name() -> None:
    """A host may be a name."""
    port = free_port()
    with bind("localhost", port) as listening:
        assert listening.getsockname()[1] == port


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6() -> None:
    """An IPv6 address stands in brackets in the URL."""
    with bind("::1", 0) as listening:
        port = listening.getsockname()[1]
        assert url_of(listening) == f"http://[::1]:{port}"
        assert leads_to(f"http://[::1]:{port}/", listening)


def test_a_port_in_use() -> None:
    """A port that somebody listens on is named, with what to do."""
    with bind("127.0.0.1", 0) as listening, pytest.raises(Misuse, match=r"^port \d+ is in use; stop what listens"):
        bind("127.0.0.1", listening.getsockname()[1])


@pytest.mark.parametrize("host", ["", "nowhere.invalid", "a..b", "x" * 70, "\x1b"])
def test_a_host_that_is_none(host: str) -> None:
    """A host that nobody knows is named; an empty one is not every address of the machine."""
    with pytest.raises(Misuse, match=r"^there is no host '.*'; take 127\.0\.0\.1"):
        bind(host, 0)


def test_a_host_that_is_another_machine() -> None:
    """An address that this machine does not have (RFC 5737: nobody has this one) is named, with what to take."""
    with pytest.raises(Misuse, match=r"^192\.0\.2\.1 is no address of this machine; take 127\.0\.0\.1"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EACCES, "port 80 is not for you to listen on; take one from 1024 on"),
        (errno.EMFILE, "can't listen on 127.0.0.1, port 80: Too many open files; take others"),
    ],
)
def test_other_problems(number: int, text: str) -> None:
    """A port for the administrator only is explained; for what is rarer, the system's own words do."""
    assert problem(OSError(number, "not shown"), "127.0.0.1", 80) == text


@pytest.mark.parametrize(
    ("host", "target", "leads"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:{port}/x", True, id="the address"),
        pytest.param("127.0.0.1", "http://localhost:{port}", True, id="its name"),
        pytest.param("127.0.0.1", "http://0.0.0.0:{port}", True, id="all addresses, which is the loopback one"),
        pytest.param("0.0.0.0", "http://127.0.0.1:{port}/x", True, id="one of all"),
        pytest.param("127.0.0.1", "http://192.0.2.1:{port}", False, id="another host"),
        pytest.param("127.0.0.1", "http://nowhere.invalid:{port}", False, id="no host"),
        pytest.param("127.0.0.1", "http://127.0.0.1", False, id="the usual port"),
        pytest.param("127.0.0.1", "https://127.0.0.1", False, id="the usual port of TLS"),
    ],
)
def test_where_a_url_leads(host: str, target: str, leads: bool) -> None:  # noqa: FBT001  a column of the table
    """A URL that leads back to the socket is recognised, whatever the address is called."""
    with bind(host, 0) as listening:
        assert leads_to(target.format(port=listening.getsockname()[1]), listening) is leads
