r"""The styles that JSON is written in: which layout, and which characters of strings are written as escapes.

They are written from compact text, as `json_text.compacted` returns it. No style changes what a parser makes of it.
"""

import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import NamedTuple

from webhook_guard.diagnose.json_text import Change, changed_escapes, changed_outside, windows

#: Levels of nesting. What is deeper is not indented: the blanks would outgrow everything else.
DEEPEST = 64
#: Bytes. A text that would grow beyond it is given up. OpenAI's events have some hundred bytes.
LARGEST = 2_621_440

_SEPARATORS = "\u2028\u2029"
_HTML = "<>&" + _SEPARATORS
_DELETE = "\x7f"

_DIGITS = re.compile(rb"\\u[0-9a-f]{4}")
_NEW_ESCAPES = re.compile(r"(?:\\u[0-9a-f]{4})++")
_BRACKETS = re.compile(rb"(\{\}|\[\]|[\[\]{}])")


class Layout(NamedTuple):
    """What is written between tokens.

    Attributes:
        how: What it looks like.
        writer: Who writes so, if the strings do not say it; with `always`, whatever they say.
        pen: Returns the change that lays a compact text out, window after window; None if it is to stay compact.
    """

    how: str
    writer: str
    pen: Callable[[], Change] | None
    always: bool = False


class Strings(NamedTuple):
    """What is written as an escape in strings.

    Attributes:
        how: What it looks like; empty if there is nothing to tell for a text.
        writer: Who writes so; empty if that depends on the layout.
        rewrite: Changes a window of a compact text, or a part of a long string.
        is_likely: Whether many write so.
    """

    how: str
    writer: str
    rewrite: Change
    is_likely: bool


class _Style(NamedTuple):
    """How a serializer writes strings.

    Attributes:
        writer: The serializer; empty if many write so.
        escaped: The characters that are escaped beyond those that must be.
        is_ascii: Whether all that is not ASCII is escaped.
        capitals: Whether the digits of escapes are capitals.
        spelled: Escapes that are short elsewhere, and have digits here.
    """

    writer: str
    escaped: str = ""
    is_ascii: bool = False
    capitals: bool = False
    spelled: str = ""


_PYTHON = "Python's json.dumps"
_JAVASCRIPT = "JavaScript's JSON.stringify"
_JACKSON = "Java's Jackson"
_PHP = "PHP's json_encode"
_GO = "Go's encoding/json"
_LIKELY_STYLES = (
    _Style(""),
    _Style(_PYTHON, _DELETE, is_ascii=True),
    _Style(_PHP, "/", is_ascii=True),
)
_STYLES = (
    *_LIKELY_STYLES,
    _Style(_PHP, is_ascii=True),
    _Style(_PHP, "/" + _SEPARATORS),
    _Style(_PHP, "/"),
    _Style("Go's encoding/json or Rails' to_json", _HTML),
    _Style(_GO, _HTML, spelled="bf"),
    _Style(_GO, _SEPARATORS),
    _Style(_GO, _SEPARATORS, spelled="bf"),
    _Style("Java's Gson", _HTML + "='"),
    _Style(_JACKSON, is_ascii=True, capitals=True),
    _Style(_JACKSON, capitals=True),
    _Style(".NET's System.Text.Json", "<>&'+`" + _DELETE, is_ascii=True, capitals=True, spelled='"'),
)
#: How characters are called that are written as escapes, where they are not called by themselves.
_NAMES = {
    "'": "apostrophes",
    _DELETE: "delete",
    "\u2028": "line separators",
    "\u2029": "line separators",
    "b": "backspaces",
    "f": "form feeds",
    '"': "quotation marks",
}


def strings_of(text: bytes) -> Iterator[Strings]:
    """Yield the styles of strings that make a difference for a compact text, the likelier first.

    >>> [strings.how for strings in strings_of(b'["a/b"]')]
    ['', 'with slashes escaped']
    """
    seen: set[_Style] = set()
    for style in _STYLES:
        effective = _effective(style, text)._replace(writer="")
        if effective not in seen:
            seen.add(effective)
            how = _described(effective, text)
            yield Strings(how, style.writer, _rewriter(effective), style in _LIKELY_STYLES)


def written(text: bytes, layout: Layout, strings: Strings) -> bytes | None:
    """Return a compact text in a style, or None if it is nested too deeply for the layout, or would be too large."""
    result = BytesIO()
    pen = layout.pen and layout.pen()
    try:
        for window, is_whole in windows(text):
            piece = strings.rewrite(window)
            result.write(changed_outside(piece, pen) if pen and is_whole else piece)
            if result.tell() > LARGEST:
                return None
    except _TooDeepError:
        return None
    return result.getvalue()


def said(layout: Layout, strings: Strings) -> str:
    """Return what to do to write a style, and who writes so.

    >>> said(LAYOUTS[0], next(strings_of(b"[1]")))
    "write the JSON compact, as JavaScript's JSON.stringify does"
    """
    how = f"{layout.how}, {strings.how}" if strings.how else layout.how
    return f"write the JSON {how}, as {(not layout.always and strings.writer) or layout.writer} does"


class _TooDeepError(Exception):
    """A text is nested too deeply to be indented."""


class _Indented:
    """Puts members on lines of their own: a change that knows how deep it is."""

    def __init__(self, unit: bytes, *, as_jackson: bool) -> None:
        self._unit = unit
        self._as_jackson = as_jackson
        self._colon = b" : " if as_jackson else b": "
        self._opened = [(b"", b"", 0)]  # per container: behind its commas, before its end, lines' indentation

    def __call__(self, outside: bytes) -> bytes:
        parts = _BRACKETS.split(outside.replace(b":", self._colon))
        for index, part in enumerate(parts):
            if index % 2:
                parts[index] = self._bracket(part)
            elif part:
                parts[index] = part.replace(b",", b"," + self._opened[-1][0])
        return b"".join(parts)

    def _bracket(self, bracket: bytes) -> bytes:
        if len(bracket) == 2:  # noqa: PLR2004  a pair with nothing in it
            return b" ".join((bracket[:1], bracket[1:])) if self._as_jackson else bracket
        if bracket in b"[{":
            self._open(bracket)
            return bracket + self._opened[-1][0]
        _, end, _ = self._opened.pop() if len(self._opened) > 1 else self._opened[0]
        return end + bracket

    def _open(self, bracket: bytes) -> None:
        if len(self._opened) > DEEPEST:
            raise _TooDeepError
        depth = self._opened[-1][2]
        if self._as_jackson and bracket == b"[":
            self._opened.append((b" ", b" ", depth))
        else:
            self._opened.append((b"\n" + self._unit * (depth + 1), b"\n" + self._unit * depth, depth + 1))


def _separated(comma: bytes, colon: bytes) -> Callable[[], Change]:
    return lambda: lambda outside: outside.replace(b",", comma).replace(b":", colon)


def _indented(unit: bytes, *, as_jackson: bool = False) -> Callable[[], Change]:
    return lambda: _Indented(unit, as_jackson=as_jackson)


#: The likelier first.
LAYOUTS = (
    Layout("compact", _JAVASCRIPT, None),
    Layout("with a blank after each comma and colon", _PYTHON, _separated(b", ", b": ")),
    Layout("indented by 2", _JAVASCRIPT, _indented(b"  ")),
    Layout("indented by 4", _JAVASCRIPT, _indented(b"    ")),
    Layout("indented by a tab", _JAVASCRIPT, _indented(b"\t")),
    Layout(
        'indented by 2, with " : "', "Java's Jackson's pretty printer", _indented(b"  ", as_jackson=True), always=True
    ),
    Layout("with a blank after each colon", _PYTHON, _separated(b",", b": ")),
    Layout("with a blank after each comma", _PYTHON, _separated(b", ", b":")),
)


def _effective(style: _Style, text: bytes) -> _Style:
    """Return what of a style makes a difference for a text."""
    is_ascii = style.is_ascii and not text.isascii()
    escaped = "".join(char for char in style.escaped if char.encode() in text and (char.isascii() or not is_ascii))
    spelled = "".join(char for char in style.spelled if b"\\" + char.encode() in text)
    has_digits = is_ascii or bool(escaped.strip("/")) or bool(spelled) or b"\\u" in text
    return _Style(style.writer, escaped, is_ascii, style.capitals and has_digits, spelled)


def _described(style: _Style, text: bytes) -> str:
    """Return what a style looks like, without what it shares with all others."""
    names = [_NAMES.get(char, char) for char in [*style.escaped, *style.spelled] if char != "/"]
    names += ["non-ASCII"] if style.is_ascii else []
    features = ["slashes escaped"] if "/" in style.escaped else []
    features += [f"{', '.join(dict.fromkeys(names))} as \\u escapes"] if names else []
    features += [] if text.isascii() or style.is_ascii else ["raw non-ASCII"]
    features += ["digits of escapes in capitals"] if style.capitals else []
    return f"with {' and '.join(features)}" if features else ""


def _rewriter(style: _Style) -> Change:
    """Return what writes the strings of a compact text in a style."""
    replaced = [(char.encode(), _as_escape(char, capitals=style.capitals)) for char in style.escaped]
    escapes = {b"\\" + char.encode(): _as_escape(_SPELLED[char], capitals=style.capitals) for char in style.spelled}

    def escape(part: bytes) -> bytes:
        for short, digits in escapes.items():
            part = part.replace(short, digits)
        return _DIGITS.sub(_in_capitals, part) if style.capitals else part

    def rewrite(window: bytes) -> bytes:
        if escapes or style.capitals:
            window = changed_escapes(window, escape)
        for char, written_so in replaced:
            window = window.replace(char, written_so)
        if style.is_ascii:
            window = _in_ascii(window, capitals=style.capitals)
        return window

    return rewrite


_SPELLED = {"b": "\b", "f": "\f", '"': '"'}


def _as_escape(char: str, *, capitals: bool) -> bytes:
    if char == "/":
        return b"\\/"
    return f"\\u{ord(char):04X}".encode() if capitals else f"\\u{ord(char):04x}".encode()


def _in_capitals(match: re.Match[bytes]) -> bytes:
    return b"\\u" + match[0][2:].upper()


def _in_ascii(window: bytes, *, capitals: bool) -> bytes:
    """Return a window with escapes for what is not ASCII: `json.dumps` makes them, and others, which are undone."""
    text = window.decode(errors="replace")  # an escape before it may have taken a byte
    escaped = json.dumps(text)[1:-1].replace("\\\\", "\0").replace("\\u007f", "\x7f")
    if capitals:
        escaped = _NEW_ESCAPES.sub(_in_capital_digits, escaped)
    return escaped.replace('\\"', '"').replace("\0", "\\").encode()


def _in_capital_digits(match: re.Match[str]) -> str:
    return match[0].upper().replace("U", "u")
