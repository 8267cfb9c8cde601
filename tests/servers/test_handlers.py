"""Handlers with manners of their own, on every server: the client gets from the guarded one what it gets bare.

Compared is each byte until the server closes the connection, and what the handler noted, how it ended above all.
"""

import http.client
import io
import re
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, NamedTuple, Self

import pytest

from servers import asgi_handlers, wsgi_handlers
from servers.behaviours import DELIVERED, NOTES, Behaviour, Catalogue
from servers.client import Client, chunk, head
from servers.launch import SERVERS, Running, Server, running
from support import BODY, event_body, signed

CATALOGUES: dict[str, Catalogue[Any]] = {"asgi": asgi_handlers.CATALOGUE, "wsgi": wsgi_handlers.CATALOGUE}


class Delivery(NamedTuple):
    """A body, and how it is sent."""

    name: str
    body: bytes
    pieces: int
    chunked: bool = False

    @property
    def framing(self) -> str:
        """How the request says where its body ends."""
        return "chunked" if self.chunked else "length"

    def request(self, choice: str) -> list[bytes]:
        """Return the request, in the pieces in which it is sent."""
        framing: dict[str, str | int] = {"content-length": len(self.body)}
        if self.chunked:
            framing = {"transfer-encoding": "chunked"}
        start = head({**signed(self.body), "x-app": choice, "connection": "close", **framing})
        size = -(-len(self.body) // self.pieces)
        pieces = [self.body[at : at + size] for at in range(0, len(self.body), size)]
        if self.chunked:
            pieces = [*map(chunk, pieces), chunk(b"")]
        return [start + pieces[0], *pieces[1:]]


_LINES = BODY.replace(b",", b",\n") + b"\r\n\n"
_LARGE = event_body("batch.completed", {"id": "batch_1", "pages": "\n".join(map(str, range(30_000)))})

_ALL = (
    Delivery("small", _LINES, 1),
    Delivery("smallest", b'{"type":"x"}', 1),
    Delivery("in chunks", _LINES, 3, chunked=True),
    Delivery("large", _LARGE, 20),
    Delivery("large in chunks", _LARGE, 20, chunked=True),
)
DELIVERIES = {delivery.name: delivery for delivery in _ALL}


class Received(NamedTuple):
    """What came of a request."""

    data: bytes
    notes: list[str]


def _without_date(data: bytes) -> bytes:
    """Return a response without the one thing in it that the clock decides."""
    return re.sub(rb"(?im)^date: [^\r]*", b"date: now", data, count=1)


def _send(client: Client, request: list[bytes], half_close: bool) -> None:  # noqa: FBT001  a column of a table
    # A server may answer and close without having read on: the answer is what counts.
    with suppress(ConnectionError):
        for piece in request:
            client.send(piece)
    if half_close:
        with suppress(OSError):  # there is no connection any more
            client.end_sending()


def _receive(client: Client, until: Callable[[bytes], bool]) -> bytes:
    """Return what the server sends, until it closes the connection or that is enough.

    The kernel closes it with a reset instead if bytes that the server never read are left over. The guard reads them
    all, a handler need not, so that one is no difference to the answer.
    """
    data = bytearray()
    with suppress(ConnectionResetError):
        while not until(bytes(data)) and (received := client.socket.recv(65_536)):
            data += received
    return bytes(data)


class Exchange(NamedTuple):
    """A delivery to a handler, bare or guarded, by a client that takes in no more than `window` bytes at a time."""

    server: Running
    name: str
    delivery: Delivery
    window: int | None = None

    @property
    def behaviour(self) -> Behaviour[Any]:
        """The handler."""
        return CATALOGUES[self.server.server.interface][self.name]

    def result(self, way: str) -> Received:
        """Return what comes of it."""
        choice = f"handlers:{self.name}:{way}"
        with self.server.connect() as client, _sent(client, self.delivery.request(choice), self._half_closes):
            if self.window:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.window)
            if self.server.server.name in self.behaviour.left_open:
                notes = self._notes(choice)
                client.end_sending()
                return Received(_without_date(_receive(client, self._is_enough)), notes)
            data = _receive(client, self._is_enough)
            if self.behaviour.client_leaves:
                with suppress(OSError):  # the server may have been faster
                    client.socket.shutdown(socket.SHUT_RDWR)  # ends the sending too, where the server does not read
        return Received(_without_date(data), self._notes(choice))

    def _notes(self, choice: str) -> list[str]:
        notes: list[str] = self.server.get(NOTES, choice).json()
        return notes

    @property
    def _half_closes(self) -> bool:
        # It hands on the socket as it is: bare handlers find an end only where the client makes one.
        return self.server.server.name == "wsgiref"

    def _is_enough(self, data: bytes) -> bool:
        return self.behaviour.client_leaves and b"\r\n\r\n" in data and parse(data)[0] in self.behaviour.gives


@contextmanager
def _sent(client: Client, request: list[bytes], half_close: bool) -> Generator[None]:  # noqa: FBT001  the same
    """Send a request while the answer is received, so that neither side can block the other."""
    sender = threading.Thread(target=_send, args=(client, request, half_close))
    sender.start()
    try:
        yield
    finally:
        sender.join()


class _Received(io.BytesIO):
    """Stands in for the socket that a response comes from, and can be read on when the response is over."""

    def makefile(self, _mode: str) -> Self:
        """Return what is to be read."""
        return self

    def close(self) -> None:
        """Stay open."""


def parse(data: bytes) -> tuple[str, bytes]:
    """Return what a client makes of a response: how it comes out, in the words of `Behaviour.gives`, and the body."""
    if not data:
        return "nothing", b""
    stream = _Received(data)
    response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]  # all that it needs of a socket
    try:
        response.begin()
        body = response.read()
    except http.client.IncompleteRead as error:
        return f"{response.status} broken", error.partial
    except http.client.HTTPException:
        return "malformed", b""
    if response.status == HTTPStatus.EARLY_HINTS:
        return parse(stream.read())
    return f"{response.status} and more" if stream.read() else f"{response.status}", body


def _said(behaviour: Behaviour[Any], delivery: Delivery) -> list[bytes]:
    return [text.replace(DELIVERED, delivery.body) for text in behaviour.says]


def _cases(catalogue: Catalogue[Any]) -> list[Any]:
    return [
        pytest.param(name, delivery, id=f"{name}-{delivery.name}")
        for name, behaviour in catalogue.items()
        for delivery in DELIVERIES.values()
        if behaviour.framing in (None, delivery.framing) and delivery.name in (behaviour.bodies or DELIVERIES)
    ]


def _servers(interface: str) -> list[str]:
    return [name for name, server in SERVERS.items() if server.interface == interface]


def _why_left_out(server: Server, behaviour: Behaviour[Any], delivery: Delivery) -> str | None:
    if server.name == "wsgiref" and delivery.chunked:
        return "it does not decode chunks, so the guard refuses them (length_required) before any handler is called"
    return behaviour.left_out.get(server.name) or behaviour.left_out.get(f"{server.name}, {delivery.name}")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A running server, for all tests that need that one."""
    with running(SERVERS[request.param]) as server:
        yield server


def difference(one: bytes, other: bytes) -> tuple[int, bytes, bytes] | None:
    """Return where two answers part ways, and how they go on: pytest would take minutes to compare a few MiB."""
    if one == other:
        return None
    at = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), -1)
    return at, one[at:][:200], other[at:][:200]


def _check(exchange: Exchange) -> None:
    behaviour, delivery = exchange.behaviour, exchange.delivery
    reason = _why_left_out(exchange.server.server, behaviour, delivery)
    if reason is not None:
        pytest.skip(reason)
    with ThreadPoolExecutor() as pool:  # at once, because some servers answer for a failed handler only in a second
        bare, guarded = pool.map(exchange.result, ("bare", "guarded"))
    (outcome, body), bare_parsed = parse(guarded.data), parse(bare.data)
    assert guarded.notes == bare.notes
    assert guarded.notes[0] == "called"
    assert outcome in behaviour.gives
    if behaviour.says and outcome == behaviour.gives[0]:
        assert any(difference(body, said) is None for said in _said(behaviour, delivery))
    if behaviour.parts_vary:
        assert outcome == bare_parsed[0]
        assert difference(bare_parsed[1], body) is None
    else:
        assert difference(bare.data, guarded.data) is None


@pytest.mark.parametrize("server", _servers("asgi"), indirect=True, scope="module")
@pytest.mark.parametrize(("name", "delivery"), _cases(asgi_handlers.CATALOGUE))
def test_asgi(server: Running, name: str, delivery: Delivery) -> None:
    """The guarded handler gives the client the bytes that the bare one gives, and both are the handler's own."""
    _check(Exchange(server, name, delivery))


@pytest.mark.parametrize("server", _servers("wsgi"), indirect=True, scope="module")
@pytest.mark.parametrize(("name", "delivery"), _cases(wsgi_handlers.CATALOGUE))
def test_wsgi(server: Running, name: str, delivery: Delivery) -> None:
    """The guarded handler gives the client the bytes that the bare one gives, and both are the handler's own."""
    _check(Exchange(server, name, delivery))


@pytest.mark.parametrize("server", SERVERS, indirect=True, scope="module")
@pytest.mark.parametrize("name", ["streams_with_length", "sends_one_large_part", "streams"])
def test_slow_reader(server: Running, name: str) -> None:
    """A client that takes in little at a time, so that the server has to wait, gets the whole of a long answer."""
    _check(Exchange(server, name, DELIVERIES["small"], window=32_768))
