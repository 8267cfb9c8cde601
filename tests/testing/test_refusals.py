"""An app is held to refusing what it must: a guarded one passes, and of any other it is said what went wrong."""

import asyncio
import json
import threading
from collections.abc import Callable
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
from flask import Flask
from starlette.applications import Starlette
from starlette.testclient import TestClient
from werkzeug.serving import make_server
from werkzeug.test import Client

from webhook_guard import ASGIWebhookMiddleware, ConfigurationError, WSGIWebhookMiddleware, get_event
from webhook_guard.testing.hostile import hostile_requests
from webhook_guard.testing.refusals import assert_refuses_all

from support import NOW, OTHER_SECRET, PATH, SECRET, clock


def fastapi_client() -> FastAPIClient:
    """Return the test client of a guarded FastAPI app."""
    app = FastAPI()
    app.add_middleware(ASGIWebhookMiddleware, path=PATH, secret=SECRET)
    return FastAPIClient(app)


def flask_app() -> Flask:
    """Return a guarded Flask app."""
    app = Flask(__name__)
    app.wsgi_app = WSGIWebhookMiddleware(app.wsgi_app, path=PATH, secret=SECRET)  # type: ignore[method-assign]  # as in Flask's docs
    return app


def asgi_app() -> ASGIWebhookMiddleware:
    """Return a guarded ASGI app."""
    return ASGIWebhookMiddleware(Starlette(), path=PATH, secret=SECRET)


def wsgi_app() -> WSGIWebhookMiddleware:
    """Return a guarded WSGI app."""
    return WSGIWebhookMiddleware(get_wsgi_application(), path=PATH, secret=SECRET)


GUARDED: dict[str, Callable[[], Any]] = {
    "Starlette": lambda: TestClient(asgi_app()),
    "FastAPI": fastapi_client,
    "Flask": lambda: flask_app().test_client(),
    "Werkzeug": lambda: Client(wsgi_app()),
    "ASGI": asgi_app,
    "WSGI": wsgi_app,
    "Flask's app": flask_app,
    "Django's ASGI app": lambda: ASGIWebhookMiddleware(get_asgi_application(), path=PATH, secret=SECRET),
}


@pytest.mark.parametrize("make", GUARDED.values(), ids=GUARDED)
@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET], ids=["its secret", "another secret"])
def test_guarded(make: Callable[[], Any], secret: str) -> None:
    """A guarded app passes, whatever the secret is that the requests are signed with."""
    assert_refuses_all(make(), PATH, secret=secret)


def test_over_http() -> None:
    """A client may as well send them to a server: httpx's, to one of Werkzeug's."""
    server = make_server("127.0.0.1", 0, flask_app())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
            assert_refuses_all(client, PATH, secret=SECRET)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "options", [{"max_body_size": 2**24}, {"max_body_size": 1000}, {"tolerance": 80_000}, {"tolerance": 5}], ids=str
)
def test_its_options(options: dict[str, Any]) -> None:
    """An app with other options passes, too."""
    assert_refuses_all(ASGIWebhookMiddleware(Starlette(), secret=SECRET, **options), PATH, secret=SECRET)


def test_its_time() -> None:
    """An app with a clock of its own passes at its time."""
    app = ASGIWebhookMiddleware(Starlette(), secret=SECRET, clock=clock)
    assert_refuses_all(app, PATH, secret=SECRET, now=NOW)


def test_configured_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured secret is the one that the requests are signed with."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    assert_refuses_all(ASGIWebhookMiddleware(Starlette()), PATH)
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "")
    assert_refuses_all(asgi_app(), PATH)


def failure(client: Any, path: str = PATH) -> str:
    """Return what is said of an app that is not guarded."""
    with pytest.raises(AssertionError) as raised:
        assert_refuses_all(client, path, secret=SECRET)
    return str(raised.value)


def answering(status: str, content_type: str, body: bytes) -> Callable[..., list[bytes]]:
    """Return an app that always answers in the same way."""

    def app(_: object, start_response: Any) -> list[bytes]:
        start_response(status, [("content-type", content_type)])
        return [body]

    return app


class TestFailure:
    """Of an app that is not guarded, it is said what came back."""

    def test_says_all(self) -> None:
        """The message has a line for each request that was not refused, with what came and what must."""
        said = failure(answering("204 No Content", "text/plain", b""))
        count = len(hostile_requests())
        assert said.startswith(f"{count} of {count} hostile requests to {PATH} were not refused as they must be:\n")
        assert "\n  no webhook-id: 204 without a reason of the guard; must be 400 missing_header\n" in said
        assert said.count("\n  ") == said.count("\n") == count

    def test_one_of_many(self) -> None:
        """Only those that were not refused are listed."""
        guarded = wsgi_app()

        def app(environ: dict[str, Any], start_response: Any) -> Any:
            if environ["REQUEST_METHOD"] == "PUT":
                return answering("200 OK", "text/plain", b"")(environ, start_response)
            return guarded(environ, start_response)

        said = failure(app)
        assert said.splitlines()[1:] == [
            "  PUT, otherwise genuine: 200 without a reason of the guard; must be 405 method_not_allowed"
        ]

    def test_of_two_reasons(self) -> None:
        """Where two reasons are right, both are said."""
        said = failure(answering("200 OK", "text/plain", b""))
        assert "must be 413 body_too_large or 400 signature_mismatch" in said

    @pytest.mark.parametrize(
        ("status", "content_type", "body"),
        [
            ("404 Not Found", "text/html", b""),
            ("500 Internal Server Error", "text/plain", b""),
            ("400 Bad Request", "application/json", b'{"reason": "missing_header"}'),
            ("400 Bad Request", "application/problem+json", b'{"reason": "no idea"}'),
            ("400 Bad Request", "application/problem+json", b"{}"),
            ("400 Bad Request", "application/problem+json", b"[]"),
            ("400 Bad Request", "application/problem+json", b"oops"),
            ("200 OK", "application/problem+json", b'{"reason": "missing_header"}'),
        ],
    )
    def test_no_refusal(self, status: str, content_type: str, body: bytes) -> None:
        """An answer that is not the guard's own refusal is none, and the status alone is not enough."""
        app = answering(status, content_type, body)
        for client in (app, Client(app)):
            assert f"\n  no webhook headers: {status[:3]} " in failure(client)

    def test_wrong_reason(self) -> None:
        """A refusal for another reason is said with its reason."""
        body = json.dumps({"reason": "signature_mismatch"}).encode()
        said = failure(answering("400 Bad Request", "application/problem+json", body))
        assert "\n  no webhook headers: 400 signature_mismatch; must be 400 missing_header\n" in said
        assert "another id:" not in said

    def test_method(self) -> None:
        """A wrong method may be refused by a router around the guard, but nothing else."""
        said = failure(answering("405 Method Not Allowed", "text/plain", b""))
        assert "PUT" not in said
        assert "\n  another id: 405 without a reason of the guard; must be 400 signature_mismatch\n" in said

    def test_exceptions(self) -> None:
        """An exception is named, and is the cause of the failure."""

        def app(*_: object) -> list[bytes]:
            raise ZeroDivisionError("a secret")

        with pytest.raises(AssertionError, match="no webhook headers: raised ZeroDivisionError; must be") as raised:
            assert_refuses_all(app, PATH, secret=SECRET)
        assert isinstance(raised.value.__cause__, ZeroDivisionError)
        assert "a secret" not in str(raised.value)

    def test_wrong_path(self) -> None:
        """A path that nobody knows is offered as the mistake, if all answers are 404."""
        said = failure(asgi_app(), "/webhook")
        assert said.endswith("All of these answers are 404: is /webhook the path of the handler?")
        assert "404" not in failure(answering("200 OK", "text/plain", b""))

    def test_another_time(self) -> None:
        """An app that lives in another time is told how to be asked."""
        said = failure(ASGIWebhookMiddleware(Starlette(), secret=SECRET, clock=clock))
        assert "\n  another id: 400 timestamp_too_new; must be 400 signature_mismatch\n" in said
        assert said.endswith("if it has its own clock, give its time as now=.")

    def test_guard_is_missing(self) -> None:
        """A handler that asks for its event, without a guard, is told so."""

        def app(environ: dict[str, Any], _: object) -> list[bytes]:
            get_event(environ)
            return []

        said = failure(app)
        assert "raised NotVerifiedError" in said
        assert said.endswith("is this the wrapped app, and its path?")

    def test_django_client(self) -> None:
        """Django's client goes around the guard: the app itself is to be given."""

        def view(_: HttpRequest) -> HttpResponse:
            return HttpResponse(status=204)

        urls: Any = ModuleType("urls")
        urls.urlpatterns = [django.urls.path(PATH[1:], view)]
        with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[]):
            said = failure(django.test.Client())
            assert_refuses_all(wsgi_app(), PATH, secret=SECRET)
        assert said.endswith("give assert_refuses_all the application itself.")

    def test_traceback(self) -> None:
        """Of a failure, pytest shows no line of ours, but the test's own."""
        with pytest.raises(AssertionError) as raised:
            assert_refuses_all(answering("200 OK", "text/plain", b""), PATH, secret=SECRET)
        assert [entry.name for entry in raised.traceback.filter(raised)] == ["test_traceback"]


class TestMisuse:
    """What is no failure of the app is another error."""

    def test_async_clients(self) -> None:
        """An async client is a TypeError that says what to give."""
        httpx = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi_app()), base_url="http://testserver")
        for client in (httpx, django.test.AsyncClient()):
            with pytest.raises(TypeError, match="is async; give assert_refuses_all a sync test client, or the app"):
                assert_refuses_all(client, PATH, secret=SECRET)

    def test_no_client(self) -> None:
        """What is no client is a TypeError."""
        with pytest.raises(TypeError, match="client: must be the test client of a framework"):
            assert_refuses_all(PATH, PATH)

    def test_in_an_event_loop(self) -> None:
        """An ASGI app can't be called in a running event loop."""

        async def test() -> None:
            assert_refuses_all(asgi_app(), PATH, secret=SECRET)

        with pytest.raises(RuntimeError, match="an event loop is running"):
            asyncio.run(test())

    def test_unusable_secret(self) -> None:
        """A secret that can't be used is a ConfigurationError."""
        with pytest.raises(ConfigurationError):
            assert_refuses_all(asgi_app(), PATH, secret="")
