"""An ASGI server and the app behind the front, with a task for each attempt."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from inspect import iscoroutine
from typing import Any

from webhook_guard import ASGIWebhookMiddleware

from model.ledger import Answer, Attempt
from model.scripts import AppError, Script
from model.turns import Killed, Strand, current
from model.world import World
from support import BODY, PATH, SECRET, clock, signed


class ASGIServer:
    """An ASGI server, whose event loop runs until there is nothing to do.

    Args:
        world: That of all workers.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        #: How many calls of stores wait for answers from outside.
        self._outside = 0
        self._loop = asyncio.SelectorEventLoop(_Selector(self._stop_if_idle))
        self._loop.set_default_executor(_Strands())
        self._loop.set_exception_handler(self._note)
        self._errors: list[BaseException] = []

    def guarded(self, store: Any) -> Any:
        """Return the app of one process, behind the front, with its store."""
        return ASGIWebhookMiddleware(
            self._app, path=PATH, secret=SECRET, idempotency=store, clock=clock, body_timeout=3600
        )

    def expected(self, script: Script) -> tuple[Answer, bool]:
        """Return what the script says; but of a success that fails before its body, nothing is handed on."""
        if script.succeeds and script.fails and not script.parts:
            return Answer(), True
        return Answer(script.status, {}, b"".join(script.parts)), script.fails

    def begin(self, attempt: Attempt, guarded: Any) -> None:
        """Begin to answer an attempt, in a task."""
        context = copy_context()
        context.run(current.set, attempt)
        self._tasks[attempt] = self._loop.create_task(self._serve(attempt, guarded), context=context)
        self.settle()

    def cancel(self, attempt: Attempt) -> None:
        """Cancel an attempt's task."""
        attempt.is_cancelled = True
        self._tasks[attempt].cancel()
        self.settle()

    def settle(self) -> None:
        """Run the event loop until it has nothing to do.

        Raises:
            BaseException: What a task raised that nobody awaits.
        """
        self._loop.run_forever()
        if self._errors:
            raise self._errors.pop()

    def run(self, call: Callable[[], Any]) -> Any:
        """Return what a call of a store returns, or gives when it is awaited."""
        answer: Any = call()
        return self._loop.run_until_complete(self.waiting(answer)) if iscoroutine(answer) else answer

    def close(self) -> None:
        """Close the event loop."""
        self._loop.close()

    async def waiting(self, answer: Awaitable[Any]) -> Any:
        """Await what comes from outside, so that the event loop waits for it too."""
        self._outside += 1
        try:
            return await answer
        finally:
            self._outside -= 1

    async def _serve(self, attempt: Attempt, guarded: Any) -> None:
        scope = {"type": "http", "method": "POST", "path": PATH, "headers": _headers(attempt)}
        try:
            await guarded(scope, _receive, self._send(attempt))
        except BaseException as error:  # noqa: BLE001  kept, and looked at when all is over
            attempt.error = error
        attempt.is_over = True

    def _send(self, attempt: Attempt) -> Any:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                attempt.answer.status = message["status"]
                attempt.answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                attempt.answer.body += message["body"]
            await self._world.turns.wait_async("handing on")

        return send

    async def _app(self, _scope: Any, _receive: Any, send: Any) -> None:
        attempt, wait = current.get(), self._world.turns.wait_async
        script = attempt.script
        with self._world.ledger.running(attempt):
            await wait("in the handler")
            if script.status is not None:
                await send({"type": "http.response.start", "status": script.status, "headers": []})
                await wait("between start and body")
            for number, part in enumerate(script.parts, 1):
                self._world.ledger.done(attempt)
                await send({"type": "http.response.body", "body": part, "more_body": number < len(script.parts)})
            await wait("before the handler's end")
            if script.fails:
                raise AppError

    def _stop_if_idle(self) -> bool:
        if not self._outside:
            self._loop.stop()
        return not self._outside

    def _note(self, _loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Killed):
            self._errors.append(error or RuntimeError(context["message"]))


async def _receive() -> Any:
    return {"type": "http.request", "body": BODY}


def _headers(attempt: Attempt) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in signed(webhook_id=attempt.event.webhook_id).items()]


class _Selector(selectors.DefaultSelector):
    """Tells when the event loop would wait.

    Args:
        is_idle: Asked then; returns whether nothing is to be waited for.
    """

    def __init__(self, is_idle: Callable[[], bool]) -> None:
        super().__init__()
        self._is_idle = is_idle

    def select(self, timeout: float | None = None) -> Any:
        """Wait, but not when the event loop is idle."""
        is_idle = timeout != 0 and self._is_idle()
        return super().select(0 if is_idle else timeout)


class _Strands(ThreadPoolExecutor):
    """The threads of the event loop: what is called in them goes on in its turns."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        """Begin a call."""
        answer: Future[Any] = Future()
        answer.set_running_or_notify_cancel()

        def work() -> None:
            try:
                answer.set_result(call(*arguments, **options))
            except BaseException as error:  # noqa: BLE001  it is for whoever waits for the answer
                answer.set_exception(error)

        Strand(work).go_on()
        return answer
