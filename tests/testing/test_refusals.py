"""An app is held to refusing what it must: a guarded one passes, and of any other it is said what went wrong."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import threading
import time
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

from webhook_guard import ASGIWebhookMiddleware, ConfigurationError, Reason, WSGIWebhookMiddleware, get_event
from webhook_guard.testing.hostile import hostile_requests
from webhook_guard.testing.refusals import assert_refuses_all

from support import NOW, OTHER_SECRET, PATH, SECRET, clock

KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


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


def urls_of(view: Callable[[HttpRequest], HttpResponse]) -> override_settings:
    """Return settings with a view at the path."""
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [django.urls.path(PATH[1:], view)]
    return override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[])


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
        ("label", "reasons"),
        [
            ("a second webhook-id", "400 duplicate_header or 400 malformed_header or 400 signature_mismatch"),
            ("no body", "411 length_required or 400 signature_mismatch"),
            ("signed, but no JSON", "400 signature_mismatch or 400 malformed_payload"),
            (
                "signed, but of 20 000 levels",
                "413 body_too_large or 400 signature_mismatch or 400 malformed_payload",
            ),
        ],
    )
    def test_order_of_reasons(self, label: str, reasons: str) -> None:
        """The reasons are said in the order in which the guard decides."""
        line = f"  {label}: 200 without a reason of the guard; must be {reasons}"
        assert line in failure(answering("200 OK", "text/plain", b"")).splitlines()

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

    def test_404_of_some(self) -> None:
        """The path is not offered as the mistake, if only some of the answers are 404."""

        def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            status = "404 Not Found" if environ["REQUEST_METHOD"] == "PUT" else "200 OK"
            return answering(status, "text/plain", b"")(environ, start_response)

        said = failure(app)
        assert "\n  PUT, otherwise genuine: 404 without" in said
        assert "is the path" not in said
        assert "All of these" not in said

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

        with urls_of(view):
            said = failure(django.test.Client())
            assert_refuses_all(wsgi_app(), PATH, secret=SECRET)
        assert said.endswith("give assert_refuses_all the application itself.")

    def test_django_client_and_an_asking_view(self) -> None:
        """A view that asks for its event has no other hint there: the client is what is wrong."""

        def view(request: HttpRequest) -> HttpResponse:
            get_event(request)
            raise AssertionError

        with urls_of(view):
            said = failure(django.test.Client())
        assert "raised NotVerifiedError" in said
        hints = [line for line in said.splitlines()[1:] if not line.startswith("  ")]
        assert len(hints) == 1
        assert hints[0].startswith("Django's test client goes around asgi.py and wsgi.py")

    def test_traceback(self) -> None:
        """Of a failure, pytest shows no line of ours, but the test's own."""
        with pytest.raises(AssertionError) as raised:
            assert_refuses_all(answering("200 OK", "text/plain", b""), PATH, secret=SECRET)
        assert [entry.name for entry in raised.traceback.filter(raised)] == ["test_traceback"]


def accepted(said: str) -> set[str]:
    """Return the labels of the requests that were answered with 204, of a failure's message."""
    return {*re.findall(r"^  (.+): 204 ", said, re.MULTILINE)}


def like_standardwebhooks(headers: dict[str, str], body: bytes) -> None:
    """Verify as the library of Standard Webhooks does, and raise a ValueError or KeyError."""
    webhook_id, sent = headers["webhook-id"], float(headers["webhook-timestamp"])
    if abs(time.time() - sent) > 300:
        raise ValueError
    text = f"{webhook_id}.{int(sent)}.".encode() + body
    expected = hmac.digest(KEY, text, hashlib.sha256)
    for signature in headers["webhook-signature"].split(" "):
        version, value = signature.split(",")
        if version == "v1" and hmac.compare_digest(expected, base64.b64decode(value)):
            return
    raise ValueError


def like_openai(headers: dict[str, str], body: bytes) -> None:
    """Verify as OpenAI's library does, and raise a ValueError or KeyError."""
    webhook_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(int(time.time()) - int(timestamp)) > 300:
        raise ValueError
    text = f"{webhook_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, text, hashlib.sha256))
    signatures = headers["webhook-signature"].split()
    if not any(hmac.compare_digest(expected, each.removeprefix("v1,").encode()) for each in signatures):
        raise ValueError


def by_hand(verify: Callable[[dict[str, str], bytes], None]) -> Callable[..., list[bytes]]:
    """Return a receiver that verifies by hand, and answers as the guard would, but always for the same reason."""
    refuse = answering("400 Bad Request", "application/problem+json", b'{"reason": "signature_mismatch"}')
    accept = answering("204 No Content", "text/plain", b"")

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        try:
            verify(headers, environ["wsgi.input"].read())
        except (ValueError, KeyError, OverflowError):
            return refuse(environ, start_response)
        return accept(environ, start_response)

    return app


class TestReceivers:
    """What is no guard, or guards otherwise than it must, is found out."""

    @pytest.mark.parametrize("reason", Reason)
    def test_always_the_same_refusal(self, reason: Reason) -> None:
        """A receiver that verifies nothing, and refuses everything as the guard would, for one reason."""
        body = json.dumps({"reason": reason}).encode()
        said = failure(answering(f"{reason.status} Refused", "application/problem+json", body))
        assert f" {reason.status} {reason}; must be " in said

    def test_guard_on_another_path(self) -> None:
        """A handler that accepts everything, because the guard is on another path."""
        handler = answering("204 No Content", "text/plain", b"")
        said = failure(WSGIWebhookMiddleware(handler, path="/webhook", secret=SECRET))
        assert accepted(said) == {request.label for request in hostile_requests()}

    def test_no_timestamps(self) -> None:
        """A guard that skips the time: whatever a delivery says is now."""

        def app(environ: dict[str, Any], start_response: Any) -> Any:
            timestamp = environ.get("HTTP_WEBHOOK_TIMESTAMP", "")
            now = float(timestamp) if timestamp.isascii() and timestamp.isdigit() else 0.0
            handler = answering("204 No Content", "text/plain", b"")
            guarded = WSGIWebhookMiddleware(handler, path=PATH, secret=SECRET, clock=lambda: now)
            return guarded(environ, start_response)

        said = failure(app)
        late = {"a replay after a day", "a delivery from tomorrow", "a delivery from the year 33658"}
        assert accepted(said) == late
        assert said.startswith("3 of ")

    def test_tolerance_of_ten_years(self) -> None:
        """A guard with a tolerance that is none."""
        handler = answering("204 No Content", "text/plain", b"")
        said = failure(WSGIWebhookMiddleware(handler, path=PATH, secret=SECRET, tolerance=10 * 365 * 86_400))
        assert accepted(said) == {"a replay after a day", "a delivery from tomorrow"}
        assert said.startswith("2 of ")

    @pytest.mark.parametrize(
        ("verify", "timestamps"),
        [
            (like_standardwebhooks, set[str]()),
            (
                like_openai,
                {
                    "a timestamp with a sign",
                    "a timestamp with a leading zero",
                    "a timestamp with underscores, which int() takes",
                },
            ),
        ],
    )
    def test_by_hand(self, verify: Callable[[dict[str, str], bytes], None], timestamps: set[str]) -> None:
        """A receiver that verifies as a library does, and does nothing else that the guard does."""
        assert accepted(failure(by_hand(verify))) == timestamps | {
            *(f"{method}, otherwise genuine" for method in ("GET", "PUT", "PATCH", "DELETE")),
            *("signed, but no JSON", "signed, but not UTF-8", "signed, but no JSON object"),
            *("signed, but without a type", "signed, but of 20 000 levels"),
            *("an id with a blank in it", "an id with a comma, as of two ids joined", "an id of 257 characters"),
            "an id with a dot, which lets one signed text be split in two ways",
            "33 signatures, the right one last",
        }


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
