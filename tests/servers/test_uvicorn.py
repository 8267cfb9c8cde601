"""The ASGI front on a real uvicorn, with each of its two HTTP parsers."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from queue import SimpleQueue

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from webhook_guard import get_delivery, get_event
from webhook_guard.asgi import Receive, Scope, Send

from servers.client import LIMIT, TIMEOUT, Answer, Client, chunk, chunked_head, genuine, head
from servers.uvicorn_server import Server, guarded, running
from support import BODY, PATH, signed

PARSERS = ["h11", "httptools"]


@pytest.fixture(scope="module", params=PARSERS)
def parser(request: pytest.FixtureRequest) -> str:
    """The name of uvicorn's HTTP parser."""
    return str(request.param)


@pytest.fixture(scope="module")
def shared_server(parser: str) -> Iterator[Server]:
    """A uvicorn for all tests."""
    server = Server()
    with running(server, parser, lifespan="off") as server.port:
        yield server


@pytest.fixture
def server(shared_server: Server, caplog: pytest.LogCaptureFixture) -> Iterator[Server]:
    """The uvicorn, which must not have logged an error when the test is over."""
    yield shared_server
    assert [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


class Recorder:
    """An app that notes the id of each request that reaches it, and answers with the body that it reads."""

    def __init__(self) -> None:
        self.ids: list[str | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        self.ids.append(request.headers.get("webhook-id"))
        await PlainTextResponse(await request.body())(scope, receive, send)


def ask(server: Server, request: bytes) -> Answer:
    """Return the answer to a request on a connection of its own."""
    with server.connect() as client:
        client.send(request)
        return client.answer()


def open_websocket(server: Server, path: str, client: Client) -> ClientConnection:
    """Open a websocket over the connection of `client`."""
    return connect(f"ws://127.0.0.1:{server.port}{path}", sock=client.socket, open_timeout=TIMEOUT)


def test_genuine_delivery(server: Server) -> None:
    """The app gets the event in its scope, and reads the body as it was sent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        texts = [get_event(request).type, get_delivery(request).webhook_id, (await request.body()).decode()]
        await PlainTextResponse("\n".join(texts))(scope, receive, send)

    server.serve(app)
    answer = ask(server, genuine("wh_1"))
    assert answer.status == 200
    assert answer.body.splitlines() == [b"batch.completed", b"wh_1", BODY]


def test_body_after_head(server: Server) -> None:
    """A body that comes when the guard waits for it is as good as one that comes with the head."""
    app = Recorder()
    watched = server.serve(app)
    with server.connect() as client:
        client.send(head({**signed(webhook_id="wh_1"), "content-length": len(BODY)}))
        watched.wait_for_receive()
        client.send(BODY)
        assert client.answer().body == BODY


def test_streaming_response(server: Server) -> None:
    """The first part of a response arrives while the app still waits for what the second one is made of."""
    released = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await released.wait()
        yield b"second"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH:
            await StreamingResponse(parts())(scope, receive, send)
        else:
            released.set()
            await Response()(scope, receive, send)

    server.serve(app)
    with server.connect() as client:
        client.send(genuine("wh_1"))
        with client.response() as response:
            assert response.read1() == b"first"
            assert ask(server, head({"content-length": 0}, path="/release")).status == 200
            assert response.read() == b"second"


def test_background_task(server: Server) -> None:
    """A background task runs when the answer is out: here it waits until the client has it."""
    answered = threading.Event()
    ran = SimpleQueue[bool]()
    task = BackgroundTask(lambda: ran.put(answered.wait(TIMEOUT)))
    server.serve(Response(b"answer", background=task))
    assert ask(server, genuine("wh_1")).body == b"answer"
    answered.set()
    assert ran.get(timeout=TIMEOUT)


def test_websocket_elsewhere(server: Server) -> None:
    """A websocket on a path that is not guarded works as without a guard."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"]})
        await receive()

    watched = server.serve(app)
    with server.connect() as client, open_websocket(server, "/socket", client) as websocket:
        websocket.send("echo")
        assert websocket.recv(TIMEOUT) == "echo"
    watched.wait_for_end()


def test_websocket_on_guarded_path(server: Server) -> None:
    """A websocket on a guarded path is refused before it is accepted, and the app not called."""
    app = Recorder()
    server.serve(app)
    with server.connect() as client, pytest.raises(InvalidStatus) as refused:
        open_websocket(server, PATH, client)
    assert refused.value.response.status_code == 403
    assert app.ids == []


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["closed", "reset"])
@pytest.mark.parametrize(
    "part", [genuine("wh_gone")[:-1], chunked_head("wh_gone") + chunk(BODY)], ids=["length", "chunks"]
)
def test_client_gone_in_the_body(server: Server, part: bytes, leave: Callable[[Client], None]) -> None:
    """A client that leaves before the end of the body harms nobody: not the app, the log or the next request."""
    app = Recorder()
    watched = server.serve(app)
    with server.connect() as client:
        client.send(part)
        watched.wait_for_receive()
        watched.wait_for_receive()  # for what is missing
        leave(client)
        watched.wait_for_end()
    assert ask(server, genuine("wh_next")).status == 200
    assert app.ids == ["wh_next"]


def test_slow_body(server: Server) -> None:
    """A body that does not arrive in time is answered 408, and the app not called."""
    app = Recorder()
    server.serve(app, body_timeout=0.2)
    with server.connect() as client:
        client.send(genuine("wh_1")[:-1])
        assert client.answer().refusal == (408, "body_timeout")
    assert app.ids == []


def test_chunked_body(server: Server) -> None:
    """A body in one chunk is accepted."""
    server.serve(Recorder())
    assert ask(server, chunked_head("wh_1") + chunk(BODY) + chunk(b"")).body == BODY


def test_chunked_body_in_many_pieces(server: Server) -> None:
    """A body in chunks of one byte is accepted; each is sent when the guard has asked for it."""
    watched = server.serve(Recorder())
    with server.connect() as client:
        client.send(chunked_head("wh_1"))
        for byte in BODY:
            watched.wait_for_receive()
            client.send(chunk(bytes([byte])))
        watched.wait_for_receive()
        client.send(chunk(b""))
        assert client.answer().body == BODY


def test_malformed_chunk(server: Server) -> None:
    """A chunk without a size gets the server's own 400, and the app is not called."""
    app = Recorder()
    watched = server.serve(app)
    with server.connect() as client:
        client.send(chunked_head("wh_1"))
        watched.wait_for_receive()
        client.send(b"no size\r\n")
        assert client.answer().refusal == (400, None)
    watched.wait_for_end()
    assert app.ids == []


def test_too_large_as_declared(server: Server) -> None:
    """A body that is declared too large is refused before any of it is sent."""
    app = Recorder()
    server.serve(app)
    request = head({**signed(webhook_id="wh_1"), "content-length": LIMIT + 1})
    assert ask(server, request).refusal == (
        413,
        "body_too_large",
    )
    assert app.ids == []


def test_too_large_in_chunks(server: Server) -> None:
    """A body that turns out too large is refused before its end."""
    app = Recorder()
    server.serve(app)
    assert ask(server, chunked_head("wh_1") + chunk(bytes(LIMIT + 1))).refusal == (413, "body_too_large")
    assert app.ids == []


def test_shorter_than_declared(server: Server) -> None:
    """A client that stops sending before the declared length gets no answer: to uvicorn, it has left."""
    app = Recorder()
    watched = server.serve(app)
    with server.connect() as client:
        client.send(head({**signed(webhook_id="wh_1"), "content-length": len(BODY) + 1}) + BODY)
        client.end_sending()
        assert client.rest() == b""
    watched.wait_for_end()
    assert app.ids == []


def test_keep_alive(server: Server) -> None:
    """A connection serves another delivery after an accepted one."""
    app = Recorder()
    server.serve(app)
    with server.connect() as client:
        for webhook_id in ("wh_1", "wh_2"):
            client.send(genuine(webhook_id))
            assert client.answer().body == BODY
    assert app.ids == ["wh_1", "wh_2"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"webhook-timestamp": 1}, "timestamp_too_old"), ({"webhook-signature": "v1,AAAA"}, "signature_mismatch")],
    ids=["head", "signature"],
)
def test_keep_alive_after_refusal(server: Server, wrong: dict[str, str | int], reason: str) -> None:
    """A connection serves a delivery after a refused one, whether the guard read the body of that or not."""
    app = Recorder()
    server.serve(app)
    with server.connect() as client:
        client.send(genuine("wh_refused", headers=wrong))
        assert client.answer().refusal == (400, reason)
        client.send(genuine("wh_2"))
        assert client.answer().body == BODY
    assert app.ids == ["wh_2"]


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_doubled_header(server: Server, name: str) -> None:
    """A header that is there twice reaches the guard as two, and is refused for that."""
    app = Recorder()
    server.serve(app)
    headers = {**signed(), "content-length": str(len(BODY))}
    assert ask(server, head({**headers, name.title(): headers[name]}) + BODY).refusal == (400, "duplicate_header")
    assert app.ids == []


def test_8_bit_header(server: Server) -> None:
    """Bytes that are not ASCII are refused where the guard expects ASCII, and the app is not called."""
    app = Recorder()
    server.serve(app)
    assert ask(server, genuine("wh_1", headers={"webhook-id": "wh_\xff"})).refusal == (400, "malformed_header")
    assert app.ids == []


def test_expectation_of_refused_head(server: Server) -> None:
    """A client that asks before it sends its body learns at once that it is not wanted."""
    app = Recorder()
    server.serve(app)
    with server.connect() as client:
        client.send(head({"expect": "100-continue", "content-length": len(BODY)}))
        assert client.line() == b"HTTP/1.1 400 Bad Request\r\n"
    assert app.ids == []


def test_expectation_of_good_head(server: Server) -> None:
    """A client that asks before it sends its body is told to go on if the head is good."""
    server.serve(Recorder())
    with server.connect() as client:
        client.send(head({**signed(webhook_id="wh_1"), "expect": "100-continue", "content-length": len(BODY)}))
        client.wait_to_continue()
        client.send(BODY)
        assert client.answer().body == BODY


def test_app_hears_of_disconnect(server: Server) -> None:
    """An app that listens on after the body hears of the disconnect when there is one, and not before."""
    heard = SimpleQueue[str]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while scope["path"] == PATH:
            message = await receive()
            heard.put(message["type"])
            if message["type"] == "http.disconnect":
                return
        await Response()(scope, receive, send)

    watched = server.serve(app)
    with server.connect() as client:
        client.send(genuine("wh_1"))
        assert heard.get(timeout=TIMEOUT) == "http.request"
        ask(server, head({}, method="GET", path="/time-passes"))
        assert heard.empty()
    assert heard.get(timeout=TIMEOUT) == "http.disconnect"
    watched.wait_for_end()


def test_failing_app(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """What the app raises reaches the server, which answers and logs it as without a guard."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("the app's own")

    server.serve(app)
    with_guard, without = ask(server, genuine("wh_1")), ask(server, genuine("wh_1", path="/fail"))
    assert with_guard.status == without.status == 500
    assert with_guard.body == without.body
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == ["the app's own"] * 2
    caplog.clear()


def test_other_route(server: Server) -> None:
    """A large upload to a path that is not guarded reaches the app whole."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sizes = [len(part) async for part in Request(scope, receive).stream()]
        await PlainTextResponse(str(sum(sizes)))(scope, receive, send)

    server.serve(app)
    upload = bytes(1_048_576)
    assert ask(server, head({"content-length": len(upload)}, path="/upload") + upload).body == b"1048576"


def test_context_variables(server: Server) -> None:
    """What the app puts into a context variable is gone in the next request."""
    variable = ContextVar("variable", default="clean")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found = variable.get()
        variable.set("used")
        await PlainTextResponse(found)(scope, receive, send)

    server.serve(app)
    assert [ask(server, genuine("wh_1")).body for _ in range(2)] == [b"clean", b"clean"]


def test_lifespan(parser: str) -> None:
    """The app hears of the server's start and of its end, in time for its requests."""
    heard: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        heard.append("startup")
        yield
        heard.append("shutdown")

    async def handle(_request: Request) -> Response:
        heard.append("request")
        return Response()

    app = Starlette(lifespan=lifespan)
    app.add_route(PATH, handle, methods=["POST"])
    with running(guarded(app), parser, lifespan="on") as port, Client(port) as client:
        client.send(genuine("wh_1"))
        assert client.answer().status == 200
    assert heard == ["startup", "request", "shutdown"]
