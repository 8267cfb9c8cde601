"""Each scenario gets the same verdict from the core and from both fronts, however its body is cut into chunks."""

import asyncio
import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest
from asgiref.testing import ApplicationCommunicator
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import run_wsgi_app

from webhook_guard import (
    ASGIWebhookMiddleware,
    Delivery,
    WebhookError,
    WSGIWebhookMiddleware,
    get_delivery,
    get_event,
)
from webhook_guard.sansio import keys
from webhook_guard.sansio.guard import Guard

from scenarios import LIMIT, SCENARIOS, SECRETS, Scenario, chunks, with_length, wsgi_environ
from support import NOW, PATH, clock

GUARD = Guard(path=PATH, keys=keys.prepare(SECRETS), tolerance=300, max_body_size=LIMIT, delivery=Delivery)

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
each_cut = pytest.mark.parametrize("size", [LIMIT * 10, 7, 1], ids=["whole", "in pieces", "byte by byte"])


def core_verdict(scenario: Scenario, pieces: Iterable[bytes]) -> Any:
    """Return the delivery of a scenario, or the reason why the core refuses it."""
    assert GUARD.match(scenario.path) == PATH
    incoming = GUARD.begin(with_length(scenario))
    try:
        incoming.check_head(scenario.method, now=NOW, input_ends=True)
        for piece in pieces:
            incoming.receive_data(piece)
        return incoming.end()
    except WebhookError as error:
        return error.reason


class TestCore:
    """The core by itself."""

    @each_scenario
    @each_cut
    def test_verdict(self, scenario: Scenario, size: int) -> None:
        """The verdict is that of the table."""
        verdict = core_verdict(scenario, chunks(scenario.body, size))
        if scenario.reason is not None:
            assert verdict == scenario.reason
            return
        assert isinstance(verdict, Delivery)
        assert isinstance(verdict.event, scenario.event)
        assert verdict.secret_index == scenario.secret_index
        assert verdict.body == scenario.body

    @each_scenario
    @settings(max_examples=20)
    @given(cuts=st.lists(st.integers(0, LIMIT), max_size=8).map(sorted))
    def test_any_split(self, scenario: Scenario, cuts: list[int]) -> None:
        """Any split of the body into chunks, empty ones included, gives the same verdict."""
        edges = [0, *cuts, len(scenario.body)]
        pieces = [scenario.body[start:end] for start, end in pairwise(edges)]
        assert b"".join(pieces) == scenario.body
        assert core_verdict(scenario, pieces) == core_verdict(scenario, [scenario.body])


class TestASGI:
    """The ASGI front, driven by asgiref's communicator."""

    @each_scenario
    @each_cut
    def test_verdict(self, scenario: Scenario, size: int) -> None:
        """The answer is that of the table, and the app is called with the event, or not at all."""
        seen, status, body = asyncio.run(ask_asgi(scenario, size))
        check_answer(scenario, scenario.reason, seen, status, body)


async def ask_asgi(scenario: Scenario, size: int) -> tuple[list[Any], int, bytes]:
    """Return what the app saw, and the status and the body of the answer."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        seen.extend((get_event(scope), get_delivery(scope), message["body"], message["more_body"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guarded = ASGIWebhookMiddleware(app, path=PATH, secret=SECRETS, max_body_size=LIMIT, clock=clock)
    scope = {"type": "http", "method": scenario.method, "path": scenario.path, "headers": with_length(scenario)}
    communicator: Any = ApplicationCommunicator(guarded, scope)  # type: ignore[no-untyped-call]  # asgiref has no types here
    pieces = chunks(scenario.body, size)
    for index, piece in enumerate(pieces, 1):
        await communicator.input_queue.put({"type": "http.request", "body": piece, "more_body": index < len(pieces)})
    start = await communicator.receive_output()
    end = await communicator.receive_output()
    await communicator.wait()
    return seen, start["status"], end["body"]


class TestWSGI:
    """The WSGI front, driven by Werkzeug's client."""

    @each_scenario
    @each_cut
    def test_verdict(self, scenario: Scenario, size: int) -> None:
        """The answer is that of the table, and the app is called with the event, or not at all."""
        seen, status, body = ask_wsgi(scenario, size)
        check_answer(scenario, scenario.wsgi_reason or scenario.reason, seen, status, body)


def ask_wsgi(scenario: Scenario, size: int) -> tuple[list[Any], int, bytes]:
    """Return what the app saw, and the status and the body of the answer."""
    seen: list[Any] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        seen.extend((get_event(environ), get_delivery(environ), body, False))
        start_response("204 No Content", [])
        return []

    guarded = WSGIWebhookMiddleware(validator(app), path=PATH, secret=SECRETS, max_body_size=LIMIT, clock=clock)
    application = validator(guarded) if is_cgi(scenario) else guarded
    chunk, status, _ = run_wsgi_app(application, wsgi_environ(scenario, size))
    body = b"".join(chunk)
    getattr(chunk, "close", lambda: None)()
    return seen, int(status[:3]), body


def is_cgi(scenario: Scenario) -> bool:
    """Say whether wsgiref's validator takes the environ: it wants a number for CONTENT_LENGTH, and few slashes."""
    length = scenario.content_length
    return (length is None or (length.isdigit() and len(length) < 20)) and not scenario.path.startswith("//")


def check_answer(scenario: Scenario, reason: Any, seen: list[Any], status: int, body: bytes) -> None:
    """Assert that the app saw the delivery, or that the sender saw the reason and the app nothing."""
    if reason is None:
        event, delivery, replayed, more_body = seen
        assert status == 204
        assert isinstance(event, scenario.event)
        assert delivery.event is event
        assert delivery.secret_index == scenario.secret_index
        assert (replayed, more_body) == (scenario.body, False)
        return
    assert seen == []
    assert status == reason.status
    problem = {"title": reason.phrase, "status": reason.status, "reason": reason.value}
    assert body == b"" if scenario.method == "HEAD" else json.loads(body) == problem
