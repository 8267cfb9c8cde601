"""One POST: what goes out, what comes back, and what is said where nothing does."""

import socket
from typing import Any, NoReturn

import pytest

from webhook_guard.cli.connection import tls_context
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.http import Answer, Client, Headers, NoAnswerError
from webhook_guard.sansio.errors import Reason, VerificationError
from webhook_guard.sansio.errors import answer as problem

from cli.scripted import CERTIFICATE, DEADLINE, NO_CONTENT, Drip, Early, Reply, answer, refusing, serving
from cli.send.results import PROBLEM

BODY = b'{"type":"a"}'
HEADERS = (("Content-Type", "application/json"), ("webhook-id", "wh_1"))
#: Seconds, where a server is not to answer.
SHORT = 0.2


def came_back(status: int, content_type: str, body: bytes) -> Answer:
    """Return an answer, as a client does."""
    return Answer(status, "", (("content-type", content_type),), body, 0.001)


def raising(error: Exception) -> Any:
    """Return a function that fails so."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


class TestRequest:
    """What goes out."""

    def test_nothing_is_added_but_what_http_needs(self) -> None:
        """Host and Content-Length stand first; then the headers as given, and the body."""
        with serving([NO_CONTENT]) as server, Client(server.url) as client:
            client.post(HEADERS, BODY)
        host = server.url.split("/")[2].encode()
        assert server.requests == [
            b"POST /webhooks HTTP/1.1\r\nhost: %b\r\ncontent-length: 12\r\nContent-Type: application/json\r\n"
            b"webhook-id: wh_1\r\n\r\n%b" % (host, BODY)
        ]

    def test_what_is_given_is_not_added(self) -> None:
        """A Host and a Content-Length that are given, in any case, are sent as they are."""
        with serving([NO_CONTENT]) as server, Client(server.url) as client:
            client.post((("HOST", "example.com"), ("Content-LENGTH", "2")), b"{}")
        assert server.requests == [b"POST /webhooks HTTP/1.1\r\nHOST: example.com\r\nContent-LENGTH: 2\r\n\r\n{}"]

    def test_chunks(self) -> None:
        """A body that is declared to come in chunks comes in one."""
        with serving([Early(NO_CONTENT)]) as server, Client(server.url) as client:
            assert client.post((("transfer-encoding", "chunked"),), b"{}").status == 204

    @pytest.mark.parametrize(
        ("path", "target"),
        [("", "/"), ("/", "/"), ("?a=b", "/?a=b"), ("/a%20b/?c#d", "/a%20b/?c"), ("/@me", "/@me")],
    )
    def test_target(self, path: str, target: str) -> None:
        """The request line has the path and the query, and no fragment."""
        with serving([NO_CONTENT]) as server, Client(server.url.removesuffix("/webhooks") + path) as client:
            client.post((), b"")
        assert server.requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param((("a", "b\r\nc: d"),), id="a line break"),
            pytest.param((("a b", "c"),), id="a blank in a name"),
            pytest.param((("a", "\u20ac"),), id="not Latin-1"),
            pytest.param((("content-length", "secret"),), id="a length that is none"),
        ],
    )
    def test_headers_that_http_does_not_have(self, headers: tuple[tuple[str, str], ...]) -> None:
        """They are misuse, and no value is shown."""
        with refusing() as url, Client(url) as client, pytest.raises(Misuse) as caught:
            client.post(headers, BODY)
        assert str(caught.value) == "a header can't be sent: HTTP does not have its characters, or its length"

    def test_another_length(self) -> None:
        """A Content-Length that is not the body's is misuse too."""
        with serving([]) as server, Client(server.url) as client, pytest.raises(Misuse):
            client.post((("content-length", "1"),), BODY)


class TestAnswer:
    """What comes back."""

    def test_all_of_it(self) -> None:
        """It has a status, a phrase, headers, the body and the time that it took."""
        reply = answer("418 I'm a teapot", b"short", "X-Name: caf\u00e9")
        with serving([reply.decode().encode("latin-1")]) as server, Client(server.url) as client:
            came = client.post(HEADERS, BODY)
        assert came[:4] == (418, "I'm a teapot", (("content-length", "5"), ("x-name", "caf\u00e9")), b"short")
        assert 0 < came.seconds < SHORT * 10
        assert (came.value("x-name"), came.value("x-none")) == ("caf\u00e9", None)

    @pytest.mark.parametrize(("status", "is_redirect"), [(299, False), (300, True), (399, True), (400, False)])
    def test_redirects_are_not_followed(self, status: int, is_redirect: bool) -> None:  # noqa: FBT001  a table
        """A 3xx is an answer like others, and known as what it is."""
        with serving([answer(f"{status} ", b"", "location: /other")]) as server, Client(server.url) as client:
            came = client.post(HEADERS, BODY)
        assert (came.status, came.is_redirect, came.value("location")) == (status, is_redirect, "/other")

    @pytest.mark.parametrize(("status", "is_accepted"), [(199, False), (200, True), (299, True), (300, False)])
    def test_accepted(self, status: int, is_accepted: bool) -> None:  # noqa: FBT001  a table
        """OpenAI takes a 2xx for accepted."""
        assert Answer(status, "", (), b"", 0.0).is_accepted is is_accepted

    @pytest.mark.parametrize(
        ("status", "headers", "verdict"),
        [(204, (), "accepted"), (400, PROBLEM, "refused"), (200, PROBLEM, "accepted"), (404, (), "failed")],
    )
    def test_verdict(self, status: int, headers: Headers, verdict: str) -> None:
        """A guard refuses; an app or a server fails."""
        assert Answer(status, "", headers, b'{"reason":"duplicate"}', 0.0).verdict == verdict

    def test_reason_of_a_guard(self) -> None:
        """The reason of a refusal is the guard's code."""
        refusal = problem(VerificationError("", Reason.TIMESTAMP_TOO_OLD))
        assert Answer(refusal.status, "", tuple(refusal.headers), refusal.body, 0.0).reason == "timestamp_too_old"

    @pytest.mark.parametrize(
        ("content_type", "body", "reason"),
        [
            pytest.param("Application/Problem+JSON; charset=utf-8", b'{"reason":"new_code"}', "new_code", id="another"),
            pytest.param("application/json", b'{"reason":"duplicate"}', None, id="not a problem"),
            pytest.param("application/problem+json", b'{"title":"Not Found"}', None, id="none"),
            pytest.param("application/problem+json", b'{"reason":"\\u001b[2J"}', None, id="no code"),
            pytest.param("application/problem+json", b'{"reason":"a\\n"}', None, id="a line break"),
            pytest.param("application/problem+json", b'{"reason":1}', None, id="no text"),
            pytest.param("application/problem+json", b"[" * 5000, None, id="deep"),
            pytest.param("application/problem+json", b'{"a":' * 10_000, None, id="deep, in what is skipped"),
            pytest.param("application/problem+json", b'{"reason":"\xff"}', None, id="not UTF-8"),
        ],
    )
    def test_reason(self, content_type: str, body: bytes, reason: str | None) -> None:
        """A reason is a code in a problem document; anything else is none."""
        assert came_back(400, content_type, body).reason == reason

    def test_no_reason_without_a_type(self) -> None:
        """An answer without a content type has no reason."""
        assert Answer(400, "", (), b'{"reason":"duplicate"}', 0.0).reason is None


class TestConnections:
    """What is kept, and what is made anew."""

    def test_one_for_all(self) -> None:
        """A connection that the server keeps open is used again."""
        with serving([NO_CONTENT, NO_CONTENT, NO_CONTENT]) as server, Client(server.url) as client:
            assert [client.post(HEADERS, BODY).status for _ in range(3)] == [204] * 3

    @pytest.mark.parametrize(
        "last",
        [
            pytest.param(answer("200 OK", b"", "connection: close"), id="announced"),
            pytest.param(answer("200 OK"), id="not announced"),
            pytest.param(answer("200 OK", b"x" * 100_000), id="with more than is read"),
            pytest.param(answer("200 OK") + answer("408 Request Timeout"), id="with a word nobody asked for"),
        ],
    )
    def test_closed_by_the_server(self, last: bytes) -> None:
        """After a connection that the server closes, there is another one, and each request is answered once."""
        with serving([NO_CONTENT, last], [NO_CONTENT]) as server, Client(server.url) as client:
            assert [client.post(HEADERS, BODY).status for _ in range(2)] == [204, 200]
            assert server.closed.acquire(timeout=DEADLINE)
            assert client.post(HEADERS, BODY).status == 204
        assert len(server.requests) == 3

    @pytest.mark.parametrize("last", [b"", b"HTTP/1.1 200 OK\r\n"], ids=["before", "within"])
    def test_nothing_is_sent_twice(self, last: bytes) -> None:
        """A request after which a kept connection ends was taken, for all we know: it is not sent again."""
        with serving([NO_CONTENT, last], [NO_CONTENT, last]) as server, Client(server.url) as client:
            for _ in range(2):
                assert client.post(HEADERS, BODY).status == 204
                with pytest.raises(NoAnswerError):
                    client.post(HEADERS, BODY)
        assert len(server.requests) == 4

    def test_after_a_failure(self) -> None:
        """After a failure, the next request has a connection of its own."""
        with serving([b""], [NO_CONTENT]) as server, Client(server.url) as client:
            with pytest.raises(NoAnswerError):
                client.post(HEADERS, BODY)
            assert client.post(HEADERS, BODY).status == 204


class TestNoAnswer:
    """Where nothing comes back, the text says why, and what to do."""

    @pytest.mark.parametrize(
        ("reply", "why"),
        [
            pytest.param(None, "no whole answer within 0.2 s; look into the app, or give it more time", id="silence"),
            pytest.param(
                Drip(NO_CONTENT[:-2] + b"x: y\r\n"), "no whole answer within 0.2 s; look into the app", id="a slow head"
            ),
            pytest.param(
                b"", "it closed the connection without a whole answer; look into the server's log", id="closed"
            ),
            pytest.param(b"SSH-2.0-x\r\n", "what answers there does not speak HTTP; check the port", id="junk"),
        ],
    )
    def test_no_answer(self, reply: Reply, why: str) -> None:
        """Silence, an end and junk are told apart."""
        with serving([reply]) as server, Client(server.url, SHORT) as client, pytest.raises(NoAnswerError) as caught:
            client.post(HEADERS, BODY)
        assert str(caught.value) == f"{server.url}: {caught.value.why}"
        assert caught.value.why.startswith(why)

    def test_nothing_listens(self) -> None:
        """A port that nothing listens on refuses."""
        with refusing() as url, Client(url) as client, pytest.raises(NoAnswerError) as caught:
            client.post(HEADERS, BODY)
        assert str(caught.value) == f"{url}: nothing listens there; start the app, or check the port"

    @pytest.mark.parametrize("host", ["a..b", "a" * 64])
    def test_no_such_host(self, host: str) -> None:
        """A name that nothing can have is that of no host."""
        with Client(f"http://{host}/") as client, pytest.raises(NoAnswerError) as caught:
            client.post(HEADERS, BODY)
        assert str(caught.value) == f"http://{host}/: there is no host of that name; check the URL"

    def test_another_failure(self) -> None:
        """What the operating system says of anything else is passed on."""
        with Client("http://255.255.255.255/") as client, pytest.raises(NoAnswerError) as caught:
            client.post(HEADERS, BODY)
        assert str(caught.value).endswith("; check the URL")

    def test_a_failure_that_says_what_it_likes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A text that comes from elsewhere is passed on as it is, but for what a terminal would obey."""
        monkeypatch.setattr(socket, "getaddrinfo", raising(OSError("bad {thing}\x1b")))
        with Client("http://name/") as client, pytest.raises(NoAnswerError) as caught:
            client.post(HEADERS, BODY)
        assert caught.value.why == "bad {thing}\\x1b; check the URL"

    def test_certificate(self) -> None:
        """A certificate that nobody vouches for is refused, as OpenAI refuses it."""
        with serving([], tls=True) as server, Client(server.url) as client, pytest.raises(NoAnswerError) as caught:
            client.post(HEADERS, BODY)
        assert "its certificate is not trusted" in str(caught.value)

    def test_no_tls(self) -> None:
        """A server that does not speak TLS is found out."""
        with serving([Early(b"junk" * 10)]) as server:
            url = server.url.replace("http:", "https:")
            with Client(url) as client, pytest.raises(NoAnswerError) as caught:
                client.post(HEADERS, BODY)
        assert str(caught.value) == f"{url}: it does not speak TLS; try http://"


class TestURL:
    """What can be posted to."""

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("127.0.0.1:8000/webhooks", "not a URL; it is to be like http://127.0.0.1:8000/webhooks/openai"),
            ("localhost:8000", "not a URL; it is to be like"),
            ("/webhooks", "not a URL; it is to be like"),
            ("", "not a URL; it is to be like"),
            ("ftp://localhost/", "not a URL; it is to be like"),
            ("http:///webhooks", "not a URL; it is to be like"),
            ("http://localhost:0/", "not a URL; it is to be like"),
            ("http://localhost:70000/", "that is no URL: Port out of range"),
            ("http://localhost:http/", "that is no URL: Port could not be cast"),
            ("http://[::1/", "that is no URL: Invalid IPv6 URL"),
            ("http://localhost/a b", "blanks or other characters that must be percent-encoded"),
            ("http://localhost/\u20ac", "blanks or other characters that must be percent-encoded"),
            ("http://localhost/\x1b[2J", "http://localhost/\\x1b[2J: the URL has blanks"),
        ],
    )
    def test_none(self, url: str, why: str) -> None:
        """What is no URL is misuse, and says what is."""
        with pytest.raises(Misuse) as caught:
            Client(url)
        assert why in str(caught.value)

    @pytest.mark.parametrize("port", ["", ":8000", ":word"])
    def test_passwords_are_not_shown(self, port: str) -> None:
        """A URL with a user name is refused, and not shown: it has a password."""
        with pytest.raises(Misuse) as caught:
            Client(f"http://user:hidden@localhost{port}/")
        assert str(caught.value) == "the URL has a user name in it, which would not be sent; leave it out"


def test_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose certificate is trusted is talked to over TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    tls_context.cache_clear()
    with serving([NO_CONTENT], tls=True) as server, Client(server.url) as client:
        assert client.post(HEADERS, BODY).status == 204
    tls_context.cache_clear()
