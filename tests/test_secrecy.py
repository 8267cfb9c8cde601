"""What an eavesdropper gets to read, records, answers and errors, has no secret, no signature and no body."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from werkzeug.test import run_wsgi_app

from webhook_guard import (
    ASGIWebhookMiddleware,
    ConfigurationError,
    VerificationError,
    WSGIWebhookMiddleware,
    sign,
    unwrap,
    verify_signature,
)

from scenarios import FORGED, LIMIT, SCENARIOS, SECRETS, Scenario, with_length, wsgi_environ
from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, Seen, clock, keep, signed

#: Characters: so many of something private in a row are a leak.
PART = 8
REFUSED = [scenario for scenario in SCENARIOS if scenario.reason is not None]
FRONTS: Any = [ASGIWebhookMiddleware, WSGIWebhookMiddleware]

each_front = pytest.mark.parametrize("front", FRONTS, ids=["ASGI", "WSGI"])


def leaks(told: str, *private: str) -> list[str]:
    """Return the parts of what is private that were told."""
    parts = {text[start : start + PART] for text in private for start in range(len(text) - PART + 1)}
    return sorted(part for part in parts if part in told)


def expected_macs(headers: dict[str, bytes], body: bytes) -> Iterator[str]:
    """Yield what the guard compares the signature of a request with, in base64 and in hexadecimal."""
    for secret in SECRETS:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        text = b"%b.%b.%b" % (headers.get("webhook-id", b""), headers.get("webhook-timestamp", b""), body)
        mac = hmac.digest(key, text, hashlib.sha256)
        yield base64.b64encode(mac).decode()
        yield mac.hex()


def private_of(scenario: Scenario) -> list[str]:
    """Return what nobody may read of a scenario: the secrets, the signature, the one expected, and the body."""
    headers = dict(scenario.headers)
    signature = headers.get("webhook-signature", b"").decode("latin-1")
    secrets = [secret.removeprefix("whsec_") for secret in SECRETS]
    return [*secrets, signature, *expected_macs(headers, scenario.body), scenario.body.decode("latin-1")]


def text_of(error: BaseException | None) -> str:
    """Return all that can be read in an error and in those behind it."""
    if error is None:
        return ""
    return f"{error} {error!r} {vars(error)!r} {text_of(error.__cause__)} {text_of(error.__context__)}"


async def ask_asgi(guarded: Any, scenario: Scenario) -> str:
    """Return the answer to a scenario under ASGI."""
    scope = {"type": "http", "method": scenario.method, "path": scenario.path, "headers": with_length(scenario)}
    communicator: Any = ApplicationCommunicator(guarded, scope)  # type: ignore[no-untyped-call]  # asgiref has no types here
    await communicator.send_input({"type": "http.request", "body": scenario.body})
    answer = [await communicator.receive_output() for _ in range(2)]
    await communicator.wait()
    return repr(answer)


def ask(front: Any, scenario: Scenario, seen: Seen) -> str:
    """Return the answer to a scenario; `seen` gets what `on_refused` is told."""
    guarded = front(
        print, path=PATH, secret=SECRETS, max_body_size=LIMIT, on_refused=keep(seen), capture=True, clock=clock
    )
    if front is ASGIWebhookMiddleware:
        return asyncio.run(ask_asgi(guarded, scenario))
    parts, status, headers = run_wsgi_app(guarded, wsgi_environ(scenario, LIMIT * 10))
    return f"{status} {headers} {b''.join(parts)!r}"


class TestRefused:
    """A request that is refused."""

    @each_front
    @pytest.mark.parametrize("scenario", REFUSED, ids=lambda scenario: scenario.name)
    def test_fronts(self, records: list[Any], front: Any, scenario: Scenario) -> None:
        """Neither the record, nor the answer, nor what a function that is told may show has anything private."""
        seen: Seen = []
        answer = ask(front, scenario, seen)
        ((_, request),) = seen
        (record,) = records
        told = f"{answer} {record.getMessage()} {vars(record)!r} {request!r} {text_of(request.error)}"
        assert "refused" in told
        assert leaks(told, *private_of(scenario)) == []

    @pytest.mark.parametrize("function", [unwrap, verify_signature], ids=lambda function: function.__name__)
    def test_functions(self, function: Any) -> None:
        """Nor has the error of a function."""
        headers = {name: value.encode() for name, value in signed().items()} | {"webhook-signature": FORGED}
        with pytest.raises(VerificationError) as caught:
            function(BODY, headers, secret=SECRETS, now=NOW)
        private = [*SECRETS, FORGED.decode(), *expected_macs(headers, BODY), BODY.decode()]
        assert leaks(text_of(caught.value), *private) == []


@pytest.mark.parametrize(
    "secret", [SECRET, SECRET.encode(), [SECRET], {SECRET: SECRET}], ids=lambda secret: type(secret).__name__
)
class TestMistaken:
    """A secret that is given to another option by mistake."""

    @staticmethod
    def check(error: Exception, option: str) -> None:
        """Assert that an error names the option, and shows nothing of the secret."""
        assert str(error).startswith(f"{option}: ")
        assert leaks(text_of(error), SECRET) == []

    @each_front
    @pytest.mark.parametrize(
        "option", ["app", "path", "tolerance", "max_body_size", "idempotency", "on_refused", "capture", "clock"]
    )
    def test_fronts(self, front: Any, option: str, secret: Any) -> None:
        """The message has its type at most, whichever option of a front it is."""
        options = {"app": print, "secret": SECRET, "on_refused": print, option: secret}
        with pytest.raises(ConfigurationError) as caught:
            front(**options)
        self.check(caught.value, option)

    def test_body_timeout(self, secret: Any) -> None:
        """Nor is it shown by the option that ASGI alone has."""
        front: Any = ASGIWebhookMiddleware
        with pytest.raises(ConfigurationError) as caught:
            front(print, secret=SECRET, body_timeout=secret)
        self.check(caught.value, "body_timeout")

    @pytest.mark.parametrize("function", [unwrap, verify_signature], ids=lambda function: function.__name__)
    @pytest.mark.parametrize("option", ["tolerance", "now"])
    def test_functions(self, function: Any, option: str, secret: Any) -> None:
        """The same holds for the functions that verify."""
        with pytest.raises(ConfigurationError) as caught:
            function(BODY, signed(), **{"secret": SECRET, "now": NOW, option: secret})
        self.check(caught.value, option)

    def test_sign(self, secret: Any) -> None:
        """And for the one that signs."""
        with pytest.raises(ConfigurationError) as caught:
            sign(BODY, SECRET, webhook_id=WEBHOOK_ID, timestamp=secret)
        self.check(caught.value, "timestamp")
