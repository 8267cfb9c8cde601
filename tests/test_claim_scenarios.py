"""Each claim and each answer of an app ends the same through the core, ASGI and WSGI."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from asgiref.testing import ApplicationCommunicator
from werkzeug.test import EnvironBuilder

from webhook_guard import ASGIWebhookMiddleware, IdempotencyError, WSGIWebhookMiddleware
from webhook_guard.sansio import claims
from webhook_guard.sansio.claims import Handling
from webhook_guard.sansio.events import parse
from webhook_guard.sansio.guard import Delivery

from claim_scenarios import CLAIM_SCENARIOS, ClaimScenario, Step
from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, clock, signed, variable

each_scenario = pytest.mark.parametrize("scenario", CLAIM_SCENARIOS, ids=lambda scenario: scenario.name)

KEY = f"{PATH}#{WEBHOOK_ID}"
PARTS = {Step.PART: b"part", Step.EMPTY: b""}


class AppError(Exception):
    """The app fails."""


class ScenarioStore:
    """A store that answers a claim as a scenario has it, and writes down what becomes of it."""

    def __init__(self, scenario: ClaimScenario, told: list[Any]) -> None:
        self.answer = scenario.store
        self.told = told

    def claim(self, key: str) -> Any:
        """Answer."""
        assert key == KEY
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def complete(self, key: str, token: str) -> bool:
        """Write it down."""
        assert (key, token) == (KEY, "a token")
        self.told.append("completed")
        return True

    def release(self, key: str, token: str) -> bool:
        """Write it down."""
        assert (key, token) == (KEY, "a token")
        self.told.append("released")
        return True


class AsyncScenarioStore:
    """The same, awaited."""

    def __init__(self, scenario: ClaimScenario, told: list[Any]) -> None:
        self.store = ScenarioStore(scenario, told)

    async def claim(self, key: str) -> Any:
        """Answer."""
        await asyncio.sleep(0)
        return self.store.claim(key)

    async def complete(self, key: str, token: str) -> bool:
        """Write it down."""
        await asyncio.sleep(0)
        return self.store.complete(key, token)

    async def release(self, key: str, token: str) -> bool:
        """Write it down."""
        await asyncio.sleep(0)
        return self.store.release(key, token)


def expected_story(scenario: ClaimScenario) -> list[Any]:
    """Return what is told, in order: the app, the status and the parts that go out, and the end of the claim."""
    if scenario.reason is not None:
        return [scenario.reason.status, "answer"]
    parts = [PARTS[step] for step in scenario.steps if step is Step.PART]
    failed = ["failed"] if Step.FAIL in scenario.steps else []
    if scenario.ending == "completed":
        return ["app", "completed", scenario.status, *parts, *failed]
    # A status that is no success goes out at once, and a success never does without a part behind it.
    status = [] if scenario.status is None or (scenario.status < 300 and failed) else [scenario.status]
    return ["app", *status, *parts, "released", *failed]


def core_story(scenario: ClaimScenario) -> list[Any]:
    """Return how the core decides."""
    delivery = Delivery(
        webhook_id=WEBHOOK_ID, timestamp=NOW, signature="", body=BODY, event=parse(BODY), secret_index=0
    )
    try:
        if isinstance(scenario.store, Exception):
            raise claims.unavailable(scenario.store)
        handling = Handling(delivery, PATH, KEY, claims.granted(scenario.store))
    except IdempotencyError as refusal:
        return [refusal.reason]
    if scenario.status is not None:
        handling.answer(scenario.status)
    told = ["completed" for step in scenario.steps if step in PARTS and handling.must_complete()]
    return [*told, *(["released"] if handling.must_release() else [])]


class TestCore:
    """The core by itself."""

    @each_scenario
    def test_story(self, scenario: ClaimScenario) -> None:
        """The claim is refused, completed or released as the table has it, and that once."""
        assert core_story(scenario) == [scenario.reason or scenario.ending]


class TestASGI:
    """The ASGI front, driven by asgiref's communicator."""

    @each_scenario
    @pytest.mark.parametrize("store", [ScenarioStore, AsyncScenarioStore], ids=["sync store", "async store"])
    def test_story(self, scenario: ClaimScenario, store: type[ScenarioStore | AsyncScenarioStore]) -> None:
        """The story is that of the table, whichever kind the store is."""
        told: list[Any] = []
        asyncio.run(tell_asgi(scenario, store(scenario, told), told))
        assert told == expected_story(scenario)


async def tell_asgi(scenario: ClaimScenario, store: ScenarioStore | AsyncScenarioStore, told: list[Any]) -> None:
    """Write down what happens."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        told.append("app")
        if scenario.status is not None:
            await send({"type": "http.response.start", "status": scenario.status, "headers": []})
        for step in scenario.steps:
            if step is Step.FAIL:
                raise AppError
            await send({"type": "http.response.body", "body": PARTS[step], "more_body": True})

    async def tell(message: Any) -> None:
        check_refusal(scenario, message)
        if "app" not in told:
            told.append(message.get("status", "answer"))
        elif part := message.get("status") or message["body"]:
            told.append(part)

    async def told_app(scope: Any, receive: Any, _send: Any) -> None:
        await guarded(scope, receive, tell)

    guarded = ASGIWebhookMiddleware(app, path=PATH, secret=SECRET, idempotency=store, clock=clock)
    headers = [(name.encode(), value.encode()) for name, value in signed().items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
    communicator: Any = ApplicationCommunicator(told_app, scope)  # type: ignore[no-untyped-call]  # asgiref has no types here
    await communicator.send_input({"type": "http.request", "body": BODY})
    try:
        await communicator.wait()
    except AppError:
        told.append("failed")


def check_refusal(scenario: ClaimScenario, message: Any) -> None:
    """Assert that a refusal says why, and when to come again."""
    if scenario.reason is None:
        return
    if "status" in message:
        again = [value for name, value in message["headers"] if name == b"retry-after"]
        assert again == ([] if scenario.reason == "duplicate" else [b"30"])
    else:
        assert json.loads(message["body"])["reason"] == scenario.reason


class TestWSGI:
    """The WSGI front."""

    @each_scenario
    def test_in_parts(self, scenario: ClaimScenario) -> None:
        """The story is that of the table."""
        told: list[Any] = []
        serve(scenario, told, in_parts(scenario, told))
        assert told == expected_story(scenario)

    @pytest.mark.parametrize(
        "scenario",
        [scenario for scenario in CLAIM_SCENARIOS if Step.FAIL not in scenario.steps[1:]],
        ids=lambda scenario: scenario.name,
    )
    def test_at_once(self, scenario: ClaimScenario) -> None:
        """The same is told of an app that gives all parts at once, but that it has ended, and releases, before that."""
        told: list[Any] = []
        serve(scenario, told, at_once(scenario, told))
        expected = expected_story(scenario)
        if "released" in expected:
            expected.remove("released")
            expected.insert(1, "released")
        assert told == expected


def in_parts(scenario: ClaimScenario, told: list[Any]) -> Any:
    """Return an app that does one step after the other."""

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        told.append("app")
        if scenario.status is not None:
            start_response(status_line(scenario), [])
        for step in scenario.steps:
            if step is Step.FAIL:
                raise AppError
            yield PARTS[step]

    return app


def at_once(scenario: ClaimScenario, told: list[Any]) -> Any:
    """Return an app that does all steps, and then returns the parts."""

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        told.append("app")
        if scenario.status is not None:
            start_response(status_line(scenario), [])
        if Step.FAIL in scenario.steps:
            raise AppError
        return [PARTS[step] for step in scenario.steps]

    return app


def status_line(scenario: ClaimScenario) -> str:
    """Return the status as WSGI has it."""
    return f"{scenario.status} As the table has it"


def serve(scenario: ClaimScenario, told: list[Any], app: Any) -> None:
    """Write down what happens, as a server sees it: the head goes out with the first bytes, or at the end."""
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        head.append(int(status[:3]))
        if scenario.reason is not None:
            again = [value for name, value in headers if name == "retry-after"]
            assert again == ([] if scenario.reason == "duplicate" else ["30"])
        return told.append

    store = ScenarioStore(scenario, told)
    guarded = WSGIWebhookMiddleware(app, path=PATH, secret=SECRET, idempotency=store, clock=clock)
    try:
        parts: Any = guarded(environ(), start_response)
        try:
            for part in filter(None, parts):
                told.extend((*head, part if "app" in told else "answer"))
                head.clear()
            told.extend(head)
        finally:
            getattr(parts, "close", lambda: None)()
    except AppError:
        told.append("failed")


def environ() -> WSGIEnvironment:
    """Return the environ of a genuine delivery."""
    result = EnvironBuilder(method="POST", path=PATH, data=BODY).get_environ()
    result.update({variable(name): value for name, value in signed().items()})
    return result
