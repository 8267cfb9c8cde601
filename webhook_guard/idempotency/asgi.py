"""The ASGI front's part in a claim: calls the store, and carries out what the core decides.

It holds back the start of a 2xx until the body begins, and nothing else. A call of the store that has begun runs to its
end, also when the request is cancelled: a claim that comes back after that is released.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from webhook_guard.asgi import ASGIApp, Receive, Scope, Send
from webhook_guard.idempotency.memory import MemoryStore
from webhook_guard.idempotency.store import AsyncStore, Store, checked_key
from webhook_guard.log import log_claim_not_ended
from webhook_guard.sansio import claims
from webhook_guard.sansio.claims import Handling
from webhook_guard.sansio.errors import IdempotencyError
from webhook_guard.sansio.guard import Delivery

_T = TypeVar("_T")

_START = "http.response.start"
#: With these the body begins (ASGI specification; extensions "Path Send" and "Zero Copy Send").
_BODY = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
#: These are no part of the answer, and come before it (extensions "HTTP/2 Server Push", "Early Hints", "Debug").
_AT_ONCE = frozenset({"http.response.push", "http.response.early_hint", "http.response.debug"})


class Claims:
    """The claims of one middleware.

    Args:
        store: Sync or async. A sync one is called in threads, lest it blocks the event loop; memory does not block.

    Raises:
        ConfigurationError: `store` is no store.
    """

    def __init__(self, store: Store | AsyncStore) -> None:
        self._key = checked_key(store)
        self._waits = not isinstance(store, MemoryStore)
        self._claim = self._awaitable(store.claim)
        self._complete = self._awaitable(store.complete)
        self._release = self._awaitable(store.release)
        #: The event loop itself keeps no task alive.
        self._running: set[asyncio.Task[Any]] = set()

    async def claim(self, app: ASGIApp, delivery: Delivery, *, guarded: str, path: str) -> ASGIApp:
        """Claim `delivery` for `app`, and return `app`, made to complete or release the claim when it is called.

        Args:
            app: What is going to handle it.
            delivery: What was verified.
            guarded: The configured path that matched.
            path: The request's path.

        Raises:
            IdempotencyError: The claim was not granted.
        """
        key = claims.claim_key(guarded, delivery, self._key)
        try:
            claim = await self._to_its_end(self._claim(key), partial(self._release_late, key))
        except IdempotencyError:
            raise
        except Exception as error:
            raise claims.unavailable(error) from error
        return partial(self._handle, Handling(delivery, path, key, claims.granted(claim)), app)

    async def _handle(self, handling: Handling, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(handling, send, partial(self._end, "completed", self._complete, handling))
        try:
            await app(scope, receive, answer.send)
            await answer.hand_on()
        finally:
            if handling.must_release():
                await self._end("released", self._release, handling)

    async def _end(self, verb: str, call: Callable[[str, str], Coroutine[Any, Any, Any]], handling: Handling) -> None:
        await self._to_its_end(_logged(verb, call(handling.key, handling.token), handling))

    async def _release_late(self, key: str, calling: Awaitable[object]) -> None:
        with suppress(Exception):  # the lease ends, whatever went wrong
            await self._release(key, claims.granted(await calling))

    async def _to_its_end(
        self, call: Coroutine[Any, Any, _T], late: Callable[[Awaitable[_T]], Coroutine[Any, Any, None]] | None = None
    ) -> _T:
        """Return what `call` returns. If the request is cancelled meanwhile, it goes on, and then `late` with it."""
        if not self._waits:
            return await call
        calling = self._begin(call)
        try:
            return await asyncio.shield(calling)
        except asyncio.CancelledError:
            if late is not None:
                self._begin(late(calling))
            raise

    def _begin(self, call: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _awaitable(self, method: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return a method of the store, made to be awaited."""
        if iscoroutinefunction(method):
            return method
        if self._waits:
            return sync_to_async(method, thread_sensitive=False)

        async def called(*arguments: str) -> Any:
            return method(*arguments)

        return called


async def _logged(verb: str, call: Awaitable[Any], handling: Handling) -> None:
    """Wait for a claim to end; that it did not is for the log, and changes nothing for the sender."""
    try:
        if await call:
            return
        error = None
    except Exception as failure:  # noqa: BLE001  whatever it is, the app's answer goes out
        error = claims.unavailable(failure)
    log_claim_not_ended(verb, error, handling)


class _Answer:
    """The app's answer, on its way to the server."""

    def __init__(self, handling: Handling, send: Send, complete: Callable[[], Awaitable[None]]) -> None:
        self._handling = handling
        self._send = send
        self._complete = complete
        self._started = False
        self._held: list[Any] = []

    async def send(self, message: Any) -> None:
        """Take a message of the app, and hand it on as soon as it may go."""
        kind = message["type"]
        if kind in _AT_ONCE:
            await self._send(message)
        elif self._must_wait(kind, message):
            self._held.append(message)
        else:
            if kind in _BODY and self._handling.must_complete():
                await self._complete()
            await self.hand_on()
            await self._send(message)

    async def hand_on(self) -> None:
        """Hand on what is held back."""
        held, self._held = self._held, []
        for message in held:
            await self._send(message)

    def _must_wait(self, kind: str, message: Any) -> bool:
        if kind != _START:
            return bool(self._held) and kind not in _BODY  # trailers, say: they keep their place
        if self._started:
            return False  # a second start is an error, which the server shall see as it would without us
        self._started = True
        return self._handling.answer(message.get("status"))
