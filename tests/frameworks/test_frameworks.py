"""What the guard promises, in every framework and in each way to put it there.

The cells of the README's matrix are these tests: a `Case` says which.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from falcon.asgi import App
from starlette.testclient import TestClient
from werkzeug.test import Client

from webhook_guard import ASGIWebhookMiddleware, WSGIWebhookMiddleware
from webhook_guard.idempotency import MemoryStore

from frameworks import falcon_asgi, kit
from frameworks.catalogue import FRAMEWORKS
from support import BODY, OTHER_SECRET, PATH, signed

KIND = "batch.completed"
GENUINE = {**signed(), "content-type": "application/json"}
FORGED = {**GENUINE, **signed(secret=OTHER_SECRET)}
PREFIX = "/prefix"

#: Several megabytes, so that every framework takes it in pieces, and some in a file.
CONTENT = Random(0).randbytes(3_000_000)  # noqa: S311  any bytes will do
BOUNDARY = "a-boundary"
FORM = b"\r\n".join(
    [
        f"--{BOUNDARY}".encode(),
        b'Content-Disposition: form-data; name="file"; filename="any.bin"',
        b"Content-Type: application/octet-stream",
        b"",
        CONTENT,
        f"--{BOUNDARY}--".encode(),
        b"",
    ]
)
FORM_TYPE = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


class Answer(NamedTuple):
    """A whole response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str | None]:
        """The status and, if it is the guard that refused, the reason."""
        ours = ("content-type", "application/problem+json") in self.headers
        return self.status, self.json()["reason"] if ours else None


class Case(NamedTuple):
    """One app, and the column of the matrix that a test of it belongs to."""

    key: str
    way: str
    column: str

    @property
    def framework(self) -> kit.Framework:
        """The framework of the app."""
        return FRAMEWORKS[self.key]

    @property
    def limit(self) -> kit.Limit | None:
        """Why the framework can't do it, if it can't."""
        return self.framework.limits.get(self.column)

    def post(self, path: str, headers: Mapping[str, str], body: bytes = BODY, *, prefix: str = "") -> Answer:
        """Post to a new app, wherever its routes are, on a server that has all of it below `prefix`."""
        app, mount = self.framework.ways[self.way](), kit.MOUNT if self.way.endswith("mount") else ""
        send = _post_asgi if self.framework.interface == "asgi" else _post_wsgi
        return send(app, prefix, mount + path, headers, body)


def _post_asgi(app: kit.App, prefix: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    response = TestClient(app, root_path=prefix).post(prefix + path, content=body, headers=headers)
    return Answer(response.status_code, response.headers.multi_items(), response.content)


def _post_wsgi(app: kit.App, prefix: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    base_url = f"http://testserver{prefix}"
    # Buffered: what the app returned is closed when it has been read, as servers do it.
    response = Client(app).post(path, base_url=base_url, data=body, headers=dict(headers), buffered=True)
    return Answer(response.status_code, [(name.lower(), value) for name, value in response.headers], response.data)


def cases(*columns: str, ways: Collection[str] = kit.GUARDED) -> pytest.MarkDecorator:
    """Run a test for every framework, each of `ways` that it has, and each of the columns."""
    found = [Case(key, way, column) for key in FRAMEWORKS for way in ways for column in columns]
    return _parametrize(case for case in found if case.way in case.framework.ways)


def by_way() -> pytest.MarkDecorator:
    """Run a test for every framework and each of its guarded ways, which are columns themselves."""
    return _parametrize(Case(key, way, way) for key in FRAMEWORKS for way in kit.GUARDED)


def _parametrize(found: Iterable[Case]) -> pytest.MarkDecorator:
    """Run a test for each case, but those that the framework has nothing to try for."""
    parameters = [
        pytest.param(case, id="-".join(dict.fromkeys(case)), marks=_expected_to_fail(case.limit))
        for case in found
        if case.limit is None or case.limit.tried
    ]
    return pytest.mark.parametrize("case", parameters)


def _expected_to_fail(limit: kit.Limit | None) -> list[pytest.MarkDecorator]:
    # Strictly so: once it works, the limit has to go.
    return [pytest.mark.xfail(reason=f"{limit.reason} {limit.source}", raises=AssertionError)] if limit else []


@cases("event")
def test_event(case: Case) -> None:
    """A handler finds the event in its request's scope or environ."""
    assert case.post(PATH, GENUINE).json()["event"] == KIND


@cases("get_event")
def test_functions(case: Case) -> None:
    """A handler gets the event from `get_event`, and the delivery that it came with from `get_delivery`."""
    assert case.post(PATH, GENUINE).json()["get_event"] == KIND


@cases(*kit.READINGS)
def test_body(case: Case) -> None:
    """A handler reads the body as if there were no guard, in each of the ways that the framework has."""
    answer = case.post(f"/webhooks/{case.column}", GENUINE)
    assert answer.json() == {"handler": case.column, "body": BODY.decode()}


@by_way()
def test_way(case: Case) -> None:
    """A genuine delivery reaches the handler, wherever the guard is."""
    answer = case.post(PATH, GENUINE)
    assert (answer.status, answer.json()["handler"], answer.json()["event"]) == (200, "openai", KIND)


@pytest.mark.parametrize("prefix", ["", PREFIX], ids=["", "prefix"])
@by_way()
def test_forged(case: Case, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged delivery is refused and the handler not called, wherever the guard is, below a prefix too."""
    handler = Mock()
    monkeypatch.setattr(kit, "seen", handler)
    assert case.post(PATH, FORGED, prefix=prefix).refusal == (400, "signature_mismatch")
    handler.assert_not_called()


@cases("prefix")
def test_prefix(case: Case) -> None:
    """A genuine delivery reaches the handler of an app that the server has below a prefix."""
    answer = case.post(PATH, GENUINE, prefix=PREFIX)
    assert (answer.status, answer.json().get("event")) == (200, KIND)


@cases("upload", ways=["outside", "own"])
def test_upload(case: Case) -> None:
    """A large upload to another route gets, byte for byte, the answer that it gets without a guard."""
    answer = case.post(kit.UPLOAD, FORM_TYPE, FORM)
    assert answer.json() == kit.uploaded(CONTENT)
    assert answer == case._replace(way="bare").post(kit.UPLOAD, FORM_TYPE, FORM)


@cases("upload", ways=["outside", "own"])
def test_unknown_path(case: Case) -> None:
    """A path that the app does not know gets, byte for byte, the framework's own 404."""
    answer = case.post("/unknown", GENUINE)
    assert answer.status == 404
    assert answer == case._replace(way="bare").post("/unknown", GENUINE)


@cases("once", ways=["bare"])
def test_handled_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a store, a delivery whose handler failed is handled when it comes again, and after that not any more."""
    handler = Mock(side_effect=[ZeroDivisionError, {"handled": True}])
    monkeypatch.setattr(kit, "seen", handler)
    guard: Any = {"asgi": ASGIWebhookMiddleware, "wsgi": WSGIWebhookMiddleware}[case.framework.interface]
    stored = guard(case.framework.ways["bare"](), **kit.options(), idempotency=MemoryStore())
    answers = [_attempt(case.framework, stored) for _ in range(3)]
    assert [answer and answer.status for answer in answers] in ([500, 200, 200], [None, 200, 200])
    assert [answer and answer.refusal[1] for answer in answers[1:]] == [None, "duplicate"]
    assert handler.call_count == 2


def _attempt(framework: kit.Framework, app: kit.App) -> Answer | None:
    """Return what an app answers; None if it leaves the answer to the server, by an exception."""
    send = _post_asgi if framework.interface == "asgi" else _post_wsgi
    try:
        return send(app, "", PATH, GENUINE, BODY)
    except ZeroDivisionError:
        return None


# WebTest imports WebOb, which imports cgi; that is deprecated in Python 3.11 and 3.12.
@pytest.mark.filterwarnings("ignore:'cgi' is deprecated:DeprecationWarning")
@cases("client", ways=["outside"])
def test_client(case: Case) -> None:
    """The framework's own test client sends genuine deliveries to the handler, and gets forged ones refused."""
    status, answer = case.framework.post(PATH, BODY, GENUINE)
    assert (status, answer["event"]) == (200, KIND)
    status, answer = case.framework.post(PATH, BODY, FORGED)
    assert (status, answer["reason"]) == (400, "signature_mismatch")


def test_examples() -> None:
    """There is an example for each framework."""
    examples = {path.stem for path in Path(__file__).parents[2].joinpath("examples").glob("*_app.py")}
    assert {name for name in examples if not name.startswith("test_")} == {f"{key}_app" for key in FRAMEWORKS}


def test_falcon_below_a_prefix() -> None:
    """Falcon under ASGI works below a prefix if its routes have that, as the matrix's footnote says."""
    app = App()
    app.add_route(PREFIX + PATH, falcon_asgi.Webhook(), suffix="openai")
    guarded = ASGIWebhookMiddleware(app, **kit.options())
    client = TestClient(guarded, root_path=PREFIX)
    assert client.post(PREFIX + PATH, content=BODY, headers=GENUINE).json()["event"] == KIND
    assert client.post(PREFIX + PATH, content=BODY, headers=FORGED).json()["reason"] == "signature_mismatch"
