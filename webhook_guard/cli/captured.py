"""Captured requests, as `diagnose` reads them: raw HTTP, or JSON, also as proxies, logs and editors leave them.

Whatever still has its headers and a body is read, and what does not fit is said in a note. No error, note or repr shows
a header's value or a body.
"""

import binascii
import codecs
import re
import string
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import msgspec

from webhook_guard.sansio.signature import ID, SIGNATURE, TIMESTAMP

#: Bytes of a head, and of headers in JSON: the most that a server takes, as far as any is known to be set.
_LARGEST_HEAD = 1_048_576
#: Lines of a head, and headers in JSON, where a head may be larger; OpenAI's deliveries have about 20.
_MOST_IN_HEAD, _MOST_IN_JSON = 1_000, 10_000
#: What a line may begin with: one that goes on from the line before (RFC 9112 section 5.2), or that is indented.
_BLANKS = b" \t"
#: The empty line, which may be indented or marked as the head is.
_HEAD_END = re.compile(rb"\n[ \t]*(?:>[ \t]*)?\r?\n")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^`|~\w]+)[ \t]+\S+(?:[ \t]+HTTP/[\d.]+)?[ \t]*")
_NAME = re.compile(rb":?[!#$%&'*+\-.^`|~\w]+")
#: What a log has behind a request: its answer, the next one, or what else `curl -v` tells.
_NEXT = re.compile(rb"\s*(?:(?:[A-Z]+ \S+ )?HTTP/\d|[*<] |[{}] \[\d)")
#: Eight digits are gigabytes.
_CHUNK = re.compile(rb"(?:\r?\n)?([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LENGTH = re.compile(r"0*([0-9]+)")
#: Digits that are read of a Content-Length: more than any file has, and `int` refuses thousands.
_DIGITS = 20
#: A header as WSGI, CGI and PHP name it (RFC 3875 section 4.1.18).
_ENVIRON = re.compile(r"HTTP_[A-Z0-9_]+|CONTENT_(?:LENGTH|TYPE)")

_EXPECTED = (
    'give an HTTP request with its headers, an empty line and the body, or JSON such as {"headers": {...}, "body":'
    ' "..."}'
)
_NO_CHUNKS = "Transfer-Encoding says chunks, and no whole ones are here: all was taken for the body"
_CUT_CHUNKS = "Transfer-Encoding says chunks, and the last ones are missing: the body is cut off"
_INDENTED = "the headers' indentation was taken away, not the body's"
_BASE64 = "isBase64Encoded: the body was decoded from base64; your handler has to do so, too"
#: A text in JSON, which may be a member's name, or where an object or array begins or ends.
_TOKEN = re.compile(rb'(?P<text>"(?:[^"\\]|\\.)*+")(?P<colon>\s*:)?|[][{}]')
_NESTING = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
#: Tools break base64 into lines.
_BLANKS_IN_BASE64 = string.whitespace.encode()
_NONE = msgspec.Raw()
_Pairs: TypeAlias = tuple[tuple[str, str], ...]


class Captured(NamedTuple):
    """A request as it was captured. Its repr shows neither headers nor body.

    Attributes:
        method: The method; "POST" if the capture has none.
        headers: Pairs of name and value, as they came.
        body: The body, in bytes, without chunks.
        note: What did not fit together or was decoded, and how it was read; None if there is nothing to say.
    """

    method: str
    headers: _Pairs
    body: bytes
    note: str | None

    def __repr__(self) -> str:
        return f"<{self.method!r}, {len(self.headers)} headers, {len(self.body)} bytes>"


def read(content: bytes) -> Captured:
    r"""Return the request in a capture: JSON if it begins with a brace, else HTTP.

    In HTTP, lines may end in LF alone, be indented or begin with ``> ``, the request line may be missing, and a body
    that does not fit its Content-Length or Transfer-Encoding is all that follows the empty line. In JSON, headers are
    an object or pairs, with names as on the wire or as in WSGI's environ, and the body is text, or base64 as
    ``body_base64`` or with ``isBase64Encoded``.

    Raises:
        ValueError: It can't be read; the text says why, as in "the file ...".

    >>> read(b'webhook-id: wh_1\n\n{}')
    <'POST', 1 headers, 2 bytes>
    >>> read(b'{"method": "PUT", "headers": {"Webhook-Id": ["wh_1", "wh_2"]}, "body_base64": "e30="}')
    <'PUT', 2 headers, 2 bytes>
    """
    text = content.removeprefix(codecs.BOM_UTF8)
    message = text.lstrip()
    if not message:
        raise ValueError(f"is empty: {_EXPECTED}")
    if message.startswith(b"{"):
        return _from_json(message)
    before = text.rfind(b"\n", 0, len(text) - len(message)) + 1  # empty lines, but not how the first one is indented
    return _from_http(text[before:], first=text.count(b"\n", 0, before) + 1)


def _from_http(message: bytes, first: int) -> Captured:
    """Return a request in HTTP.

    Args:
        message: The message.
        first: The number of its first line in the file.
    """
    lines, rest = _split(message)
    notes = [_INDENTED] if (indent := _indent(lines)) else []
    numbered = list(enumerate((line.removeprefix(indent) for line in lines), first))
    if marked := [(number, line[1:].lstrip()) for number, line in numbered if line.startswith(b">")]:
        _check_shown(rest)
    headers, method = _head(marked or _unfolded(numbered))
    body, note = _body(headers, rest)
    return Captured(method, headers, body, "; ".join([*notes, *([note] if note else [])]) or None)


def _split(message: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of the head, and what follows the empty line."""
    end = _HEAD_END.search(message, 0, _LARGEST_HEAD)
    if end is None:
        size = f"in its first {_LARGEST_HEAD} bytes" if len(message) > _LARGEST_HEAD else "behind its headers"
        raise ValueError(f"is no whole HTTP request (there is no empty line {size}): {_EXPECTED}")
    if message.count(b"\n", 0, end.start()) >= _MOST_IN_HEAD:
        raise ValueError(f"has more than {_MOST_IN_HEAD} headers, which no webhook has")
    lines = message[: end.start()].split(b"\n")
    return [line.removesuffix(b"\r") for line in lines], message[end.end() :]


def _indent(lines: list[bytes]) -> bytes:
    """Return the blanks that all lines begin with, as in a ticket."""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip(_BLANKS))]
    return indent if all(line.startswith(indent) for line in lines) else b""


def _check_shown(rest: bytes) -> None:
    if _NEXT.match(rest):
        raise ValueError("has no body, as `curl -v` shows none: put it behind the empty line, byte for byte")


def _unfolded(numbered: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return lines of which each is a header, with its number."""
    lines: list[tuple[int, bytes]] = []
    for number, line in numbered:
        if lines and line.startswith((b" ", b"\t")):
            begun, start = lines.pop()
            lines.append((begun, start + b" " + line.lstrip(_BLANKS)))
        else:
            lines.append((number, line.lstrip(_BLANKS)))
    return lines


def _head(lines: list[tuple[int, bytes]]) -> tuple[_Pairs, str]:
    """Return the headers, and the method."""
    request_line = _REQUEST_LINE.fullmatch(lines[0][1])
    pairs = [_header(line, number) for number, line in lines[1 if request_line else 0 :]]
    method = request_line[1].decode("ascii") if request_line else dict(pairs).get(":method", "POST")
    return tuple(pair for pair in pairs if not pair[0].startswith(":")), method


def _header(line: bytes, number: int) -> tuple[str, str]:
    name, colon, value = line[1:].partition(b":")  # the first character is a colon in HTTP/2's :method
    name = line[:1] + name
    if not colon or not _NAME.fullmatch(name):
        raise ValueError(f"is no HTTP request (line {number} is no header): {_EXPECTED}")
    return name.decode("ascii"), value.strip(_BLANKS).decode("latin-1")


def _body(headers: _Pairs, rest: bytes) -> tuple[bytes, str | None]:
    """Return the body in what follows the empty line, and a note."""
    if any("chunked" in value.lower() for value in _values(headers, "transfer-encoding")):
        return _unchunked(rest)
    found = [_LENGTH.fullmatch(value) for value in _values(headers, "content-length")]
    lengths = {int(digits[1][:_DIGITS]) for digits in found if digits}
    if len(lengths) != 1:
        return rest, None
    (length,) = lengths
    return _cut(rest, length)


def _cut(rest: bytes, length: int) -> tuple[bytes, str | None]:
    """Return the body, whose Content-Length is given: it is right, or else a log has rewritten the body."""
    says, behind = f"Content-Length is {length}, but", rest[length:]
    if len(rest) < length:
        missing = length - len(rest)
        return rest, f"{says} {'1 byte is' if missing == 1 else f'{missing} bytes are'} missing"
    if not behind.strip():  # an editor ends the last line
        return rest[:length], None
    if _NEXT.match(behind):
        return rest[:length], "what follows the request was left out"
    more = "1 more byte follows" if len(behind) == 1 else f"{len(behind)} more bytes follow"
    return rest, f"{says} {more}: all were taken"


def _unchunked(rest: bytes) -> tuple[bytes, str | None]:
    """Return the body in chunks, which a log may have with LF around them, and a note."""
    body = bytearray()  # a list would take many times the memory of small chunks
    position = 0
    while header := _CHUNK.match(rest, position):
        position = header.end() + int(header[1], 16)
        if position == header.end():
            return bytes(body), None
        body += rest[header.end() : position]
    if position and not rest[position:].strip():
        return bytes(body), _CUT_CHUNKS
    return rest, _NO_CHUNKS


def _values(headers: _Pairs, name: str) -> Iterator[str]:
    return (value for each, value in headers if each.lower() == name)


class _Message(msgspec.Struct, frozen=True):
    """A request as JSON; the names with capitals are those of AWS Lambda. What may be large is not decoded yet."""

    headers: msgspec.Raw = _NONE
    body: msgspec.Raw = _NONE
    body_base64: str | None = None
    is_base64: bool = msgspec.field(name="isBase64Encoded", default=False)
    method: str | None = None
    http_method: str | None = msgspec.field(name="httpMethod", default=None)


_Headers: TypeAlias = dict[str, str | int | list[str]] | list[tuple[str, str | int]]


def _from_json(text: bytes) -> Captured:
    message: _Message = _decode(text, _Message)
    for name in ("headers", "body"):
        if _is_repeated(name, text):
            raise ValueError(f'has "{name}" twice: keep one')
    headers = tuple(islice(_pairs(message.headers), _MOST_IN_JSON + 1))
    if len(headers) > _MOST_IN_JSON:
        raise ValueError(f"has more than {_MOST_IN_JSON} headers, which no webhook has")
    return Captured(_method(message), headers, *_body_of(message))


def _decode(text: bytes | msgspec.Raw, kind: Any, member: str = "") -> Any:
    """Return the JSON value of a text.

    Args:
        text: The whole capture, or one member of it.
        kind: The type that it is to have.
        member: The member's name.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError:
        raise ValueError("is JSON that is too deep, which no captured request is") from None
    except UnicodeDecodeError:
        raise ValueError("is JSON that is not UTF-8: give the body as body_base64") from None
    except msgspec.ValidationError as error:
        raise ValueError(f"{_misshapen(member or _member(str(error)))}: {_EXPECTED}") from None
    except msgspec.DecodeError as error:
        place = re.search(r"\(byte \d+\)", str(error))
        raise ValueError(
            f"is JSON that {f'is malformed {place[0]}' if place else 'ends too early'}: {_EXPECTED}"
        ) from None


def _member(problem: str) -> str:
    """Return the member that msgspec speaks of."""
    name: str = re.findall(r"`\$\.(\w+)", problem)[0]
    return name


def _misshapen(member: str) -> str:
    """Return what is wrong with a member in plain words, where msgspec says it with its types."""
    match member:
        case "headers":
            return 'has "headers" that are neither names with texts nor pairs of name and text'
        case "isBase64Encoded":
            return 'has an "isBase64Encoded" that is neither true nor false'
        case _:
            return f'has a "{member}" that is no text'


def _is_repeated(name: str, text: bytes) -> bool:
    """Say whether a JSON object has a member twice; the decoder takes the last one."""
    key = b'"%b"' % name.encode()
    if text.count(key) < 2:  # noqa: PLR2004  twice, as in the name
        return False
    depth = found = 0
    for token in _TOKEN.finditer(text):
        depth += _NESTING.get(token[0], 0)
        found += depth == 1 and token["text"] == key and token["colon"] is not None
    return found > 1


def _method(message: _Message) -> str:
    methods = {method for method in (message.method, message.http_method) if method is not None}
    if len(methods) > 1:
        raise ValueError('has a "method" and an "httpMethod" that differ: keep one')
    return methods.pop() if methods else "POST"


def _pairs(raw: msgspec.Raw) -> Iterator[tuple[str, str]]:
    if _is_none(raw):
        raise ValueError(f"is only a body: the headers {ID}, {TIMESTAMP} and {SIGNATURE} are needed, too: {_EXPECTED}")
    if len(memoryview(raw)) > _LARGEST_HEAD:
        raise ValueError(f"has headers of more than {_LARGEST_HEAD} bytes, which no webhook has")
    headers: _Headers = _decode(raw, _Headers, "headers")
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        yield from ((_wire_name(name), str(each)) for each in (value if isinstance(value, list) else [value]))


def _is_none(raw: msgspec.Raw) -> bool:
    return _first(raw) in (b"", b"n")  # not there, or null


def _first(raw: msgspec.Raw) -> bytes:
    """Return the first character of a JSON value, which tells its type."""
    return bytes(memoryview(raw)[:1])


def _wire_name(name: str) -> str:
    """Return a header's name as it is on the wire, also where WSGI has it in its environ."""
    return name.removeprefix("HTTP_").replace("_", "-").lower() if _ENVIRON.fullmatch(name) else name


def _body_of(message: _Message) -> tuple[bytes, str | None]:
    """Return the body, and a note."""
    if _is_none(message.body) == (message.body_base64 is None):
        raise ValueError('must have either "body" or "body_base64"')
    if message.body_base64 is not None:
        return _decoded(message.body_base64, "body_base64"), None
    if _first(message.body) != b'"':
        raise ValueError(
            'has a "body" that is no text: it was parsed already, and the bytes that were signed are lost; save the raw'
            " body"
        )
    text: str = _decode(message.body, str, "body")
    return (_decoded(text, "body"), _BASE64) if message.is_base64 else (text.encode(), None)


def _decoded(text: str, name: str) -> bytes:
    try:
        return binascii.a2b_base64(text.encode().translate(None, _BLANKS_IN_BASE64), strict_mode=True)
    except ValueError:
        raise ValueError(f'has a "{name}" that is no base64') from None
