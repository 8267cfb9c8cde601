"""Requests arrive as they were given, through the client of any framework, and at the app itself."""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import django.test
import django.urls
import httpx2
import pytest
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from fastapi import FastAPI
from fastapi.testclient import TestClient as FastAPIClient
from flask import Flask, Response, request
from starlette.testclient import TestClient
from werkzeug.test import Client

from webhook_guard.testing import clients
from webhook_guard.testing.clients import sender

PATH = "/webhooks/openai"
HEADERS = [("content-type", "application/json"), ("webhook-id", "wh_1"), ("x-twice", "a"), ("x-twice", "b")]
BODY = b'{"text": "\xff"}'


async def echo_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what came, in two parts."""
    assert scope["type"] == "http"
    body = (await receive())["body"]
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": [(name.decode(), value.decode("latin-1")) for name, value in headers],
        "body": body.decode("latin-1"),
    }
    answer = json.dumps(seen).encode()
    twice = [(b"X-Answer", b"1"), (b"X-Answer", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": twice})
    await send({"type": "http.response.body", "body": answer[:9], "more_body": True})
    await send({"type": "http.response.body", "body": answer[9:]})


def seen_in(environ: dict[str, Any]) -> dict[str, Any]:
    """Return what came, of an environ."""
    names = {name: name.removeprefix("HTTP_").replace("_", "-").lower() for name in environ}
    headers = [(names[name], value) for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))]
    return {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "headers": headers,
        "body": environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode("latin-1"),
    }


def echo_wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with what came."""
    write = start_response("201 Created", [("X-Answer", "1"), ("X-Answer", "2")])
    answer = json.dumps(seen_in(environ)).encode()
    write(answer[:9])
    return [answer[9:]]


def flask_app() -> Flask:
    """Return a Flask app that answers with what came."""
    app = Flask(__name__)

    @app.route(PATH, methods=["POST", "PUT"])
    def echo() -> Response:
        return Response(json.dumps(seen_in(request.environ)), status=201)

    return app


def echo_django(request: HttpRequest) -> HttpResponse:
    """Answer with what came."""
    seen = {
        "method": request.method,
        "path": request.path,
        "query": request.META["QUERY_STRING"],
        "headers": [(name.lower(), value) for name, value in request.headers.items()],
        "body": request.body.decode("latin-1"),
    }
    return HttpResponse(json.dumps(seen), status=201)


class RequestsLike:
    """A client like those of requests: its headers are a dict, and it follows redirects, unless it is told not to."""

    def __init__(self, app: Any = echo_wsgi) -> None:
        self.client = Client(app)

    def request(
        self, method: str, url: str, *, data: bytes, headers: dict[str, str], allow_redirects: bool = True
    ) -> Any:
        """Send a request."""
        return self.client.open(url, method=method, data=data, headers=headers, follow_redirects=allow_redirects)


class Derived(RequestsLike):
    """One that names no parameters."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request."""
        return super().request(*args, **kwargs)


class Narrow(RequestsLike):
    """One that does not pass on what it does not name."""

    def request(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  that is the point
        self, method: str, url: str, *, data: bytes, headers: dict[str, str]
    ) -> Any:
        """Send a request."""
        return super().request(method, url, data=data, headers=headers)


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    """Have Django's view at the path."""
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [django.urls.path(PATH[1:], echo_django)]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[]):
        yield


def fastapi_app() -> FastAPI:
    """Return a FastAPI app with the ASGI app mounted in it."""
    app = FastAPI()
    app.mount("", echo_asgi)
    return app


def httpx_client() -> httpx2.Client:
    """Return a client of httpx, which calls the Flask app."""
    return httpx2.Client(transport=httpx2.WSGITransport(app=flask_app()), base_url="http://testserver")


CLIENTS: dict[str, Callable[[], Any]] = {
    "Starlette": lambda: TestClient(echo_asgi),
    "FastAPI": lambda: FastAPIClient(fastapi_app()),
    "httpx": httpx_client,
    "Werkzeug": lambda: Client(echo_wsgi),
    "Flask": lambda: flask_app().test_client(),
    "Django": django.test.Client,
    "requests": RequestsLike,
    "derived from requests": Derived,
    "narrowed from requests": Narrow,
    "ASGI": lambda: echo_asgi,
    "a partial ASGI app": lambda: functools.partial(echo_asgi),
    "FastAPI's app": fastapi_app,
    "Django's ASGI app": get_asgi_application,
    "WSGI": lambda: echo_wsgi,
    "Flask's app": flask_app,
    "Django's WSGI app": get_wsgi_application,
}

each_client = pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)


def content(answer: Any) -> bytes:
    """Return the body of any client's answer."""
    found: bytes = answer.data if hasattr(answer, "data") else answer.content
    return found


@each_client
def test_arrives(make: Callable[[], Any]) -> None:
    """The method, the path, the query, the headers and the body arrive as they were given."""
    answer = sender(make())("PUT", f"{PATH}?a=b%20c", HEADERS, BODY)
    assert answer.status_code == 201
    seen = json.loads(content(answer))
    headers = {name: [value for other, value in seen["headers"] if other == name] for name, _ in seen["headers"]}
    assert (seen["method"], seen["path"], seen["query"]) == ("PUT", PATH, "a=b%20c")
    assert seen["body"].encode("latin-1") == BODY
    assert (headers["content-type"], headers["webhook-id"]) == (["application/json"], ["wh_1"])
    # httpx's transport for WSGI keeps the last one.
    assert headers["x-twice"] in (["a", "b"], ["a,b"], ["a, b"], ["b"])
    assert headers["content-length"] == [str(len(BODY))]


def test_repeated_headers() -> None:
    """Where the client can say so, a repeated header arrives twice."""
    for name in ("Starlette", "FastAPI", "ASGI"):
        seen = json.loads(sender(CLIENTS[name]())("POST", PATH, HEADERS, BODY).content)
        assert [value for name, value in seen["headers"] if name == "x-twice"] == ["a", "b"]


def with_slash() -> FastAPI:
    """Return a FastAPI app whose route ends with a slash: it redirects whoever asks without one."""
    app = FastAPI()

    @app.post(f"{PATH}/")
    async def handle() -> None:
        """Accept everything."""

    return app


def redirecting_wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Redirect to the path with a slash, and accept everything there."""
    accepted = environ["PATH_INFO"].endswith("/")
    start_response("200 OK" if accepted else "307 Temporary Redirect", [("Location", f"{PATH}/")])
    return [b""]


async def redirecting_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Do the same."""
    await receive()
    headers = [(b"location", f"{PATH}/".encode())]
    await send(
        {"type": "http.response.start", "status": 200 if scope["path"].endswith("/") else 307, "headers": headers}
    )
    await send({"type": "http.response.body"})


REDIRECTED: dict[str, Callable[[], Any]] = {
    "Starlette": lambda: TestClient(redirecting_asgi),
    "FastAPI": lambda: FastAPIClient(with_slash()),
    "httpx": lambda: httpx2.Client(
        transport=httpx2.WSGITransport(app=redirecting_wsgi), base_url="http://testserver", follow_redirects=True
    ),
    "requests": lambda: RequestsLike(redirecting_wsgi),
    "derived from requests": lambda: Derived(redirecting_wsgi),
    "Werkzeug": lambda: Client(redirecting_wsgi),
    "ASGI": with_slash,
    "WSGI": lambda: redirecting_wsgi,
}


@pytest.mark.parametrize("make", REDIRECTED.values(), ids=REDIRECTED)
def test_redirects(make: Callable[[], Any]) -> None:
    """A redirect is an answer, and followed by no client: OpenAI follows none."""
    post = sender(make())
    assert post("POST", PATH, HEADERS, BODY).status_code == 307
    assert post("POST", f"{PATH}/", HEADERS, BODY).status_code == 200


@pytest.mark.parametrize("app", [echo_asgi, echo_wsgi], ids=["ASGI", "WSGI"])
class TestApp:
    """An app that is called itself."""

    def test_answer(self, app: Any) -> None:
        """The answer has the status, the headers and the body, of all parts."""
        answer = sender(app)("POST", PATH, HEADERS, BODY)
        assert isinstance(answer, clients.Response)
        assert (answer.status_code, answer.headers) == (201, {"x-answer": "1, 2"})
        assert answer.json() == json.loads(answer.content)

    def test_frozen(self, app: Any) -> None:
        """It can't be changed."""
        answer = sender(app)("POST", PATH, HEADERS, BODY)
        with pytest.raises(AttributeError):
            answer.status_code = 200

    def test_path(self, app: Any) -> None:
        """The path arrives decoded, as servers decode it."""
        seen = sender(app)("POST", "/a%2Fb/%C3%A9", [], b"").json()
        path = seen["path"].encode("latin-1").decode() if app is echo_wsgi else seen["path"]
        assert path == "/a/b/é"

    def test_latin_1(self, app: Any) -> None:
        """The characters of a header are bytes."""
        seen = sender(app)("POST", PATH, [("x-odd", "\xe9\xff")], b"").json()
        assert ["x-odd", "\xe9\xff"] in seen["headers"]

    def test_host(self, app: Any) -> None:
        """The host is the one that test clients have."""
        assert ["host", "testserver"] in sender(app)("POST", PATH, [], b"").json()["headers"]


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

    answer = sender(app)("POST", PATH, [], b"")
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

    assert sender(app)("POST", PATH, [], b"").status_code == 204


def test_event_loop_of_its_own() -> None:
    """Each request has an event loop of its own, and an app hears of no lifespan."""
    loops: list[object] = []

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        loops.append(asyncio.get_running_loop())
        await echo_asgi(scope, receive, send)

    for _ in range(2):
        sender(app)("POST", PATH, [], b"")
    assert loops[0] is not loops[1]


def test_event_loop_is_left_alone() -> None:
    """The thread's event loop is the same afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        sender(echo_asgi)("POST", PATH, [], b"")
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
        sender(app)("POST", PATH, [], b"")


def test_exceptions_pass() -> None:
    """What an app raises reaches the test."""

    def app(*_: object) -> list[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sender(app)("POST", PATH, [], b"")


@pytest.mark.parametrize("client", [None, "app", object(), {}], ids=lambda value: type(value).__name__)
def test_no_client(client: object) -> None:
    """What is neither a client nor an app is a TypeError that says what to do."""
    with pytest.raises(TypeError, match=r"^client: must be .*, send signed_request\(\.\.\.\)\.body and \.headers"):
        sender(client)


async def posted(client: Any) -> Any:
    """Return what an async client's answer is."""
    answer: Awaitable[Any] = sender(client)("POST", PATH, HEADERS, BODY)
    return await answer


def test_httpx_async_client() -> None:
    """The answer of an async client is to be awaited: httpx's."""
    transport = httpx2.ASGITransport(app=echo_asgi)
    seen = asyncio.run(posted(httpx2.AsyncClient(transport=transport, base_url="http://testserver"))).json()
    assert ["webhook-id", "wh_1"] in seen["headers"]


def test_django_async_client() -> None:
    """The answer of an async client is to be awaited: Django's, where each header arrives once."""
    seen = json.loads(asyncio.run(posted(django.test.AsyncClient())).content)
    assert [pair for pair in seen["headers"] if pair[0].startswith("content-")] == [
        ["content-length", str(len(BODY))],
        ["content-type", "application/json"],
    ]


def test_app_in_a_running_loop() -> None:
    """An ASGI app can't be called while an event loop is running: the error says what to do."""
    with pytest.raises(RuntimeError, match=r"make the test a plain function, or await .*ASGITransport\(app\)"):
        asyncio.run(posted(echo_asgi))
