"""Requests that are forwarded to an app, which records them to the byte; and what comes back."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.listen.forward import Forwarded, Forwarder
from webhook_guard.cli.message import Request

from cli.listening import RawApp, raw_app
from servers.client import TIMEOUT
from support import BODY, free_port, signed

#: Seconds that end a wait, where the test wants it to end.
SOON = 0.1
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
SIGNED = tuple(signed().items())
LENGTH = ("content-length", str(len(BODY)))


def request(*headers: tuple[str, str], body: bytes = BODY) -> Request:
    """Return a request with these headers."""
    return Request("POST", "/elsewhere", headers, body)


def forwarded(app: RawApp, request: Request) -> Forwarded:
    """Forward a request, and return what came of it."""
    with Forwarder(app.url, timeout=TIMEOUT) as forwarder:
        return asyncio.run(forwarder.forward(request))


@pytest.fixture
def app() -> Iterator[RawApp]:
    """An app that answers one request."""
    with raw_app(OK) as app:
        yield app


def test_the_app_gets_what_was_sent(app: RawApp) -> None:
    """Body and headers arrive byte for byte and in order, repeated ones too; Host is the app's."""
    headers = (
        ("host", "public.example"),
        ("x-first", "1"),
        *SIGNED,
        ("x-repeated", "a"),
        LENGTH,
        ("x-between", "caf\xe9 \x80"),
        ("x-repeated", "b"),
        ("accept-encoding", "br"),
    )
    assert forwarded(app, request(*headers)).status == 200
    head, _, body = app.request().partition(b"\r\n\r\n")
    host = app.url.split("/")[2]
    lines = ["POST /hook?key=1 HTTP/1.1", f"host: {host}", *(f"{name}: {value}" for name, value in headers[1:])]
    assert head.decode("latin-1").split("\r\n") == lines
    assert body == BODY


def test_headers_of_the_connection(app: RawApp) -> None:
    """What belongs to the sender's connection is not forwarded: RFC 9110 section 7.6.1 has the list."""
    between = [
        ("connection", "keep-alive, X-Named"),
        ("connection", "x-other"),
        ("x-named", "1"),
        ("x-other", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic eDp5"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("trailer", "x-trailer"),
        ("upgrade", "h2c"),
    ]
    forwarded(app, request(*between, ("x-end", "1"), LENGTH))
    names = [line.partition(b":")[0] for line in app.request().split(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    assert names == [b"host", b"x-end", b"content-length"]


def test_body_that_came_in_chunks(app: RawApp) -> None:
    """A body that came in chunks is forwarded with its length, and a length that was there beside them is not."""
    forwarded(app, request(("content-length", "1"), ("transfer-encoding", "chunked"), *SIGNED))
    head, _, body = app.request().partition(b"\r\n\r\n")
    assert body == BODY
    assert head.lower().count(b"content-length: %d" % len(BODY)) == head.lower().count(b"content-length") == 1
    assert b"transfer-encoding" not in head.lower()


def test_the_sender_gets_the_answer() -> None:
    """Status, headers and body come back as the app gave them, but for what belongs to its connection."""
    headers = b"x-app: 1\r\nset-cookie: a\r\nset-cookie: b\r\nconnection: close, x-named\r\nx-named: 1\r\n"
    answer = b"HTTP/1.1 503 No\r\n%btransfer-encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n" % headers
    with raw_app(answer) as app:
        got = forwarded(app, request(LENGTH))
    assert (got.status, got.body, got.is_failure, got.problem) == (503, b"busy", True, None)
    returned = ((b"x-app", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"b"), (b"content-length", b"4"))
    assert got.headers == returned
    assert got.seconds is not None
    assert 0 < got.seconds < TIMEOUT


def test_length_of_the_answer() -> None:
    """The length that the app gave its answer comes back once."""
    with raw_app(OK) as app:
        assert forwarded(app, request(LENGTH)).headers == ((b"content-length", b"2"),)


@pytest.mark.parametrize(
    ("size", "framing", "is_cut"),
    [
        pytest.param(65_536, b"content-length: 65536", False, id="not too long"),
        pytest.param(65_537, b"content-length: 65537", True, id="too long"),
        pytest.param(200_000, b"connection: close", True, id="too long, without a length"),
    ],
)
def test_long_answer(size: int, framing: bytes, is_cut: bool) -> None:  # noqa: FBT001  a column of the table
    """Of a long answer the beginning comes back, the user learns of it, and the sender unpacks nothing."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n%b\r\n\r\n" % framing + bytes(size)
    with raw_app(answer) as app:
        got = forwarded(app, request(LENGTH))
    length = (b"content-length", b"65536")
    assert (got.status, got.body) == (200, bytes(65_536))
    assert got.headers == ((length,) if is_cut else ((b"content-encoding", b"gzip"), length))
    assert got.problem == ("its answer was cut at 65,536 bytes" if is_cut else None)


def test_long_redirect() -> None:
    """That an answer is a redirect matters more than its length."""
    with raw_app(b"HTTP/1.1 302 Found\r\n\r\n" + bytes(100_000)) as app:
        got = forwarded(app, request(LENGTH))
    assert (got.problem, len(got.body)) == ("a redirect, which OpenAI does not follow", 65_536)


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_length(status: int) -> None:
    """An answer that can't have a body gets no length."""
    with raw_app(b"HTTP/1.1 %d X\r\nx-app: 1\r\n\r\n" % status) as app:
        got = forwarded(app, request(LENGTH))
    assert (got.status, got.headers, got.is_failure) == (status, ((b"x-app", b"1"),), status == 304)


def test_redirect() -> None:
    """A redirect is not followed, but returned as it is, and it is a failure: OpenAI does not follow it either."""
    answer = b"HTTP/1.1 308 Moved\r\nlocation: /hook/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    with raw_app(answer, OK) as app:
        got = forwarded(app, request(LENGTH))
        app.request()
        assert not app.has_more()
    assert (got.status, got.headers[0]) == (308, (b"location", b"/hook/"))
    assert (got.is_failure, got.problem) == (True, "a redirect, which OpenAI does not follow")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(b"", "closed the connection", id="none"),
        pytest.param(b"220 mail.example ESMTP\r\n", "does not speak HTTP", id="no HTTP"),
        pytest.param(b"HTTP/1.1 600 X\r\ncontent-length: 0\r\n\r\n", "answered 600, no HTTP status", id="no status"),
        pytest.param(b"HTTP/1.1 799 X\r\ncontent-length: 0\r\n\r\n", "answered 799, no HTTP status", id="none by far"),
    ],
)
def test_no_answer(answer: bytes, problem: str) -> None:
    """If the app does not answer, the sender gets a 502, and the user why."""
    with raw_app(answer) as app:
        got = forwarded(app, request(LENGTH))
    assert (got.status, got.seconds, got.is_failure) == (502, None, True)
    assert problem in str(got.problem)
    assert json.loads(got.body) == {"title": "The app did not answer", "status": 502}
    length = (b"content-length", b"%d" % len(got.body))
    assert got.headers == ((b"content-type", b"application/problem+json"), length)


@pytest.mark.parametrize(("status", "is_failure"), [(200, False), (299, False), (300, True), (199, True), (500, True)])
def test_failures(status: int, is_failure: bool) -> None:  # noqa: FBT001  a column of the table
    """All but 2xx is a failure, as OpenAI has it."""
    assert Forwarded(status, (), b"", None, None).is_failure is is_failure


def test_stopped() -> None:
    """Where the wait for the app is cancelled, as at the end, the sender gets a 503, and the user learns of it."""

    async def cancelled(forwarder: Forwarder, app: RawApp) -> Forwarded:
        task = asyncio.create_task(forwarder.forward(request(LENGTH)))
        await asyncio.to_thread(app.request)
        task.cancel()
        return await task

    with raw_app() as app, Forwarder(app.url) as forwarder:
        got = asyncio.run(cancelled(forwarder, app))
    assert (got.status, got.seconds, got.is_failure) == (503, None, True)
    assert got.problem == "it had not answered when you stopped; the sender is told to try again"
    assert json.loads(got.body) == {"title": "The listener was stopped", "status": 503}


def test_all_threads_end() -> None:
    """At the end, no thread stays."""
    before = set(threading.enumerate())
    with Forwarder("http://127.0.0.1:1", threads=3):
        threads = set(threading.enumerate()) - before
    for thread in threads:
        thread.join(TIMEOUT)
    assert [thread.is_alive() for thread in threads] == [False] * 3


def test_nobody_listens() -> None:
    """If no app runs, the sender gets a 502, and the user what to do."""
    with Forwarder(f"http://127.0.0.1:{free_port()}") as forwarder:
        got = asyncio.run(forwarder.forward(request(LENGTH)))
    assert got.status == 502
    assert str(got.problem).endswith("nothing listens there; start the app, or check the port")


def test_header_that_can_not_be_sent(app: RawApp) -> None:
    """What can't be forwarded is no crash."""
    got = forwarded(app, request(("x-evil", "a\r\nb"), LENGTH))
    assert (got.status, "header" in str(got.problem), app.has_more()) == (502, True, False)


def test_app_that_hangs() -> None:
    """If the app takes too long, the sender gets a 504; nobody waits for the app at the end."""
    with raw_app() as app, Forwarder(app.url, timeout=SOON) as forwarder:
        got = asyncio.run(forwarder.forward(request(LENGTH)))
        app.request()
    assert (got.status, got.seconds, got.is_failure) == (504, None, True)
    assert got.problem == "no answer within 0.1 s; look into the app"
    assert json.loads(got.body) == {"title": "The app did not answer in time", "status": 504}


def test_more_than_there_are_threads() -> None:
    """A request that no thread took in time is answered 504 too, and never reaches the app: its sender tries again."""
    before = set(threading.enumerate())
    with raw_app() as app, Forwarder(app.url, timeout=SOON, threads=1) as forwarder:
        (thread,) = (each for each in set(threading.enumerate()) - before if each.name == "forward")

        async def both() -> list[Forwarded]:
            requests = (request(("x-number", number), LENGTH) for number in ("1", "2"))
            return await asyncio.gather(*map(forwarder.forward, requests))

        assert [got.status for got in asyncio.run(both())] == [504, 504]
        assert b"x-number: 1" in app.request()
    thread.join(TIMEOUT)
    assert not thread.is_alive()
    assert not app.has_more()


def test_many_at_a_time() -> None:
    """Requests that come together are answered all, over fewer connections at a time."""
    with raw_app(*[OK] * 20) as app, Forwarder(app.url, threads=3) as forwarder:

        async def all_of_them() -> list[Forwarded]:
            return await asyncio.gather(*(forwarder.forward(request(LENGTH)) for _ in range(20)))

        assert [got.status for got in asyncio.run(all_of_them())] == [200] * 20


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "http://a b", "http://x:y@example.com/"])
def test_url_that_is_none(url: str) -> None:
    """A URL that can't be posted to is refused at once, and starts no thread."""
    with pytest.raises(Misuse):
        Forwarder(url)
