"""The WSGI app that workers serve, guarded."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from webhook_guard import WSGIWebhookMiddleware, get_delivery
from webhook_guard.idempotency import Store

from faults.journal import HandlerRun, Journal
from faults.served import begin
from faults.stores import noted
from faults.work import ATTEMPT, HANDLED, MANNER, SECONDS, Manner, OnPurposeError
from support import PATH, SECRET, variable

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class App:
    """Does what each attempt asks for, and notes it.

    Args:
        journal: Where to.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Handle one attempt."""
        run = self._journal.run(get_delivery(environ).webhook_id, environ[variable(ATTEMPT)])
        manner, seconds = Manner(environ[variable(MANNER)]), float(environ[variable(SECONDS)])
        if manner in (Manner.STREAMS, Manner.BREAKS_OFF):
            return _stream(run, manner, seconds, start_response)
        return _answer(run, manner, seconds, start_response)


def _answer(run: HandlerRun, manner: Manner, seconds: float, start_response: "StartResponse") -> list[bytes]:
    with run:
        time.sleep(seconds)
        if manner is Manner.RAISES:
            raise OnPurposeError
        if manner is Manner.FAILS:
            start_response("500 Internal Server Error", [("content-length", "0")])
            return []
        run.done()
        start_response("200 OK", [("content-length", str(len(HANDLED)))])
        return [HANDLED]


def _stream(run: HandlerRun, manner: Manner, seconds: float, start_response: "StartResponse") -> Iterator[bytes]:
    with run:
        time.sleep(seconds)
        start_response("200 OK", [])
        if manner is Manner.BREAKS_OFF:
            raise OnPurposeError
        run.done()
        yield HANDLED[:4]
        time.sleep(seconds)
        yield HANDLED[4:]


def guarded(store: Store, journal: Journal, clock: Callable[[], float] = time.time) -> WSGIWebhookMiddleware:
    """Return the app behind a guard, with a store that notes what it confirms."""
    return WSGIWebhookMiddleware(App(journal), path=PATH, secret=SECRET, idempotency=noted(store, journal), clock=clock)


def served() -> WSGIWebhookMiddleware:
    """Return what a worker serves."""
    spec, journal, clock = begin()
    return guarded(spec.open(), journal, clock)
