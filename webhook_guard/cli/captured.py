"""Captured requests, as `diagnose` reads them: raw HTTP, or JSON, also as proxies, logs and editors leave them.

Whatever still has its headers and a body is read, and what does not fit is said in a note. No error, note or repr shows
a header's value or a body.
"""

import binascii
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import msgspec

#: Bytes of the request line and the headers; most servers take less.
_LARGEST_HEAD = 65_536
#: Headers in a head, and in JSON, where a head may be larger; OpenAI's deliveries have about 20.
_MOST_IN_HEAD, _MOST_IN_JSON = 1_000, 10_000
_BOM = b"\xef\xbb\xbf"
_HEAD_END = re.compile(rb"\n(?:> ?)?\r?\n")
#: A line that goes on in the next (RFC 9112 section 5.2).
_FOLD = re.compile(rb"\r?\n[ \t]+")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^`|~\w]+)[ \t]+\S+(?:[ \t]+HTTP/[\d.]+)?[ \t]*")
_NAME = re.compile(rb":?[!#$%&'*+\-.^`|~\w]+")
#: What a log has behind a request: its answer, or the next one.
_NEXT = re.compile(rb"\s*(?:[A-Z]+ \S+ )?HTTP/\d")
#: Eight digits are gigabytes.
_CHUNK = re.compile(rb"(?:\r?\n)?([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
#: Eighteen digits are more than any file has.
_LENGTH = re.compile(r"[0-9]{1,18}")

_EXPECTED = (
    'give an HTTP request with its headers, an empty line and the body, or JSON such as {"headers": {...}, "body":'
    ' "..."}'
)
_Pairs: TypeAlias = tuple[tuple[str, str], ...]


class Captured(NamedTuple):
    """A request as it was captured. Its repr shows neither headers nor body."""

    method: str
    headers: _Pairs
    body: bytes
    #: What did not fit together, and how it was read; None if all did.
    note: str | None

    def __repr__(self) -> str:
        return f"<{self.method}, {len(self.headers)} headers, {len(self.body)} bytes>"


def read(content: bytes) -> Captured:
    r"""Return the request in a capture: JSON if it begins with a brace, else HTTP.

    In HTTP, lines may end in LF alone or begin with ``> ``, the request line may be missing, and a body that does not
    fit its Content-Length or Transfer-Encoding is all that follows the empty line. In JSON, headers are an object or
    pairs, and the body is text, or base64 as ``body_base64`` or with ``isBase64Encoded``.

    Raises:
        ValueError: It can't be read; the text says why, as in "the file ...".

    >>> read(b'webhook-id: wh_1\n\n{}')
    <POST, 1 headers, 2 bytes>
    >>> read(b'{"method": "PUT", "headers": {"Webhook-Id": ["wh_1", "wh_2"]}, "body_base64": "e30="}')
    <PUT, 2 headers, 2 bytes>
    """
    message = content.removeprefix(_BOM).lstrip()
    if not message:
        raise ValueError(f"is empty: {_EXPECTED}")
    return _from_json(message) if message.startswith(b"{") else _from_http(message)


def _from_http(message: bytes) -> Captured:
    lines, rest = _split(message)
    request_line = _REQUEST_LINE.fullmatch(lines[0])
    pairs = [_header(line) for line in lines[1 if request_line else 0 :]]
    method = request_line[1].decode("ascii") if request_line else dict(pairs).get(":method", "POST")
    headers = tuple(pair for pair in pairs if not pair[0].startswith(":"))
    return Captured(method, headers, *_body(headers, rest))


def _split(message: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of the head, and what follows the empty line."""
    end = _HEAD_END.search(message, 0, _LARGEST_HEAD)
    if end is None:
        size = f"in its first {_LARGEST_HEAD} bytes" if len(message) > _LARGEST_HEAD else "behind its headers"
        raise ValueError(f"is no whole HTTP request (there is no empty line {size}): {_EXPECTED}")
    lines = [line.removesuffix(b"\r") for line in _FOLD.sub(b" ", message[: end.start()]).split(b"\n")]
    if len(lines) > _MOST_IN_HEAD:
        raise ValueError(f"has more than {_MOST_IN_HEAD} headers, which no webhook has")
    if all(line.startswith(b">") for line in lines):  # as `curl -v` shows them
        lines = [line[1:].lstrip() for line in lines]
    return lines, message[end.end() :]


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line[1:].partition(b":")  # the first character is a colon in HTTP/2's :method
    name = line[:1] + name
    if not colon or not _NAME.fullmatch(name):
        raise ValueError(f"is no HTTP request (a line before the empty one is no header): {_EXPECTED}")
    return name.decode("ascii"), value.strip(b" \t").decode("latin-1")


def _body(headers: _Pairs, rest: bytes) -> tuple[bytes, str | None]:
    """Return the body in what follows the empty line, and a note."""
    if any("chunked" in value.lower() for value in _values(headers, "transfer-encoding")):
        body = _unchunked(rest)
        if body is not None:
            return body, None
        return rest, "Transfer-Encoding says chunks, and no whole ones are here: all was taken for the body"
    lengths = {int(value) for value in _values(headers, "content-length") if _LENGTH.fullmatch(value)}
    if len(lengths) != 1:
        return rest, None
    (length,) = lengths
    return _cut(rest, length)


def _cut(rest: bytes, length: int) -> tuple[bytes, str | None]:
    """Return the body, whose Content-Length is given: it is right, or else a log has rewritten the body."""
    behind = rest[length:]
    if len(rest) >= length and not behind.strip():  # an editor ends the last line
        return rest[:length], None
    if _NEXT.match(behind):
        return rest[:length], "what follows the request was left out"
    return rest, f"Content-Length says {length} bytes, and {len(rest)} are here"


def _unchunked(rest: bytes) -> bytes | None:
    """Return the body in chunks, or None if they are not whole; a log may have LF around them."""
    chunks: list[bytes] = []
    position = 0
    while header := _CHUNK.match(rest, position):
        position = header.end() + int(header[1], 16)
        if position == header.end():
            return b"".join(chunks)
        chunks.append(rest[header.end() : position])
    return None


def _values(headers: _Pairs, name: str) -> Iterator[str]:
    return (value for each, value in headers if each.lower() == name)


class _Message(msgspec.Struct, frozen=True):
    """A request as JSON; the names with capitals are those of AWS Lambda."""

    headers: dict[str, str | int | list[str]] | list[tuple[str, str | int]]
    body: Any = None
    body_base64: str | None = None
    is_base64: bool = msgspec.field(name="isBase64Encoded", default=False)
    method: str | None = None
    http_method: str | None = msgspec.field(name="httpMethod", default=None)


def _from_json(text: bytes) -> Captured:
    try:
        message = msgspec.json.decode(text, type=_Message)
    except RecursionError:
        raise ValueError("is JSON that is too deep, which no captured request is") from None
    except UnicodeDecodeError:
        raise ValueError("is JSON that is not UTF-8: give the body as body_base64") from None
    except ValueError as error:  # msgspec's, which says where and not what
        raise ValueError(f"is no captured request ({error}): {_EXPECTED}") from None
    headers = tuple(islice(_pairs(message), _MOST_IN_JSON + 1))
    if len(headers) > _MOST_IN_JSON:
        raise ValueError(f"has more than {_MOST_IN_JSON} headers, which no webhook has")
    return Captured(message.method or message.http_method or "POST", headers, _body_of(message), None)


def _pairs(message: _Message) -> Iterator[tuple[str, str]]:
    headers = message.headers
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        yield from ((name, str(each)) for each in (value if isinstance(value, list) else [value]))


def _body_of(message: _Message) -> bytes:
    if (message.body is None) == (message.body_base64 is None):
        raise ValueError('must have either "body" or "body_base64"')
    if message.body_base64 is not None:
        return _decoded(message.body_base64, "body_base64")
    if not isinstance(message.body, str):
        raise ValueError(  # noqa: TRY004  as whatever else is wrong with a capture
            'has a "body" that is no text: it was parsed already, and the bytes that were signed are lost; save the raw'
            " body"
        )
    return _decoded(message.body, "body") if message.is_base64 else message.body.encode()


def _decoded(text: str, name: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)  # tools break it into lines
    except ValueError:
        raise ValueError(f'has a "{name}" that is no base64') from None
