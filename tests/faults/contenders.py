"""What runs in processes of its own: many who deliver the same events, and one who is killed."""

import asyncio
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Any

from webhook_guard import ASGIWebhookMiddleware, WSGIWebhookMiddleware

from faults import asgi_app, wsgi_app
from faults.direct import Call, attempt, calling
from faults.journal import Journal
from faults.stores import Spec, closing_store
from faults.waiting import PATIENCE

#: In each process; tasks, where the front is ASGI's.
THREADS = 25
#: What is delivered.
IDS = [f"wh_{number:03}" for number in range(200)]
#: Seconds that a handler works.
_WORK = 0.005


def contend(front: str, spec: Spec, path: Path, barrier: Barrier, seed: int) -> None:
    """Deliver all of `IDS`, 25 times at once and each time in another order.

    Args:
        front: What is tried, wsgi or asgi.
        spec: The store.
        path: The journal.
        barrier: Where all processes meet before they begin.
        seed: What the orders are made from.
    """
    asyncio.run(_contend(front, spec, path, [_shuffled(seed + n) for n in range(THREADS)], barrier))


def _shuffled(seed: int) -> list[str]:
    return Random(seed).sample(IDS, len(IDS))  # noqa: S311  of choices, not of secrets


async def _contend(front: str, spec: Spec, path: Path, orders: list[list[str]], barrier: Barrier) -> None:
    async with closing_store(front, spec) as store, calling(guarded(front, store, Journal(path)), THREADS) as call:
        barrier.wait(PATIENCE)
        await asyncio.gather(*(_deliver(call, order, f"{os.getpid()}-{n}") for n, order in enumerate(orders)))


async def _deliver(call: Call, webhook_ids: list[str], name: str) -> None:
    for webhook_id in webhook_ids:
        await call(attempt(f"{name}-{webhook_id}", webhook_id, _WORK))


def handle(front: str, spec: Spec, path: Path, webhook_id: str) -> None:
    """Handle one event for ever."""
    asyncio.run(_handle(front, spec, path, webhook_id))


async def _handle(front: str, spec: Spec, path: Path, webhook_id: str) -> None:
    async with closing_store(front, spec) as store, calling(guarded(front, store, Journal(path)), 1) as call:
        await call(attempt("killed", webhook_id, PATIENCE))


def guarded(front: str, store: Any, journal: Journal) -> WSGIWebhookMiddleware | ASGIWebhookMiddleware:
    """Return the app of the tests behind the guard of a front."""
    return wsgi_app.guarded(store, journal) if front == "wsgi" else asgi_app.guarded(store, journal)
