"""Bodies that were encoded: each encoding is undone, whatever it is made with, and nothing else is taken for one."""

import base64
import gzip
import html
import json
import re
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.encodings import (
    LARGEST,
    Way,
    base64_decoded,
    charset_restored,
    decompressed,
    form_decoded,
    html_unescaped,
    unquoted,
)

brotli: Any = import_module("brotli")  # which has no types

MIB = 2**20
TEXT = '{"id":"evt_1","data":{"note":"Zoë & <Co>\'s/1+1 100%25 = \\n 😀"}}'
BODY = TEXT.encode()
#: The same, of characters that Latin-1 and Windows-1252 have.
WESTERN = '{"id":"evt_1","data":{"note":"Zoë, größer"}}'
WAYS = (decompressed, base64_decoded, charset_restored, html_unescaped, form_decoded, unquoted)

bodies = st.text().map(lambda text: f"{{{text}".encode())


def results(way: Way, body: bytes) -> list[bytes]:
    """Return what `way` makes of a body."""
    return [was for _, was in way(body)]


def steps(way: Way, body: bytes) -> list[str]:
    """Return what `way` says to do with a body."""
    return [how for how, _ in way(body)]


def raw_deflate(body: bytes) -> bytes:
    """Return what servers send that take "deflate" at its word."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def read_as(charset: Iterable[str], text: bytes) -> str:
    """Return text that was read as a charset, given as its 256 characters."""
    return "".join(map("".join(charset).__getitem__, text))


#: Ways to compress a body, by how that is undone.
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gunzip it": gzip.compress,
    "inflate it, as zlib": zlib.compress,
    "inflate it, as raw deflate": raw_deflate,
    "decompress it with Brotli": brotli.compress,
}
#: Ways to write bytes in base64.
BASE64: dict[str, Callable[[bytes], bytes]] = {
    "standard": base64.b64encode,
    "url-safe": base64.urlsafe_b64encode,
    "MIME": base64.encodebytes,
    "MIME on the wire": lambda body: base64.encodebytes(body).replace(b"\n", b"\r\n"),
    "unpadded": lambda body: base64.b64encode(body).rstrip(b"="),
    "data URL": lambda body: b"data:application/json;charset=utf-8;base64," + base64.b64encode(body),
}
#: Ways to escape text for HTML.
ESCAPED: dict[str, Callable[[str], str]] = {
    "Python": html.escape,
    "not quotes": lambda text: html.escape(text, quote=False),
    "Go": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "PHP": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "beyond ASCII": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "by name": lambda text: html.escape(text).replace("é", "&eacute;").replace("{", "&lcub;"),
    "some of it twice": lambda text: html.escape(html.escape(text)).replace("&amp;amp;", "&amp;"),
}
#: Forms that a body is put into.
FORMS: dict[str, Callable[[bytes], str]] = {
    "value": lambda body: urlencode({"payload": body}),
    "one of three values": lambda body: urlencode({"a": 1, "payload": body, "b": "2=3"}),
    "not +": lambda body: urlencode({"payload": body}, quote_via=quote),
    "name": lambda body: urlencode({body: ""}),
    "second name": lambda body: urlencode([(b"a", b"1"), (body, b"")]),
}
#: Ways to percent-encode a body as a whole.
PERCENT_ENCODED: dict[str, Callable[[bytes], str]] = {
    "quote": quote,
    "quote_plus": quote_plus,
    "lower case": lambda body: re.sub("%..", lambda escape: escape[0].lower(), quote(body)),
    "slashes": lambda body: quote(body, ""),
}
#: Windows-1252 as browsers have it: see https://encoding.spec.whatwg.org/index-windows-1252.txt.
WINDOWS_1252 = [
    chr(byte) if byte in {0x81, 0x8D, 0x8F, 0x90, 0x9D} else bytes([byte]).decode("cp1252") for byte in range(256)
]


@given(bodies)
@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
def test_compression(compress: Callable[[bytes], bytes], body: bytes) -> None:
    """A compressed body is decompressed."""
    assert body in results(decompressed, compress(body))


@pytest.mark.parametrize(("how", "compress"), COMPRESSED.items(), ids=COMPRESSED)
def test_compression_said(how: str, compress: Callable[[bytes], bytes]) -> None:
    """It is said what it was compressed with, and how long it was and is."""
    compressed = compress(BODY)

    assert [f"{how} ({len(compressed)} -> {len(BODY)} bytes)"] == steps(decompressed, compressed)


@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
def test_nothing_compressed(compress: Callable[[bytes], bytes]) -> None:
    """An empty body is decompressed as any other."""
    assert results(decompressed, compress(b"")) == [b""]


def test_gzip_members() -> None:
    """A gzip file of two members is the text of both."""
    assert results(decompressed, gzip.compress(BODY[:20]) + gzip.compress(BODY[20:])) == [BODY]


def test_many_gzip_members() -> None:
    """A gzip file of more members than anybody makes is not gunzipped."""
    assert not results(decompressed, gzip.compress(b"") * 33)


@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
def test_not_whole(compress: Callable[[bytes], bytes]) -> None:
    """What is cut off, or followed by something, is not decompressed."""
    compressed = compress(BODY)

    assert [results(decompressed, damaged) for damaged in (compressed[:-5], compressed + b"?")] == [[], []]


@pytest.mark.parametrize("compress", COMPRESSED.values(), ids=COMPRESSED)
def test_largest(compress: Callable[[bytes], bytes]) -> None:
    """What is as large as it may be is decompressed, and what is larger is not."""
    assert [[bytes(LARGEST)], []] == [results(decompressed, compress(bytes(size))) for size in (LARGEST, LARGEST + 1)]


def test_bomb() -> None:
    """A bomb is not unpacked beyond the largest body."""
    stream = zlib.compressobj(wbits=31)
    bomb = b"".join(stream.compress(bytes(MIB)) for _ in range(128)) + stream.flush()

    assert (results(decompressed, bomb), peak_of(decompressed, bomb) < 2 * LARGEST) == ([], True)


def test_no_brotli(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no module of Brotli is installed, such a body stays as it is."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)

    assert not results(decompressed, brotli.compress(BODY))


def test_unlimited_brotli(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of Brotli that can't limit what it unpacks is not used, but the other one."""
    old = ModuleType("brotli")
    old.__dict__["Decompressor"] = SimpleNamespace
    monkeypatch.setitem(sys.modules, "brotli", old)
    monkeypatch.setitem(sys.modules, "brotlicffi", brotli)

    assert results(decompressed, brotli.compress(BODY)) == [BODY]


@given(st.binary(min_size=13))
@pytest.mark.parametrize("encode", BASE64.values(), ids=BASE64)
def test_base64(encode: Callable[[bytes], bytes], body: bytes) -> None:
    """Base64 is decoded, of either alphabet, in lines or not, padded or not."""
    assert [body] == results(base64_decoded, encode(body))


def test_base64_said() -> None:
    """It is said how long it was and is."""
    assert steps(base64_decoded, base64.b64encode(BODY[:13])) == ["decode the base64 (20 -> 13 bytes)"]


@pytest.mark.parametrize(
    "body",
    [b"", b"abcd", b"batch.completed.events", b"a" * 21, b"=" * 20, b"QUJD" * 9 + b"=QUJD", b"data:QUJD" * 9, BODY],
)
def test_no_base64(body: bytes) -> None:
    """What is short, or not base64 as a whole, is not decoded."""
    assert not results(base64_decoded, body)


@pytest.mark.parametrize("body", [b"\n" * MIB + b"{", b"data:" * MIB, b"a=" * MIB], ids=["lines", "data", "fields"])
def test_base64_is_linear(body: bytes) -> None:
    """A long body that is no base64 after all is looked at once: it would take hours to try its every part."""
    assert not results(base64_decoded, body)


@pytest.mark.parametrize("text", [WESTERN, TEXT, '{"quote":"“à” ŵ Ý 中"}'])
@pytest.mark.parametrize(
    ("name", "charset"), [("Latin-1", [*map(chr, range(256))]), ("Windows-1252", WINDOWS_1252)], ids=["1", "1252"]
)
def test_misread(name: str, charset: list[str], text: str) -> None:
    """UTF-8 that was read as another charset is read rightly."""
    body = read_as(charset, text.encode()).encode()
    how = f"read it as UTF-8 and write it in {name} ({len(body)} -> {len(text.encode())} bytes)"

    assert [(how, text.encode())] == list(charset_restored(body))


@given(bodies)
def test_misread_as_latin_1(body: bytes) -> None:
    """Any text that is not all ASCII can be read rightly again."""
    assert body.isascii() or body in results(charset_restored, body.decode("latin-1").encode())


@given(bodies)
def test_misread_as_windows_1252(body: bytes) -> None:
    """The same, of Windows-1252 as browsers have it."""
    assert body.isascii() or body in results(charset_restored, read_as(WINDOWS_1252, body).encode())


@pytest.mark.parametrize("text", ["a" * 100_000 + "é", "a" + "é" * 50_000])
def test_misread_at_length(text: str) -> None:
    """Where in a long text its first letter beyond ASCII stands makes no difference."""
    assert results(charset_restored, text.encode().decode("latin-1").encode())[0] == text.encode()


def test_misread_in_part() -> None:
    """Where only some of the text can have been read wrongly, none was."""
    assert not results(charset_restored, f"{WESTERN.encode().decode('latin-1')} é".encode())


@pytest.mark.parametrize(
    ("text", "charset", "expected"),
    [
        (WESTERN, "latin-1", [WESTERN.encode()]),
        ("{}Ã", "latin-1", ["{}Ã".encode()]),  # which UTF-8 could begin with
        ("“5 €”", "cp1252", ["\x935 \x80\x94".encode(), "“5 €”".encode()]),
        ("\x81 €", "windows-1252 as browsers have it", ["\x81 \x80".encode(), "\x81 €".encode()]),
    ],
)
def test_transcoded(text: str, charset: str, expected: list[bytes]) -> None:
    """Text that was written in another charset is written in UTF-8 again."""
    body = bytes(map(WINDOWS_1252.index, text)) if " " in charset else text.encode(charset)

    assert expected == results(charset_restored, body)


def test_transcoded_said() -> None:
    """It is said which charset that may have been."""
    hows = [
        "read it as Latin-1 and write it in UTF-8 (2 -> 3 bytes)",
        "read it as Windows-1252 and write it in UTF-8 (2 -> 4 bytes)",
    ]

    assert hows == steps(charset_restored, b"\x801")


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16(charset: str) -> None:
    """UTF-16 is written in UTF-8, with a byte-order mark or without."""
    body = TEXT.encode(charset)
    how = f"read it as UTF-16 and write it in UTF-8 ({len(body)} -> {len(BODY)} bytes)"

    assert [(how, BODY)] == list(charset_restored(body))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"{\0}\0\0\xd8", b"\xff\xfe\0", b"\xe9\0", WESTERN.encode(), BODY],
    ids=["empty", "ASCII", "half a character", "half a byte", "a NUL", "Western", "with more characters"],
)
def test_no_other_charset(body: bytes) -> None:
    """What is right, or no text in these charsets, stays as it is."""
    assert not results(charset_restored, body)


@given(st.text())
@pytest.mark.parametrize("escape", ESCAPED.values(), ids=ESCAPED)
def test_html(escape: Callable[[str], str], text: str) -> None:
    """What was escaped for HTML is as `html.unescape` has it."""
    body = escape(f"{text}<").encode()

    assert [html.unescape(body.decode()).encode()] == results(html_unescaped, body)


def test_html_said() -> None:
    """It is said how long it was and is."""
    assert steps(html_unescaped, b"{&quot;&quot;}") == ["unescape the HTML entities (14 -> 4 bytes)"]


@pytest.mark.parametrize("entity", [b"&" + b"#" + b"9" * 5000 + b";", b"&", b"&copy=1", b"& quot;", b"&;", b"&#;"])
def test_no_html(entity: bytes) -> None:
    """What no escaping gives is no entity."""
    assert not results(html_unescaped, entity)


@given(bodies)
@pytest.mark.parametrize("encode", PERCENT_ENCODED.values(), ids=PERCENT_ENCODED)
def test_percent_encoding(encode: Callable[[bytes], str], body: bytes) -> None:
    """What was percent-encoded as a whole is decoded, with + for blanks or without."""
    assert body in results(form_decoded, encode(body).encode())


@given(st.lists(st.sampled_from([b"%22", b"%2", b"%", b"=", b"a", b"\r\n", b"%e9", b"\n"]), max_size=40))
def test_as_unquote_does(parts: list[bytes]) -> None:
    """What is no escape stays as it is, as `urllib.parse.unquote_to_bytes` has it."""
    body = b"a%41" + b"".join(parts)

    assert unquote_to_bytes(body) == results(form_decoded, body)[0]


@pytest.mark.parametrize("before", range(4))
def test_windows(before: int) -> None:
    """No escape is cut in two, wherever it stands in a large body."""
    body = b"a" * before + b"%22" * 30_000

    assert [b"a" * before + b'"' * 30_000] == results(form_decoded, body)


@given(bodies)
@pytest.mark.parametrize("encode", FORMS.values(), ids=FORMS)
def test_form(encode: Callable[[bytes], str], body: bytes) -> None:
    """What was put into a form is taken out of it."""
    assert body in results(form_decoded, encode(body).encode())


def test_form_not_encoded() -> None:
    """A field may hold a body that needs no percent-encoding, or lacks it."""
    assert [results(form_decoded, field) for field in (b"payload=QQ==", b"payload={}")] == [[b"QQ=="], [b"{}"]]


def test_form_said() -> None:
    """It is said which field it is, by its number: its name is the sender's."""
    hows = [
        "decode the percent-encoding, with + for blanks (13 -> 11 bytes)",
        "decode the percent-encoding (13 -> 11 bytes)",
        "decode the value of the form field 1 of 2 (1 -> 1 bytes)",
        "decode the name of the form field 2 of 2, with + for blanks (8 -> 6 bytes)",
        "decode the name of the form field 2 of 2 (8 -> 6 bytes)",
    ]

    assert hows == steps(form_decoded, b"a=1&%7B1+1+1=")


@pytest.mark.parametrize("body", [b"", b"{}", b"a&b", b"=", b"&=&", BODY, b"[1, '%20=']", "a=é".encode()])
def test_no_form(body: bytes) -> None:
    """What is JSON, has no field, or is not ASCII, is no form."""
    assert not results(form_decoded, body)


def test_many_fields() -> None:
    """Of a form with a great many fields only the first are read."""
    assert results(form_decoded, b"&".join([b"a=1"] * 100_000)) == [b"1"] * 32


@given(bodies)
@pytest.mark.parametrize("quote", [json.dumps, partial(json.dumps, ensure_ascii=False)], ids=["ASCII", "raw"])
def test_quoted(quote: Callable[[str], str], body: bytes) -> None:
    """What was written as a JSON string is its value."""
    quoted = quote(body.decode()).encode()
    how = f"decode the JSON string ({len(quoted)} -> {len(body)} bytes)"

    assert [(how, body)] == list(unquoted(quoted))


@pytest.mark.parametrize(
    "body", [b"", b'"', b"{}", b'"a', b'a"', b'"a"b"', b'"\\ud800"', b'"\xff"', b'"\n"', b'"1","2"', b'"\\"']
)
def test_not_quoted(body: bytes) -> None:
    """What is not one JSON string stays as it is."""
    assert not results(unquoted, body)


def peak_of(way: Way, body: bytes) -> int:
    """Return how many bytes `way` holds at most, beside the body."""
    tracemalloc.start()
    try:
        for _ in way(body):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "piece",
    [b"&quot;", b"&#20013;ab", b"%22", b"%", b"=", b"&", b"a=", b"\r\n", b"\0", b"\x80", b"QUJD", "Ã©".encode()],
    ids=repr,
)
def test_memory(way: Way, piece: bytes) -> None:
    """What a body of 1 MiB takes is bounded, whatever every byte of it stands for."""
    assert peak_of(way, piece * (MIB // len(piece))) < 6 * MIB


def test_memory_of_a_string() -> None:
    """The same, of a JSON string: all its characters take four bytes if one is beyond the first plane."""
    assert peak_of(unquoted, json.dumps("a" * MIB + "😀").encode()) < 7 * MIB


@given(st.binary())
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "start", [b"", b"\x1f\x8b\x08\0\0\0\0\0", b"x\x9c", b"\xff\xfe", b'"', b"{\0}\0", b"a=%", b"&#"]
)
def test_any_bytes(way: Way, start: bytes, body: bytes) -> None:
    """No body makes a step raise."""
    assert all(how.endswith(" bytes)") for how, _ in way(start + body))
