"""The guarded receiver, on a real uvicorn: what it records, what it answers, and that the guard decides alone."""

import asyncio
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from webhook_guard.cli.listen.forward import Forwarded
from webhook_guard.cli.listen.receiver import LARGEST_BODY, Received, Receiver
from webhook_guard.cli.message import Request
from webhook_guard.sansio.errors import ConfigurationError, Reason
from webhook_guard.sansio.guard import MAX_BODY_SIZE

from cli.listening import Stage
from servers.client import TIMEOUT, Answer, Client, chunk, chunked_head, genuine, head
from servers.uvicorn_server import running
from support import BODY, NOW, OTHER_SECRET, PATH, SECRET, clock, event_body, signed

#: Seconds that end a wait, where the test wants it to end.
SOON = 0.05


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A uvicorn for all tests."""
    stage = Stage()
    with running(stage, "h11", lifespan="off") as stage.port:
        yield stage


class Desk:
    """Puts a receiver on the stage, and takes what it hands over."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._received = SimpleQueue[Received]()

    def serve(self, forward: Callable[[Request], Any] | None = None, **options: Any) -> None:
        """Serve a receiver from now on."""
        self._stage.app = Receiver(self._received.put, forward, secret=SECRET, clock=clock, **options)

    def connect(self) -> Client:
        """Open a connection."""
        return self._stage.connect()

    def ask(self, request: bytes) -> Answer:
        """Return the answer to a request on a connection of its own."""
        with self.connect() as client:
            client.send(request)
            return client.answer()

    def received(self) -> Received:
        """Return what was received before an answer came."""
        return self._received.get_nowait()

    def wait(self) -> Received:
        """Return what is received, where no answer comes."""
        return self._received.get(timeout=TIMEOUT)


@pytest.fixture
def desk(stage: Stage) -> Desk:
    """A receiver that answers by itself."""
    desk = Desk(stage)
    desk.serve()
    return desk


def unsigned(body: bytes, **headers: str | int) -> bytes:
    """Return a request that the guard refuses from its head, without a look at the body."""
    return head({"content-length": len(body), **headers}) + body


def test_genuine(desk: Desk) -> None:
    """A genuine delivery is answered 204, and recorded before that with all that is known of it."""
    answer = desk.ask(genuine("wh_1", path="/any/path?with=query"))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (204, b"", None)
    received = desk.received()
    assert received.delivery is not None
    assert received.delivery.event.type == "batch.completed"
    headers = (("host", "test"), *signed(webhook_id="wh_1").items(), ("content-length", str(len(BODY))))
    assert received.request == Request("POST", "/any/path?with=query", headers, BODY)
    assert (received.time, received.is_whole, received.status, received.verdict) == (NOW, True, 204, "accepted")
    assert (received.refusal, received.forwarded) == (None, None)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(unsigned(b"a stranger's"), Reason.MISSING_HEADER, id="head"),
        pytest.param(genuine("wh_1", headers={"webhook-timestamp": 1}), Reason.TIMESTAMP_TOO_OLD, id="clock"),
        pytest.param(genuine("wh_1", headers=signed(secret=OTHER_SECRET)), Reason.SIGNATURE_MISMATCH, id="signature"),
        pytest.param(head({}, method="GET", path="/favicon.ico"), Reason.METHOD_NOT_ALLOWED, id="method"),
        pytest.param(head({}, method="HEAD"), Reason.METHOD_NOT_ALLOWED, id="method without body"),
    ],
)
def test_refused(desk: Desk, request_: bytes, reason: Reason) -> None:
    """A refused request is answered as any guard does, and recorded whole, with the guard's own error."""
    with desk.connect() as client:
        client.send(request_)
        status = int(client.line().split()[1])
    received = desk.received()
    assert (status, received.status, received.verdict) == (reason.status, reason.status, reason)
    assert received.refusal is not None
    assert received.refusal.reason is reason
    assert received.delivery is None
    assert received.is_whole
    assert received.request.body == request_.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("target", ["/", "/a%20b/%C3%A9", "/a?b=%20&c", "//x"])
def test_target(desk: Desk, target: str) -> None:
    """Path and query are recorded as they came, and a path without a query as it is."""
    desk.ask(genuine("wh_1", path=target))
    assert desk.received().request.target == target


def test_body_that_comes_after_the_refusal(desk: Desk) -> None:
    """The answer to a refused head waits for the body, so that the request is known whole."""
    with desk.connect() as client:
        client.send(unsigned(b"whole")[:-3])
        client.send(b"ole")
        assert client.answer().refusal == (400, "missing_header")
    assert desk.received().request.body == b"whole"


def test_keep_alive(desk: Desk) -> None:
    """A connection serves a request after a refused one."""
    with desk.connect() as client:
        client.send(unsigned(b"whole"))
        assert client.answer().status == 400
        client.send(genuine("wh_1"))
        assert client.answer().status == 204
    assert [desk.received().verdict for _ in range(2)] == ["missing_header", "accepted"]


def test_too_large_for_the_guard(desk: Desk) -> None:
    """What the guard refuses as too large is still recorded whole, as far as it is not huge."""
    body = bytes(MAX_BODY_SIZE + 1)
    request = head({**signed(body), "content-length": len(body)}) + body
    assert desk.ask(request).refusal == (413, "body_too_large")
    received = desk.received()
    assert received.is_whole
    assert received.request.body == body


@pytest.mark.parametrize(
    ("size", "is_whole"), [(LARGEST_BODY, True), (LARGEST_BODY + 1, False), (2 * LARGEST_BODY, False)]
)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunks"])
def test_huge(desk: Desk, size: int, is_whole: bool, is_chunked: bool) -> None:  # noqa: FBT001  columns of the table
    """No more is held of a body than the limit, and it is known not to be whole."""
    body = bytes(size)
    wire = chunked_head("wh_1") + chunk(body) + chunk(b"") if is_chunked else unsigned(body)
    with desk.connect() as client:
        client.send(wire)
        assert client.answer().refusal == ((413, "body_too_large") if is_chunked else (400, "missing_header"))
    received = desk.received()
    assert len(received.request.body) == LARGEST_BODY
    assert received.is_whole is is_whole


def test_body_without_an_end(desk: Desk) -> None:
    """A body that never ends is answered when the limit is reached."""
    desk.serve(patience=2 * TIMEOUT)
    with desk.connect() as client:
        client.send(chunked_head("wh_1") + chunk(bytes(LARGEST_BODY)) + chunk(b"more"))
        assert client.answer().refusal == (413, "body_too_large")
        assert client.rest() == b""  # and nothing more is taken in
    received = desk.received()
    assert (len(received.request.body), received.is_whole) == (LARGEST_BODY, False)


def test_rest_that_does_not_come(desk: Desk) -> None:
    """The answer waits only so long for what the guard did not want."""
    desk.serve(patience=SOON)
    with desk.connect() as client:
        client.send(unsigned(b"whole")[:-1])
        assert client.answer().refusal == (400, "missing_header")
    received = desk.received()
    assert (received.request.body, received.is_whole) == (b"whol", False)


def test_body_that_had_its_time(desk: Desk) -> None:
    """A body that does not come in time is the guard's to refuse, and is not waited for again."""
    desk.serve(body_timeout=SOON, patience=TIMEOUT)
    with desk.connect() as client:
        client.send(genuine("wh_1")[:-1])
        assert client.answer().refusal == (408, "body_timeout")
    received = desk.received()
    assert (received.request.body, received.is_whole) == (BODY[:-1], False)


def test_body_that_waits_for_a_word(desk: Desk) -> None:
    """A client that asks before it sends its body is refused without being told to go on."""
    with desk.connect() as client:
        client.send(head({"expect": "100-continue", "content-length": 4}))
        assert client.line() == b"HTTP/1.1 400 Bad Request\r\n"
    received = desk.received()
    assert (received.request.body, received.is_whole) == (b"", False)


def test_body_that_is_asked_for(desk: Desk) -> None:
    """A client that asks before it sends its body is told to go on if the guard wants it; the rest comes, too."""
    with desk.connect() as client:
        length = MAX_BODY_SIZE + 1
        client.send(head({**signed(), "expect": "100-continue", "transfer-encoding": "chunked"}))
        client.wait_to_continue()
        client.send(chunk(bytes(length)))
        client.send(chunk(b"rest") + chunk(b""))  # after what the guard reads
        assert client.answer().refusal == (413, "body_too_large")
    received = desk.received()
    assert received.request.body == bytes(length) + b"rest"
    assert received.is_whole


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["closed", "reset"])
@pytest.mark.parametrize(
    ("part", "reason"),
    [
        pytest.param(genuine("wh_1")[:-1], "client_disconnected", id="that the guard wants"),
        pytest.param(unsigned(b"whole")[:-1], "missing_header", id="that it does not"),
    ],
)
def test_client_gone_in_the_body(desk: Desk, part: bytes, reason: str, leave: Callable[[Client], None]) -> None:
    """A client that leaves in the middle of its body is recorded with what it has sent."""
    with desk.connect() as client:
        client.send(part)
        leave(client)
    received = desk.wait()
    assert (received.verdict, received.is_whole) == (reason, False)
    assert part.endswith(received.request.body)


def test_in_pieces(desk: Desk) -> None:
    """A body in chunks is recorded as it is without them, with the headers that it came with."""
    pieces = [chunk(bytes([byte])) for byte in BODY]
    assert desk.ask(chunked_head("wh_1") + b"".join(pieces) + chunk(b"")).status == 204
    received = desk.received()
    assert received.request.body == BODY
    assert received.request.values("transfer-encoding") == ["chunked"]


def test_forwarded(desk: Desk) -> None:
    """A verified request is forwarded, and its sender gets the answer."""
    requests: list[Request] = []
    answer = Forwarded(418, ((b"x-app", b"1"), (b"content-length", b"6")), b"answer", 0.5, None)

    async def forward(request: Request) -> Forwarded:
        requests.append(request)
        return answer

    desk.serve(forward)
    got = desk.ask(genuine("wh_1"))
    assert (got.status, got.headers["x-app"], got.body) == (418, "1", b"answer")
    received = desk.received()
    assert requests == [received.request]
    assert (received.status, received.forwarded, received.verdict) == (418, answer, "accepted")


def test_refused_is_not_forwarded(desk: Desk) -> None:
    """What the guard refuses is forwarded to nobody."""
    requests: list[Request] = []

    async def forward(request: Request) -> Forwarded:
        requests.append(request)
        raise AssertionError

    desk.serve(forward)
    assert desk.ask(genuine("wh_1", headers={"webhook-signature": "v1,AAAA"})).status == 400
    assert (requests, desk.received().forwarded) == ([], None)


def test_each_has_its_own_verdict(desk: Desk) -> None:
    """Requests that are served at the same time do not get each other's verdict."""
    released = asyncio.Event()

    async def forward(request: Request) -> Forwarded:
        if request.target == PATH:
            await released.wait()
        released.set()
        return Forwarded(200, (), b"", 0.0, None)

    desk.serve(forward)
    with desk.connect() as first:
        first.send(genuine("wh_1"))
        assert desk.ask(unsigned(b"")).status == 400
        assert desk.ask(genuine("wh_2", path="/release")).status == 200
        assert first.answer().status == 200
    all_three = [desk.received() for _ in range(3)]
    verdicts = {(*received.request.values("webhook-id"),): received.verdict for received in all_three}
    assert verdicts == {("wh_1",): "accepted", (): "missing_header", ("wh_2",): "accepted"}


def test_event_of_unexpected_shape(desk: Desk) -> None:
    """An event that does not fit its class is accepted all the same."""
    body = event_body("batch.completed", "not an object")
    assert desk.ask(head({**signed(body), "content-length": len(body)}) + body).status == 204
    assert desk.received().verdict == "accepted"


def test_options() -> None:
    """Secret and tolerance are checked by the guard."""

    def ignore(_: Received) -> None: ...

    with pytest.raises(ConfigurationError, match="tolerance"):
        Receiver(ignore, secret=SECRET, tolerance=-1)
    with pytest.raises(ConfigurationError, match="secret"):
        Receiver(ignore, secret="")
