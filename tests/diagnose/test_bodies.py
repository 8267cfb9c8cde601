"""Each change that a body suffers on its way can be undone, and what is tried for that is little.

The encodings are tested one by one in `test_encodings.py`.
"""

import base64
import gzip
import html
import json
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.bodies import undone
from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.encodings import LARGEST

from support import VECTOR_BODY

brotli: Any = import_module("brotli")  # which has no types
Damage: TypeAlias = Callable[[bytes], bytes]

BOM = b"\xef\xbb\xbf"
#: What puts something at the ends of a body, by what it is undone as.
PUT: dict[Cause, list[Damage]] = {
    Cause.NEWLINE: [
        lambda body: body + b"\n",
        lambda body: body + b"\r\n",
        lambda body: body + b"\r",
        lambda body: body + b"\n\r\n\n",
    ],
    Cause.WHITESPACE: [
        lambda body: body + b" ",
        lambda body: body + b"\t  ",
        lambda body: b"\r\n\t " + body,
        lambda body: b"\n" + body + b" ",
    ],
    Cause.BOM: [lambda body: BOM + body],
    Cause.NUL_PADDING: [lambda body: body + b"\0", lambda body: body.ljust(len(body) + 512, b"\0")],
}
#: What encodes a body, in the same way.
ENCODED: dict[Cause, list[Damage]] = {
    Cause.COMPRESSED: [gzip.compress, zlib.compress, brotli.compress],
    Cause.BASE64_BODY: [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes],
    Cause.HTML_ESCAPED: [lambda body: html.escape(body.decode()).encode()],
    Cause.FORM_ENCODED: [
        lambda body: quote(body).encode(),
        lambda body: quote_plus(body).encode(),
        lambda body: urlencode({"a": 1, "payload": body}).encode(),
        lambda body: urlencode({body: ""}).encode(),
    ],
    Cause.QUOTED_BODY: [lambda body: json.dumps(body.decode()).encode()],
    Cause.CHARSET: [lambda body: body.decode("latin-1").encode(), lambda body: body.decode().encode("utf-16")],
}
DAMAGES = [(cause, damage) for cause, damages in (PUT | ENCODED).items() for damage in damages]

#: What is lost before and after a body.
LOST = [
    (Cause.NEWLINE, b"", b"\n"),
    (Cause.NEWLINE, b"", b"\r\n"),
    (Cause.WHITESPACE, b"", b" "),
    (Cause.WHITESPACE, b"", b"  "),
    (Cause.WHITESPACE, b"", b"    "),
    (Cause.WHITESPACE, b" ", b""),
    (Cause.WHITESPACE, b" ", b" "),
    (Cause.BOM, BOM, b""),
]

#: JSON as it is sent: without blanks or line breaks at its ends, with a letter beyond ASCII.
texts = st.text().map(lambda text: json.dumps({"größer": text}, ensure_ascii=False).encode("utf-8", "replace"))


def found(body: bytes, was: bytes) -> list[Cause]:
    """Return the causes of the steps that give `was`."""
    return [back.step.cause for back in undone(body) if back.body == was]


def hows(cause: Cause, body: bytes) -> dict[str, bytes]:
    """Return the steps that undo a cause: what to do, and what it gives."""
    return {back.step.how: back.body for back in undone(body) if back.step.cause == cause}


@given(texts)
@pytest.mark.parametrize(("cause", "damage"), DAMAGES)
def test_damage(cause: Cause, damage: Damage, body: bytes) -> None:
    """What was done to a text is undone, and under its name."""
    assert cause in found(damage(body), body)


@given(texts)
@pytest.mark.parametrize(("cause", "before", "after"), LOST)
def test_lost(cause: Cause, before: bytes, after: bytes, body: bytes) -> None:
    """What a text had at its ends, and lost, comes back."""
    assert cause in found(body, before + body + after)


@given(texts)
@pytest.mark.parametrize(("sent", "received"), [(b"\r\n", b"\n"), (b"\n", b"\r\n")])
def test_other_line_breaks(sent: bytes, received: bytes, body: bytes) -> None:
    """Line breaks that were written in the other way are written as they were."""
    lines = [b"[", body + b",", body, b"]"]

    assert found(received.join(lines), sent.join(lines)) == [Cause.NEWLINE]


def test_transcoded() -> None:
    """UTF-8 that was written in another charset is written in UTF-8 again."""
    assert found('{"name":"Zoë"}'.encode("latin-1"), '{"name":"Zoë"}'.encode()) == [Cause.CHARSET]


def test_newline() -> None:
    """Of line breaks at the end, one is taken away or all; of those within, all are written in the other way."""
    expected = {
        "take the final CR LF away (2 bytes)": b"{\n}\r",
        "take the final line feed away (1 byte)": b"{\n}\r\r",
        "write the final CR LF as a line feed": b"{\n}\r\n",
        "take all line breaks at the end away (3 bytes)": b"{\n}",
        "put a line feed at the end (1 byte)": b"{\n}\r\r\n\n",
        "put a CR LF at the end (2 bytes)": b"{\n}\r\r\n\r\n",
        "put two line feeds at the end (2 bytes)": b"{\n}\r\r\n\n\n",
        "write each CR LF as a line feed (1 of them)": b"{\n}\r\n",
        "write each line feed as CR LF (1 of them)": b"{\r\n}\r\r\n",
    }

    assert hows(Cause.NEWLINE, b"{\n}\r\r\n") == expected


@pytest.mark.parametrize(
    ("line_break", "how"),
    [
        (b"\n", "take the final line feed away (1 byte)"),
        (b"\r", "take the final carriage return away (1 byte)"),
        (b"\r\n", "take the final CR LF away (2 bytes)"),
    ],
)
def test_final_line_break(line_break: bytes, how: str) -> None:
    """The final line break is called by its name, and CR LF is one."""
    assert [taken for taken, body in hows(Cause.NEWLINE, b"{}" + line_break).items() if body == b"{}"] == [how]


def test_whitespace() -> None:
    """Blanks are taken away at either end, or at both, and spaces are put there."""
    expected = {
        "take the blanks at the start away (3 bytes)": b"{}\t",
        "take the blanks at the end away (1 byte)": b"\r\n {}",
        "take the blanks at both ends away (4 bytes)": b"{}",
        "put 1 space at the end": b"\r\n {}\t ",
        "put 2 spaces at the end": b"\r\n {}\t  ",
        "put 4 spaces at the end": b"\r\n {}\t    ",
        "put 1 space at the start": b" \r\n {}\t",
        "put 1 space at both ends": b" \r\n {}\t ",
    }

    assert hows(Cause.WHITESPACE, b"\r\n {}\t") == expected


def test_blanks_before_line_break() -> None:
    """A line break after blanks is not a blank: two changes are undone in their order."""
    assert found(b"{} \n", b"{}") == []


def test_byte_order_mark() -> None:
    """A byte-order mark is taken away where there is one, and put where there is none."""
    assert (hows(Cause.BOM, BOM + b"{}"), hows(Cause.BOM, b"{}")) == (
        {"take the byte-order mark away (3 bytes)": b"{}"},
        {"put a UTF-8 byte-order mark at the start (3 bytes)": BOM + b"{}"},
    )


def test_nul_padding() -> None:
    """All NULs at the end are taken away, and no others."""
    assert hows(Cause.NUL_PADDING, b"{\0}\0\0") == {"take the NULs at the end away (2 bytes)": b"{\0}"}


def test_nul_padding_of_what_ends_in_nuls() -> None:
    """Up to three NULs at the end may belong to what is compressed."""
    ways = hows(Cause.NUL_PADDING, b"\x1f\x8b" + bytes(4))
    assert [*ways.values()] == [b"\x1f\x8b" + bytes(own) for own in range(4)]


def test_order() -> None:
    """What is too much is taken away first, then encodings are undone, and last is put what may be missing."""
    body = BOM + b"\r\n%7B%22&quot;" + "Ã©".encode() + b"\0"
    steps = [back.step for back in undone(body)]
    first_put = next(index for index, step in enumerate(steps) if step.how.startswith("put "))
    taken = [step.cause for step in steps[:first_put]]

    assert taken == sorted(taken, key=list(Cause).index)
    assert {step.how.split()[0] for step in steps[first_put:]} == {"put"}


def test_few() -> None:
    """Of JSON as it is sent, only what was at the ends may be missing."""
    causes = [Cause.NEWLINE] * 3 + [Cause.WHITESPACE] * 5 + [Cause.BOM]

    assert [back.step.cause for back in undone(VECTOR_BODY)] == causes


def test_one_at_a_time() -> None:
    """Nothing is unpacked before it is asked for."""
    steps = undone(gzip.compress(bytes(LARGEST)) + b"\n")

    assert next(steps).step.cause == Cause.NEWLINE


@pytest.mark.parametrize("piece", [b"\n", b"%22", b"&lt;", b" ", b"\0", b"\x80"], ids=repr)
def test_over_largest(piece: bytes) -> None:
    """Of a body over the largest, nothing is changed but line breaks and the ends."""
    body = piece * (LARGEST // len(piece) + 1)

    assert {back.step.cause for back in undone(body)} <= {*PUT}


@pytest.mark.parametrize("body", [b"\n" * LARGEST, b"{}" + b"\x80" * (LARGEST - 2)], ids=["line feeds", "bytes"])
def test_no_larger(body: bytes) -> None:
    """A body does not become larger than the largest, but for what is put at its ends."""
    assert max(len(back.body) for back in undone(body)) == LARGEST + 4


@given(st.one_of(st.binary(), st.text(' \t\r\n\0%=&;"\\{}+a2', max_size=20).map(str.encode)))
def test_any_bytes(body: bytes) -> None:
    """No body makes it raise, is a result itself, or gives one that is too large."""
    assert all(back.body != body and len(back.body) <= LARGEST for back in undone(body))
