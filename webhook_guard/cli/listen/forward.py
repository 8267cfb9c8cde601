"""Verified requests, forwarded to an app: the body and the headers as they came, and the app's answer back.

Only headers that belong to one connection, and to no other, are left out (RFC 9110 section 7.6.1), and Host is the
app's. What comes back is the app's own status, headers and body, so that the sender tries again where the app failed;
502 if there is no answer, 503 if `listen` is stopped before there is one, and 504 if it takes too long. Of a body, the
first 65,536 bytes come back: `Forwarded.problem` says so, and Content-Encoding, which the rest does not end, is left
out. No redirect is followed, as OpenAI follows none.

The event loop never waits for the app: a few threads do. They end with the process, whatever the app does.
"""

import asyncio
import threading
from concurrent.futures import Future
from http import HTTPStatus
from queue import SimpleQueue
from typing import NamedTuple, Self

import msgspec

from webhook_guard.cli.connection import LARGEST_ANSWER
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.http import TIMEOUT, Answer, Client, Headers, NoAnswerError, is_success
from webhook_guard.cli.message import Request, end_to_end

#: How many requests the app has at a time; more of them wait.
THREADS = 16
#: Seconds. A thread is slower to give up than the event loop, which has answered by then.
_SLACK = 1.0

#: Statuses whose answers have no Content-Length (RFC 9110 section 8.6).
_WITHOUT_LENGTH = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
#: One more than the last status that HTTP has.
_STATUS_END = 600


class Forwarded(NamedTuple):
    """What became of a request that was forwarded: the answer for the sender, and how it came about."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    #: How long the app took; None if it did not answer.
    seconds: float | None
    #: What went wrong that the status does not say.
    problem: str | None

    @property
    def is_failure(self) -> bool:
        """Whether OpenAI would send it again."""
        return not is_success(self.status)


class Forwarder:
    """Forwards requests to one URL; its threads start with it.

    Args:
        url: http:// or https://.
        timeout: Seconds until the app is given up, the wait for a thread included.
        threads: How many requests the app has at a time.

    Raises:
        Misuse: The URL is none.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT, threads: int = THREADS) -> None:
        Client(url)  # which checks it
        self._url = url
        self._timeout = timeout
        self._jobs = SimpleQueue[_Job | None]()
        self._threads = [threading.Thread(target=self._work, name="forward", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the threads end when they are done, and wait for none."""
        for _thread in self._threads:
            self._jobs.put(None)

    async def forward(self, request: Request) -> Forwarded:
        """Forward a request, and return the answer for its sender. It never raises for what the app does."""
        job = _Job(tuple(forwarded_headers(request)), request.body)
        self._jobs.put(job)
        try:
            async with asyncio.timeout(self._timeout):
                return _returned(await asyncio.wrap_future(job.answer))
        except TimeoutError:
            problem = f"no answer within {self._timeout:g} s; look into the app"
            return _failure(HTTPStatus.GATEWAY_TIMEOUT, "The app did not answer in time", problem)
        except asyncio.CancelledError:  # `listen` ends; but the app may have the request, so the user must learn of it
            problem = "it had not answered when you stopped; the sender is told to try again"
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE, "The listener was stopped", problem)
        except (NoAnswerError, Misuse) as error:
            return _failure(HTTPStatus.BAD_GATEWAY, "The app did not answer", str(error))

    def _work(self) -> None:
        with Client(self._url, self._timeout + _SLACK) as client:
            while (job := self._jobs.get()) is not None:
                job.run(client)


class _Job:
    """A request for a thread, and the answer to come."""

    def __init__(self, headers: Headers, body: bytes) -> None:
        self.answer = Future[Answer]()
        self._headers = headers
        self._body = body

    def run(self, client: Client) -> None:
        if not self.answer.set_running_or_notify_cancel():
            return  # nobody waits any more
        try:
            answer = client.post(self._headers, self._body)
        except Exception as error:  # noqa: BLE001  it is raised where the answer is awaited
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer)


def forwarded_headers(request: Request) -> list[tuple[str, str]]:
    """Return the headers that a request is forwarded with: Host and, after chunks, Content-Length are the client's."""
    left_out = {"host"}
    if request.values("transfer-encoding"):
        left_out.add("content-length")
    return end_to_end(request.headers, without=left_out)


def _returned(answer: Answer) -> Forwarded:
    if answer.status >= _STATUS_END:
        return _failure(
            HTTPStatus.BAD_GATEWAY, "The app did not answer", f"it answered {answer.status}, no HTTP status"
        )
    is_cut = _is_cut(answer)
    headers = end_to_end(
        answer.headers, without={"content-length", "content-encoding"} if is_cut else {"content-length"}
    )
    if answer.status not in _WITHOUT_LENGTH:
        headers.append(("content-length", str(len(answer.body))))
    encoded = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
    return Forwarded(answer.status, encoded, answer.body, answer.seconds, _problem(answer, is_cut=is_cut))


def _is_cut(answer: Answer) -> bool:
    """Say whether there may be more of the body: after so many bytes, nothing is read of it."""
    size = len(answer.body)
    return size >= LARGEST_ANSWER and answer.value("content-length") != str(size)


def _problem(answer: Answer, *, is_cut: bool) -> str | None:
    if answer.is_redirect:
        return "a redirect, which OpenAI does not follow"
    return f"its answer was cut at {LARGEST_ANSWER:,} bytes" if is_cut else None


def _failure(status: HTTPStatus, title: str, problem: str) -> Forwarded:
    """Return an answer of our own: an RFC 9457 problem document. It has no `reason`, because no guard refused."""
    body = msgspec.json.encode({"title": title, "status": status.value})
    headers = ((b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body)))
    return Forwarded(status.value, headers, body, None, problem)
