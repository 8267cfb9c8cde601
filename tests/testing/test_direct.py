"""An app that is called itself hears what a server would say, and its answer comes back whole."""

import asyncio
import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from webhook_guard.testing.direct import Response, caller

from support import PATH
from testing.echo import BODY, HEADERS, echo_asgi, echo_wsgi


@pytest.mark.parametrize("app", [echo_asgi, echo_wsgi], ids=["ASGI", "WSGI"])
class TestApp:
    """An app that is called itself."""

    def test_answer(self, app: Any) -> None:
        """The answer has the status, the headers and the body, of all parts."""
        answer = caller(app)("POST", PATH, HEADERS, BODY)
        assert isinstance(answer, Response)
        assert (answer.status_code, answer.headers) == (201, {"x-answer": "1, 2"})
        assert answer.json() == json.loads(answer.content)

    def test_frozen(self, app: Any) -> None:
        """It can't be changed."""
        answer = caller(app)("POST", PATH, HEADERS, BODY)
        with pytest.raises(AttributeError):
            answer.status_code = 200

    def test_path(self, app: Any) -> None:
        """The path arrives decoded, as servers decode it."""
        seen = caller(app)("POST", "/a%2Fb/%C3%A9", [], b"").json()
        path = seen["path"].encode("latin-1").decode() if app is echo_wsgi else seen["path"]
        assert path == "/a/b/é"

    def test_latin_1(self, app: Any) -> None:
        """The characters of a header are bytes."""
        seen = caller(app)("POST", PATH, [("x-odd", "\xe9\xff")], b"").json()
        assert ["x-odd", "\xe9\xff"] in seen["headers"]

    def test_host(self, app: Any) -> None:
        """The host is the one that test clients have."""
        assert ["host", "testserver"] in caller(app)("POST", PATH, [], b"").json()["headers"]


def test_wsgi_error_after_the_start() -> None:
    """The last status counts, the iterable is closed, and what was written comes first."""
    closed: list[bool] = []

    class Chunks:
        def __init__(self, start_response: Any) -> None:
            self.start_response = start_response

        def __iter__(self) -> Iterator[bytes]:
            self.start_response("200 OK", [])(b"a")
            self.start_response("503 Service Unavailable", [("x-late", "1")], (None, None, None))
            yield b"b"

        def close(self) -> None:
            closed.append(True)

    def app(_: object, start_response: Any) -> Chunks:
        return Chunks(start_response)

    answer = caller(app)("POST", PATH, [], b"")
    assert (answer.status_code, answer.headers, answer.content) == (503, {"x-late": "1"}, b"ab")
    assert closed == [True]


def test_asgi_client_stays() -> None:
    """An app that listens meanwhile does not hear that the client has gone before it has answered."""

    async def app(_: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not gone.done()
        await send({"type": "http.response.start", "status": 204, "headers": [], "trailers": False})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        assert (await gone)["type"] == "http.disconnect"

    assert caller(app)("POST", PATH, [], b"").status_code == 204


def test_event_loop_of_its_own() -> None:
    """Each request has an event loop of its own, and an app hears of no lifespan."""
    loops: list[object] = []

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        loops.append(asyncio.get_running_loop())
        await echo_asgi(scope, receive, send)

    for _ in range(2):
        caller(app)("POST", PATH, [], b"")
    assert loops[0] is not loops[1]


def test_event_loop_is_left_alone() -> None:
    """The thread's event loop is the same afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        caller(echo_asgi)("POST", PATH, [], b"")
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def silent_asgi(*_: object) -> None:
    """Answer nothing."""


def silent_wsgi(*_: object) -> list[bytes]:
    """Answer nothing."""
    return []


@pytest.mark.parametrize("app", [silent_asgi, silent_wsgi])
def test_no_answer(app: Any) -> None:
    """An app that does not answer is an error, not an empty answer."""
    with pytest.raises(RuntimeError, match="the app returned without an answer"):
        caller(app)("POST", PATH, [], b"")


def test_exceptions_pass() -> None:
    """What an app raises reaches the test."""

    def app(*_: object) -> list[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        caller(app)("POST", PATH, [], b"")


def test_app_in_a_running_loop() -> None:
    """An ASGI app can't be called while an event loop is running: the error says what to do."""

    async def post() -> None:
        caller(echo_asgi)

    with pytest.raises(RuntimeError, match=r"make the test a plain function, or await .*ASGITransport\(app\)"):
        asyncio.run(post())


class EchoASGI:
    """An ASGI app that is an object."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with what came."""
        await echo_asgi(scope, receive, send)


@pytest.mark.parametrize("app", [echo_asgi, EchoASGI(), EchoASGI().__call__], ids=["function", "object", "method"])
def test_partial_asgi(app: Any) -> None:
    """A partial of an ASGI app is one, whatever it is a partial of."""
    for called in (app, functools.partial(app), functools.partial(functools.partial(app))):
        assert caller(called)("POST", PATH, HEADERS, BODY).status_code == 201


def test_partial_wsgi() -> None:
    """A partial of a WSGI app is one."""
    assert caller(functools.partial(echo_wsgi))("POST", PATH, HEADERS, BODY).status_code == 201


@pytest.mark.parametrize("name", ["content-length", "Content-Length"])
def test_wsgi_content_length(name: str) -> None:
    """Under WSGI, a Content-Length among the headers is the one that is declared, and no header of another name."""
    seen = caller(echo_wsgi)("POST", PATH, [(name, "3")], BODY).json()
    assert [pair for pair in seen["headers"] if pair[0] == "content-length"] == [["content-length", "3"]]
    assert seen["body"].encode("latin-1") == BODY[:3]


@pytest.mark.parametrize("app", [echo_asgi, echo_wsgi], ids=["ASGI", "WSGI"])
def test_upper_case(app: Any) -> None:
    """A name in upper case is the same name: ASGI has it in lower case."""
    seen = caller(app)("POST", PATH, [("X-ODD", "1")], b"").json()
    assert ["x-odd", "1"] in seen["headers"]


def test_asgi_answer_in_parts() -> None:
    """An app that listens while it answers hears that the client has gone after the last part, not before."""
    gone_after: list[bool] = []

    async def app(_: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": False})
        for more_body in (True, True, False):
            await send({"type": "http.response.body", "body": b"a", "more_body": more_body})
            for _turn in range(3):  # of the event loop, so that who waits is called
                await asyncio.sleep(0)
            gone_after.append(gone.done())

    assert caller(app)("POST", PATH, [], b"").content == b"aaa"
    assert gone_after == [False, False, True]
