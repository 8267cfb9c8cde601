"""The ASGI front: what it hands on, what it keeps back, and how it waits. Verdicts are in `test_scenarios.py`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from itertools import pairwise
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import unquote_to_bytes

import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from webhook_guard import ASGIWebhookMiddleware, ConfigurationError, Delivery, Reason, get_delivery, get_event
from webhook_guard.asgi import BODY_TIMEOUT
from webhook_guard.idempotency import ClaimState, MemoryStore
from webhook_guard.refused import RefusedRequest

from scenarios import HEAD, LIMIT, Scenario, with_length
from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, clock, event_body, signed

HEADERS = [(name.encode(), value.encode()) for name, value in signed().items()]
GENUINE = [{"type": "http.request", "body": BODY, "more_body": False}]


class Server:
    """The server's side of one connection: what it says and what it is told."""

    def __init__(self, *messages: Any, then: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.messages = list(messages)
        self.then = then
        self.received = 0
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        """Give the next message, or what comes then; an exception is raised."""
        self.received += 1
        if not self.messages:
            assert self.then is not None, "the guard asks for more than it needs"
            return await self.then()
        message = self.messages.pop(0)
        if isinstance(message, BaseException):
            raise message
        return message

    async def send(self, message: Any) -> None:
        """Keep what is sent."""
        self.sent.append(message)

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self.sent[0]["status"]
        return status

    @property
    def reason(self) -> str:
        """The reason of a refusal."""
        reason: str = json.loads(self.sent[1]["body"])["reason"]
        return reason


class App:
    """An app that keeps what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Keep the call."""
        self.calls.append((scope, receive, send))


def make_scope(**changes: Any) -> dict[str, Any]:
    """Return the scope of a genuine request, with changes."""
    return {"type": "http", "method": "POST", "path": PATH, "headers": HEADERS, **changes}


def guard(app: Any, **options: Any) -> ASGIWebhookMiddleware:
    """Return a guarded app."""
    defaults: dict[str, Any] = {"path": PATH, "secret": SECRET, "clock": clock}
    return ASGIWebhookMiddleware(app, **{**defaults, **options})


def call(server: Server, *, app: Any = None, scope: dict[str, Any] | None = None, **options: Any) -> App:
    """Call a guarded app, and return it."""
    app = app or App()
    asyncio.run(guard(app, **options)(scope or make_scope(), server.receive, server.send))
    return app  # type: ignore[no-any-return]  # an App unless the test gave another


async def forever() -> Any:
    """Never answer."""
    await asyncio.Event().wait()


class TestUntouched:
    """What is not guarded passes as it is."""

    @pytest.mark.parametrize(
        "scope",
        [
            make_scope(path="/other"),
            make_scope(path="/other", method="GET", headers=[]),
            make_scope(type="websocket", path="/chat"),
            {"type": "lifespan"},
            {"type": "something.new", "path": PATH},
        ],
        ids=["another path", "GET", "websocket on another path", "lifespan", "a type of its own"],
    )
    def test_same_objects(self, scope: dict[str, Any]) -> None:
        """The app gets the server's own scope, receive and send."""
        server, before = Server(), dict(scope)
        ((given_scope, receive, send),) = call(server, scope=scope).calls
        assert given_scope is scope == before
        assert (receive, send) == (server.receive, server.send)
        assert server.received == 0

    def test_lifespan_under_a_guard_of_everything(self) -> None:
        """Lifespan is no request: even the guard of everything passes it."""
        scope = {"type": "lifespan"}
        assert call(Server(), scope=scope, path=None).calls[0][0] is scope


class TestHandingOn:
    """What the app gets of a verified request."""

    def test_event_and_delivery(self) -> None:
        """They are in the scope, under their names."""
        ((scope, _, _),) = call(Server(*GENUINE)).calls
        assert scope["openai.event"] is get_event(scope)
        assert scope["openai.delivery"] is get_delivery(scope)
        assert type(scope["openai.delivery"]) is Delivery
        assert scope["openai.delivery"].webhook_id == WEBHOOK_ID

    def test_scope_is_a_copy(self) -> None:
        """The server's scope is not written to; all else in the copy is the same."""
        scope = make_scope(state={"a": 1}, extensions={})
        before = dict(scope)
        ((given_scope, _, _),) = call(Server(*GENUINE), scope=scope).calls
        assert scope == before
        assert {key: value for key, value in given_scope.items() if not key.startswith("openai.")} == before
        assert given_scope["state"] is scope["state"]

    def test_send_is_the_servers(self) -> None:
        """Answers pass straight through."""
        server = Server(*GENUINE)
        assert call(server).calls[0][2] == server.send

    @pytest.mark.parametrize("size", [1, 9, len(BODY)])
    def test_body_once(self, size: int) -> None:
        """The body comes whole and once, however it arrived; after that, it is the server's turn."""
        pieces = [BODY[start : start + size] for start in range(0, len(BODY), size)]
        messages = [
            {"type": "http.request", "body": piece, "more_body": index < len(pieces)}
            for index, piece in enumerate(pieces, 1)
        ]
        disconnect = {"type": "http.disconnect"}
        got: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            del scope, send
            got.extend([await receive(), await receive(), await receive()])

        call(Server(*messages, disconnect, disconnect), app=app)
        assert got == [{"type": "http.request", "body": BODY, "more_body": False}, disconnect, disconnect]

    @given(cuts=st.lists(st.integers(0, len(BODY)), max_size=8).map(sorted))
    @example(cuts=[0, 9, 9, len(BODY)])
    def test_any_split(self, cuts: list[int]) -> None:
        """The body comes whole wherever it was cut, and however many pieces are empty: before it, within, and after."""
        edges = [0, *cuts, len(BODY)]
        pieces = [
            {"type": "http.request", "body": BODY[start:end], "more_body": index <= len(cuts)}
            for index, (start, end) in enumerate(pairwise(edges), 1)
        ]
        ((scope, _, _),) = call(Server(*pieces)).calls
        assert scope["openai.delivery"].body == BODY

    def test_waits_for_the_server(self) -> None:
        """After the body, `receive` waits as long as the server does: no disconnect is made up."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            del scope, send
            await receive()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(), 0.01)

        call(Server(*GENUINE, then=forever), app=app)

    def test_defaults_of_messages(self) -> None:
        """A message without body or more_body has the defaults of the specification."""
        assert call(Server({"type": "http.request", "body": BODY})).calls
        assert Server({"type": "http.request"}).messages
        server = Server({"type": "http.request"})
        assert call(server).calls == []
        assert server.reason == "signature_mismatch"

    def test_bytearray(self) -> None:
        """A server's own buffer is copied, and not written to."""
        buffers = [bytearray(BODY[:9]), bytearray(BODY[9:])]
        server = Server(
            *({"type": "http.request", "body": buffer, "more_body": True} for buffer in buffers), GENUINE[0]
        )
        server.messages[2] = {"type": "http.request"}
        ((scope, _, _),) = call(server).calls
        assert scope["openai.delivery"].body == BODY
        assert buffers == [BODY[:9], BODY[9:]]

    def test_exceptions(self) -> None:
        """An exception of the app is the server's to see, as it is."""
        error = RuntimeError("the app's own")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            del scope, receive, send
            raise error

        server = Server(*GENUINE)
        with pytest.raises(RuntimeError) as caught:
            call(server, app=app)
        assert caught.value is error
        assert caught.value.__context__ is None
        assert server.sent == []

    def test_context_variables(self) -> None:
        """The app runs in the server's context: what it sets there is seen."""
        variable: ContextVar[str] = ContextVar("variable")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            del scope, receive, send
            variable.set("set by the app")

        async def serve() -> str:
            server = Server(*GENUINE)
            await guard(app)(make_scope(), server.receive, server.send)
            return variable.get()

        assert asyncio.run(serve()) == "set by the app"


class TestRefusing:
    """What the sender gets, and the app does not."""

    def test_answer(self) -> None:
        """It is a problem document, in two messages."""
        server = Server()
        assert call(server, scope=make_scope(headers=[])).calls == []
        body = b'{"title":"A webhook header is missing or empty","status":400,"reason":"missing_header"}'
        assert server.sent == [
            {
                "type": "http.response.start",
                "status": 400,
                "headers": [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))],
                "trailers": False,
            },
            {"type": "http.response.body", "body": body, "more_body": False},
        ]

    def test_head_is_refused_unread(self) -> None:
        """The body of a declared length over the limit is not asked for."""
        server = Server()
        call(server, scope=make_scope(headers=[*HEADERS, (b"content-length", b"262145")]))
        assert (server.status, server.received) == (413, 0)

    @pytest.mark.parametrize("scenario", HEAD, ids=lambda scenario: scenario.name)
    def test_no_refused_head_is_read_on(self, scenario: Scenario) -> None:
        """Whatever a head is refused for, its body is not asked for."""
        server = Server()
        call(server, scope=make_scope(method=scenario.method, headers=with_length(scenario)), max_body_size=LIMIT)
        assert scenario.reason is not None
        assert (server.status, server.received) == (scenario.reason.status, 0)

    def test_allow(self) -> None:
        """405 says that POST is allowed."""
        server = Server()
        call(server, scope=make_scope(method="GET"))
        assert server.status == 405
        assert (b"allow", b"POST") in server.sent[0]["headers"]

    @pytest.mark.parametrize("path", [PATH, None], ids=["a path", "everything"])
    def test_websocket(self, path: str | None) -> None:
        """A websocket on a guarded path is closed before it is accepted."""
        server = Server()
        scope = {"type": "websocket", "path": PATH, "headers": HEADERS}
        assert call(server, scope=scope, path=path).calls == []
        assert server.sent == [{"type": "websocket.close", "code": 1008, "reason": "websocket_refused"}]

    def test_websocket_with_a_method(self) -> None:
        """It is the type of the scope that makes a websocket, whatever else is in it."""
        server = Server(*GENUINE)
        assert call(server, scope=make_scope(type="websocket")).calls == []
        assert server.sent[0]["type"] == "websocket.close"

    def test_no_headers(self) -> None:
        """A scope without headers is a request without headers."""
        server = Server()
        scope = make_scope()
        del scope["headers"]
        call(server, scope=scope)
        assert server.reason == "missing_header"

    def test_no_method(self) -> None:
        """A request without a method is not POST."""
        server = Server()
        scope = make_scope()
        del scope["method"]
        call(server, scope=scope)
        assert server.reason == "method_not_allowed"

    def test_default_limit(self) -> None:
        """256 KiB is the default limit of a body."""
        for length, status in ((262_144, 400), (262_145, 413)):
            body = b"x" * length
            server = Server({"type": "http.request", "body": body})
            call(server)
            assert server.status == status

    def test_stops_reading_at_the_limit(self) -> None:
        """No chunk is asked for after the limit was passed."""
        chunk = {"type": "http.request", "body": b"x" * 600, "more_body": True}
        server = Server(*[chunk] * 9)
        call(server, max_body_size=1000)
        assert (server.reason, server.received) == ("body_too_large", 2)

    def test_client_gone(self) -> None:
        """A client that goes away before the end of the body is answered, in case that somebody listens."""
        server = Server({"type": "http.request", "body": BODY[:9], "more_body": True}, {"type": "http.disconnect"})
        assert call(server).calls == []
        assert server.reason == "client_disconnected"

    @pytest.mark.parametrize("error", [RuntimeError("closed"), OSError("gone")], ids=repr)
    def test_client_gone_and_nobody_listens(self, error: Exception) -> None:
        """That the answer to it fails is no news."""

        async def send(message: Any) -> None:
            del message
            raise error

        server = Server({"type": "http.disconnect"})
        asyncio.run(guard(App())(make_scope(), server.receive, send))

    def test_client_gone_before_the_answer(self) -> None:
        """A client that goes away before another answer makes no traceback: the specification has OSError for it."""

        async def send(message: Any) -> None:
            del message
            raise OSError

        asyncio.run(guard(App())(make_scope(headers=[]), Server().receive, send))

    def test_server_refuses_the_answer(self) -> None:
        """Any other failure of the server is not hidden."""

        async def send(message: Any) -> None:
            del message
            raise RuntimeError("the server's own")

        with pytest.raises(RuntimeError, match="the server's own"):
            asyncio.run(guard(App())(make_scope(headers=[]), Server().receive, send))

    @pytest.mark.parametrize(
        "message",
        [
            RuntimeError("x"),
            TimeoutError(),
            OSError(),
            KeyError("x"),
            {"type": "http.request", "body": "text"},
            {},
            None,
        ],
        ids=repr,
    )
    def test_reading_fails(self, message: Any) -> None:
        """Whatever `receive` raises or gives instead of bytes, the body did not arrive."""
        server = Server(message)
        assert call(server).calls == []
        assert server.reason == "body_length_mismatch"

    def test_logged(self, records: list[Any]) -> None:
        """There is one record for a refusal, with path and id, and none for what passes."""
        call(Server(*GENUINE))
        call(Server(), scope=make_scope(path="//webhooks/openai", method="GET"))
        (record,) = records
        assert (record.reason, record.path, record.webhook_id) == (
            "method_not_allowed",
            "//webhooks/openai",
            WEBHOOK_ID,
        )

    def test_logged_once_a_minute(self, records: list[Any]) -> None:
        """Of refusals for the same reason, the guard's clock decides which is a warning, and which a detail."""
        times = iter([NOW, NOW + 59, NOW + 61])
        guarded = guard(App(), clock=lambda: next(times), tolerance=999)
        headers = [(name, b"wh_2" if name == b"webhook-id" else value) for name, value in HEADERS]
        for _ in range(3):
            server = Server(*GENUINE)
            asyncio.run(guarded(make_scope(headers=headers), server.receive, server.send))
        assert [record.levelname for record in records] == ["WARNING", "INFO", "WARNING"]

    def test_head_method(self) -> None:
        """The answer to HEAD has no body (RFC 9110 section 9.3.2)."""
        server = Server()
        call(server, scope=make_scope(method="HEAD"))
        assert (server.status, server.sent[1]["body"]) == (405, b"")

    def test_unexpected_shape_is_logged(self, records: list[Any]) -> None:
        """An event that is kept as unknown though its type is known is a warning."""
        body = event_body("batch.completed", [])
        headers = [(name.encode(), value.encode()) for name, value in signed(body).items()]
        assert call(Server({"type": "http.request", "body": body}), scope=make_scope(headers=headers)).calls
        assert [(record.levelname, record.event_type) for record in records] == [("WARNING", "batch.completed")]

    @given(
        headers=st.lists(st.tuples(st.sampled_from([*signed(), "content-length", "x"]), st.binary()), max_size=5),
        path=st.text(),
        method=st.sampled_from(["POST", "GET", "", "POST "]),
        body=st.lists(st.binary(), min_size=1, max_size=3),
        kind=st.sampled_from(["http", "websocket"]),
    )
    def test_arbitrary_requests(
        self, headers: list[tuple[str, bytes]], path: str, method: str, body: list[bytes], kind: str
    ) -> None:
        """Whatever arrives, the answer is a 4xx or a close, nothing is raised, and the app is not called."""
        messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in body]
        server = Server(*messages, {"type": "http.request"})
        scope = make_scope(
            type=kind, headers=[(name.encode(), value) for name, value in headers], path=path, method=method
        )
        if kind == "websocket":
            del scope["method"]
        assert call(server, scope=scope, path=None).calls == []
        assert kind == "websocket" or 400 <= server.status < 500


class TestTelling:
    """What `on_refused` is told, and when. What becomes of it is in `test_refused.py`."""

    @staticmethod
    def told(server: Server, scope: dict[str, Any], **options: Any) -> RefusedRequest:
        """Return the one request that is told, before anything is answered."""
        seen: list[RefusedRequest] = []

        def on_refused(reason: Reason, request: RefusedRequest) -> None:
            assert (reason, server.sent) == (request.error.reason, [])
            seen.append(request)

        assert call(server, scope=scope, on_refused=on_refused, **options).calls == []
        assert server.sent
        (request,) = seen
        return request

    def test_head(self) -> None:
        """Method, target and headers are those of the wire."""
        headers = [(b"host", b"test"), (b"x-a", b"caf\xe9"), (b"x-a", b"")]
        scope = make_scope(headers=headers, raw_path=b"/webhooks/%6fpenai", query_string=b"a=%20")
        request = self.told(Server(), scope)
        assert (request.error.reason, request.method) == ("missing_header", "POST")
        assert request.target == "/webhooks/%6fpenai?a=%20"
        assert request.headers == (("host", "test"), ("x-a", "caf\xe9"), ("x-a", ""))
        assert (request.body, request.is_whole) == (None, False)

    @pytest.mark.parametrize("path", ["/größe", "/\udcff"])
    def test_target_without_raw_path(self, path: str) -> None:
        """Where the server does not tell the path as it was sent, it is encoded."""
        request = self.told(Server(), make_scope(path=path, headers=[], raw_path=None), path=None)
        assert unquote_to_bytes(request.target) == path.encode("utf-8", "surrogatepass")
        assert request.target.isascii()

    def test_websocket(self) -> None:
        """A websocket begins with a GET."""
        request = self.told(Server(), {"type": "websocket", "path": PATH, "headers": HEADERS}, capture=True)
        assert (request.error.reason, request.method, request.body) == ("websocket_refused", "GET", b"")

    def test_reading_fails(self) -> None:
        """What `receive` raises is told by its type, and not by its text, which may be private."""
        said = str(self.told(Server(OSError("private")), make_scope()).error)
        assert said == "0 of an undeclared number of bytes of the body arrived; reading failed with OSError"

    def test_no_method_and_no_headers(self) -> None:
        """What the scope has not is empty."""
        request = self.told(Server(), {"type": "http", "path": PATH})
        assert (request.method, request.headers, request.target) == ("", (), PATH)

    def test_unread(self) -> None:
        """The body of a refused head is not read to be captured."""
        server = Server()
        request = self.told(server, make_scope(method="PUT"), capture=True)
        assert (server.received, request.body, request.is_whole) == (0, b"", False)

    @pytest.mark.parametrize(
        ("options", "then"),
        [({"body_timeout": 0.01}, None), ({"max_body_size": 10}, {"type": "http.request", "body": b"x" * 2})],
        ids=["time-out", "too large"],
    )
    def test_part(self, options: dict[str, Any], then: Any) -> None:
        """Of a body that is refused in the middle, there is what had come, and no more than the limit."""
        begun = {"type": "http.request", "body": BODY[:9], "more_body": True}
        server = Server(begun, *([then] if then else []), then=forever)
        request = self.told(server, make_scope(), capture=True, **options)
        assert (request.body, request.is_whole) == (BODY[:9], False)

    def test_whole(self) -> None:
        """A request with a wrong signature is told whole, as bytes, however its body came."""
        pieces = [
            {"type": "http.request", "body": bytearray(BODY[:9]), "more_body": True},
            {"type": "http.request", "body": BODY[9:]},
        ]
        headers = [(name, b"wh_2" if name == b"webhook-id" else value) for name, value in HEADERS]
        request = self.told(Server(*pieces), make_scope(headers=headers), capture=True)
        assert (request.error.reason, request.body, request.is_whole) == ("signature_mismatch", BODY, True)
        assert type(request.body) is bytes

    def test_cancelled(self) -> None:
        """What a function hits upon in a task that was cancelled is no cancellation of the request."""

        def on_refused(_reason: Reason, _request: RefusedRequest) -> None:
            raise asyncio.CancelledError

        server = Server()
        call(server, scope=make_scope(headers=[]), on_refused=on_refused)
        assert (server.status, server.reason) == (400, "missing_header")


class TestWaiting:
    """How long a body may take."""

    def test_slow_body(self) -> None:
        """A body that is not complete in time is answered with 408."""
        server = Server({"type": "http.request", "body": BODY[:9], "more_body": True}, then=forever)
        assert call(server, body_timeout=0.01).calls == []
        assert (server.status, server.reason) == (408, "body_timeout")

    def test_all_chunks_together(self) -> None:
        """The time-out is for the whole body: a drip of bytes does not stretch it."""

        async def drip() -> Any:
            await asyncio.sleep(0.004)
            return {"type": "http.request", "body": b"x", "more_body": True}

        server = Server(then=drip)
        call(server, body_timeout=0.05)
        assert server.reason == "body_timeout"
        assert server.received < 20

    def test_empty_chunks_for_ever(self) -> None:
        """A layer that gives empty chunks without ever waiting does not stop the timer."""

        async def nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": True}

        server = Server(then=nothing)
        call(server, body_timeout=0.01)
        assert server.reason == "body_timeout"

    def test_chunks_that_come_in_time(self) -> None:
        """A body that comes in pieces, with waits between them, is verified."""
        chunks = iter([BODY[:9], BODY[9:50], BODY[50:], b""])

        async def trickle() -> Any:
            await asyncio.sleep(0)
            chunk = next(chunks)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

        ((scope, _, _),) = call(Server(then=trickle)).calls
        assert scope["openai.delivery"].body == BODY

    def test_chunks_are_held_once(self) -> None:
        """While the guard waits for more of a body, it holds the last chunk as a part of that, and nowhere else."""
        chunks = [BODY[:9], BODY[9:50], BODY[50:]]
        references = sys.getrefcount(chunks[1])
        seen: list[int] = []

        async def trickle() -> Any:
            await asyncio.sleep(0)
            if len(seen) == len(chunks):
                return {"type": "http.disconnect"}
            seen.append(sys.getrefcount(chunks[1]) - references)
            return {"type": "http.request", "body": chunks[len(seen) - 1], "more_body": True}

        call(Server(then=trickle))
        assert seen == [0, 0, 0]

    def test_no_timer_for_a_body_that_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A body that is already there is read without arming a timer."""

        async def serve() -> None:
            monkeypatch.setattr(asyncio.get_running_loop(), "call_at", None)
            server = Server(
                {"type": "http.request", "body": BODY[:9], "more_body": True}, {**GENUINE[0], "body": BODY[9:]}
            )
            await guard(app)(make_scope(), server.receive, server.send)

        app = App()
        asyncio.run(serve())
        assert len(app.calls) == 1

    def test_cancelled(self) -> None:
        """A cancellation reaches `receive`, and the server sees it as its own."""
        cancelled: list[bool] = []

        async def wait() -> Any:
            try:
                await forever()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async def serve() -> None:
            server = Server(then=wait)
            task = asyncio.ensure_future(guard(App())(make_scope(), server.receive, server.send))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert server.sent == []

        asyncio.run(serve())
        assert cancelled == [True]

    def test_tells_its_own_time_out_from_the_servers(self) -> None:
        """A TimeoutError of the server's while the timer runs is a body that did not arrive."""

        async def fail() -> Any:
            await asyncio.sleep(0)
            raise TimeoutError

        server = Server(then=fail)
        call(server)
        assert server.reason == "body_length_mismatch"


class TestOptions:
    """Options are checked when the middleware is constructed."""

    @pytest.mark.parametrize(
        "options",
        [
            {"secret": ""},
            {"secret": 7},
            {"path": []},
            {"path": "webhooks"},
            {"tolerance": -1},
            {"tolerance": "300"},
            {"tolerance": float("nan")},
            {"max_body_size": 0},
            {"max_body_size": True},
            {"max_body_size": 1.5},
            {"body_timeout": 0},
            {"body_timeout": 86_401},
            {"body_timeout": float("inf")},
            {"body_timeout": True},
            {"body_timeout": None},
            {"on_refused": 1},
            {"capture": 1, "on_refused": print},
            {"capture": True},
            {"clock": None},
            {"clock": NOW},
            {"app": None},
        ],
        ids=str,
    )
    def test_wrong_option_is_named(self, options: dict[str, Any]) -> None:
        """The error names the option."""
        with pytest.raises(ConfigurationError, match=f"^{next(iter(options))}: "):
            guard(**{"app": App(), **options})

    def test_body_timeout(self) -> None:
        """A body may take ten seconds, or from a millisecond to a day."""
        assert BODY_TIMEOUT == 10
        for seconds in (0.001, 86_400):
            assert guard(App(), body_timeout=seconds)

    def test_secret_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a secret, the environment's is taken, once; without that, there is no middleware."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
        assert call(Server(*GENUINE), secret=None).calls
        monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
        with pytest.raises(ConfigurationError, match="OPENAI_WEBHOOK_SECRET is not set"):
            guard(App(), secret=None)

    def test_keyword_only(self) -> None:
        """All but the app are keywords."""
        with pytest.raises(TypeError):
            ASGIWebhookMiddleware(App(), PATH)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  what it must refuse

    def test_repr_has_no_secret(self) -> None:
        """Nothing that is shown of a middleware has the secret in it."""
        middleware = guard(App())
        assert SECRET[6:] not in f"{middleware!r} {vars(middleware)!r} {vars(middleware._guard)!r}"  # pyright: ignore[reportPrivateUsage]  what a debugger shows


class TestMounts:
    """Below a root path, as frameworks mount apps."""

    @staticmethod
    async def receive(request: Request) -> JSONResponse:
        """Answer with the type of the event and the length of the body."""
        return JSONResponse([get_event(request).type, len(await request.body())])

    def post(self, app: Any, path: str, **changes: Any) -> tuple[int, Any]:
        """Post the genuine delivery, and return status and body."""
        answer = TestClient(app).post(path, content=BODY, headers={**signed(), **changes})
        return answer.status_code, answer.json()

    @pytest.mark.parametrize("path", [None, PATH], ids=["guard of everything", "guard of a path"])
    def test_inside_a_mount(self, path: str | None) -> None:
        """A guard inside a mount sees app-relative paths."""
        inner = guard(Starlette(routes=[Route(PATH, self.receive, methods=["POST"])]), path=path)
        app = Starlette(routes=[Mount("/api", app=inner)])
        assert self.post(app, "/api" + PATH) == (200, ["batch.completed", len(BODY)])
        assert self.post(app, "/api" + PATH, **{"webhook-id": "wh_2"})[0] == 400

    def test_outside_of_a_root_path(self) -> None:
        """A guard around an app with a root path guards the app-relative path."""
        app = guard(Starlette(routes=[Route(PATH, self.receive, methods=["POST"])]))
        client = TestClient(app, root_path="/api")
        assert client.post("/api" + PATH, content=BODY, headers=signed()).status_code == 200
        assert client.post("/api" + PATH, content=BODY).status_code == 400

    @pytest.mark.parametrize("layers", [0, 2], ids=["the app", "the app in middleware"])
    def test_root_path_of_the_apps_own(self, layers: int) -> None:
        """An app that sets a root path once it is called is guarded below that, too."""
        called: list[str] = []
        api = FastAPI()

        @api.post(PATH)
        def receive() -> None:  # pyright: ignore[reportUnusedFunction]  the route's
            called.append("unverified")

        app: Any = api
        for _ in range(layers):
            app = CORSMiddleware(app)
            app.root_path = "/of-a-proxy"
        client = TestClient(guard(app))
        api.root_path = "/api"  # as FastAPI(root_path=...) does, which warns since it has another way
        for path in (PATH, "/api" + PATH, "//api" + PATH, "/api/" + PATH):
            assert client.post(path, content=BODY).status_code == 400
        assert client.post("/other" + PATH, content=BODY).status_code == 404
        assert called == []

    @pytest.mark.parametrize(
        "raw_path", [b"/mount" + PATH.encode(), b"/mount/%77ebhooks/openai/", b"/mount/%FFwebhooks/openai"]
    )
    def test_rewritten_path(self, raw_path: bytes) -> None:
        """A router outside of the guard that has rewritten the path does not hide the one that was asked for."""
        scope = make_scope(path="/webhooks/openai/", raw_path=raw_path, headers=[])
        assert call(Server(), scope=scope, path=f"/mount{PATH}").calls == []

    def test_rewritten_path_below_a_root_path(self) -> None:
        """Nor does it hide the path that the app itself would look at."""

        class Rooted(App):
            root_path = "/api"

        scope = make_scope(path=f"/api{PATH}", raw_path=b"/elsewhere", headers=[])
        assert call(Server(), app=Rooted(), scope=scope).calls == []

    def test_path_that_is_no_text(self) -> None:
        """A path with bytes that are not UTF-8 is another path, and no error."""
        scope = make_scope(path="/\udcff", raw_path=b"/%FF")
        assert call(Server(), scope=scope).calls[0][0] is scope

    @pytest.mark.parametrize("path", ["/other", f"/other{PATH}"])
    def test_app_with_every_attribute(self, path: str) -> None:
        """An object that has every attribute, as mocks have, can be an app."""
        app = AsyncMock()
        call(Server(), app=app, scope=make_scope(path=path))
        app.assert_awaited_once()

    def test_app_with_a_property_that_raises(self) -> None:
        """What an app's own properties raise does not leave the guard."""

        class Lazy(App):
            @property
            def root_path(self) -> str:
                """Raise."""
                raise RuntimeError

        assert call(Server(), app=Lazy(), scope=make_scope(path="/other")).calls

    def test_as_the_frameworks_middleware(self) -> None:
        """It can be added as a framework's own middleware; there, a wrong option shows at the first request."""
        app = Starlette(routes=[Route(PATH, self.receive, methods=["POST"])])
        app.add_middleware(ASGIWebhookMiddleware, path=PATH, secret=SECRET, clock=clock)
        assert self.post(app, PATH) == (200, ["batch.completed", len(BODY)])
        late = Starlette()
        late.add_middleware(ASGIWebhookMiddleware, path=PATH, secret="")
        for _ in range(2):
            with pytest.raises(ConfigurationError):
                self.post(late, "/anything")

    def test_body_as_a_stream(self) -> None:
        """The body can be streamed, as without the guard."""

        async def stream(request: Request) -> JSONResponse:
            chunks: AsyncIterator[bytes] = request.stream()
            return JSONResponse([len(chunk) async for chunk in chunks])

        app = guard(Starlette(routes=[Route(PATH, stream, methods=["POST"])]))
        assert self.post(app, PATH) == (200, [len(BODY), 0])


def test_store() -> None:
    """With a store, a delivery is claimed before the app is called; what more a store changes is tested with it."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    first, second, store = Server(*GENUINE), Server(*GENUINE), MemoryStore()
    call(first, app=app, idempotency=store)
    assert store.claim(f"{PATH}#{WEBHOOK_ID}").state is ClaimState.COMPLETED
    call(second, app=app, idempotency=store)
    assert (first.status, second.reason) == (204, "duplicate")


def test_store_is_logged(records: list[Any]) -> None:
    """What is said of a claim has the path of the request, as it came."""

    class Forgetful(MemoryStore):
        def complete(self, _key: str, _token: str, /) -> bool:
            return False

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    call(Server(*GENUINE), app=app, scope=make_scope(path="//webhooks/openai"), idempotency=Forgetful())
    assert [record.path for record in records] == ["//webhooks/openai"]
