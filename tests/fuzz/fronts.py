"""What both fronts are held to: the app is called for what is genuine, and everything else gets a problem document."""

import json
import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from webhook_guard import Delivery, Reason, WebhookEvent, get_delivery, get_event
from webhook_guard.refused import RefusedRequest

from fuzz import reference
from fuzz.inputs import SECRETS, Request
from support import PATH, clock

#: Before a read of the body, or instead of one.
WAIT, GONE, FAIL, ODD = b"wait", b"gone", b"fail", b"odd"
#: More of what is said beside a request is not read.
_MOST_STEPS = 40
_LOGGER = logging.getLogger("webhook_guard")
_CONTENT_TYPE = ("content-type", "application/problem+json")


class Step(NamedTuple):
    """One read of a body: what comes, or what happens instead.

    Attributes:
        chunk: What comes.
        event: What happens: GONE, FAIL or ODD; empty if a chunk comes, which is the last one if `is_last`.
        waits: Whether the server has to wait for it.
        is_last: Whether nothing comes after it.
    """

    chunk: bytes
    event: bytes
    waits: bool
    is_last: bool


class Outcome:
    """What became of one request.

    Attributes:
        calls: What the app was called with.
        body: What the app read.
        told: What `on_refused` was called with.
        records: What was logged.
        status: The status of the answer; 0 if there was none.
        headers: Its headers.
        answer: Its body.
        reads: How many times the body was read.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.body: bytes = b""
        self.told: list[tuple[Reason, RefusedRequest]] = []
        self.records: list[logging.LogRecord] = []
        self.status: int = 0
        self.headers: list[tuple[str, str]] = []
        self.answer: bytes = b""
        self.reads: int = 0

    def on_refused(self, reason: Reason, request: RefusedRequest) -> None:
        """Keep what is told."""
        self.told.append((reason, request))


def options(outcome: Outcome) -> dict[str, Any]:
    """Return the options of the guard that is checked: it tells an outcome what it refuses."""
    return {
        "path": PATH,
        "secret": SECRETS,
        "max_body_size": reference.LIMIT,
        "clock": clock,
        "on_refused": outcome.on_refused,
        "capture": True,
    }


def steps(request: Request) -> Iterator[Step]:
    """Yield how the body arrives: numbers beside the request are sizes of chunks, words are what happens."""
    body, waits = request.body, False
    for word in request.beside.split()[:_MOST_STEPS]:
        if word == WAIT:
            waits = True
        elif word in (GONE, FAIL, ODD):
            yield Step(b"", word, waits, is_last=True)
            return
        elif word.isdigit():
            size = int(word[:4])
            yield Step(body[:size], b"", waits, is_last=False)
            body, waits = body[size:], False
    yield Step(body, b"", waits, is_last=True)


class _Handler(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@contextmanager
def logged(outcome: Outcome) -> Generator[None, None, None]:
    """Keep what the package logs, from INFO on, and hand it on to nobody."""
    handler, level, propagate = _Handler(outcome.records), _LOGGER.level, _LOGGER.propagate
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        _LOGGER.propagate = propagate


def check_admitted(outcome: Outcome, found: reference.Values, body: bytes) -> None:
    """Assert that the app was called once, with what was signed, and its answer went out."""
    assert len(outcome.calls) == 1, "the app was not called, or twice"
    ((request, event, delivery),) = outcome.calls
    assert (get_event(request), get_delivery(request)) == (event, delivery)
    _check_delivery(event, delivery, found, body)
    assert outcome.body == body, "the app reads another body"
    assert outcome.status == 204, "the answer is not the app's"
    assert outcome.told == [], "what was let through was told as refused"
    _check_records(outcome)


def _check_delivery(event: WebhookEvent, delivery: Delivery, found: reference.Values, body: bytes) -> None:
    webhook_id, timestamp, signature = (found[name][0] for name in reference.WEBHOOK)
    assert delivery.event is event
    assert (delivery.body, delivery.signature.encode("latin-1")) == (body, signature)
    assert (delivery.webhook_id.encode(), b"%d" % delivery.timestamp) == (webhook_id, timestamp)
    assert delivery.secret_index == reference.signer(webhook_id, timestamp, signature, body)


def check_refused(outcome: Outcome, reason: Reason, request: Request, *, has_body: bool) -> None:
    """Assert that the app was not called, and that sender, log and `on_refused` were told the reason.

    Args:
        outcome: What became of it.
        reason: Why it must be refused.
        request: The request.
        has_body: Whether its head is not refused.
    """
    assert outcome.calls == [], f"the app was called, and not refused: {reason}"
    _check_problem(outcome, reason, request.method)
    _check_told(outcome, reason, request.body)
    _check_records(outcome, reason)
    assert has_body or outcome.reads == 0, "a refused head had its body read"


def _check_problem(outcome: Outcome, reason: Reason, method: str) -> None:
    assert outcome.status == reason.status, f"{reason} expected: {outcome.status} {outcome.answer!r}"
    assert 400 <= outcome.status < 500, "a stranger's request got another status than 4xx"
    if method == "HEAD":
        assert outcome.answer == b"", "a response to HEAD has a body"
        return
    problem = {"title": reason.phrase, "status": reason.status, "reason": reason.value}
    assert json.loads(outcome.answer) == problem, f"{reason} expected: {outcome.answer!r}"
    assert outcome.headers[:2] == [_CONTENT_TYPE, ("content-length", str(len(outcome.answer)))]
    assert (("allow", "POST") in outcome.headers) == (reason is Reason.METHOD_NOT_ALLOWED)


def _check_told(outcome: Outcome, reason: Reason, body: bytes) -> None:
    assert [told for told, _ in outcome.told] == [reason], f"{reason} expected: {outcome.told} was told"
    request = outcome.told[0][1]
    captured = request.body
    assert captured is not None, "nothing was captured"
    assert body.startswith(captured), "what was captured is not what came"
    assert len(captured) <= reference.LIMIT, "more was held than the limit"
    assert request.is_whole == (reason in (Reason.SIGNATURE_MISMATCH, Reason.MALFORMED_PAYLOAD))
    _check_message(request.to_http(), request)


def _check_message(message: bytes, request: RefusedRequest) -> None:
    """Assert that nothing in a head made a line of its own."""
    head, _, _ = message.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert not any(line.count(b"\n") or line.count(b"\r") or line.count(b"\0") for line in lines), "a broken line"
    assert abs(len(lines) - 1 - len(request.headers)) <= 1, "a header made a line of its own"


def _check_records(outcome: Outcome, reason: Reason | None = None) -> None:
    """Assert that a refusal is one record, and what is let through none but a warning of its shape; on one line."""
    assert len(outcome.records) == 1 if reason else len(outcome.records) <= 1, f"{len(outcome.records)} records"
    for record in outcome.records:
        message = record.getMessage()
        assert message.isascii(), "the record is not ASCII"
        assert message.isprintable(), "the record has more than one line, or what a terminal takes for a command"
        assert getattr(record, "reason", None) == reason, "the record has another reason"
