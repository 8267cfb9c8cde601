"""The guarded receiver: an ASGI app that records every request, whatever its path, and has the guard decide.

The guard decides as in front of any app, by the same bytes at the same time: recording them changes none of its
verdicts. Where it answers before the end of the body, its answer is held back while the rest comes in, within bounds,
so that a refused request is known whole too. A request is handed over before its answer goes out: who has an answer
finds the request shown and saved.

In memory, a request costs at most `LARGEST_BODY`, beside what the server and the guard hold of it, and what is
forwarded, which the guard's own limit bounds. While it is handed over, there are a few copies more of its body, but of
one request at a time: nothing is awaited meanwhile. In time, it costs at most `PATIENCE` and the guard's own time-out,
beside what the app takes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, NamedTuple

from webhook_guard import ASGIWebhookMiddleware, Delivery, Reason, WebhookError
from webhook_guard.asgi import BODY_TIMEOUT, Receive, Scope, Send
from webhook_guard.cli.listen.forward import Forwarded
from webhook_guard.cli.message import Request
from webhook_guard.refused import RefusedRequest
from webhook_guard.sansio.guard import TOLERANCE

#: Bytes that are held of a body: four times what the guard takes, so that what it refuses as too large is mostly whole.
LARGEST_BODY = 1_048_576
#: Seconds that the rest of a body may take which the guard did not want.
PATIENCE = 5.0

#: Forwards a verified request.
Forward = Callable[[Request], Awaitable[Forwarded]]


class Received(NamedTuple):
    """A request, and what became of it."""

    #: When its head had come, in Unix seconds.
    time: float
    request: Request
    #: Whether `request` has all of its body.
    is_whole: bool
    #: The status of the answer.
    status: int
    #: What the guard verified; None if it refused.
    delivery: Delivery | None
    #: Why the guard refused; None if it verified.
    refusal: WebhookError | None
    #: What the app made of it; None if it was not forwarded.
    forwarded: Forwarded | None

    @property
    def is_accepted(self) -> bool:
        """Whether the guard verified it."""
        return self.delivery is not None

    @property
    def verdict(self) -> str:
        """The word "accepted", or the code of the refusal's reason."""
        refused = "refused" if self.refusal is None else self.refusal.reason.value
        return "accepted" if self.is_accepted else refused


class Receiver:
    """The ASGI app.

    Args:
        on_received: Called with each request, before its answer goes out; it is not to raise.
        forward: Forwards verified requests, and gives their answers; None answers 204.
        secret: One signing secret or several; None reads OPENAI_WEBHOOK_SECRET.
        tolerance: How far from now an attempt may be, either way, in seconds.
        body_timeout: Seconds that a body may take which the guard wants.
        patience: Seconds that the rest of a body may take which the guard does not want.
        clock: Returns the time in Unix seconds.

    Raises:
        ConfigurationError: The secret or the tolerance can't be used.
    """

    def __init__(
        self,
        on_received: Callable[[Received], None],
        forward: Forward | None = None,
        *,
        secret: str | Sequence[str] | None = None,
        tolerance: float = TOLERANCE,
        body_timeout: float = BODY_TIMEOUT,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._guard = ASGIWebhookMiddleware(
            self._accept,
            secret=secret,
            tolerance=tolerance,
            body_timeout=body_timeout,
            on_refused=_keep_refusal,
            clock=clock,
        )
        self._patience = patience
        self._on_received = on_received
        self._forward = forward
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        record = _Record(scope, receive, self._clock())
        _CURRENT.set(record)
        await self._guard(scope, record.receive, record.answer)
        await record.receive_rest(self._patience)
        received = record.received()
        self._on_received(received)
        for message in record.answers:
            await send(message if received.is_whole else _last(message))

    async def _accept(self, scope: Scope, _receive: Receive, send: Send) -> None:
        record = _CURRENT.get()
        record.delivery = scope["openai.delivery"]
        if self._forward is None:
            await _send(send, HTTPStatus.NO_CONTENT)
        else:
            record.forwarded = answer = await self._forward(record.request())
            await _send(send, answer.status, answer.headers, answer.body)


def _keep_refusal(_: Reason, request: RefusedRequest) -> None:
    _CURRENT.get().refusal = request.error


class _Record:
    """A request as it comes in, and the answer as it is given."""

    def __init__(self, scope: Scope, receive: Receive, now: float) -> None:
        self.delivery: Delivery | None = None
        self.refusal: WebhookError | None = None
        self.forwarded: Forwarded | None = None
        self.answers: list[Any] = []
        self._scope = scope
        self._receive = receive
        self._time = now
        self._body = bytearray()
        self._is_asked_for = False
        self._is_over = False
        self._is_whole = False

    async def receive(self) -> Any:
        """Return the server's next message."""
        self._is_asked_for = True
        message = await self._receive()
        if message["type"] == "http.request":
            self._take(message["body"], more_body=message["more_body"])
        else:
            self._is_over = True  # the client has gone
        return message

    async def answer(self, message: Any) -> None:
        """Hold a message of the answer back."""
        self.answers.append(message)

    async def receive_rest(self, patience: float) -> None:
        """Take in what the guard did not want of the body, if it comes within `patience` seconds and is not huge."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self._is_over and self._may_ask():
                    await self.receive()

    def request(self) -> Request:
        """Return the request, as far as it has come."""
        query = self._scope["query_string"]
        target = self._scope["raw_path"] + (b"?" + query if query else b"")
        headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._scope["headers"])
        return Request(self._scope["method"], target.decode("latin-1"), tuple(headers), bytes(self._body))

    def received(self) -> Received:
        """Return what is known when the answer is."""
        status = self.answers[0]["status"]
        verdict = (self.delivery, self.refusal, self.forwarded)
        return Received(self._time, self.request(), self._is_whole, status, *verdict)

    def _take(self, chunk: bytes, *, more_body: bool) -> None:
        fits = len(self._body) + len(chunk) <= LARGEST_BODY
        self._body += chunk if fits else chunk[: LARGEST_BODY - len(self._body)]
        self._is_over = not (fits and more_body)
        self._is_whole = fits and not more_body

    def _may_ask(self) -> bool:
        if self.refusal is not None and self.refusal.reason is Reason.BODY_TIMEOUT:
            return False  # it had its time
        # To ask would tell a client to go on that waits for a word before it sends its body: the guard's is "no".
        return self._is_asked_for or all(name != b"expect" for name, _ in self._scope["headers"])


#: Each request is served in a task of its own, which has a context of its own.
_CURRENT: ContextVar[_Record] = ContextVar("webhook_guard.cli.listen.receiver")


def _last(message: Any) -> Any:
    """Return a message with which the connection ends: else the server would take in the rest of a body, for ever."""
    if message["type"] != "http.response.start":
        return message
    return {**message, "headers": [*message["headers"], (b"connection", b"close")]}


async def _send(send: Send, status: int, headers: tuple[tuple[bytes, bytes], ...] = (), body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
