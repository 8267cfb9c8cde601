"""Holds an app to refusing what it must refuse, from outside: by what it answers.

A refusal is the guard's own: the status of a reason, and a problem document that names it; for a wrong method, a 405 of
the router's is as good. So an app that answers 404 to everything, or 500, is not taken for a guarded one. What became
of a request inside of the app is not looked at.
"""

import inspect
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from webhook_guard.sansio.errors import NotVerifiedError, Reason
from webhook_guard.testing.clients import sender
from webhook_guard.testing.direct import Send
from webhook_guard.testing.hostile import HostileRequest, hostile_requests

#: pytest shows no line of this module in a failure.
__tracebackhide__: bool = True

_NOT_FOUND = 404
_OUT_OF_TIME = {Reason.TIMESTAMP_TOO_OLD, Reason.TIMESTAMP_TOO_NEW}


class _Outcome(NamedTuple):
    """What came of a request: an answer, with its reason if it is a refusal of the guard's, or an exception."""

    status: int = 0
    reason: str = ""
    error: Exception | None = None

    def is_right(self, request: HostileRequest) -> bool:
        if self.status == Reason.METHOD_NOT_ALLOWED.status and Reason.METHOD_NOT_ALLOWED in request.reasons:
            return True  # whoever says so: a router that stands around the guard, as Litestar's does, refuses methods
        return (self.status, self.reason) in {(reason.status, reason.value) for reason in request.reasons}

    def __str__(self) -> str:
        if self.error is not None:
            return f"raised {type(self.error).__name__}"
        return f"{self.status} {self.reason or 'without a reason of the guard'}"


def assert_refuses_all(client: Any, path: str, *, secret: str | bytes | None = None, now: float | None = None) -> None:
    """Send each of `hostile_requests` to an app, and fail unless the guard refuses all of them, as it must.

    Args:
        client: A sync test client of Django, Flask, Werkzeug, Starlette, FastAPI, Litestar or httpx; or the ASGI or
            WSGI app itself, as for Django, whose client goes around the guard.
        path: Where the app receives webhooks.
        secret: The app's signing secret; None reads OPENAI_WEBHOOK_SECRET.
        now: The app's time, in Unix seconds, if it has a clock of its own; from 1e9 to 1e11.

    It proves what is refused, and no more: no genuine delivery is sent, because it would be handled. So a guard with
    another secret passes, though it refuses everything; that genuine ones are accepted is for a test with `Webhook`.

    Raises:
        AssertionError: The message lists each request that was not refused as it must be, with what came back.
        TypeError: The client is async, or none.
        ConfigurationError: The secret or the time can't be used.
        RuntimeError: The app is an ASGI app, and an event loop is running already.

    >>> from secrets import token_bytes
    >>> from webhook_guard import WSGIWebhookMiddleware
    >>> from webhook_guard.testing import assert_refuses_all
    >>> def app(environ, start_response):
    ...     start_response("204 No Content", [])
    ...     return []
    >>> secret = token_bytes(32)
    >>> guarded = WSGIWebhookMiddleware(app, path="/webhooks/openai", secret=secret)
    >>> assert_refuses_all(guarded, "/webhooks/openai", secret=secret)
    """
    send = sender(client)
    outcomes = [(request, _send(send, path, request)) for request in hostile_requests(secret, now=now)]
    wrong = [(request, outcome) for request, outcome in outcomes if not outcome.is_right(request)]
    if wrong:
        errors = (outcome.error for _, outcome in wrong if outcome.error is not None)
        raise AssertionError(_report(client, path, wrong, len(outcomes))) from next(errors, None)


def _send(send: Send, path: str, request: HostileRequest) -> _Outcome:
    try:
        answer = send(request.method, path, request.headers, request.body)
    except Exception as error:  # noqa: BLE001  whatever the app raises is its failure
        return _Outcome(error=error)
    if inspect.iscoroutine(answer):
        answer.close()
        raise TypeError("client: is async; give assert_refuses_all a sync test client, or the app itself")
    return _Outcome(answer.status_code, _reason(answer))


def _reason(answer: Any) -> str:
    """Return the reason in the guard's problem document, or "" if the answer is none."""
    if answer.headers.get("content-type") != "application/problem+json":
        return ""
    try:
        # Werkzeug's responses have their content in `data`.
        return str(json.loads(answer.content if hasattr(answer, "content") else answer.data)["reason"])
    except (ValueError, LookupError, TypeError):
        return ""


def _report(client: Any, path: str, wrong: Sequence[tuple[HostileRequest, _Outcome]], total: int) -> str:
    found = [f"  {request.label}: {outcome}; must be {_expected(request)}" for request, outcome in wrong]
    first = f"{len(wrong)} of {total} hostile requests to {path} were not refused as they must be:"
    return "\n".join([first, *found, *_hints(client, path, [outcome for _, outcome in wrong])])


def _expected(request: HostileRequest) -> str:
    # In the order of the checks, so that the reason that is nearly always given stands first.
    return " or ".join(f"{reason.status} {reason}" for reason in Reason if reason in request.reasons)


def _hints(client: Any, path: str, wrong: list[_Outcome]) -> list[str]:
    hints: list[str] = []
    if hasattr(client, "generic"):
        hints.append(
            "Django's test client goes around asgi.py and wsgi.py, where the guard stands:"
            " give assert_refuses_all the application itself."
        )
    elif any(isinstance(outcome.error, NotVerifiedError) for outcome in wrong):
        hints.append("A handler was called that no guard stands in front of: is this the wrapped app, and its path?")
    if any(outcome.reason in _OUT_OF_TIME for outcome in wrong):
        hints.append("Some came too early or too late for the app: if it has its own clock, give its time as now=.")
    if all(outcome.status == _NOT_FOUND for outcome in wrong):
        hints.append(f"All of these answers are 404: is {path} the path of the handler?")
    return hints
