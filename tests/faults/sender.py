"""A sender like OpenAI's: it delivers many events at a time, and each again until it was answered with a 2xx."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import NamedTuple

from faults.work import ATTEMPT, MANNER, SECONDS, Manner
from servers.client import Answer
from support import BODY, PATH, signed

#: Attempts under way at a time.
_THREADS = 16
#: Seconds between an attempt that failed and the next one.
_PAUSE = 0.1
#: Seconds that the sender waits for an answer.
_TIMEOUT = 10.0
#: Seconds after which it has lost patience with a server that should have answered everything by now.
_DEADLINE = 90.0


class Event(NamedTuple):
    """An event, and how it is delivered.

    Attributes:
        webhook_id: Its id.
        first: What the handler is told to do at the first attempt.
        later: What it is told at each one after that.
        seconds: How long the handler works.
        timeout: How long the sender waits for the first answer, in seconds.
        copies: How often it is delivered at the same time.
        again: Whether it is sent once more when it was handled.
    """

    webhook_id: str
    first: Manner = Manner.WORKS
    later: Manner = Manner.WORKS
    seconds: float = 0.01
    timeout: float = _TIMEOUT
    copies: int = 1
    again: bool = False


class Attempt(NamedTuple):
    """One attempt.

    Attributes:
        number: Of this attempt alone; the handler is told.
        webhook_id: What was sent.
        answer: What came back; None if nothing did.
        at: When it came, by the clock of the journal.
        again: Whether a 2xx had come before it was sent.
    """

    number: str
    webhook_id: str
    answer: Answer | None
    at: int
    again: bool

    @property
    def status(self) -> int:
        """The status; 0 without an answer."""
        return self.answer.status if self.answer else 0

    @property
    def succeeded(self) -> bool:
        """Whether the event needs no other attempt."""
        return 200 <= self.status < 300

    @property
    def reason(self) -> str | None:
        """The reason, if the guard answered."""
        return self.answer.refusal[1] if self.answer else None


def events(random: Random, number: int, *, again: float) -> list[Event]:
    """Return events of which some fail first, some stream, and some are delivered twice at a time.

    Args:
        random: What chooses.
        number: How many.
        again: The part of them that is sent once more when it was handled.
    """
    return [_event(random, f"wh_{position:04}", again) for position in range(number)]


def _event(random: Random, webhook_id: str, again: float) -> Event:
    return Event(
        webhook_id,
        first=random.choice([*Manner, Manner.WORKS, Manner.WORKS, Manner.WORKS]),
        later=random.choice([Manner.WORKS, Manner.WORKS, Manner.STREAMS]),
        seconds=random.uniform(0.005, 0.06),
        timeout=random.choices([_TIMEOUT, 0.03], [9, 1])[0],
        copies=random.choices([1, 2], [4, 1])[0],
        again=random.random() < again,
    )


class _Delivery(NamedTuple):
    event: Event
    first: bool = True
    again: bool = False


class Sender:
    """Delivers events, and keeps what became of each attempt.

    Args:
        port: Where to.
        clock: Returns the time that attempts are signed with, in Unix seconds.
    """

    def __init__(self, port: int, clock: Callable[[], float] = time.time) -> None:
        self.attempts: list[Attempt] = []
        #: By webhook id, when the first 2xx came.
        self.acknowledged: dict[str, int] = {}
        self._port = port
        self._clock = clock
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        #: When each is due, the number that keeps the order, and what to send.
        self._due: list[tuple[float, int, _Delivery]] = []
        self._open = 0
        self._deadline = 0.0

    def deliver(self, events: Iterable[Event]) -> None:
        """Deliver `events`, and return when each was acknowledged."""
        self._send_all(_Delivery(event) for event in events for _ in range(event.copies))

    def deliver_again(self, webhook_ids: Iterable[str]) -> None:
        """Deliver once more what was acknowledged."""
        self._send_all(_Delivery(Event(webhook_id), again=True) for webhook_id in webhook_ids)

    def wait_for(self, number: int) -> None:
        """Wait until so many events were acknowledged."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.acknowledged) >= number, _DEADLINE):
                raise AssertionError(f"only {len(self.acknowledged)} of {number} events were acknowledged in time")

    def _send_all(self, deliveries: Iterable[_Delivery]) -> None:
        self._deadline = time.monotonic() + _DEADLINE
        for delivery in deliveries:
            self._put(delivery, 0)
            self._open += 1
        with ThreadPoolExecutor(_THREADS) as pool:
            for sending in [pool.submit(self._send) for _ in range(_THREADS)]:
                sending.result()

    def _send(self) -> None:
        while delivery := self._take():
            attempt = self._attempt(delivery)
            with self._changed:
                self._conclude(delivery, attempt)
                self._changed.notify_all()

    def _put(self, delivery: _Delivery, pause: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + pause, next(self._numbers), delivery))

    def _take(self) -> _Delivery | None:
        """Return what is due next, when it is; None when nothing is left to send."""
        with self._changed:
            while self._open:
                now = time.monotonic()
                if now > self._deadline:
                    raise AssertionError(f"{self._open} deliveries were not acknowledged within {_DEADLINE} s")
                if self._due and self._due[0][0] <= now:
                    return heapq.heappop(self._due)[-1]
                self._changed.wait(self._due[0][0] - now if self._due else 1)
            return None

    def _conclude(self, delivery: _Delivery, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if not attempt.succeeded:
            self._put(delivery._replace(first=False), _PAUSE)
            return
        self.acknowledged.setdefault(attempt.webhook_id, attempt.at)
        if delivery.event.again and not delivery.again:
            self._put(_Delivery(delivery.event, again=True), 0)
        else:
            self._open -= 1

    def _attempt(self, delivery: _Delivery) -> Attempt:
        event, number = delivery.event, str(next(self._numbers))
        headers = {
            **signed(webhook_id=event.webhook_id, timestamp=int(self._clock())),
            ATTEMPT: number,
            MANNER: event.first if delivery.first else event.later,
            SECONDS: str(event.seconds),
        }
        answer = self._post(headers, event.timeout if delivery.first else _TIMEOUT)
        return Attempt(number, event.webhook_id, answer, time.monotonic_ns(), delivery.again)

    def _post(self, headers: dict[str, str], timeout: float) -> Answer | None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request("POST", PATH, BODY, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
