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
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from fastapi import FastAPI
from fastapi.testclient import TestClient as FastAPIClient
from flask import Flask, Response, request
from starlette.testclient import TestClient
from werkzeug.test import Client

from webhook_guard.testing.clients import sender

from support import PATH
from testing.echo import BODY, HEADERS, echo_asgi, echo_wsgi, seen_in


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
