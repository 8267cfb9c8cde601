"""One delivery, many at once: one handler at a time has it, and one completes it, whoever is killed or too slow."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from webhook_guard import ASGIWebhookMiddleware, WSGIWebhookMiddleware
from webhook_guard.asgi import Receive, Scope, Send

from faults import journal
from faults.contenders import IDS, THREADS, contend, guarded, handle
from faults.direct import Call, Reply, attempt, calling
from faults.history import History
from faults.journal import Journal, Step
from faults.stores import Spec, closing_store
from faults.waiting import PATIENCE, wait_until
from faults.work import ATTEMPT, HANDLED
from support import PATH, SECRET, variable

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.parametrize("front", ["wsgi", "asgi"])

_SPAWN = get_context("spawn")
_PROCESSES = 2
#: Seconds.
_SHORT_LEASE = 1.0


def test_contention(front: str, spec: Spec, seed: int, tmp_path: Path, figures: list[str]) -> None:
    """Of 50 threads in two processes that deliver the same 200 ids, one handles each, and completes it once."""
    path, began = tmp_path / "journal", time.monotonic()
    barrier = _SPAWN.Barrier(_PROCESSES)
    processes = [
        _SPAWN.Process(target=contend, args=(front, spec, path, barrier, seed + n * THREADS)) for n in range(_PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        process.kill()
    assert [process.exitcode for process in processes] == [0] * _PROCESSES
    entries = journal.read(path)
    for step in (Step.CLAIMED, Step.BEGUN, Step.DONE, Step.COMPLETED, Step.ENDED):
        assert sorted(entry.webhook_id for entry in entries if entry.step is step) == IDS
    workers = {entry.pid for entry in entries}
    assert len(workers) == _PROCESSES
    figures.append(
        f"{spec.kind} {front}, contention: {_PROCESSES * THREADS} for each of {len(IDS)} ids, "
        f"{time.monotonic() - began:.1f} s, seed {seed}"
    )


def test_killed_handler(front: str, spec: Spec, tmp_path: Path) -> None:
    """A delivery whose handler was killed is free when its lease ends, and the retry handles it."""
    spec, path = replace(spec, lease=_SHORT_LEASE), tmp_path / "journal"
    process = _SPAWN.Process(target=handle, args=(front, spec, path, "wh_killed"))
    process.start()
    try:
        wait_until(lambda: Step.BEGUN in _steps(path), "the handler begins")
    finally:
        process.kill()
        process.join(PATIENCE)
    replies = asyncio.run(_retry(front, spec, path))
    assert {reply.reason for reply in replies[:-1]} <= {"in_progress"}
    assert replies[-1] == Reply(200, HANDLED)
    history = History(journal.read(path))
    killed, retried = history.runs["wh_killed"]
    assert killed.ended is None
    assert _SHORT_LEASE <= (retried.begun - killed.claimed) / 1e9 < _SHORT_LEASE + 2


def _steps(path: Path) -> set[Step]:
    return {entry.step for entry in journal.read(path)} if path.exists() else set()


async def _retry(front: str, spec: Spec, path: Path) -> list[Reply]:
    async with closing_store(front, spec) as store, calling(guarded(front, store, Journal(path)), 1) as call:
        return await _until_handled(call, itertools.repeat(attempt("retry", "wh_killed")))


async def _until_handled(call: Call, attempts: Iterable[dict[str, str]]) -> list[Reply]:
    replies: list[Reply] = []
    async with asyncio.timeout(PATIENCE):
        for headers in attempts:
            replies.append(await call(headers))
            if replies[-1].status != 409:
                break
            await asyncio.sleep(0.01)
    return replies


class Gates:
    """An app whose handlers wait, each until it is let go, with a status.

    Args:
        statuses: The status that each attempt gets, by its number.
    """

    def __init__(self, statuses: dict[str, int]) -> None:
        self.begun = {number: asyncio.Event() for number in statuses}
        self._open = {number: asyncio.Event() for number in statuses}
        self._statuses = statuses
        self._loop = asyncio.get_running_loop()

    def open(self, number: str) -> None:
        """Let a handler go on."""
        self._open[number].set()

    async def _pass(self, number: str) -> int:
        self.begun[number].set()
        await asyncio.wait_for(self._open[number].wait(), PATIENCE)
        return self._statuses[number]

    def wsgi(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        """Handle an attempt in a thread."""
        passing = asyncio.run_coroutine_threadsafe(self._pass(environ[variable(ATTEMPT)]), self._loop)
        start_response(f"{passing.result(PATIENCE)} ", [])
        return [HANDLED]

    async def asgi(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Handle an attempt in a task."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        status = await self._pass(headers[ATTEMPT.encode()].decode())
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": HANDLED})

    def guarded(self, front: str, store: Any) -> WSGIWebhookMiddleware | ASGIWebhookMiddleware:
        """Return the app behind a guard."""
        if front == "wsgi":
            return WSGIWebhookMiddleware(self.wsgi, path=PATH, secret=SECRET, idempotency=store)
        return ASGIWebhookMiddleware(self.asgi, path=PATH, secret=SECRET, idempotency=store)


@pytest.mark.parametrize("status", [200, 500], ids=["succeeds", "fails"])
def test_outlived_lease(front: str, spec: Spec, status: int) -> None:
    """A handler that outlives its lease neither completes nor frees the delivery, which is somebody else's by then."""
    asyncio.run(_outlive(front, replace(spec, lease=_SHORT_LEASE), status))


async def _outlive(front: str, spec: Spec, status: int) -> None:
    gates = Gates({"slow": status, "next": 200})
    async with closing_store(front, spec) as store, calling(gates.guarded(front, store), 3) as call:
        slow = asyncio.ensure_future(call(attempt("slow", "wh_slow")))
        await gates.begun["slow"].wait()
        attempts = itertools.repeat(attempt("next", "wh_slow"))
        following = asyncio.ensure_future(_until_handled(call, attempts))
        await gates.begun["next"].wait()
        gates.open("slow")
        assert await slow == Reply(status, HANDLED)
        assert (await call(attempt("another", "wh_slow"))).reason == "in_progress"
        gates.open("next")
        assert (await following)[-1] == Reply(200, HANDLED)
        assert (await call(attempt("another", "wh_slow"))).reason == "duplicate"
