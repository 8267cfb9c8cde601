"""Messages: whole ones are read as they were, and no other is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.cli.captured import read
from webhook_guard.cli.message import from_wire
from webhook_guard.wire import declared, quoted, target, to_http, verbatim

from support import BODY, PATH, signed

HOST = ("host", "test")
LENGTH = ("content-length", str(len(BODY)))
CHUNKED = ("transfer-encoding", "chunked")

Pair = tuple[str, str]


def message(*headers: Pair, method: str = "POST", body: bytes = BODY, is_whole: bool = True) -> bytes:
    """Return the message of a request."""
    return to_http(method, PATH, (HOST, *headers), body, is_whole=is_whole)


class TestWhole:
    """A body that is whole."""

    def test_as_it_came(self) -> None:
        """With its length, it is written as it came, and can be read again."""
        headers = (HOST, *signed().items(), ("x-a", "caf\xe9"), ("x-a", ""), LENGTH)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        written = to_http("POST", PATH, headers, BODY, is_whole=True)
        assert written == f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + BODY
        assert from_wire(written) == ("POST", PATH, headers, BODY)

    @pytest.mark.parametrize(
        "framing",
        [
            pytest.param([CHUNKED], id="chunks"),
            pytest.param([CHUNKED, CHUNKED], id="chunks twice"),
            pytest.param([("Transfer-Encoding", "chunked"), ("Content-Length", "1")], id="in capitals"),
            pytest.param([("content-length", "1"), CHUNKED], id="both"),
            pytest.param([], id="none, as in HTTP/2"),
        ],
    )
    @pytest.mark.parametrize("body", [BODY, b""], ids=["body", "empty"])
    def test_other_framing(self, framing: list[Pair], body: bytes) -> None:
        """It is written without chunks, with its length, once."""
        written = from_wire(message(*framing, body=body))
        assert (written.headers, written.body) == ((HOST, ("content-length", str(len(body)))), body)

    def test_place(self) -> None:
        """The length stands where the coding was."""
        headers = from_wire(message(("a", "1"), CHUNKED, ("b", "2"))).headers
        assert headers == (HOST, ("a", "1"), LENGTH, ("b", "2"))

    @pytest.mark.parametrize("is_whole", [True, False])
    @pytest.mark.parametrize("headers", [[], [("content-length", "0")]], ids=["none", "length of zero"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_without_body(self, method: str, headers: list[Pair], *, is_whole: bool) -> None:
        """A request that has no body lacks none, and is written as it came."""
        written = from_wire(message(*headers, method=method, body=b"", is_whole=is_whole))
        assert (written.headers, written.body) == ((HOST, *headers), b"")


class TestPart:
    """A body that is not known to be whole: its message ends too early."""

    @pytest.mark.parametrize("body", [b"", BODY[:9], BODY[:-1]], ids=["unread", "begun", "nearly all"])
    @pytest.mark.parametrize(
        "framing",
        [
            pytest.param([LENGTH], id="length"),
            pytest.param([("content-length", f"  {LENGTH[1]}")], id="length with blanks"),
            pytest.param([CHUNKED], id="chunks"),
            pytest.param([CHUNKED, CHUNKED], id="chunks twice"),
            pytest.param([LENGTH, CHUNKED], id="both"),
            pytest.param([], id="none, as in HTTP/2"),
        ],
    )
    def test_cut_off(self, framing: list[Pair], body: bytes) -> None:
        """It is written as far as it came; who reads it says that it is cut off, or notes what does not fit."""
        written = message(*framing, body=body, is_whole=False)
        assert written.endswith(body)
        with pytest.raises(ValueError, match="is cut off"):
            from_wire(written)
        assert read(written).note is not None

    @pytest.mark.parametrize("length", ["1" + "0" * 21, "9" * 5_000])
    def test_many_digits(self, length: str) -> None:
        """A body of which so much is declared is not taken for whole."""
        written = message(("content-length", length), body=b"", is_whole=False)
        assert f"content-length: {length}\r\n".encode() in written
        assert "bytes are missing" in str(read(written).note)

    def test_more_than_declared(self) -> None:
        """If it is longer than it should be, it is not cut at its length: even a line break more is seen."""
        written = message(LENGTH, body=BODY + b"\n", is_whole=False)
        assert written.endswith(BODY + b"\n")
        with pytest.raises(ValueError, match="is cut off"):
            from_wire(written)
        assert read(written).note is not None

    @pytest.mark.parametrize("length", ["ten", "+10", "\xb2", "10, 11"])
    def test_odd_length(self, length: str) -> None:
        """A length that is none is left as it came, because it may be what the request was refused for."""
        written = message(("content-length", length), body=b"", is_whole=False)
        assert f"content-length: {length}\r\n".encode("latin-1") in written
        assert read(written).note is not None


class TestDeclared:
    """How long a body is, by the headers."""

    @pytest.mark.parametrize(
        ("headers", "length"),
        [
            pytest.param([("Content-Length", " 12\t")], 12, id="length"),
            pytest.param([("content-length", "1"), ("content-length", "1")], 1, id="length twice"),
            pytest.param([("content-length", "1"), ("content-length", "2")], None, id="two lengths"),
            pytest.param([("content-length", "1"), CHUNKED], None, id="length and chunks"),
            pytest.param([("content-length", "")], None, id="empty"),
            pytest.param([("content-length", "1_0")], None, id="no number"),
            pytest.param([("content-length", "9" * 5000)], 10**20 - 1, id="5000 digits"),
            pytest.param([("content-length", "0" * 5000 + "12")], 12, id="5000 zeros"),
            pytest.param([("content-length", "00")], 0, id="zeros"),
            pytest.param([], None, id="nothing"),
        ],
    )
    def test_post(self, headers: list[Pair], length: int | None) -> None:
        """One length is told, whatever blanks are around it; all else tells none."""
        assert declared("POST", tuple(headers)) == length

    @pytest.mark.parametrize(("headers", "length"), [([], 0), ([CHUNKED], None)], ids=["nothing", "chunks"])
    def test_get(self, headers: list[Pair], length: int | None) -> None:
        """A method that has no body needs no header to say so."""
        assert declared("GET", tuple(headers)) == length


class TestHead:
    """What is before the body."""

    def test_line_breaks(self) -> None:
        """What a lax server lets through in a header, the target or the method makes no line of its own."""
        headers = (("x-a\r\nx-b", "1\r\nx-c: 2\n\nbody"), ("x-d", "nul\0"))
        assert verbatim("POST\n", "/\r\nx: y", headers, b"") == (
            b"POST  /  x: y HTTP/1.1\r\nx-a  x-b: 1  x-c: 2  body\r\nx-d: nul \r\n\r\n"
        )

    def test_beyond_latin_1(self) -> None:
        """What is no byte, as no server makes it, raises nothing."""
        assert verbatim("POST", "/", [("x-a", "\u20ac")], b"") == b"POST / HTTP/1.1\r\nx-a: ?\r\n\r\n"

    @given(
        method=st.text(),
        target=st.text(),
        headers=st.lists(st.tuples(st.text(), st.text()), max_size=5),
        framing=st.lists(st.tuples(st.sampled_from([CHUNKED[0], LENGTH[0], "Content-Length"]), st.text()), max_size=3),
        body=st.binary(),
        is_whole=st.booleans(),
    )
    def test_any(
        self, method: str, target: str, headers: list[Pair], framing: list[Pair], body: bytes, *, is_whole: bool
    ) -> None:
        """Whatever is in it, it has one line for each header, at most one more, and then the body."""
        written = to_http(method, target, (*headers, *framing), body, is_whole=is_whole)
        head, _, rest = written.partition(b"\r\n\r\n")
        assert head.count(b"\n") == head.count(b"\r\n") <= len(headers) + len(framing) + 1
        assert b"\0" not in head
        assert rest.endswith(body)


class TestTarget:
    """The target, where servers do not tell it."""

    @pytest.mark.parametrize(
        ("path", "wire"),
        [
            (b"", "/"),
            (b"/a-b_c.~d/e:f@g!$&'()*+,;=", "/a-b_c.~d/e:f@g!$&'()*+,;="),
            (b"/ ?#%\r\n\xff", "/%20%3F%23%25%0D%0A%FF"),
        ],
    )
    def test_quoted(self, path: bytes, wire: str) -> None:
        """What can't stand in a path is percent-encoded, and nothing else."""
        assert quoted(path) == wire

    @pytest.mark.parametrize(("query", "wire"), [("", "/"), ("a=%20?", "/?a=%20?")])
    def test_query(self, query: str, wire: str) -> None:
        """A query stands behind a question mark, as it is."""
        assert target("/", query) == wire
