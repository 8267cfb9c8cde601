"""Raw HTTP requests: what is written is what is read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.cli.message import Request, end_to_end, from_wire, to_wire

HEAD = b"POST /webhooks HTTP/1.1\r\nHost: localhost\r\n"
NO_WHOLE = "is no whole HTTP request ({}): it is to have a request line, headers, an empty line and the body"


def sized(body: bytes) -> bytes:
    """Return a message with a body."""
    return b"%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(body), body)


@given(body=st.binary(max_size=200), value=st.text("azAZ09;=\u00e9", max_size=20))
def test_what_is_written_is_read(body: bytes, value: str) -> None:
    """A request survives its file: the headers in their order and case, and every byte of the body."""
    headers = (
        ("Host", "a"),
        ("X-First", value),
        ("x-second", ""),
        ("X-First", "b"),
        ("content-length", f"{len(body)}"),
    )
    request = Request("POST", "/webhooks?a=b", headers, body)
    assert from_wire(to_wire(request)) == request


def test_nothing_is_added() -> None:
    """A request is written as it is, whatever is wrong with it."""
    wire = to_wire(Request("GET", "*", (("a", "caf\u00e9"), ("a", "")), b"\r\n"))
    assert wire == b"GET * HTTP/1.1\r\na: caf\xe9\r\na: \r\n\r\n\r\n"


def test_values() -> None:
    """A header is found in any case, and as often as it is there."""
    request = Request("POST", "/", (("Webhook-Id", "a"), ("x", "b"), ("webhook-id", "c")), b"")
    assert (request.values("webhook-id"), request.values("y")) == (["a", "c"], [])


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(sized(b"{}"), id="as sent"),
        pytest.param(sized(b"{}").replace(b"\r\n", b"\n"), id="lines that end in LF"),
        pytest.param(sized(b"{}") + b"\r\n\n", id="line breaks behind"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", id="chunks"),
        pytest.param(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", id="expectations"),
        pytest.param(sized(b"{}").replace(b"/1.1", b"/1.0"), id="HTTP/1.0"),
    ],
)
def test_body(message: bytes) -> None:
    """The body is whole, however the file came about."""
    request = from_wire(message)
    assert (request.method, request.target, request.body) == ("POST", "/webhooks", b"{}")


def test_a_large_body() -> None:
    """A body has any size."""
    assert len(from_wire(sized(b"x" * 1_000_000)).body) == 1_000_000


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        pytest.param(b"", "is empty: it is to have a request line, headers, an empty line and the body", id="nothing"),
        pytest.param(b"\n", NO_WHOLE.format("no request line received"), id="a line break"),
        pytest.param(b'{"type":"a"}\n', NO_WHOLE.format("it ends before its headers do"), id="JSON"),
        pytest.param(b"\x02\x01program", NO_WHOLE.format("illegal request line"), id="a program"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", NO_WHOLE.format("illegal request line"), id="a response"),
        pytest.param(HEAD, NO_WHOLE.format("it ends before its headers do"), id="half a head"),
        pytest.param(b"POST / HTTP/1.1\r\nX: secret\r\n\r\n", NO_WHOLE.format("Missing mandatory Host"), id="no Host"),
        pytest.param(HEAD + b"a b: secret\r\n\r\n", NO_WHOLE.format("illegal header line"), id="a wrong header"),
        pytest.param(b"x" * 100_000, NO_WHOLE.format("Receive buffer too long"), id="no end"),
        pytest.param(sized(b"hello")[:-2], "is cut off: it has 3 of 5 bytes of the body", id="half a body"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
            "is cut off, or its chunks are not well-formed",
            id="half a chunk",
        ),
        pytest.param(
            sized(b"{}") * 2,
            "has more after the request: keep one request in a file, with its Content-Length",
            id="two requests",
        ),
        pytest.param(
            HEAD + b"\r\n{}",
            "has more after the request: keep one request in a file, with its Content-Length",
            id="no length",
        ),
    ],
)
def test_what_is_no_request(message: bytes, problem: str) -> None:
    """What can't be sent again is refused, with what is wrong, and without a word of what is in it."""
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        from_wire(message)


def test_end_to_end() -> None:
    """What is for one connection only is left out, in any case, and what is asked for; all else keeps its order."""
    hop_by_hop = [
        *("Connection", "Keep-Alive", "Proxy-Authorization", "proxy-connection"),
        *("TE", "Trailer", "Transfer-Encoding", "Upgrade"),
    ]
    headers = [(name, "x") for name in ("Host", "a", *hop_by_hop, "content-type", "A")]
    assert end_to_end(headers, without={"host"}) == [("a", "x"), ("content-type", "x"), ("A", "x")]


def test_what_connection_names() -> None:
    """Each Connection header names others that are left out with it."""
    headers = [("connection", "X-a, close ,"), ("x-A", "1"), ("x-b", "2"), ("Connection", "x-B"), ("x-c", "3")]
    assert end_to_end(headers) == [("x-c", "3")]


def test_what_connection_can_not_name() -> None:
    """What makes a delivery is for the app, whatever a sender says of it."""
    names = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
    headers = [(name, "x") for name in names]
    assert end_to_end([("Connection", ", ".join(names)), *headers]) == headers


def test_repr() -> None:
    """It shows nothing private."""
    request = Request("POST", "/a", (("webhook-signature", "v1,x"),), b"body")
    assert repr(request) == "<POST /a, 1 headers, 4 bytes>"
