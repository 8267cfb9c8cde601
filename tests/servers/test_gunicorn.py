"""The WSGI front on a real gunicorn, with its sync worker and its threaded one."""

import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from servers.client import LIMIT, TIMEOUT, Client, chunk, chunked_head, genuine, head
from servers.gunicorn_server import Server, running
from support import BODY, signed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn runs on Unix only")

THREADED_ONLY = pytest.mark.parametrize("shared_server", ["gthread"], indirect=True)
SYNC_ONLY = pytest.mark.parametrize("shared_server", ["sync"], indirect=True)


@pytest.fixture(scope="module", params=["sync", "gthread"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn for all tests."""
    with running(request.param, tmp_path_factory.mktemp("gunicorn")) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The gunicorn, which must not have logged a traceback when the test is over."""
    yield shared_server
    shared_server.check_log()


class Gate:
    """Where the app knocks, and waits until the test opens."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT)
        self.port: int = self._listener.getsockname()[1]

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def open(self) -> None:
        """Wait until the app knocks, and let it pass."""
        self._listener.accept()[0].close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate of this test."""
    gate = Gate()
    yield gate
    gate.close()


def test_genuine_delivery(server: Server) -> None:
    """The app gets the event in its environ, and reads the body as it was sent."""
    answer = server.ask(genuine("wh_genuine"))
    facts = {"type": "batch.completed", "body": BODY.decode(), "length": str(len(BODY))}
    assert (answer.status, answer.json()) == (200, facts)
    assert server.was_called("wh_genuine")


@pytest.mark.parametrize("body", [chunk(BODY), b"".join(chunk(bytes([byte])) for byte in BODY)], ids=["one", "many"])
def test_chunked_body(server: Server, body: bytes) -> None:
    """A body in chunks is accepted, and the app finds its length as if it had been declared."""
    answer = server.ask(chunked_head("wh_chunked") + body + chunk(b""))
    assert (answer.json()["body"], answer.json()["length"]) == (BODY.decode(), str(len(BODY)))


def test_streaming_response(server: Server, gate: Gate) -> None:
    """The first part of a response arrives while the app still waits for what the second one is made of."""
    with server.connect() as client:
        client.send(genuine("wh_stream", path="/webhooks/stream", headers={"x-gate": gate.port}))
        with client.response() as response:
            assert response.read1() == b"first"
            gate.open()
            assert response.read() == b"second"


def test_iterable_is_closed(server: Server, gate: Gate) -> None:
    """The `close` of the app's iterable is called."""
    with server.connect() as client:
        client.send(genuine("wh_closable", path="/webhooks/closable", headers={"x-gate": gate.port}))
        gate.open()
        assert client.answer().body == b"all"


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["closed", "reset"])
def test_client_gone_in_the_body(server: Server, leave: Callable[[Client], None]) -> None:
    """A client that leaves in the middle of the body harms nobody: not the app, the log or the next request."""
    webhook_id = f"wh_gone_{leave.__name__}"
    with server.connect() as client:
        client.send(head({**signed(webhook_id=webhook_id), "expect": "100-continue", "content-length": len(BODY)}))
        client.wait_to_continue()  # gunicorn writes it when it calls the guard
        client.send(BODY[:-1])
        leave(client)
    server.wait_for_line("refused, body_length_mismatch", webhook_id)
    assert server.ask(genuine("wh_next")).status == 200
    assert not server.was_called(webhook_id)


def test_shorter_than_declared(server: Server) -> None:
    """A client that stops sending before the declared length is told so, and the app not called."""
    with server.connect() as client:
        client.send(head({**signed(webhook_id="wh_short"), "content-length": len(BODY) + 1}) + BODY)
        client.end_sending()
        assert client.answer().refusal == (400, "body_length_mismatch")
    assert not server.was_called("wh_short")


@pytest.mark.parametrize("wrong", [b"", b"no size\r\n"], ids=["missing", "malformed"])
def test_broken_chunks(server: Server, wrong: bytes) -> None:
    """A body in chunks that breaks off, or that gunicorn can't read on, is refused and the app not called."""
    with server.connect() as client:
        client.send(chunked_head("wh_broken") + chunk(BODY) + wrong)
        client.end_sending()
        assert client.answer().refusal == (400, "body_length_mismatch")
    assert not server.was_called("wh_broken")


def test_too_large_as_declared(server: Server) -> None:
    """A body that is declared too large is refused before any of it is sent."""
    answer = server.ask(head({**signed(webhook_id="wh_large"), "content-length": LIMIT + 1}))
    assert answer.refusal == (413, "body_too_large")
    assert not server.was_called("wh_large")


def test_too_large_in_chunks(server: Server) -> None:
    """A body that turns out too large is refused before its end; gunicorn reads 1024 bytes at least."""
    answer = server.ask(chunked_head("wh_large_chunk") + chunk(bytes(max(LIMIT + 1, 1024))))
    assert answer.refusal == (413, "body_too_large")
    assert not server.was_called("wh_large_chunk")


@THREADED_ONLY
def test_keep_alive(server: Server) -> None:
    """A connection serves another delivery after an accepted one."""
    with server.connect() as client:
        for _ in range(2):
            client.send(genuine("wh_kept"))
            assert client.answer().status == 200


@THREADED_ONLY
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"webhook-timestamp": 1}, "timestamp_too_old"), ({"webhook-signature": "v1,AAAA"}, "signature_mismatch")],
    ids=["head", "signature"],
)
def test_keep_alive_after_refusal(server: Server, wrong: dict[str, str | int], reason: str) -> None:
    """A connection serves a delivery after a refused one, whether the guard read the body of that or not."""
    with server.connect() as client:
        client.send(genuine("wh_refused", headers=wrong))
        assert client.answer().refusal == (400, reason)
        client.send(genuine("wh_kept"))
        assert client.answer().status == 200
    assert not server.was_called("wh_refused")


@SYNC_ONLY
def test_no_keep_alive(server: Server) -> None:
    """The sync worker itself closes each connection after the answer."""
    with server.connect() as client:
        client.send(genuine("wh_closed"))
        assert client.answer().headers["connection"] == "close"
        assert client.rest() == b""


def test_other_route(server: Server) -> None:
    """A large upload to a path that is not guarded reaches the app whole."""
    upload = bytes(1_048_576)
    assert server.ask(head({"content-length": len(upload)}, path="/upload") + upload).body == b"1048576"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("webhook-id", "malformed_header"),
        ("webhook-timestamp", "malformed_header"),
        ("webhook-signature", "signature_mismatch"),
    ],
)
def test_doubled_header(server: Server, name: str, reason: str) -> None:
    """A header that is there twice is one to the guard, since gunicorn joins them with a comma: refused for that."""
    headers = signed(webhook_id="wh_doubled")
    double = f"{name}: {headers[name]}\r\n".encode()
    request = head({**headers, "content-length": len(BODY)})
    answer = server.ask(request.removesuffix(b"\r\n") + double + b"\r\n" + BODY)
    assert answer.refusal == (400, reason)
    assert not server.was_called("wh_doubled")


def test_doubled_length(server: Server) -> None:
    """Two declared lengths get gunicorn's own 400, and the guard never hears of them."""
    request = head({**signed(webhook_id="wh_lengths"), "content-length": len(BODY), "Content-Length": len(BODY)}) + BODY
    assert server.ask(request).refusal == (400, None)
    assert not server.was_called("wh_lengths")


def test_wrong_method(server: Server) -> None:
    """A GET on a guarded path is told what to use."""
    answer = server.ask(head(signed(webhook_id="wh_get"), method="GET"))
    assert (answer.refusal, answer.headers["allow"]) == ((405, "method_not_allowed"), "POST")
    assert not server.was_called("wh_get")


def test_8_bit_header(server: Server) -> None:
    """Bytes that are not ASCII are refused where the guard expects ASCII, and the app not called."""
    assert server.ask(genuine("wh_8_bit", headers={"webhook-id": "wh_\xff"})).refusal == (400, "malformed_header")
    assert not server.was_called("wh_\xff")


def test_expectation_of_refused_head(server: Server) -> None:
    """A client that asks before it sends its body is told to go on by gunicorn itself, and only then refused."""
    with server.connect() as client:
        client.send(head({"expect": "100-continue", "content-length": len(BODY)}))
        client.wait_to_continue()
        assert client.answer().refusal == (400, "missing_header")


def test_failing_app(server: Server) -> None:
    """What the app raises reaches the server, which answers and logs it as without a guard."""
    with_guard = server.ask(genuine("wh_fail", path="/webhooks/fail"))
    server.wait_for_line("Traceback")
    server.wait_for_line("RuntimeError: the app's own")
    without = server.ask(genuine("wh_fail", path="/fail"))
    server.wait_for_line("Traceback")
    server.wait_for_line("RuntimeError: the app's own")
    assert with_guard.status == without.status == 500
    assert with_guard.body == without.body
