"""Requests that no receiver of webhooks may accept: what strangers send, and what hand-written receivers get wrong.

Each is one attack, or one mistake of a sender, and is named for it. Most begin with a genuine delivery, as somebody who
listens on the line has it, and change one thing; those with an ill-formed id or timestamp are signed rightly, so that
the form alone must refuse them. No guard accepts one, whatever its secret and its options are, but for a tolerance of a
day or more.
"""

import hashlib
import hmac
import json
import os
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from secrets import token_bytes
from typing import Any

import msgspec

from webhook_guard.sansio import keys
from webhook_guard.sansio.errors import Reason
from webhook_guard.sansio.guard import MAX_BODY_SIZE, check_number
from webhook_guard.sansio.signature import MAXIMUM_SIGNATURES
from webhook_guard.testing.events import event_body, make_event, new_id
from webhook_guard.testing.requests import HeaderPairs, new_secret

#: Seconds: a day. No sensible tolerance is as long.
_DAY = 86_400
#: Unix seconds, from 2001 to 5138. Before, milliseconds make a well-formed timestamp; later, the year 33658 is near.
_EARLIEST, _LATEST = 10**9, 10**11
#: What the URL-safe alphabet of base64 has instead.
_URL_SAFE = str.maketrans("+/", "-_")
#: A signature with the right form.
_FORGED = f"v1,{b64encode(bytes(32)).decode()}"


class HostileRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that must be refused. Its repr shows neither the headers nor the body.

    Attributes:
        label: What is wrong with it.
        method: The HTTP method.
        headers: Names and values, one of them repeated in some; there is no Content-Length, which the client sets.
        body: The body.
        reasons: Why it is refused. Any of them is right: WSGI joins repeated headers to one, and the app may have
            another secret.
    """

    label: str
    method: str
    headers: HeaderPairs
    body: bytes
    reasons: frozenset[Reason]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field, the signature and the body too.
        reasons = sorted(reason.value for reason in self.reasons)
        return [("label", self.label), ("method", self.method), ("reasons", reasons)]


def hostile_requests(secret: str | bytes | None = None, *, now: float | None = None) -> tuple[HostileRequest, ...]:
    """Return forged and broken requests, each of which must be refused.

    Args:
        secret: The signing secret. None reads OPENAI_WEBHOOK_SECRET, the first one if it holds several, and makes one
            up where that is not set. All are hostile with any secret, but the test is sharper with the app's own:
            stale, tampered and ill-formed requests then bear signatures that were genuine.
        now: The app's time, in Unix seconds, from 1e9 to 1e11; None reads the clock.

    Raises:
        ConfigurationError: The secret or the time can't be used.

    >>> from webhook_guard.testing import hostile_requests
    >>> for request in hostile_requests()[:2]:
    ...     print(request)
    HostileRequest(label='no webhook headers', method='POST', reasons=['missing_header'])
    HostileRequest(label='no webhook-id', method='POST', reasons=['missing_header'])
    """
    now = time.time() if now is None else check_number("now", now, _EARLIEST, _LATEST)
    captured = _capture(_signing_key(secret), int(now))
    tables = (_headers, _ids, _timestamps, _signatures, _signed_texts, _tampered, _no_events, _others)
    return tuple(request for table in tables for request in table(captured))


def _signing_key(secret: str | bytes | None) -> bytes:
    if secret is None:
        configured = os.environ.get(keys.VARIABLE, "").split()
        secret = configured[0] if configured else new_secret()
    return keys.signing_key(secret)


@dataclass(frozen=True, repr=False)
class _Captured:
    """A genuine delivery, and what an attacker makes of it."""

    key: bytes
    webhook_id: str
    timestamp: str
    body: bytes

    def mac(self, **values: Any) -> str:
        """Return the signature as base64, of other values where they are given."""
        signed = replace(self, **values)
        text = f"{signed.webhook_id}.{signed.timestamp}.".encode("latin-1") + signed.body
        return _base64(hmac.digest(signed.key, text, hashlib.sha256))

    def headers(self, signature: str) -> HeaderPairs:
        """Return the headers, with a signature."""
        return (
            ("content-type", "application/json"),
            ("webhook-id", self.webhook_id),
            ("webhook-timestamp", self.timestamp),
            ("webhook-signature", signature),
        )

    def changed(
        self, label: str, *reasons: Reason, method: str = "POST", signature: str | None = None, **values: Any
    ) -> HostileRequest:
        """Return the delivery with other values where they are given, under its own signature."""
        sent = replace(self, **values)
        headers = sent.headers(f"v1,{self.mac()}" if signature is None else signature)
        return HostileRequest(label, method, headers, sent.body, frozenset(reasons))

    def signed(self, label: str, *reasons: Reason, **values: Any) -> HostileRequest:
        """Return the same, rightly signed."""
        return self.changed(label, *reasons, signature=f"v1,{self.mac(**values)}", **values)


def _capture(key: bytes, now: int) -> _Captured:
    """Return a delivery whose signature has a character that the URL-safe alphabet of base64 does not have."""
    captured = _Captured(key, new_id("wh_"), str(now), event_body(make_event("batch.completed")))
    while not {*"+/"} & {*captured.mac()}:
        captured = replace(captured, webhook_id=new_id("wh_"))
    return captured


def _headers(captured: _Captured) -> list[HostileRequest]:
    """Return those whose headers are missing, empty or repeated."""
    whole = captured.headers(f"v1,{captured.mac()}")
    missing = {Reason.MISSING_HEADER}
    # Repeated headers are joined under WSGI; httpx's transport for WSGI keeps the last one.
    second = {Reason.DUPLICATE_HEADER, Reason.MALFORMED_HEADER, Reason.SIGNATURE_MISMATCH}
    rows = [("no webhook headers", whole[:1], missing)]
    for name, other, repeated in (
        ("webhook-id", new_id("wh_"), second),
        ("webhook-timestamp", str(int(captured.timestamp) + 1), second),
        ("webhook-signature", _FORGED, second - {Reason.MALFORMED_HEADER}),
    ):
        less = tuple(pair for pair in whole if pair[0] != name)
        rows += [
            (f"no {name}", less, missing),
            (f"an empty {name}", (*less, (name, "")), missing),
            (f"a second {name}", (*whole, (name, other)), repeated),
        ]
    return [HostileRequest(label, "POST", headers, captured.body, frozenset(why)) for label, headers, why in rows]


def _ids(captured: _Captured) -> list[HostileRequest]:
    """Return those with an id that no sender gives, rightly signed."""
    ids = {
        "an id with a dot, which lets one signed text be split in two ways": "wh_1.2",
        "an id with a comma, as of two ids joined": "wh_1,wh_2",
        "an id with a blank in it": "wh 1",
        "an id that is not ASCII": "wh_\xe9",
        "an id of 257 characters": "w" * 257,
    }
    return [captured.signed(label, Reason.MALFORMED_HEADER, webhook_id=value) for label, value in ids.items()]


def _timestamps(captured: _Captured) -> list[HostileRequest]:
    """Return those with a timestamp that is none, or not of now, rightly signed."""
    now = captured.timestamp
    malformed = {
        "a timestamp in words": "now",
        "a timestamp as a date": "2025-06-25T14:20:10Z",
        "a timestamp in milliseconds": f"{now}000",
        "a timestamp with a sign": f"+{now}",
        "a timestamp with a leading zero": f"0{now}",
        "a timestamp with a fraction": f"{now}.0",
        "a timestamp with underscores, which int() takes": f"{now[:-3]}_{now[-3:]}",
        "a timestamp in Arabic digits, which int() takes": _in_arabic_digits(now),
        "a timestamp in superscript, which isdigit() takes": "\xb9\xb2\xb3",
        "a timestamp of NaN, which is never too old": "nan",
        "a timestamp of infinity, which int() can't take": "inf",
        "a negative timestamp": "-1",
        "a timestamp of zero": "0",
    }
    old, new = str(int(now) - _DAY), str(int(now) + _DAY)
    return [
        *(captured.signed(label, Reason.MALFORMED_HEADER, timestamp=value) for label, value in malformed.items()),
        captured.signed("a replay after a day", Reason.TIMESTAMP_TOO_OLD, timestamp=old),
        captured.signed("a delivery from tomorrow", Reason.TIMESTAMP_TOO_NEW, timestamp=new),
        captured.signed("a delivery from the year 33658", Reason.TIMESTAMP_TOO_NEW, timestamp="9" * 12),
    ]


def _in_arabic_digits(number: str) -> str:
    """Return a number in the digits from U+0660 on: in UTF-8, as the Latin-1 text that headers are."""
    return "".join(chr(0x660 + int(digit)) for digit in number).encode().decode("latin-1")


def _signatures(captured: _Captured) -> list[HostileRequest]:
    """Return those whose signature is none of version 1, or is written in another way."""
    mac = captured.mac()
    signatures = {
        "a signature of zeros": _FORGED,
        "a signature that is empty": "v1,",
        "a signature in words": "v1,let-me-in",
        "a signature that is not ASCII": "v1,\xe9",
        "a signature cut off after 8 characters": f"v1,{mac[:8]}",
        "a signature without its padding": f"v1,{mac.rstrip('=')}",
        "a signature in URL-safe base64": f"v1,{mac.translate(_URL_SAFE)}",
        "a signature in hexadecimal": f"v1,{b64decode(mac).hex()}",
        "a signature in other case": f"v1,{mac.swapcase()}",
        "a signature with its version after =": f"v1={mac}",
        "a signature of version 2 only": f"v2,{mac}",
        "a signature of version 1a only, which is Ed25519": f"v1a,{mac}",
    }
    crowd = " ".join([*[_FORGED] * MAXIMUM_SIGNATURES, f"v1,{mac}"])
    return [
        *(captured.changed(label, Reason.SIGNATURE_MISMATCH, signature=value) for label, value in signatures.items()),
        captured.changed("33 signatures, the right one last", Reason.MALFORMED_HEADER, signature=crowd),
    ]


def _signed_texts(captured: _Captured) -> list[HostileRequest]:
    """Return those whose signature is of another key, or over another text."""
    key, timestamp, body = captured.key, captured.timestamp.encode(), captured.body
    signed = f"{captured.webhook_id}.{captured.timestamp}.".encode() + body
    macs = {
        "signed with another secret": captured.mac(key=token_bytes(32)),
        "signed with the empty secret": captured.mac(key=b""),
        "a SHA-256 of the signed text, without a key": _base64(hashlib.sha256(signed).digest()),
        "a signature over the body alone": _base64(hmac.digest(key, body, hashlib.sha256)),
        "a signature over timestamp and body": _base64(hmac.digest(key, timestamp + b"." + body, hashlib.sha256)),
        "a signature over id and timestamp": captured.mac(body=b""),
        "the signature of another delivery": captured.mac(webhook_id=new_id("wh_")),
    }
    return [captured.changed(label, Reason.SIGNATURE_MISMATCH, signature=f"v1,{mac}") for label, mac in macs.items()]


def _tampered(captured: _Captured) -> list[HostileRequest]:
    """Return those of which something was changed after it was signed."""
    mismatch, body = Reason.SIGNATURE_MISMATCH, captured.body
    mac = captured.mac()
    changed = f"v1,{'B' if mac[0] in 'Aa' else 'A'}{mac[1:]}"  # not its case alone
    bodies = {
        "another body": event_body(make_event("response.completed")),
        "a body with one member changed": body.replace(b"batch.completed", b"batch.cancelled"),
        "a body cut off before its last byte": body[:-1],
        "a body with a line break appended": body + b"\n",
        "a body parsed and written again": json.dumps(json.loads(body), separators=(",", ":")).encode(),
    }
    return [
        captured.changed("another id", mismatch, webhook_id=new_id("wh_")),
        captured.changed("a timestamp moved by a second", mismatch, timestamp=str(int(captured.timestamp) + 1)),
        captured.changed("a signature with one character changed", mismatch, signature=changed),
        *(captured.changed(label, mismatch, body=changed_body) for label, changed_body in bodies.items()),
        # Werkzeug's client and httpx's transport for WSGI declare no length then.
        captured.changed("no body", Reason.LENGTH_REQUIRED, mismatch, body=b""),
    ]


def _no_events(captured: _Captured) -> list[HostileRequest]:
    """Return those that are signed, and no event: a receiver that takes them apart must not answer 500."""
    bodies = {
        "signed, but no JSON": b"event=batch.completed",
        "signed, but not UTF-8": captured.body.replace(b"batch_", b"batch\xff"),
        "signed, but no JSON object": b"[]",
        "signed, but without a type": b'{"id": "evt_1"}',
    }
    reasons = (Reason.MALFORMED_PAYLOAD, Reason.SIGNATURE_MISMATCH)
    deep = b'{"type": "batch.completed", "data": ' + b"[" * 20_000
    return [
        *(captured.signed(label, *reasons, body=body) for label, body in bodies.items()),
        captured.signed("signed, but of 20 000 levels", *reasons, Reason.BODY_TOO_LARGE, body=deep),
    ]


def _others(captured: _Captured) -> list[HostileRequest]:
    """Return those with another method, and a large one."""
    methods = ("GET", "PUT", "PATCH", "DELETE")
    large = captured.body.ljust(MAX_BODY_SIZE + 1)
    reasons = (Reason.BODY_TOO_LARGE, Reason.SIGNATURE_MISMATCH)
    return [
        *(captured.changed(f"{name}, otherwise genuine", Reason.METHOD_NOT_ALLOWED, method=name) for name in methods),
        captured.changed("a body over the default limit, forged", *reasons, body=large),
    ]


def _base64(mac: bytes) -> str:
    return b64encode(mac).decode()
