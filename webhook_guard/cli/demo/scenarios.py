"""What is sent, and what must come back: the decision table, as far as a stranger can see it over HTTP."""

import json
import time
from collections.abc import Callable
from typing import NamedTuple

from webhook_guard import sign
from webhook_guard.cli.message import Request
from webhook_guard.sansio.guard import MAX_BODY_SIZE
from webhook_guard.testing.events import new_id
from webhook_guard.testing.requests import new_secret

#: The guarded path.
PATH = "/webhooks/openai"
#: A second one, whose guard has the secret and the clock of the published vector.
VECTOR_PATH = "/webhooks/vector"
VECTOR_SECRET = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c="  # noqa: S105  published, to test with
VECTOR_TIME = 1_750_861_210

_VECTOR_BODY = (
    b'{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, '
    b'"type": "response.completed", "data": {"id": "resp_123"}}'
)
_VECTOR_HEADERS = (
    ("webhook-id", "wh_685c059ae39c8190af8c71ed1022a24d"),
    ("webhook-timestamp", str(VECTOR_TIME)),
    ("webhook-signature", "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY="),
)
#: Seconds: twice the tolerance.
_TEN_MINUTES = 600

#: The resource that the apps fail to handle the first time.
FLAKY = "resp_flaky"
#: What an app sees of a request that does not reach it.
NOTHING = "nothing"


class Secrets(NamedTuple):
    """The signing secrets of one run."""

    #: The two that the guard has, as in the middle of a rotation.
    new: str
    old: str
    #: One that it does not have.
    other: str


class Outcome(NamedTuple):
    """What became of a request."""

    #: The HTTP status.
    status: int
    #: "accepted" or, if the app failed, "failed", with the secret that verified it; or the reason of the refusal.
    verdict: str
    #: What the app saw of it.
    saw: str


class Scenario(NamedTuple):
    """A request, and what must become of it."""

    label: str
    build: Callable[[Secrets], Request]
    #: Under uvicorn and under Flask.
    designed: tuple[Outcome, Outcome]


class _Repeated(NamedTuple):
    """What is sent more than once. Its id may be the same in each run, because each run has new stores."""

    webhook_id: str
    body: bytes

    def attempt(self, *, age: int) -> Callable[[Secrets], Request]:
        """Return what builds an attempt as OpenAI makes it: the same id and body, signed anew `age` seconds ago."""
        return lambda keys: _delivery(keys.new, self.body, webhook_id=self.webhook_id, age=age)


def make_secrets() -> Secrets:
    """Return new random secrets."""
    return Secrets(*(new_secret() for _ in Secrets._fields))


def genuine(keys: Secrets) -> Request:
    """Return a delivery as OpenAI would send it now."""
    return _delivery(keys.new)


def _delivery(secret: str, body: bytes | None = None, *, webhook_id: str | None = None, age: int = 0) -> Request:
    """Return a delivery that was signed `age` seconds ago."""
    body = _event("response.completed") if body is None else body
    webhook_id = webhook_id or new_id("wh_")
    signed = sign(body, secret, webhook_id=webhook_id, timestamp=int(time.time()) - age)
    headers = {**signed, "content-type": "application/json", "content-length": str(len(body))}
    return Request("POST", PATH, tuple(headers.items()), body)


def _event(kind: str, resource: str = "resp_demo") -> bytes:
    event = {"id": new_id("evt_"), "object": "event", "created_at": int(time.time())}
    return json.dumps({**event, "type": kind, "data": {"id": resource}}).encode()


def _chunked(keys: Secrets) -> Request:
    request = genuine(keys)
    half = len(request.body) // 2
    chunks = (request.body[:half], request.body[half:], b"")
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    headers = tuple(pair for pair in request.headers if pair[0] != "content-length")
    return request._replace(headers=(*headers, ("transfer-encoding", "chunked")), body=body)


def _older_secret(keys: Secrets) -> Request:
    return _delivery(keys.old)


def _unknown_type(keys: Secrets) -> Request:
    return _delivery(keys.new, _event("model.retired", "model_demo"))


def _vector(_: Secrets) -> Request:
    return Request("POST", VECTOR_PATH, (*_VECTOR_HEADERS, ("content-length", str(len(_VECTOR_BODY)))), _VECTOR_BODY)


def _body_changed(keys: Secrets) -> Request:
    request = genuine(keys)
    return request._replace(body=request.body.replace(b"resp_demo", b"resp_evil"))


def _signature_changed(keys: Secrets) -> Request:
    request = genuine(keys)
    version, _, signature = dict(request.headers)["webhook-signature"].partition(",")
    return _with(request, "webhook-signature", f"{version},{signature.swapcase()}")


def _other_secret(keys: Secrets) -> Request:
    return _delivery(keys.other)


def _old(keys: Secrets) -> Request:
    return _delivery(keys.new, age=_TEN_MINUTES)


def _future(keys: Secrets) -> Request:
    return _delivery(keys.new, age=-_TEN_MINUTES)


def _unsigned(keys: Secrets) -> Request:
    request = genuine(keys)
    return request._replace(headers=tuple(pair for pair in request.headers if not pair[0].startswith("webhook-")))


def _doubled(keys: Secrets) -> Request:
    request = genuine(keys)
    return request._replace(headers=(*request.headers, ("webhook-id", "wh_another")))


def _not_ascii(keys: Secrets) -> Request:
    return _with(genuine(keys), "webhook-id", "wh_\xe9")


def _oversized(keys: Secrets) -> Request:
    # The head only: a server that waited for the body would not answer.
    return _with(genuine(keys), "content-length", str(MAX_BODY_SIZE + 1))._replace(body=b"")


def _not_utf_8(keys: Secrets) -> Request:
    return _delivery(keys.new, _event("response.completed").replace(b"resp_demo", b"resp_\xff"))


def _get(keys: Secrets) -> Request:
    return genuine(keys)._replace(method="GET")


def _doubled_slash(keys: Secrets) -> Request:
    return _other_secret(keys)._replace(target=PATH.replace("/openai", "//openai"))


def _with(request: Request, name: str, value: str) -> Request:
    """Return `request` with another value of the header `name`."""
    return request._replace(headers=tuple((key, value if key == name else old) for key, old in request.headers))


def _accepted(saw: str, *, secret: int = 0) -> tuple[Outcome, Outcome]:
    outcome = Outcome(200, f"accepted, secret {secret}", saw)
    return outcome, outcome


def _refused(status: int, reason: str, *, flask: str | None = None) -> tuple[Outcome, Outcome]:
    return Outcome(status, reason, NOTHING), Outcome(status, flask or reason, NOTHING)


def _failed(saw: str) -> tuple[Outcome, Outcome]:
    outcome = Outcome(500, "failed, secret 0", saw)
    return outcome, outcome


GENUINE = (
    Scenario("genuine", genuine, _accepted("ResponseCompleted resp_demo")),
    Scenario("genuine, in chunks", _chunked, _accepted("ResponseCompleted resp_demo")),
    Scenario("signed with the old secret", _older_secret, _accepted("ResponseCompleted resp_demo", secret=1)),
    Scenario("an unknown event type", _unknown_type, _accepted("UnknownEvent model.retired")),
    Scenario("OpenAI's published vector", _vector, _accepted("ResponseCompleted resp_123")),
)
ATTACKS = (
    Scenario("body changed", _body_changed, _refused(400, "signature_mismatch")),
    Scenario("signature changed", _signature_changed, _refused(400, "signature_mismatch")),
    Scenario("signed with another secret", _other_secret, _refused(400, "signature_mismatch")),
    Scenario("stale: ten minutes old", _old, _refused(400, "timestamp_too_old")),
    Scenario("ten minutes in the future", _future, _refused(400, "timestamp_too_new")),
    Scenario("webhook headers missing", _unsigned, _refused(400, "missing_header")),
    Scenario("a header doubled *", _doubled, _refused(400, "duplicate_header", flask="malformed_header")),
    Scenario("a header not ASCII", _not_ascii, _refused(400, "malformed_header")),
    Scenario("oversized: only the head", _oversized, _refused(413, "body_too_large")),
    Scenario("signed, but not UTF-8", _not_utf_8, _refused(400, "malformed_payload")),
    Scenario("GET, otherwise genuine", _get, _refused(405, "method_not_allowed")),
    Scenario("forged: /webhooks//openai", _doubled_slash, _refused(400, "signature_mismatch")),
)
_STEADY = _Repeated("wh_steady", _event("response.completed"))
_FLAKY = _Repeated("wh_flaky", _event("response.completed", FLAKY))
REPEATED = (
    Scenario("a delivery", _STEADY.attempt(age=1), _accepted("ResponseCompleted resp_demo")),
    Scenario("the same again", _STEADY.attempt(age=0), _refused(200, "duplicate")),
    Scenario("one whose handler fails", _FLAKY.attempt(age=2), _failed("ResponseCompleted resp_flaky")),
    Scenario("its retry", _FLAKY.attempt(age=1), _accepted("ResponseCompleted resp_flaky")),
    Scenario("the same after that", _FLAKY.attempt(age=0), _refused(200, "duplicate")),
)
#: By what they have in common; in this order, because what is repeated depends on what came before.
GROUPS: dict[str, tuple[Scenario, ...]] = {
    "Genuine: accepted": GENUINE,
    "Forged or broken: refused": ATTACKS,
    "Repeated: handled once": REPEATED,
}
