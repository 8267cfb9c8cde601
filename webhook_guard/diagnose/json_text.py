r"""The text of JSON, read as characters and never as values: in small windows, so that it costs time but no memory.

It never raises and never backtracks, whatever the text is: what is no JSON comes out as some other text.
"""

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TypeAlias

#: What is done to a part of the text: outside of strings, a quotation mark stands for each string.
Change: TypeAlias = Callable[[bytes], bytes]

#: Bytes. The text is changed in windows of about this size; more would cost memory, less would cost time.
_WINDOW = 4_096
#: Integers up to here are the same number when they were a float in between (RFC 8259 section 6).
_EXACT = 2**53

_BLANKS = b" \t\r\n"
_SPLIT_TOKEN = re.compile(rb"[\w.+-][ \t\r\n]++[\w.+-]")
_STRING = re.compile(rb'(?s)("(?:[^"\\]++|\\.?+)*+"?+)')
_WHOLE_TOKENS = re.compile(rb'(?s)(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+')
# What a window would cut: a number, and a bracket from the other one of its pair.
_REST_OF_TOKEN = re.compile(rb'[^",:\[\]{}]{0,64}+[\]}]?+')
_PIECE_OF_STRING = re.compile(
    rb"(?s)(?:[^\"\\]{1,256}+[\x80-\xbf]*+"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.?+){1,64}+"
)
_ESCAPES = re.compile(rb"(?:\\u[0-9a-fA-F]{4})++")
_TO_BE_ESCAPED = re.compile('[\\x00-\\x1f"\\\\\ud800-\udfff]')
_SHORT_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_NUMBER = re.compile(
    rb"(?<![\w.+-])(-?[0-9]{1,17}+)(?=[.eE])(?:\.([0-9]{1,17}+))?+(?:[eE]\+?+([0-9]{1,2}+))?+(?![\w.+-])",
)


def windows(text: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the text in pieces, each with whether it is made of whole tokens; else it is a part of one long string.

    No escape, character, number of a usual size or empty pair of brackets is cut.

    Args:
        text: UTF-8 with brackets around it.

    >>> list(windows(b'{"a":1}'))
    [(b'{"a":1}', True)]
    """
    at = 0
    while at < len(text):
        end = _end_of_tokens(text, at)
        if end > at:
            yield text[at:end], True
            at = end
        else:
            for end in _ends_of_pieces(text, at):
                yield text[at:end], False
                at = end


def changed_outside(window: bytes, change: Change) -> bytes:
    r"""Return a window of whole tokens after a change that leaves its strings alone.

    >>> changed_outside(b'{"a,b":1,"c":2}', lambda outside: outside.replace(b",", b", "))
    b'{"a,b":1, "c":2}'
    """
    parts = _STRING.split(window)
    parts[::2] = change(b'"'.join(parts[::2])).split(b'"')
    return b"".join(parts)


def changed_escapes(window: bytes, change: Change) -> bytes:
    r"""Return a window after a change of its escapes, made part by part between escaped backslashes.

    So in each part every backslash begins an escape, and plain replacing will do.

    >>> changed_escapes(rb'["\\n\n"]', lambda part: part.replace(rb"\n", rb"\u000a"))
    b'["\\\\n\\u000a"]'
    """
    return b"\\\\".join(map(change, window.split(b"\\\\"))) if b"\\" in window else window


def compacted(body: bytes) -> bytes:
    r"""Return JSON without blanks between its tokens, and without escapes in strings but for what needs them.

    Numbers, the order of members and duplicates stay as they are.

    >>> compacted(b'{ "a" : "\\u00e9\\/\\u0022" }').decode()
    '{"a":"é/\\""}'
    """
    text = BytesIO()
    for window, is_whole in windows(body):
        piece = changed_outside(window, _without_blanks) if is_whole else window
        text.write(changed_escapes(piece, _without_needless_escapes))
    found = text.getvalue()
    return body if found == body else found  # both would take memory


def with_integers(text: bytes) -> bytes:
    """Return JSON with the numbers that are whole written as such, which some parsers make floats of.

    >>> with_integers(b'{"a":1.75086121E9,"b":2.0,"c":2.5,"d":"2.0"}')
    b'{"a":1750861210,"b":2,"c":2.5,"d":"2.0"}'
    """
    written = BytesIO()
    for window, is_whole in windows(text):
        written.write(changed_outside(window, _integers_in) if is_whole else window)
    return written.getvalue()


def _end_of_tokens(text: bytes, at: int) -> int:
    """Return where the last token ends that ends in a window; `at` itself if a longer string begins there."""
    match = _WHOLE_TOKENS.match(text, at, at + _WINDOW)
    end = match.end() if match else at
    if end < at + _WINDOW:
        return end
    rest = _REST_OF_TOKEN.match(text, end)
    # A string ends where the next token begins, but a number may go on.
    return rest.end() if rest else end


def _ends_of_pieces(text: bytes, at: int) -> Iterator[int]:
    """Yield where the pieces of the string end that begins at `at`, the quotation mark at its end being the last."""
    yield (end := at + 1)
    while piece := _PIECE_OF_STRING.match(text, end):
        yield (end := piece.end())
    if end < len(text):
        yield end + 1


def _without_blanks(outside: bytes) -> bytes:
    if _SPLIT_TOKEN.search(outside):  # no JSON: joined, it would be another text
        return outside
    return outside.translate(None, _BLANKS)


def _without_needless_escapes(part: bytes) -> bytes:
    return _ESCAPES.sub(_unescaped, part.replace(b"\\/", b"/"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(match[0].replace(b"\\u", b"").decode("ascii"))
    return _TO_BE_ESCAPED.sub(_escaped, units.decode("utf-16-be", "surrogatepass")).encode()


def _escaped(match: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _integers_in(outside: bytes) -> bytes:
    return _NUMBER.sub(_integer, outside)


def _integer(match: re.Match[bytes]) -> bytes:
    whole, fraction, exponent = match.groups(b"")
    scale = int(exponent or b"0") - len(fraction.rstrip(b"0"))
    number = int(whole + fraction.rstrip(b"0")) * 10 ** max(scale, 0)
    return b"%d" % number if scale >= 0 and abs(number) < _EXACT else match[0]
