"""Bodies that were encoded on their way as a whole: compressed, in base64 or another charset, escaped, or quoted.

Each function yields what the body may have been, with what to do in the imperative; and nothing, where the bytes do not
show such an encoding. None raises, and none holds much more than the body and one or two results, because calls of the
library that need more room, for a list of all pieces, are made for one window at a time.
"""

import binascii
import codecs
import html
import re
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from io import BytesIO
from typing import Any, TypeAlias

import msgspec

#: Yields what a body may have been, and before each, what to do.
Way: TypeAlias = Callable[[bytes], Iterator[tuple[str, bytes]]]

#: Bytes. The largest body that a step may return: bombs are not unpacked further.
LARGEST = 4_194_304
#: Bytes, or characters, that are worked on at a time.
_WINDOW = 32_768
#: So many fields of a form, and streams in a compressed body, are read. Real bodies have one or two.
_MOST_PARTS = 32

#: What JSON starts with, and no JSON that was deflated or put into a form.
JSON_STARTS = (b"{", b"[", b'"', b" ", b"\t", b"\n")
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # what zlib calls wbits
#: Both are bindings of the same library.
_BROTLI_MODULES = ("brotli", "brotlicffi")

#: Characters of a line of base64 in MIME (RFC 2045 section 6.8).
_LONGEST_LINE = 76
#: Shorter text is a word.
_LEAST_BASE64 = 17
#: It never goes back: a body of line breaks would take hours.
_BASE64 = re.compile(rb"(?:data:[^,]{0,100};base64,)?([A-Za-z0-9+/_\-\r\n]++)={0,2}+[\r\n]*+")
_STANDARD = bytes.maketrans(b"-_", b"+/")

#: By the name of its codec: with a byte-order mark, or two characters of ASCII at the start.
_UTF_16 = re.compile(rb"(?P<utf_16>\xff\xfe|\xfe\xff)|(?P<utf_16_le>[^\0]\0[^\0]\0)|(?P<utf_16_be>\0[^\0]\0[^\0])")
_RUN = re.compile(rb"[\x80-\xff]+")
_LATIN_1 = bytes(range(256)).decode("latin-1")
#: As browsers read it: Python leaves five bytes undefined, which are C1 controls (https://encoding.spec.whatwg.org/).
_WINDOWS_1252 = "".join(
    _LATIN_1[byte] if character == "\ufffd" else character
    for byte, character in enumerate(bytes(range(256)).decode("cp1252", "replace"))
)
_CHARSETS = {"Latin-1": _LATIN_1, "Windows-1252": _WINDOWS_1252}

_ENTITY = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
#: The spellings that escaping gives. They are many, and `replace` is quick.
_MARKUP = {
    **dict.fromkeys((b"&quot;", b"&#34;", b"&#x22;"), b'"'),
    **dict.fromkeys((b"&#39;", b"&#039;", b"&#x27;", b"&apos;"), b"'"),
    b"&lt;": b"<",
    b"&gt;": b">",
}
_AMPERSAND = b"&amp;"
#: What is quickly undone.
COMMON_ENTITIES = (*_MARKUP, _AMPERSAND)
#: Entities. A text in Chinese has some three thousand characters.
_CACHED = 4096

_BARE_PERCENT = re.compile(rb"%(?![0-9a-fA-F]{2})")


def decompressed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what gzip, deflate or Brotli give, of a stream that is whole and followed by nothing."""
    if body.startswith(b"\x1f\x8b"):
        yield from _found("gunzip it", body, _inflated(body, _GZIP))
    elif body and not (body.startswith(JSON_STARTS) and is_utf_8(body)):
        yield from _found("inflate it, as zlib", body, _inflated(body, _ZLIB))
        yield from _found("inflate it, as raw deflate", body, _inflated(body, _RAW_DEFLATE))
        yield from _found("decompress it with Brotli", body, _unbrotlied(body))


def base64_decoded(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what base64 of either alphabet gives, in lines or not, padded or not, as a data URL or not."""
    if len(body) < _LEAST_BASE64 or _ends_loosely(body) or not (found := _BASE64.fullmatch(body)):
        return
    text = found[1].translate(_STANDARD, b"\r\n")
    try:
        yield from _found("decode the base64", body, binascii.a2b_base64(text + b"=" * (-len(text) % 4)))
    except binascii.Error:  # one character more than whole bytes take
        return


def charset_restored(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the UTF-8 that was taken for another charset, or written in one."""
    if start := _UTF_16.match(body):
        yield from _found("read it as UTF-16 and write it in UTF-8", body, _from_utf_16(body, str(start.lastgroup)))
    if body.isascii():
        return
    misread = is_utf_8(body)
    last = None
    for name, table in _CHARSETS.items():
        was = _misread(body, table) if misread else _transcoded(body, table)
        if was != last:
            read, written = ("UTF-8", name) if misread else (name, "UTF-8")
            yield from _found(f"read it as {read} and write it in {written}", body, was)
        last = was


def html_unescaped(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the text whose special characters were written as HTML entities."""
    if _ENTITY.search(body):
        yield from _found("unescape the HTML entities", body, _without_entities(body))


def form_decoded(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what was percent-encoded as a whole, and the fields of a form."""
    if body.startswith(JSON_STARTS) or _ENTITY.search(body) or not body.isascii():
        return
    if b"%" in body:
        yield from _percent_decoded("decode the percent-encoding", body)
    if b"=" not in body:
        return
    count = body.count(b"&") + 1
    for number, field in enumerate(body.split(b"&", _MOST_PARTS)[:_MOST_PARTS], 1):
        name, _, value = field.partition(b"=")
        if text := value or name:
            part = "value" if value else "name"
            yield from _percent_decoded(f"decode the {part} of the form field {number} of {count}", text)


def unquoted(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the text that was written as a JSON string."""
    if not (body.startswith(b'"') and body.endswith(b'"')):
        return
    try:
        text = msgspec.json.decode(body, type=str)
    except ValueError:  # not one string, or not UTF-8
        return
    yield from _found("decode the JSON string", body, _utf_8(text))


def _ends_loosely(body: bytes) -> bool:
    """Say whether the line break at the end is one that no encoder writes: MIME's is at the end of short lines."""
    lines = body.removesuffix(b"\n").removesuffix(b"\r")
    return lines != body and (lines.endswith((b"\r", b"\n")) or (len(lines) > _LONGEST_LINE and b"\n" not in lines))


def _found(how: str, body: bytes, was: bytes | None) -> Iterator[tuple[str, bytes]]:
    if was is not None:
        yield f"{how} ({len(body)} -> {len(was)} bytes)", was


def _inflated(body: bytes, wbits: int) -> bytes | None:
    text = BytesIO()
    try:
        for _ in range(_MOST_PARTS):
            stream = zlib.decompressobj(wbits)
            while not stream.eof:
                piece = stream.decompress(body, _WINDOW)
                body = stream.unconsumed_tail
                if not _goes_on(text, piece, cut_off=not (piece or stream.eof)):
                    return None
            body = stream.unused_data
            if not body:
                return text.getvalue()
    except zlib.error:
        return None
    return None


def _unbrotlied(body: bytes) -> bytes | None:
    module = _brotli()
    if module is None:
        return None
    stream, text = module.Decompressor(), BytesIO()
    try:
        while not stream.is_finished():
            piece = stream.process(body, output_buffer_limit=_WINDOW)
            body = b""  # the stream keeps it
            cut_off = not piece and not stream.is_finished() and stream.can_accept_more_data()
            if not _goes_on(text, piece, cut_off=cut_off):
                return None
    except module.error:
        return None
    return text.getvalue()


def _brotli() -> Any:
    """Return a module of Brotli whose output can be limited, which those before 1.2 can't; None if there is none."""
    for name in _BROTLI_MODULES:
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(module.Decompressor, "can_accept_more_data"):
            return module
    return None


def _goes_on(text: BytesIO, piece: bytes, *, cut_off: bool) -> bool:
    text.write(piece)
    return not cut_off and text.tell() <= LARGEST


def _from_utf_16(body: bytes, codec: str) -> bytes | None:
    try:
        return _utf_8(body.decode(codec))
    except UnicodeDecodeError:
        return None


def _misread(body: bytes, table: str) -> bytes | None:
    """Return the bytes that were read with a charset's table and written in UTF-8: JSON is UTF-8 in them, too."""
    is_json = body.startswith(JSON_STARTS)  # else it may be compressed
    # What the first characters beyond ASCII give tells almost always, and costs little.
    for text in (_first_run(body), body):
        was = _encoded(text, table)
        if was is None or (is_json and not is_utf_8(was)):
            return None
    return was


def _first_run(body: bytes) -> bytes:
    start = next(start for start in range(0, len(body), _WINDOW) if not body[start : start + _WINDOW].isascii())
    return next(_RUN.finditer(body, start))[0]


def _encoded(body: bytes, table: str) -> bytes | None:
    try:
        return codecs.charmap_encode(body.decode(), "strict", codecs.charmap_build(table))[0]
    except UnicodeEncodeError:
        return None


def _transcoded(body: bytes, table: str) -> bytes | None:
    """Return the characters of a charset's table in UTF-8."""
    if b"\0" in body:  # no text
        return None
    text = BytesIO()
    for start in range(0, len(body), _WINDOW):
        window = body[start : start + _WINDOW]
        characters, _ = codecs.charmap_decode(window, "strict", table)  # pyright: ignore[reportArgumentType]  typeshed knows no str
        text.write(characters.encode())
    return text.getvalue()


def is_utf_8(body: bytes) -> bool:
    """Say whether a body is UTF-8, without the room that decoding it takes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), _WINDOW):
            decoder.decode(body[start : start + _WINDOW])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _utf_8(text: str) -> bytes:
    # In windows, because encoding takes four times the room at first.
    encoded = BytesIO()
    for start in range(0, len(text), _WINDOW):
        encoded.write(text[start : start + _WINDOW].encode())
    return encoded.getvalue()


def _without_entities(body: bytes) -> bytes:
    """Return what `html.unescape` makes of entities that end in a semicolon, without a list of all pieces."""
    for entity, character in _MARKUP.items():
        body = body.replace(entity, character)
    if body.count(b"&") == body.count(_AMPERSAND):
        return body.replace(_AMPERSAND, b"&")
    text, end = BytesIO(), 0
    for found in _ENTITY.finditer(body):
        text.write(body[end : found.start()])
        text.write(_character(found[0]))
        end = found.end()
    text.write(body[end:])
    return text.getvalue()


@lru_cache(_CACHED)
def _character(entity: bytes) -> bytes:
    return html.unescape(entity.decode()).encode()


def _percent_decoded(how: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    if b"+" in body:
        yield from _found(f"{how}, with + for blanks", body, _without_percents(body.replace(b"+", b" ")))
    yield from _found(how, body, _without_percents(body))


def _without_percents(body: bytes) -> bytes:
    """Return what `urllib.parse.unquote_to_bytes` does, in a fraction of its time, and without a list of all pieces.

    Quoted-printable is the same with `=` for `%`, and is decoded in C.
    """
    text, start = BytesIO(), 0
    while start < len(body):
        end = start + _WINDOW
        # No escape is cut.
        end = next((cut for cut in (end - 1, end - 2) if body[cut : cut + 1] == b"%"), end)
        escaped = _BARE_PERCENT.sub(b"%25", body[start:end])
        text.write(binascii.a2b_qp(escaped.replace(b"=", b"%3D").replace(b"%", b"=")))
        start = end
    return text.getvalue()
