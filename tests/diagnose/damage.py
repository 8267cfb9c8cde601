"""What happens to requests on their way: each kind of damage, done as it is done in the field, to any request.

A damage that does nothing to a request, or can't happen to it, raises `NotApplicable`: a compressed body has no line
break to lose, and is not parsed as JSON.
"""

import base64
import gzip
import html
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

from webhook_guard.diagnose import Cause, Diagnosis, diagnose
from webhook_guard.sansio.keys import Mac, signing_key

from support import NOW, OTHER_SECRET, SECRET, WEBHOOK_ID, signed

#: An event with a letter beyond ASCII, a slash, and what HTML escapes.
BODY = (
    '{"id":"evt_1","object":"event","created_at":1750861210,"type":"batch.completed",'
    '"data":{"id":"batch_1","note":"Zoë & <Co>/1"}}'
).encode()
brotli: Any = import_module("brotli")  # which has no types


class NotApplicable(Exception):  # noqa: N818  no error: this damage and this request have nothing to do with each other
    """A damage can't happen to a request."""


class Captured(NamedTuple):
    """A request as it was captured, and what it is diagnosed with."""

    body: bytes
    headers: tuple[tuple[str, str], ...]
    secrets: tuple[str | bytes, ...]
    now: float

    def header(self, kind: str) -> str:
        """Return the value of the one header of a kind: id, timestamp or signature."""
        values = [value for name, value in self.headers if name.endswith(f"-{kind}")]
        if len(values) != 1:
            raise NotApplicable
        return values[0]

    def with_header(self, kind: str, value: str) -> "Captured":
        """Return it with another value of a header."""
        self.header(kind)
        return self._replace(
            headers=tuple((name, value if name.endswith(f"-{kind}") else each) for name, each in self.headers)
        )


class Damage(NamedTuple):
    """One kind of damage.

    Attributes:
        cause: What it is to be called.
        name: What distinguishes it from others of the same cause.
        do: Does it.
        original: Makes a body one that this can happen to, before it is signed.
    """

    cause: Cause
    name: str
    do: Callable[[Captured], Captured]
    original: Callable[[bytes], bytes]

    def __str__(self) -> str:
        return f"{self.cause}-{self.name}"


def sent(body: bytes = BODY) -> Captured:
    """Return a genuine request that comes at once."""
    return Captured(body, tuple(signed(body).items()), (SECRET,), NOW)


def _same(body: bytes) -> bytes:
    return body


def _to_body(
    cause: Cause, name: str, change: Callable[[bytes], bytes], original: Callable[[bytes], bytes] = _same
) -> Damage:
    def do(captured: Captured) -> Captured:
        try:
            changed = change(captured.body)
        except ValueError:
            raise NotApplicable from None
        if changed == captured.body:
            raise NotApplicable
        return captured._replace(body=changed)

    return Damage(cause, name, do, original)


def _to_request(cause: Cause, name: str, do: Callable[[Captured], Captured]) -> Damage:
    return Damage(cause, name, do, _same)


def _rewritten(**options: Any) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(json.loads(body), **options).encode()


def _deflated(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def _field(body: bytes) -> bytes:
    return urlencode({"source": "relay", "payload": body.decode()}).encode()


_RE, _NEW, _WHITE = Cause.RESERIALIZED, Cause.NEWLINE, Cause.WHITESPACE
BODY_DAMAGES = [
    _to_body(_RE, "python", _rewritten()),
    _to_body(_RE, "indented", _rewritten(indent=2, ensure_ascii=False)),
    _to_body(_RE, "indented-by-4", _rewritten(indent=4)),
    _to_body(_RE, "sorted", _rewritten(sort_keys=True, separators=(",", ":"), ensure_ascii=False)),
    _to_body(_RE, "compact", _rewritten(separators=(",", ":"), ensure_ascii=False), _rewritten()),
    _to_body(_NEW, "added", lambda body: body + b"\n"),
    _to_body(_NEW, "crlf-added", lambda body: body + b"\r\n"),
    _to_body(_NEW, "lost", lambda body: body.removesuffix(b"\n"), lambda body: body + b"\n"),
    _to_body(_NEW, "crlf", lambda body: body.replace(b"\n", b"\r\n"), _rewritten(indent=2, ensure_ascii=False)),
    _to_body(_WHITE, "added", lambda body: body + b"  "),
    _to_body(_WHITE, "before", lambda body: b" " + body),
    _to_body(_WHITE, "trimmed", lambda body: body.rstrip(b" "), lambda body: body + b" "),
    _to_body(Cause.BOM, "added", lambda body: b"\xef\xbb\xbf" + body),
    _to_body(Cause.BOM, "lost", lambda body: body.removeprefix(b"\xef\xbb\xbf"), lambda body: b"\xef\xbb\xbf" + body),
    _to_body(Cause.NUL_PADDING, "block", lambda body: body.ljust(-(-len(body) // 512) * 512, b"\0")),
    _to_body(Cause.COMPRESSED, "gzip", lambda body: gzip.compress(body, mtime=0)),
    _to_body(Cause.COMPRESSED, "deflate", zlib.compress),
    _to_body(Cause.COMPRESSED, "raw-deflate", _deflated),
    _to_body(Cause.COMPRESSED, "brotli", brotli.compress),
    _to_body(Cause.BASE64_BODY, "plain", base64.b64encode),
    _to_body(Cause.BASE64_BODY, "mime", base64.encodebytes),
    _to_body(Cause.BASE64_BODY, "url-safe", lambda body: base64.urlsafe_b64encode(body).rstrip(b"=")),
    _to_body(Cause.CHARSET, "latin-1", lambda body: body.decode("latin-1").encode()),
    _to_body(Cause.CHARSET, "windows-1252", lambda body: body.decode("cp1252").encode()),
    _to_body(Cause.CHARSET, "to-latin-1", lambda body: body.decode().encode("latin-1")),
    _to_body(Cause.HTML_ESCAPED, "html", lambda body: html.escape(body.decode()).encode()),
    _to_body(Cause.FORM_ENCODED, "percent", lambda body: quote(body).encode()),
    _to_body(Cause.FORM_ENCODED, "plus", lambda body: quote_plus(body).encode()),
    _to_body(Cause.FORM_ENCODED, "field", _field),
    _to_body(Cause.QUOTED_BODY, "string", lambda body: json.dumps(body.decode()).encode()),
]


def _secret(name: str, change: Callable[[str], str | bytes]) -> Damage:
    def do(captured: Captured) -> Captured:
        *first, last = captured.secrets
        return captured._replace(secrets=(*first, change(str(last))))

    return _to_request(Cause.SECRET_FORMAT, name, do)


def _other_secret(captured: Captured) -> Captured:
    return captured._replace(secrets=(OTHER_SECRET, *captured.secrets))


def _signature(name: str, change: Callable[[bytes], str]) -> Damage:
    def do(captured: Captured) -> Captured:
        mac = base64.b64decode(captured.header("signature").removeprefix("v1,"))
        return captured.with_header("signature", change(mac))

    return _to_request(Cause.HEADER_FORMAT, name, do)


def _base64(mac: bytes) -> str:
    return base64.b64encode(mac).decode()


def _swapped(captured: Captured) -> Captured:
    webhook_id, timestamp = captured.header("id"), captured.header("timestamp")
    return captured.with_header("id", timestamp).with_header("timestamp", webhook_id)


def _svix(captured: Captured) -> Captured:
    return captured._replace(
        headers=tuple((name.replace("webhook", "svix"), value) for name, value in captured.headers)
    )


def _timestamp(name: str, change: Callable[[int], str]) -> Damage:
    def do(captured: Captured) -> Captured:
        value = captured.header("timestamp")
        if not value.isdigit():
            raise NotApplicable
        return captured.with_header("timestamp", change(int(value)))

    return _to_request(Cause.TIMESTAMP_UNIT, name, do)


def _signed_as(name: str, prefix: bytes) -> Damage:
    """Return what a sender does who signs other content: only before any other damage."""

    def do(captured: Captured) -> Captured:
        if captured != sent(captured.body):
            raise NotApplicable
        mac = Mac(signing_key(SECRET)).digest(prefix, captured.body)
        return captured.with_header("signature", f"v1,{_base64(mac)}")

    return _to_request(Cause.SIGNED_CONTENT, name, do)


def _mixed(name: str, headers: Callable[[Captured], tuple[tuple[str, str], ...]]) -> Damage:
    return _to_request(Cause.RETRY_MIXED, name, lambda captured: captured._replace(headers=headers(captured)))


def _clock(name: str, seconds: int) -> Damage:
    return _to_request(Cause.CLOCK, name, lambda captured: captured._replace(now=captured.now + seconds))


OTHER_DAMAGES = [
    _secret("quoted", lambda secret: f'"{secret}"'),
    _secret("doubled", lambda secret: f"whsec_{secret}"),
    _secret("capitals", lambda secret: secret.replace("whsec", "WHSEC")),
    _secret("encoded", lambda secret: secret.encode()),
    _secret("blank", lambda secret: f"{secret[:20]} {secret[20:]}"),
    _to_request(Cause.OTHER_SECRET, "second", _other_secret),
    _signature("no-comma", lambda mac: f"v1{_base64(mac)}"),
    _signature("no-padding", lambda mac: f"v1,{_base64(mac).rstrip('=')}"),
    _signature("hex", lambda mac: f"sha256={mac.hex()}"),
    _signature("url-safe", lambda mac: f"v1,{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"),
    _signature("quotes", lambda mac: f'"v1,{_base64(mac)}"'),
    _signature("commas", lambda mac: f"v1,{_base64(bytes(32))},v1,{_base64(mac)}"),
    _to_request(Cause.SWAPPED_HEADERS, "swapped", _swapped),
    _to_request(Cause.SVIX_HEADERS, "svix", _svix),
    _timestamp("milliseconds", lambda seconds: f"{seconds}123"),
    _timestamp("iso", lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()),
    _timestamp("z", lambda seconds: f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.250Z}"),
    _signed_as("body", b""),
    _signed_as("timestamp-body", b"%d." % NOW),
    _mixed("timestamp", lambda captured: (("webhook-timestamp", str(NOW - 60)), *captured.headers)),
    _mixed("id", lambda captured: (*captured.headers, ("webhook-id", f"{WEBHOOK_ID[:-1]}0"))),
    _mixed(
        "joined",
        lambda captured: captured.with_header("timestamp", f"{NOW - 9},{captured.header('timestamp')}").headers,
    ),
    _clock("old", 712),
    _clock("new", -712),
]
DAMAGES = [*BODY_DAMAGES, *OTHER_DAMAGES]


def diagnosed(captured: Captured) -> Diagnosis:
    """Return the diagnosis of a captured request."""
    return diagnose(captured.body, captured.headers, captured.secrets, now=captured.now)
