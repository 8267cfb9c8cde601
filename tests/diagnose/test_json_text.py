r"""The text of JSON: what is dropped, what is unescaped, what stays, and that nothing is cut where it must not be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.json_text import changed_outside, compacted, windows, with_integers

#: One that is no string, and one that is: each is longer than a window, and so is what is in it.
LONG = [
    pytest.param(b"[" + b"10," * 5_000 + b"10]", id="tokens"),
    pytest.param(b'["' + b"x" * 10_000 + b'"]', id="a string"),
    pytest.param(b'["' + "\u00e9\U0001f600".encode() * 3_000 + b'"]', id="a string beyond ASCII"),
    pytest.param(b'["' + b"\\ud83d\\ude00\\n" * 3_000 + b'",1]', id="a string of escapes"),
    pytest.param(b"[" + b"{}," * 5_000 + b"{}]", id="pairs of brackets"),
]
HOSTILE = [
    pytest.param(body, id=id_)
    for id_, body in {
        "nesting": b"[" * 200_000 + b"]",
        "an unterminated string": b'["' + b"x" * 200_000 + b"]",
        "escaped quotation marks": b'["' + b'\\"' * 100_000 + b"]",
        "escapes outside of strings": b"[" + b'\\"' * 100_001 + b"]",
        "half escapes": b'["' + b"\\u" * 100_000 + b'"]',
        "an escape of half a character": b'["' + b"\\\xc3\xa9" * 100_000 + b'"]',
        "a backslash at the end": b'["\\',
        "a number": b"[" + b"1" * 200_000 + b".0]",
        "exponents": b"[1e99,1e999999999,1e,1.e1,-1.0e+2.0]",
        "NULs": b"[" + b"\0" * 10_000 + b"]",
    }.items()
]


@pytest.mark.parametrize("text", [*LONG, *HOSTILE])
def test_windows(text: bytes) -> None:
    """The windows are the whole text, and each is small, but for what can't be cut."""
    pieces = [piece for piece, _ in windows(text)]
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) < 20_000


@pytest.mark.parametrize("text", LONG)
def test_whole(text: bytes) -> None:
    """No window cuts a number, a pair, a character or an escape."""
    for piece, is_whole in windows(text):
        piece.decode()
        if is_whole:
            assert not piece.startswith((b"0", b"}"))
        else:
            assert piece.startswith((b'"', b"x", b"\xc3", b"\xf0", b"\\ud83d", b"\\n"))


def test_outside() -> None:
    """What is done outside of strings does not touch strings, with whatever is in them."""
    text = rb'{"a,\",b":[1,"\\"],"":"c,"}'
    assert changed_outside(text, lambda outside: outside.replace(b",", b" ")) == rb'{"a,\",b":[1 "\\"] "":"c,"}'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param('{ "a b" :\t[ 1 ,\r\n2 ] }', '{"a b":[1,2]}', id="blanks"),
        pytest.param(r'["\u00e9\ud83d\uDE00\u2028"]', '["\u00e9\U0001f600\u2028"]', id="beyond ASCII"),
        pytest.param(r'["\/\u002f\u003C"]', '["//<"]', id="needless escapes"),
        pytest.param(r'["\u0022\u005c\u000A\u0008"]', r'["\"\\\n\b"]', id="short escapes"),
        pytest.param(r'["\b\f\n\r\t\"\\"]', r'["\b\f\n\r\t\"\\"]', id="needed escapes"),
        pytest.param(r'["\u001F\uD800"]', r'["\u001f\ud800"]', id="digits in capitals"),
        pytest.param(r'["\\u00e9\\/"]', r'["\\u00e9\\/"]', id="escaped backslashes"),
        pytest.param("[1.50,1E5,-0]", "[1.50,1E5,-0]", id="numbers"),
        pytest.param('{"b":1,"a":2,"b":3}', '{"b":1,"a":2,"b":3}', id="members"),
        pytest.param(r'["\u"]', r'["\u"]', id="no escape"),
    ],
)
def test_compacted(body: str, text: str) -> None:
    """Blanks and needless escapes go, and all else stays."""
    assert text == compacted(body.encode()).decode()


@pytest.mark.parametrize("text", LONG[:3])
def test_compact(text: bytes) -> None:
    """What is compact is not copied."""
    assert compacted(text) is text


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@given(value=VALUES, is_ascii=st.booleans(), indent=st.sampled_from([None, 0, 3, "\t"]))
def test_one_form(value: Any, *, is_ascii: bool, indent: Any) -> None:
    """Whatever way Python writes a value, it is the same when compacted."""
    text = json.dumps([value], ensure_ascii=False, separators=(",", ":"))
    assert text.encode() == compacted(json.dumps([value], ensure_ascii=is_ascii, indent=indent).encode())


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        (b"[1750861210.0,1.75086121E9,1.75086121e+09,17508612.10e2]", b"[1750861210,1750861210,1750861210,1750861210]"),
        (b"[0.0,-2.0,2E0]", b"[0,-2,2]"),
        (b"[2.5,1E-3,1e99,9007199254740992.0]", b"[2.5,1E-3,1e99,9007199254740992.0]"),
        (b'["2.0",12]', b'["2.0",12]'),
        (b"[1.0.0,1.,1e,--1.0,0x1.0,12345678901234567890.0]", b"[1.0.0,1.,1e,--1.0,0x1.0,12345678901234567890.0]"),
    ],
)
def test_integers(text: bytes, restored: bytes) -> None:
    """Numbers are written as integers if they are, and no others are touched."""
    assert restored == with_integers(text)


def test_integers_in_long_texts() -> None:
    """Numbers are found wherever a window ends; long strings are left alone."""
    text = b"[" + b"10.0," * 5_000 + b'"' + b"1.0," * 2_000 + b'"]'
    assert text.replace(b"10.0", b"10") == with_integers(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile(text: bytes) -> None:
    """What is no JSON is some text, too; what is compact stays so."""
    compact = compacted(text)
    assert compact == compacted(compact)
    assert with_integers(compact)


@given(st.binary(max_size=60) | st.text('\\"u0d8{}[],:1.eE \u00e9', max_size=60).map(str.encode))
def test_anything(text: bytes) -> None:
    """Nothing raises."""
    assert len(compacted(text)) <= len(text)
    assert len(with_integers(text)) <= len(text)
