"""The ASGI app that workers serve, guarded."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from webhook_guard import ASGIWebhookMiddleware, get_delivery
from webhook_guard.asgi import Receive, Scope, Send
from webhook_guard.idempotency import AsyncStore, Store

from faults.journal import HandlerRun, Journal
from faults.served import begin
from faults.stores import noted
from faults.work import ATTEMPT, HANDLED, MANNER, SECONDS, Manner, OnPurposeError
from support import PATH, SECRET


class App:
    """Does what each attempt asks for, and notes it.

    Args:
        journal: Where to.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Handle one attempt."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        with self._journal.run(get_delivery(scope).webhook_id, headers[ATTEMPT]) as run:
            await _handle(run, Manner(headers[MANNER]), float(headers[SECONDS]), send)


async def _handle(run: HandlerRun, manner: Manner, seconds: float, send: Send) -> None:
    await asyncio.sleep(seconds)
    if manner is Manner.RAISES:
        raise OnPurposeError
    if manner is Manner.FAILS:
        await send(_start(500))
        await send(_part(b""))
        return
    await send(_start(200))
    if manner is Manner.BREAKS_OFF:
        raise OnPurposeError
    run.done()
    if manner is Manner.STREAMS:
        await send(_part(HANDLED[:4], more_body=True))
        await asyncio.sleep(seconds)
        await send(_part(HANDLED[4:]))
    else:
        await send(_part(HANDLED))


def _start(status: int) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": []}


def _part(body: bytes, *, more_body: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more_body}


def guarded(
    store: Store | AsyncStore, journal: Journal, clock: Callable[[], float] = time.time
) -> ASGIWebhookMiddleware:
    """Return the app behind a guard, with a store that notes what it confirms."""
    return ASGIWebhookMiddleware(App(journal), path=PATH, secret=SECRET, idempotency=noted(store, journal), clock=clock)


def served() -> ASGIWebhookMiddleware:
    """Return what a worker serves."""
    spec, journal, clock = begin()
    return guarded(spec.open_async(), journal, clock)
