"""Captured requests: what is read, what a note says of it, and what can't be read."""

import base64
import json
import re
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.cli.captured import Captured, read
from webhook_guard.cli.message import Request, from_wire, to_wire

from support import BODY, signed

HEADERS = tuple(signed().items())
#: The lines of a head, but for the request line and what says how long the body is.
FIELDS = b"".join(b"%s: %s\r\n" % (name.encode(), value.encode()) for name, value in HEADERS)
HEAD = b"POST /webhooks HTTP/1.1\r\n" + FIELDS
MEBIBYTE = 1_048_576
EXPECTED = (
    'give an HTTP request with its headers, an empty line and the body, or JSON such as {"headers": {...}, "body":'
    ' "..."}'
)
NO_CHUNKS = "Transfer-Encoding says chunks, and no whole ones are here: all was taken for the body"
CUT_CHUNKS = "Transfer-Encoding says chunks, and the last ones are missing: the body is cut off"
NO_HEADERS = 'has "headers" that are neither names with texts nor pairs of name and text'
INDENTED = "the headers' indentation was taken away, not the body's"


def capture(body: bytes, *fields: bytes) -> bytes:
    """Return a message with more headers, and a body."""
    return b"".join((HEAD, *(field + b"\r\n" for field in fields), b"\r\n", body))


def as_json(**members: object) -> bytes:
    """Return a capture in JSON."""
    return json.dumps({"headers": dict(HEADERS), **members}).encode()


class TestHTTP:
    """Raw requests."""

    @given(body=st.binary(max_size=200), value=st.text("azAZ09;=\u00e9", max_size=20))
    def test_as_on_the_wire(self, body: bytes, value: str) -> None:
        """A whole request is read as other commands read it, and there is nothing to note."""
        headers = (("Host", "a"), ("X", value), ("x", ""), ("X", "b"), ("content-length", f"{len(body)}"))
        message = to_wire(Request("PUT", "/webhooks?a=b", headers, body))
        request = from_wire(message)
        assert read(message) == Captured(request.method, request.headers, request.body, None)

    @pytest.mark.parametrize("method_and_target", [b"POST http://a/b", b"POST *", b"post /a"])
    @pytest.mark.parametrize("version", [b" HTTP/1.1", b" HTTP/2", b" HTTP/2.0", b""])
    def test_request_lines(self, method_and_target: bytes, version: bytes) -> None:
        """A request line is one in whatever version, or without any."""
        captured = read(method_and_target + version + b"\r\n" + FIELDS + b"\r\n" + BODY)
        assert captured == Captured(method_and_target.split()[0].decode(), HEADERS, BODY, None)

    @pytest.mark.parametrize(
        ("head", "method"),
        [
            pytest.param(FIELDS, "POST", id="headers only"),
            pytest.param(b":method: GET\r\n:path: /a:b\r\n" + FIELDS, "GET", id="HTTP/2"),
            pytest.param(b"\xef\xbb\xbf\r\n" + HEAD, "POST", id="a byte-order mark, and an empty line"),
            pytest.param(HEAD.replace(b"\r\n", b"\n"), "POST", id="lines that end in LF"),
            pytest.param(HEAD.replace(b": ", b":\r\n \t"), "POST", id="folded lines"),
            pytest.param(HEAD.replace(b": ", b": \t").replace(b"\r\n", b" \r\n"), "POST", id="blanks around values"),
        ],
    )
    def test_heads(self, head: bytes, method: str) -> None:
        """A head is read however a log writes it."""
        assert read(head + b"\r\n" + BODY) == Captured(method, HEADERS, BODY, None)

    @pytest.mark.parametrize("indent", [b"    ", b"\t"])
    @pytest.mark.parametrize("end", [b"\r\n", b"    \r\n"], ids=["empty", "blank"])
    def test_indented_head(self, indent: bytes, end: bytes) -> None:
        """What all lines of the head are indented by, as in a ticket, does not count, and that is noted."""
        head = b"\n" + b"".join(indent + line for line in HEAD.replace(b": ", b":\r\n ").splitlines(keepends=True))
        assert read(head + end + BODY) == Captured("POST", HEADERS, BODY, INDENTED)

    def test_several_notes(self) -> None:
        """All that does not fit is noted."""
        captured = read(b"  a: b\n  content-length: 3\n\n{}")
        assert captured.note == f"{INDENTED}; Content-Length is 3, but 1 byte is missing"

    def test_an_indented_line(self) -> None:
        """Where only the first line is indented, there is nothing to note."""
        assert read(b"  " + HEAD + b"\r\n" + BODY) == Captured("POST", HEADERS, BODY, None)

    @pytest.mark.parametrize("indent", [b"", b"  "])
    @pytest.mark.parametrize("end", [b">", b"> "])
    def test_marked_lines(self, indent: bytes, end: bytes) -> None:
        """Where lines are marked as `curl -v` marks those of a request, they are the head, and others are not."""
        before = b"* Connected to localhost\n} [5 bytes data]\n"
        marked = before + b"".join(b"> %b\n" % line for line in HEAD.splitlines()) + end + b"\n"
        message = b"".join(indent + line for line in marked.splitlines(keepends=True)) + BODY
        assert read(message) == Captured("POST", HEADERS, BODY, INDENTED if indent else None)

    @pytest.mark.parametrize("rest", [b"* We are fine\n", b"< HTTP/1.1 400 Bad Request\n", b"} [104 bytes data]\n"])
    def test_marked_lines_without_a_body(self, rest: bytes) -> None:
        """What `curl -v` has behind a head is no body: that has to be put there."""
        with pytest.raises(ValueError, match=r"^has no body, as `curl -v` shows none: put it behind the empty line"):
            read(b"> a: b\n>\n" + rest)

    @pytest.mark.parametrize(
        ("rest", "field"),
        [
            pytest.param(BODY, b"X: y", id="no length"),
            pytest.param(BODY + b"\r\n\n", b"Content-Length: %d" % len(BODY), id="line breaks behind"),
            pytest.param(BODY, b"Content-Length: 1\r\nContent-Length: 2", id="two lengths"),
            pytest.param(BODY, b"Content-Length: many", id="a length that is no number"),
            pytest.param(BODY, b"Content-Length: %030d" % len(BODY), id="a length with zeros"),
            pytest.param(b"3;a=b\r\n%b\r\n65\r\n%b\r\n0\r\n\r\n" % (BODY[:3], BODY[3:]), b"TE: x", id="chunks"),
            pytest.param(b"3\n%b\n65 \n%b\n0\n\n" % (BODY[:3], BODY[3:]), b"TE: x", id="chunks in lines of LF"),
        ],
    )
    def test_body(self, rest: bytes, field: bytes) -> None:
        """The body is whole, and nothing is to be noted."""
        field = field.replace(b"TE: x", b"transfer-encoding: Chunked")
        captured = read(capture(rest, field))
        assert (captured.body, captured.note) == (BODY, None)

    @pytest.mark.parametrize(
        ("field", "note"),
        [
            pytest.param(b"Content-Length: 150", "Content-Length is 150, but 46 bytes are missing", id="too few"),
            pytest.param(
                b"Content-Length: 7",
                "Content-Length is 7, but 97 more bytes follow: all were taken",
                id="too many",
            ),
            pytest.param(
                b"Content-Length: 103", "Content-Length is 103, but 1 more byte follows: all were taken", id="one"
            ),
            pytest.param(b"Content-Length: 105", "Content-Length is 105, but 1 byte is missing", id="one too few"),
            pytest.param(
                b"Content-Length: 1" + b"0" * 5_000,
                "Content-Length is 10000000000000000000, but 9999999999999999896 bytes are missing",
                id="many digits",
            ),
            pytest.param(b"Transfer-Encoding: chunked", NO_CHUNKS, id="no chunks"),
        ],
    )
    def test_what_does_not_fit(self, field: bytes, note: str) -> None:
        """A body that is not as the head says is what follows the empty line, and that is noted."""
        captured = read(capture(BODY, field))
        assert (captured.body, captured.note) == (BODY, note)

    @pytest.mark.parametrize(
        ("rest", "body", "note"),
        [
            pytest.param(b'9\r\n{"a":1', b'{"a":1', CUT_CHUNKS, id="half a chunk"),
            pytest.param(b"2\r\n{}", b"{}", CUT_CHUNKS, id="a chunk, and no end"),
            pytest.param(b"1\r\n{\r\n1\r\n}\r\n", b"{}", CUT_CHUNKS, id="chunks, and no end"),
            pytest.param(b"1\r\n", b"", CUT_CHUNKS, id="no byte of a chunk"),
            pytest.param(b"1\r\n{}", b"1\r\n{}", NO_CHUNKS, id="a wrong size"),
        ],
    )
    def test_chunks_that_are_not_whole(self, rest: bytes, body: bytes, note: str) -> None:
        """Of chunks that are cut off, the body is what they have; chunks that are wrong stay as they are."""
        captured = read(capture(rest, b"Transfer-Encoding: chunked"))
        assert (captured.body, captured.note) == (body, note)

    @pytest.mark.parametrize(
        "following", [b"\r\nHTTP/1.1 204 No Content\r\n\r\n", HEAD + b"\r\n{}", b"\n* Mark bundle\n< HTTP/1.1 204\n"]
    )
    def test_what_follows(self, following: bytes) -> None:
        """What a log has behind a request is left out, and that is noted."""
        captured = read(capture(BODY + following, b"Content-Length: %d" % len(BODY)))
        assert (captured.body, captured.note) == (BODY, "what follows the request was left out")

    @pytest.mark.parametrize(
        ("message", "problem"),
        [
            pytest.param(b"", f"is empty: {EXPECTED}", id="nothing"),
            pytest.param(b"\xef\xbb\xbf \n", f"is empty: {EXPECTED}", id="blanks"),
            pytest.param(
                HEAD,
                f"is no whole HTTP request (there is no empty line behind its headers): {EXPECTED}",
                id="half a head",
            ),
            pytest.param(
                b"a: " + b"x" * MEBIBYTE + b"\n\n",
                f"is no whole HTTP request (there is no empty line in its first 1048576 bytes): {EXPECTED}",
                id="a large head",
            ),
            pytest.param(
                b"a:\n" * 1_001 + b"\n", "has more than 1000 headers, which no webhook has", id="many headers"
            ),
            pytest.param(
                b"secret\n\nsecret",
                f"is no HTTP request (line 1 is no header): {EXPECTED}",
                id="a text",
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n",
                f"is no HTTP request (line 1 is no header): {EXPECTED}",
                id="an answer",
            ),
            pytest.param(
                b"\xef\xbb\xbf\n \n  a:\n  b:\n  secret\n\n",
                f"is no HTTP request (line 5 is no header): {EXPECTED}",
                id="a text behind empty lines",
            ),
            pytest.param(
                b"a:\n b\n c\nb:\n\td\nsecret\n\n",
                f"is no HTTP request (line 6 is no header): {EXPECTED}",
                id="a text behind folded lines",
            ),
            pytest.param(
                HEAD + b"sec ret: 1\r\n\r\n",
                f"is no HTTP request (line 5 is no header): {EXPECTED}",
                id="a wrong header",
            ),
        ],
    )
    def test_what_is_none(self, message: bytes, problem: str) -> None:
        """What is no request is refused, with what is expected, and without a word of what is in it."""
        with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
            read(message)


class TestJSON:
    """Requests as JSON."""

    @pytest.mark.parametrize(
        "members",
        [
            pytest.param({"body": BODY.decode()}, id="text"),
            pytest.param({"body_base64": base64.encodebytes(BODY).decode()}, id="base64, in lines"),
            pytest.param({"body": BODY.decode(), "isBase64Encoded": False, "version": "2.0"}, id="Lambda's text"),
            pytest.param({"body": BODY.decode(), "headers": HEADERS}, id="pairs"),
            pytest.param({"body": BODY.decode(), "headers": {k: [v] for k, v in HEADERS}}, id="lists"),
        ],
    )
    def test_shapes(self, members: dict[str, object]) -> None:
        """The headers and the body are read in each of the shapes that dumps have."""
        assert read(b"\xef\xbb\xbf\n" + as_json(**members)) == Captured("POST", HEADERS, BODY, None)

    def test_lambda(self) -> None:
        """A body that was decoded is noted: AWS Lambda's handler gets it encoded."""
        captured = read(as_json(body=base64.b64encode(BODY).decode(), isBase64Encoded=True))
        note = "isBase64Encoded: the body was decoded from base64; your handler has to do so, too"
        assert captured == Captured("POST", HEADERS, BODY, note)

    def test_names_of_an_environ(self) -> None:
        """Headers may have their names in WSGI's environ; any other name stays."""
        names = ["HTTP_WEBHOOK_ID", "CONTENT_LENGTH", "CONTENT_TYPE", "Http_X", "HTTP_", "CONTENT_MD5", "HTTP-X"]
        captured = read(as_json(body="", headers=dict.fromkeys(names, "1")))
        expected = ["webhook-id", "content-length", "content-type", "Http_X", "HTTP_", "CONTENT_MD5", "HTTP-X"]
        assert [name for name, _ in captured.headers] == expected

    def test_text_in_utf_8(self) -> None:
        """The body is the text in UTF-8, whatever is escaped."""
        assert read(rb'{"headers": {}, "body": "\u00e9\ud83d\ude42\u0000"}').body == b"\xc3\xa9\xf0\x9f\x99\x82\0"

    def test_repeated_headers(self) -> None:
        """Headers are repeated, and may be numbers."""
        captured = read(b'{"headers": {"a": ["b", "c"], "d": 12, "e": []}, "body": ""}')
        assert captured.headers == (("a", "b"), ("a", "c"), ("d", "12"))

    @pytest.mark.parametrize("names", [["method"], ["httpMethod"], ["method", "httpMethod"]])
    def test_method(self, names: list[str]) -> None:
        """The method may be given, also twice."""
        assert read(as_json(body="", **dict.fromkeys(names, "GET"))).method == "GET"

    def test_names_elsewhere(self) -> None:
        """What has the name of a member of the request within another, or is a text, is none of them."""
        text = '"headers": {}, "body": \\ '
        content = as_json(body=text, context=[{"headers": 1, "body": 1}], a="body", b="headers")
        assert read(content) == Captured("POST", HEADERS, text.encode(), None)

    @pytest.mark.parametrize("members", [{"body": None, "body_base64": ""}, {"body": "", "body_base64": None}])
    def test_null(self, members: dict[str, object]) -> None:
        """A body that is null is none."""
        assert read(as_json(**members)).body == b""

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            pytest.param(
                BODY,
                "is only a body: the headers webhook-id, webhook-timestamp and webhook-signature are needed, too: give",
                id="a body",
            ),
            pytest.param(as_json(), 'must have either "body" or "body_base64"', id="no body"),
            pytest.param(as_json(body="", body_base64=""), 'must have either "body" or "body_base64"', id="two"),
            pytest.param(
                as_json(body={"secret": 1}), 'has a "body" that is no text: it was parsed already', id="parsed"
            ),
            pytest.param(as_json(body_base64="secret"), 'has a "body_base64" that is no base64', id="no base64"),
            pytest.param(as_json(body="secret", isBase64Encoded=True), 'has a "body" that is no base64', id="nor here"),
            pytest.param(as_json(body="", headers="secret"), f"{NO_HEADERS}: give", id="a text"),
            pytest.param(as_json(body="", headers=["secret"]), f"{NO_HEADERS}: give", id="a list"),
            pytest.param(as_json(body="", headers={"secret": None}), f"{NO_HEADERS}: give", id="a null"),
            pytest.param(
                as_json(body="", isBase64Encoded="secret"),
                'has an "isBase64Encoded" that is neither true nor false: give',
                id="no bool",
            ),
            pytest.param(as_json(body="", method=["secret"]), 'has a "method" that is no text: give', id="a method"),
            pytest.param(as_json(body_base64=1), 'has a "body_base64" that is no text: give', id="a number"),
            pytest.param(b'{"secret', "is JSON that ends too early: give", id="half of it"),
            pytest.param(b'{"secret" 1}', "is JSON that is malformed (byte 10): give", id="no JSON"),
            pytest.param(b'{"headers": {}, "body": "\xff"}', "is JSON that is not UTF-8: give", id="no UTF-8"),
            pytest.param(
                b'{"headers": {"a": "\xff"}, "body": ""}', "is JSON that is not UTF-8: give", id="nor headers"
            ),
            pytest.param(b'{"x":' + b"[" * 100_000, "is JSON that is too deep", id="deep"),
            pytest.param(b'{"headers":{},"body":' + b"[" * 100_000, "is JSON that is too deep", id="a deep body"),
            pytest.param(as_json(body="", headers={"a": ["b"] * 10_001}), "has more than 10000 headers", id="many"),
            pytest.param(
                as_json(body="", headers={"a": "b" * MEBIBYTE}), "has headers of more than 1048576 bytes", id="large"
            ),
            pytest.param(
                b'{"headers": {"a": "secret"}, "headers" : {}, "body": ""}', 'has "headers" twice', id="again"
            ),
            pytest.param(b'{"headers": {}, "body": "secret", "body": ""}', 'has "body" twice: keep one', id="bodies"),
            pytest.param(
                as_json(body="", method="POST", httpMethod="secret"),
                'has a "method" and an "httpMethod" that differ: keep one',
                id="two methods",
            ),
        ],
    )
    def test_what_is_none(self, content: bytes, problem: str) -> None:
        """What is no request is refused, with what is expected, and without a word of what is in it."""
        with pytest.raises(ValueError, match=f"^{re.escape(problem)}") as raised:
            read(content)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("start", [b"", b"{", b'{"headers":{},"body":', HEAD, b"a: b\n\n"])
@given(st.binary(max_size=300))
def test_whatever_comes(start: bytes, content: bytes) -> None:
    """Whatever comes is read, or refused in one line."""
    try:
        read(start + content)
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017  either is right


def test_repr() -> None:
    """It shows nothing private."""
    assert repr(Captured("POST", HEADERS, BODY, None)) == "<'POST', 3 headers, 104 bytes>"


def test_repr_of_a_method() -> None:
    """What a stranger has for a method is escaped."""
    assert repr(Captured("\x1b[2J", (), b"", None)) == r"<'\x1b[2J', 0 headers, 0 bytes>"


def message_of(body: bytes, *fields: bytes) -> bytes:
    """Return a capture of nothing else."""
    return b"\n".join([b"POST / HTTP/1.1", *fields, b"", body])


def json_of(headers: bytes = b"{}", body: bytes = b'""') -> bytes:
    """Return a capture in JSON, of members as they are."""
    return b'{"headers":%b,"body":%b}' % (headers, body)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(message_of(b"2\nab" * (MEBIBYTE // 8) + b"\n0\n\n", b"transfer-encoding: chunked"), id="chunks"),
        pytest.param(json_of(body=b"[" + b"[]," * MEBIBYTE + b"[]]"), id="a body of arrays"),
        pytest.param(json_of(headers=b"{" + b'"a":"",' * MEBIBYTE + b'"a":""}'), id="headers"),
        pytest.param(json_of(headers=b"[" + b'["",""],' * MEBIBYTE + b'["",""]]'), id="pairs"),
        pytest.param(json_of(body=b'"%b"' % ("\U0001f642".encode() + b"a" * 4 * MEBIBYTE)), id="a text"),
        pytest.param(b'{"headers":{},"body_base64":"%b"}' % (b"AAAA " * MEBIBYTE), id="base64 and blanks"),
        pytest.param(b"\n " * MEBIBYTE + message_of(b""), id="blanks before"),
        pytest.param(message_of(b"x", *[b"a:"] * MEBIBYTE), id="a head of many lines"),
    ],
)
def test_memory(content: bytes) -> None:
    """A capture takes a few times its size, whatever is in it."""
    tracemalloc.start()
    try:
        with suppress(ValueError):
            read(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 9 * len(content)
