"""Hostile requests: each is refused by both fronts for its reason, and would be accepted by a receiver that errs."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from webhook_guard import (
    ASGIWebhookMiddleware,
    ConfigurationError,
    Reason,
    WebhookError,
    WSGIWebhookMiddleware,
    unwrap,
)
from webhook_guard.testing.clients import sender
from webhook_guard.testing.hostile import HostileRequest, hostile_requests
from webhook_guard.testing.requests import new_secret

from support import NOW, OTHER_SECRET, PATH, SECRET, clock

REQUESTS = hostile_requests(SECRET, now=NOW)
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))

each_request = pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.label)


async def asgi_app(*_: object) -> None:
    """Fail, because nobody may call it."""
    raise AssertionError


def wsgi_app(*_: object) -> list[bytes]:
    """Fail, for the same reason."""
    raise AssertionError


ASGI = ASGIWebhookMiddleware(asgi_app, path=PATH, secret=SECRET, clock=clock)
WSGI = WSGIWebhookMiddleware(wsgi_app, path=PATH, secret=SECRET, clock=clock)


def header(request: HostileRequest, name: str) -> str:
    """Return the first value of a header."""
    return next(value for other, value in request.headers if other == name)


#: How receivers judge the text of a timestamp, and what they accept.
CARELESS_ABOUT_TIME: dict[str, tuple[Callable[[str], bool], set[str]]] = {
    "float": (
        lambda text: abs(NOW - float(text)) <= 300,
        {"a timestamp with a fraction", "a timestamp with a sign", "a timestamp with a leading zero"},
    ),
    "int": (
        lambda text: abs(NOW - int(text)) <= 300,
        {"a timestamp in Arabic digits, which int() takes", "a timestamp with underscores, which int() takes"},
    ),
    "not over": (
        lambda text: not abs(NOW - float(text)) > 300,
        {"a timestamp of NaN, which is never too old"},
    ),
    "no future": (
        lambda text: NOW - int(text) <= 300,
        {"a delivery from tomorrow", "a delivery from the year 33658", "a timestamp in milliseconds"},
    ),
    "no clock": (bool, {"a replay after a day", "a timestamp in words"}),
}
#: With which key they compute the signature, how they compare it with the one that came, and what they accept.
CARELESS_ABOUT_SIGNATURES: dict[str, tuple[bytes, Callable[[str, str], bool], set[str]]] = {
    "not at all": (KEY, str.__eq__, set()),
    "startswith": (
        KEY,
        str.startswith,
        {"a signature cut off after 8 characters", "a signature without its padding"},
    ),
    "lower": (KEY, lambda one, other: one.lower() == other.lower(), {"a signature in other case"}),
    "empty secret": (b"", str.__eq__, {"signed with the empty secret"}),
}
#: Over which text they compute it, of the id, the timestamp and the body, and the one that they accept for that.
CARELESS_ABOUT_TEXT: dict[str, tuple[Callable[[bytes, bytes, bytes], bytes], str]] = {
    "the body alone": (lambda _id, _timestamp, body: body, "a signature over the body alone"),
    "not the id": (lambda _id, timestamp, body: timestamp + b"." + body, "a signature over timestamp and body"),
    "not the body": (
        lambda webhook_id, timestamp, _body: webhook_id + b"." + timestamp + b".",
        "a signature over id and timestamp",
    ),
}


@each_request
@pytest.mark.parametrize("app", [ASGI, WSGI], ids=["ASGI", "WSGI"])
def test_refused(app: Any, request_: HostileRequest) -> None:
    """The guard refuses it, with its status and one of its reasons."""
    answer = sender(app)(request_.method, PATH, request_.headers, request_.body)
    assert Reason(answer.json()["reason"]) in request_.reasons
    assert answer.status_code == Reason(answer.json()["reason"]).status
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("now", [10**9, 10**11])
def test_refused_at_any_time(now: int) -> None:
    """At the first and at the last time that they are made for, each is refused for one of its reasons."""
    app = WSGIWebhookMiddleware(wsgi_app, path=PATH, secret=SECRET, clock=lambda: now)
    for request in hostile_requests(SECRET, now=now):
        answer = sender(app)(request.method, PATH, request.headers, request.body)
        assert Reason(answer.json()["reason"]) in request.reasons, request.label


def test_each_reason_is_right_somewhere() -> None:
    """No request has a reason that is never given, whatever the app's secret and front are."""
    given: dict[str, set[Reason]] = {request.label: set() for request in REQUESTS}
    for secret in (SECRET, OTHER_SECRET):
        for app in (
            ASGIWebhookMiddleware(asgi_app, path=PATH, secret=secret, clock=clock, max_body_size=2**21),
            WSGIWebhookMiddleware(wsgi_app, path=PATH, secret=secret, clock=clock, max_body_size=10_000),
            WSGIWebhookMiddleware(wsgi_app, path=PATH, secret=secret, clock=clock),
        ):
            for request in REQUESTS:
                answer = sender(app)(request.method, PATH, request.headers, request.body)
                given[request.label].add(Reason(answer.json()["reason"]))
    # Of these, some clients send less than they are given.
    given["no body"].add(Reason.LENGTH_REQUIRED)
    given["a second webhook-id"].add(Reason.SIGNATURE_MISMATCH)
    given["a second webhook-timestamp"].add(Reason.SIGNATURE_MISMATCH)
    assert given == {request.label: request.reasons for request in REQUESTS}


def test_labels() -> None:
    """Each has a label of its own, and a method, and the content type of a delivery."""
    assert len({request.label for request in REQUESTS}) == len(REQUESTS) >= 60
    assert all(request.headers[0] == ("content-type", "application/json") for request in REQUESTS)


def test_reasons() -> None:
    """Every reason that a request alone can give is among them."""
    assert {reason for request in REQUESTS for reason in request.reasons} == {
        *(Reason.METHOD_NOT_ALLOWED, Reason.MISSING_HEADER, Reason.DUPLICATE_HEADER, Reason.MALFORMED_HEADER),
        *(Reason.TIMESTAMP_TOO_OLD, Reason.TIMESTAMP_TOO_NEW, Reason.LENGTH_REQUIRED, Reason.BODY_TOO_LARGE),
        *(Reason.SIGNATURE_MISMATCH, Reason.MALFORMED_PAYLOAD),
    }


def test_repr() -> None:
    """Neither the headers nor the body is shown, by rich neither."""
    request = HostileRequest("wrong", "POST", (("a", "b"),), b"c", frozenset({Reason.SIGNATURE_MISMATCH}))
    assert repr(request) == "HostileRequest(label='wrong', method='POST', reasons=['signature_mismatch'])"


def test_sent_by_its_client() -> None:
    """The length is left to the client, so that no client sends another one."""
    assert not any(name == "content-length" for request in REQUESTS for name, _ in request.headers)


class TestSharpness:
    """With the app's own secret, only what the label says is wrong."""

    @each_request
    def test_rightly_signed(self, request_: HostileRequest) -> None:
        """What is of an ill-formed id or timestamp, stale, no event, or no POST, is rightly signed."""
        formal = {Reason.MALFORMED_HEADER, Reason.TIMESTAMP_TOO_OLD, Reason.TIMESTAMP_TOO_NEW}
        about = {*formal, Reason.METHOD_NOT_ALLOWED, Reason.MALFORMED_PAYLOAD}
        if not request_.reasons & about or Reason.DUPLICATE_HEADER in request_.reasons:
            return
        stamped = f"{header(request_, 'webhook-id')}.{header(request_, 'webhook-timestamp')}."
        mac = hmac.digest(KEY, stamped.encode("latin-1") + request_.body, hashlib.sha256)
        assert header(request_, "webhook-signature").endswith(f"v1,{base64.b64encode(mac).decode()}")

    @pytest.mark.parametrize("label", ["GET, otherwise genuine", "DELETE, otherwise genuine"])
    def test_otherwise_genuine(self, label: str) -> None:
        """What has another method is genuine, but for that."""
        (request,) = (request for request in REQUESTS if request.label == label)
        unwrap(request.body, request.headers, secret=SECRET, now=NOW)

    @pytest.mark.parametrize("careless", CARELESS_ABOUT_TIME)
    def test_careless_timestamps(self, careless: str) -> None:
        """A receiver that is careless about the timestamp accepts some of them."""
        accepts, labels = CARELESS_ABOUT_TIME[careless]

        def is_accepted(request: HostileRequest) -> bool:
            timestamp = header(request, "webhook-timestamp").encode("latin-1").decode("utf-8", "replace")
            try:
                return accepts(timestamp)
            except (ValueError, OverflowError):
                return False

        timed = [request for request in REQUESTS if re.search("timestamp |replay|delivery from", request.label)]
        assert labels <= {request.label for request in timed if is_accepted(request)}

    @pytest.mark.parametrize("careless", CARELESS_ABOUT_SIGNATURES)
    def test_careless_signatures(self, careless: str) -> None:
        """A receiver that is careless about the signature accepts some of them, and a careful one none."""
        key, matches, labels = CARELESS_ABOUT_SIGNATURES[careless]
        accepted: set[str] = set()
        for request in REQUESTS:
            if request.reasons == frozenset({Reason.SIGNATURE_MISMATCH}):
                stamped = f"{header(request, 'webhook-id')}.{header(request, 'webhook-timestamp')}.".encode()
                mac = base64.b64encode(hmac.digest(key, stamped + request.body, hashlib.sha256)).decode()
                signature = header(request, "webhook-signature").removeprefix("v1,")
                accepted |= {request.label} if signature and matches(mac, signature) else set()
        assert accepted == labels

    @pytest.mark.parametrize("careless", CARELESS_ABOUT_TEXT)
    def test_careless_text(self, careless: str) -> None:
        """A receiver that takes a signature over a part of the text, besides the right one, accepts one of them."""
        text, label = CARELESS_ABOUT_TEXT[careless]
        accepted: set[str] = set()
        for request in REQUESTS:
            if request.reasons == frozenset({Reason.SIGNATURE_MISMATCH}):
                webhook_id, timestamp = (header(request, f"webhook-{name}").encode() for name in ("id", "timestamp"))
                whole = b".".join([webhook_id, timestamp, request.body])
                for signed in (text(webhook_id, timestamp, request.body), whole):
                    mac = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
                    accepted |= {request.label} if header(request, "webhook-signature") == f"v1,{mac}" else set()
        assert accepted == {label}

    def test_large_body(self) -> None:
        """The large body is one byte over the default limit, and nothing else is wrong with its size."""
        (request,) = (request for request in REQUESTS if request.label.startswith("a body over the default limit"))
        for size, reason in ((262_144, Reason.BODY_TOO_LARGE), (262_145, Reason.SIGNATURE_MISMATCH)):
            app = WSGIWebhookMiddleware(wsgi_app, path=PATH, secret=SECRET, clock=clock, max_body_size=size)
            assert sender(app)("POST", PATH, request.headers, request.body).json()["reason"] == reason.value

    def test_a_day(self) -> None:
        """The replay and the delivery from tomorrow are a day away: within no tolerance that is shorter."""
        by_label = {request.label: request for request in REQUESTS}
        for label, timestamp in (("a replay after a day", NOW - 86_400), ("a delivery from tomorrow", NOW + 86_400)):
            assert header(by_label[label], "webhook-timestamp") == str(timestamp)

    def test_changed_character(self) -> None:
        """The character of a signature that is changed is another letter, not the same one in other case."""
        genuine, signatures = "", dict[str, str]()
        while not genuine.startswith("v1,a"):
            signatures = {each.label: each.headers[-1][1] for each in hostile_requests(SECRET, now=NOW)}
            genuine = signatures["GET, otherwise genuine"]
        assert signatures["a signature with one character changed"] == f"v1,B{genuine[4:]}"

    @pytest.mark.parametrize("attempt", range(20))
    def test_url_safe_differs(self, attempt: int) -> None:
        """The signature in URL-safe base64 is never the same in the usual one."""
        requests = {request.label: request for request in hostile_requests(SECRET, now=NOW + attempt)}
        assert re.search("[-_]", header(requests["a signature in URL-safe base64"], "webhook-signature"))


class TestSecret:
    """The secret that they are signed with."""

    @staticmethod
    def signs(secret: str, *given: str) -> bool:
        """Return whether `secret` signed the requests."""
        (request,) = (each for each in hostile_requests(*given) if each.label == "GET, otherwise genuine")
        try:
            unwrap(request.body, request.headers, secret=secret)
        except WebhookError:
            return False
        return True

    def test_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The one that is given, whatever is configured."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", OTHER_SECRET)
        assert self.signs(SECRET, SECRET)

    def test_configured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Otherwise the configured one, and the first of several."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", f"{SECRET} {OTHER_SECRET}")
        assert self.signs(SECRET)

    @pytest.mark.parametrize("configured", ["", " "])
    def test_made_up(self, monkeypatch: pytest.MonkeyPatch, configured: str) -> None:
        """Otherwise one that nobody has."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", configured)
        assert not self.signs(SECRET)
        monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
        assert not self.signs(SECRET)

    def test_new(self) -> None:
        """A secret that is made up is usable, and no other's."""
        secret = new_secret()
        assert self.signs(secret, secret)
        assert new_secret() != secret

    @pytest.mark.parametrize("secret", ["", "whsec_", [SECRET]])
    def test_unusable(self, secret: Any) -> None:
        """One that can't be used is a ConfigurationError."""
        with pytest.raises(ConfigurationError):
            hostile_requests(secret)


class TestTime:
    """The time that they are made at."""

    def test_now(self) -> None:
        """They are made now."""
        before = int(time.time())
        assert before <= int(header(hostile_requests()[1], "webhook-timestamp")) <= time.time()

    def test_given(self) -> None:
        """Or when it is said."""
        assert header(hostile_requests(now=NOW + 0.9)[1], "webhook-timestamp") == str(NOW)

    @pytest.mark.parametrize("now", ["12", 0, 10**9 - 1, 10**11 + 1, NOW * 1000, float("nan")])
    def test_unusable(self, now: Any) -> None:
        """What is no time that they can be made for is a ConfigurationError."""
        with pytest.raises(ConfigurationError, match=r"^now: must be a number from 1000000000 to 100000000000, not "):
            hostile_requests(now=now)
