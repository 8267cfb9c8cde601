r"""The styles of JSON: each layout, each way to write strings, and what is not written at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.json_styles import DEEPEST, LAYOUTS, said, strings_of, written

#: What the styles differ in.
SPECIAL = "\u00e9\U0001f600/<>&'=+`\u2028\u2029\x7f\\b\\\"\\u001f\\\\"
TEXT = f'["{SPECIAL}"]'.encode()
COMPACT, JACKSON = LAYOUTS[0], LAYOUTS[5]


def in_layout(text: bytes, index: int) -> bytes | None:
    """Return a text in a layout, its strings as they are."""
    return written(text, LAYOUTS[index], next(strings_of(text)))


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (0, b'{"a:,":[1,{"b":[]}],"c":{},"d":[[]]}'),
        (1, b'{"a:,": [1, {"b": []}], "c": {}, "d": [[]]}'),
        (2, b'{\n  "a:,": [\n    1,\n    {\n      "b": []\n    }\n  ],\n  "c": {},\n  "d": [\n    []\n  ]\n}'),
        (4, b'{\n\t"a:,": [\n\t\t1,\n\t\t{\n\t\t\t"b": []\n\t\t}\n\t],\n\t"c": {},\n\t"d": [\n\t\t[]\n\t]\n}'),
        (5, b'{\n  "a:," : [ 1, {\n    "b" : [ ]\n  } ],\n  "c" : { },\n  "d" : [ [ ] ]\n}'),
        (6, b'{"a:,": [1,{"b": []}],"c": {},"d": [[]]}'),
        (7, b'{"a:,":[1, {"b":[]}], "c":{}, "d":[[]]}'),
    ],
)
def test_layouts(index: int, text: bytes) -> None:
    """Each layout is its writer's, and strings are not touched."""
    assert text == in_layout(b'{"a:,":[1,{"b":[]}],"c":{},"d":[[]]}', index)


def test_long_texts() -> None:
    """The indentation goes on from window to window."""
    empty: dict[str, int] = {}
    value: dict[str, Any] = {"a": [{"b": [1, [], empty, "x,:" * 2_000]}] * 50}
    text = json.dumps(value, separators=(",", ":")).encode()
    assert json.dumps(value, indent=4).encode() == in_layout(text, 3)


STRINGS = [
    ("JavaScript's JSON.stringify", SPECIAL),
    ("Python's json.dumps", "\\u00e9\\ud83d\\ude00/<>&'=+`\\u2028\\u2029\\u007f\\b\\\"\\u001f\\\\"),
    ("PHP's json_encode", "\\u00e9\\ud83d\\ude00\\/<>&'=+`\\u2028\\u2029\x7f\\b\\\"\\u001f\\\\"),
    ("PHP's json_encode", "\\u00e9\\ud83d\\ude00/<>&'=+`\\u2028\\u2029\x7f\\b\\\"\\u001f\\\\"),
    ("PHP's json_encode", "\u00e9\U0001f600\\/<>&'=+`\\u2028\\u2029\x7f\\b\\\"\\u001f\\\\"),
    ("PHP's json_encode", "\u00e9\U0001f600\\/<>&'=+`\u2028\u2029\x7f\\b\\\"\\u001f\\\\"),
    (
        "Go's encoding/json or Rails' to_json",
        "\u00e9\U0001f600/\\u003c\\u003e\\u0026'=+`\\u2028\\u2029\x7f\\b\\\"\\u001f\\\\",
    ),
    ("Go's encoding/json", "\u00e9\U0001f600/\\u003c\\u003e\\u0026'=+`\\u2028\\u2029\x7f\\u0008\\\"\\u001f\\\\"),
    ("Go's encoding/json", "\u00e9\U0001f600/<>&'=+`\\u2028\\u2029\x7f\\b\\\"\\u001f\\\\"),
    ("Go's encoding/json", "\u00e9\U0001f600/<>&'=+`\\u2028\\u2029\x7f\\u0008\\\"\\u001f\\\\"),
    (
        "Java's Gson",
        '\u00e9\U0001f600/\\u003c\\u003e\\u0026\\u0027\\u003d+`\\u2028\\u2029\x7f\\b\\"\\u001f\\\\',
    ),
    ("Java's Jackson", "\\u00E9\\uD83D\\uDE00/<>&'=+`\\u2028\\u2029\x7f\\b\\\"\\u001F\\\\"),
    ("Java's Jackson", "\u00e9\U0001f600/<>&'=+`\u2028\u2029\x7f\\b\\\"\\u001F\\\\"),
    (
        ".NET's System.Text.Json",
        "\\u00E9\\uD83D\\uDE00/\\u003C\\u003E\\u0026\\u0027=\\u002B\\u0060\\u2028\\u2029\\u007F\\b\\u0022\\u001F\\\\",
    ),
]


def test_strings() -> None:
    """Each style escapes what its writer does."""
    styles = list(strings_of(TEXT))
    writers = [said(COMPACT, style).rpartition(", as ")[2].removesuffix(" does") for style in styles]
    texts = [(written(TEXT, COMPACT, style) or b"").decode()[2:-2] for style in styles]
    assert list(zip(writers, texts, strict=True)) == STRINGS


def test_long_strings() -> None:
    """A string is written the same in pieces."""
    (_, *others) = strings_of(TEXT)
    for style, (_, text) in zip(others, STRINGS[1:], strict=True):
        assert f'["{text * 500}"]'.encode() == written(TEXT[:2] + SPECIAL.encode() * 500 + TEXT[-2:], COMPACT, style)


@pytest.mark.parametrize(
    ("text", "hows"),
    [
        (b"[1]", [""]),
        (b'["/"]', ["", "with slashes escaped"]),
        (b'["\\b"]', ["", "with backspaces as \\u escapes"]),
        (
            b'["\x7f"]',
            ["", "with delete as \\u escapes", "with delete as \\u escapes and digits of escapes in capitals"],
        ),
        (b'["\\ud800"]', ["", "with digits of escapes in capitals"]),
        (
            '["\u00e9"]'.encode(),
            [
                "with raw non-ASCII",
                "with non-ASCII as \\u escapes",
                "with non-ASCII as \\u escapes and digits of escapes in capitals",
            ],
        ),
    ],
)
def test_only_what_differs(text: bytes, hows: list[str]) -> None:
    """A style that makes no difference is left out, and what it looks like is told where it makes one."""
    assert hows == [strings.how for strings in strings_of(text)]


def test_said() -> None:
    """A style is called by its layout, its strings, and who writes so."""
    (raw, *_, slashes) = strings_of(b'["/"]')
    assert (
        said(LAYOUTS[1], raw) == "write the JSON with a blank after each comma and colon, as Python's json.dumps does"
    )
    assert said(LAYOUTS[3], slashes) == (
        "write the JSON indented by 4, with slashes escaped, as PHP's json_encode does"
    )
    assert said(JACKSON, slashes) == (
        "write the JSON indented by 2, with \" : \", with slashes escaped, as Java's Jackson's pretty printer does"
    )


def test_too_deep() -> None:
    """What is nested deeper than the bound is not indented, and what is less is."""
    for depth, is_written in ((DEEPEST, True), (DEEPEST + 1, False), (100_000, False)):
        text = b"[" * depth + b"1" + b"]" * depth
        assert is_written is (in_layout(text, 2) is not None)
        assert text == in_layout(text, 0)


def test_too_large() -> None:
    """A text that grows beyond the bound is given up."""
    text = b'["' + b"<" * 800_000 + b'"]'
    raw, *others = [written(text, COMPACT, style) for style in strings_of(text)]
    assert text == raw
    assert others == [None, None]


@given(st.text('\\"u0d8{}[],:/<\u00e9\u2028', max_size=60).map(str.encode))
def test_anything(text: bytes) -> None:
    """Nothing raises, whatever the text is."""
    for strings in strings_of(text):
        for layout in LAYOUTS:
            assert written(text, layout, strings) is not None
