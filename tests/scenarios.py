"""One table of requests and verdicts, which the core and both fronts are held to (`test_scenarios.py`)."""

import base64
import hashlib
import hmac
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from wsgiref.types import WSGIEnvironment

from werkzeug.test import EnvironBuilder

from webhook_guard import BatchCompleted, Reason, UnknownEvent

from support import (
    BODY,
    NOW,
    OLDER_SECRET,
    OTHER_SECRET,
    PATH,
    SECRET,
    WEBHOOK_ID,
    event_body,
    signed,
    variable,
)

LIMIT = 1000
SECRETS = [SECRET, OLDER_SECRET]

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A request, and the verdict on it.

    Attributes:
        name: What is special about the request.
        headers: The webhook headers, as on the wire.
        body: The body, as it arrives.
        content_length: As declared; None for a chunked body.
        reason: Why it is refused; None if it is accepted.
        wsgi_reason: The same under WSGI, where it differs: servers join repeated headers with a comma.
        event: The class of the event of an accepted one.
        secret_index: Which secret signed it.
    """

    name: str
    method: str = "POST"
    path: str = PATH
    headers: Headers
    body: bytes = BODY
    content_length: bytes | None
    reason: Reason | None = None
    wsgi_reason: Reason | None = None
    event: type = BatchCompleted
    secret_index: int = 0


def _wire(headers: dict[str, str]) -> Headers:
    return tuple((name, value.encode("latin-1")) for name, value in headers.items())


def _genuine(
    name: str,
    *,
    body: bytes = BODY,
    secret: str = SECRET,
    webhook_id: str = WEBHOOK_ID,
    timestamp: int = NOW,
    event: type = BatchCompleted,
    secret_index: int = 0,
) -> Scenario:
    return Scenario(
        name=name,
        headers=_wire(signed(body, secret=secret, webhook_id=webhook_id, timestamp=timestamp)),
        body=body,
        content_length=b"%d" % len(body),
        event=event,
        secret_index=secret_index,
    )


GENUINE = _genuine("genuine")


def _with(name: str, header: str, value: bytes, reason: Reason | None = None) -> Scenario:
    """Return the genuine request with another value of one header."""
    headers = tuple((key, value if key == header else old) for key, old in GENUINE.headers)
    return replace(GENUINE, name=name, headers=headers, reason=reason)


def _without(header: str) -> Scenario:
    headers = tuple(pair for pair in GENUINE.headers if pair[0] != header)
    return replace(GENUINE, name=f"no {header}", headers=headers, reason=Reason.MISSING_HEADER)


def _twice(header: str, wsgi_reason: Reason) -> Scenario:
    headers = (*GENUINE.headers, *(pair for pair in GENUINE.headers if pair[0] == header))
    return replace(
        GENUINE,
        name=f"{header} twice",
        headers=headers,
        reason=Reason.DUPLICATE_HEADER,
        wsgi_reason=wsgi_reason,
    )


def _length(name: str, value: bytes | None, reason: Reason | None = None, *, body: bytes = BODY) -> Scenario:
    genuine = _genuine(name, body=body)
    return replace(genuine, content_length=value, reason=reason)


def _mac(webhook_id: bytes, timestamp: bytes, body: bytes = BODY, secret: str = SECRET) -> bytes:
    """Sign what `sign` would refuse to."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, b"%b.%b.%b" % (webhook_id, timestamp, body), hashlib.sha256)
    return b"v1," + base64.b64encode(mac)


def _odd_id(name: str, webhook_id: bytes) -> Scenario:
    """Return a request with an ill-formed id, rightly signed: the form alone must refuse it."""
    return _odd(name, webhook_id, b"%d" % NOW)


def _odd_timestamp(name: str, timestamp: bytes) -> Scenario:
    return _odd(name, WEBHOOK_ID.encode(), timestamp)


def _odd(name: str, webhook_id: bytes, timestamp: bytes, reason: Reason = Reason.MALFORMED_HEADER) -> Scenario:
    headers = (
        ("webhook-id", webhook_id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", _mac(webhook_id, timestamp)),
    )
    return replace(GENUINE, name=name, headers=headers, reason=reason)


SIGNATURE = dict(GENUINE.headers)["webhook-signature"]
FORGED = b"v1," + base64.b64encode(bytes(32))

ACCEPTED = [
    GENUINE,
    _genuine("signed under the older of two secrets", secret=OLDER_SECRET, secret_index=1),
    _genuine("exactly as old as the tolerance", timestamp=NOW - 300),
    _genuine("exactly as new as the tolerance", timestamp=NOW + 300),
    _genuine("an id of one character", webhook_id="!"),
    _genuine("an id of 256 characters", webhook_id="~" * 256),
    _genuine("a type nobody knows yet", body=event_body("moon.landed", {"id": "m"}), event=UnknownEvent),
    _genuine("a known type in a new shape", body=event_body("batch.completed", [1]), event=UnknownEvent),
    _genuine("members nobody knows yet", body=event_body("batch.completed", {"id": "b", "size": 1}, region="eu")),
    _genuine("a body of exactly the limit", body=event_body("batch.completed", {"id": "b"}).ljust(LIMIT)),
    _length("chunked", None),
    _length("Content-Length with leading zeros", b"000%d" % len(BODY)),
    _length("Content-Length with blanks around", b" \t%d " % len(BODY)),
    _with("signature without its version", "webhook-signature", SIGNATURE.removeprefix(b"v1,")),
    _with("the right signature after a wrong one", "webhook-signature", FORGED + b" " + SIGNATURE),
    _with("the right signature after another version", "webhook-signature", b"v1a,AAAA v2,BBBB " + SIGNATURE),
    _with("the right signature after an 8-bit one", "webhook-signature", b"v1,\xff\xfe v9,\xe9 " + SIGNATURE),
    _with("32 signatures", "webhook-signature", b" ".join([FORGED] * 31 + [SIGNATURE])),
    _with("40 blanks between two signatures", "webhook-signature", FORGED + b" " * 40 + SIGNATURE),
    _with("blanks around the id", "webhook-id", b" \t" + WEBHOOK_ID.encode() + b"\t "),
    replace(GENUINE, name="names in capitals", headers=tuple((n.upper(), v) for n, v in GENUINE.headers)),
    replace(GENUINE, name="a doubled slash", path="//webhooks//openai"),
    replace(GENUINE, name="a trailing slash", path=PATH + "/"),
    replace(GENUINE, name="a trailing line break", path=PATH + "\n"),
]

HEAD = [
    replace(GENUINE, name="GET", method="GET", reason=Reason.METHOD_NOT_ALLOWED),
    replace(GENUINE, name="HEAD", method="HEAD", reason=Reason.METHOD_NOT_ALLOWED),
    replace(GENUINE, name="OPTIONS", method="OPTIONS", reason=Reason.METHOD_NOT_ALLOWED),
    replace(GENUINE, name="PUT", method="PUT", reason=Reason.METHOD_NOT_ALLOWED),
    replace(GENUINE, name="GET without headers", method="GET", headers=(), reason=Reason.METHOD_NOT_ALLOWED),
    replace(GENUINE, name="no webhook header", headers=(), reason=Reason.MISSING_HEADER),
    _without("webhook-id"),
    _without("webhook-timestamp"),
    _without("webhook-signature"),
    _with("an empty id", "webhook-id", b"", Reason.MISSING_HEADER),
    _with("a blank timestamp", "webhook-timestamp", b" \t ", Reason.MISSING_HEADER),
    _with("a blank signature", "webhook-signature", b"   ", Reason.MISSING_HEADER),
    _twice("webhook-id", Reason.MALFORMED_HEADER),
    _twice("webhook-timestamp", Reason.MALFORMED_HEADER),
    _twice("webhook-signature", Reason.SIGNATURE_MISMATCH),
    _odd_id("an id with a dot", b"wh_1.2"),
    _odd_id("an id with a comma", b"wh_1,wh_1"),
    _odd_id("an id with a blank in it", b"wh 1"),
    _odd_id("an id that is not ASCII", b"wh_\xe9"),
    _odd_id("an id with DEL", b"wh_\x7f"),
    _odd_id("an id of 257 characters", b"x" * 257),
    _odd_timestamp("a timestamp with a leading zero", b"0%d" % NOW),
    _odd_timestamp("a timestamp of zero", b"0"),
    _odd_timestamp("a timestamp with a sign", b"+%d" % NOW),
    _odd_timestamp("a negative timestamp", b"-1"),
    _odd_timestamp("a timestamp with a fraction", b"%d.0" % NOW),
    _odd_timestamp("a timestamp with an underscore", b"1_750_861_210"),
    _odd_timestamp("a timestamp in hexadecimal", b"0x685c059a"),
    _odd_timestamp("a timestamp with a vertical tab", b"%d\x0b" % NOW),
    _odd_timestamp("a timestamp in superscript", b"\xb2\xb3"),
    _odd_timestamp("a timestamp of 13 digits", b"1" * 13),
    _odd_timestamp("a timestamp of 5000 digits", b"1" * 5000),
    _with("33 signatures", "webhook-signature", b" ".join([SIGNATURE] * 33), Reason.MALFORMED_HEADER),
    _with("33 signatures, all to be skipped", "webhook-signature", b"v2,A " * 33, Reason.MALFORMED_HEADER),
    _length("Content-Length with a sign", b"+10", Reason.MALFORMED_HEADER),
    _length("a negative Content-Length", b"-1", Reason.MALFORMED_HEADER),
    _length("a Content-Length in words", b"ten", Reason.MALFORMED_HEADER),
    _length("Content-Lengths joined", b"10, 10", Reason.MALFORMED_HEADER),
    _length("a Content-Length in superscript", b"\xb2", Reason.MALFORMED_HEADER),
    replace(_genuine("a second too old", timestamp=NOW - 301), reason=Reason.TIMESTAMP_TOO_OLD),
    replace(_genuine("a second too new", timestamp=NOW + 301), reason=Reason.TIMESTAMP_TOO_NEW),
    _odd("a timestamp of 12 digits", WEBHOOK_ID.encode(), b"9" * 12, Reason.TIMESTAMP_TOO_NEW),
    _length("one byte over the limit declared", b"%d" % (LIMIT + 1), Reason.BODY_TOO_LARGE),
    _length("5000 digits declared", b"9" * 5000, Reason.BODY_TOO_LARGE),
]
TOO_LONG = event_body("batch.completed", {"id": "b"}).ljust(LIMIT + 1)
BODY_AND_END = [
    _length("one byte over the limit, chunked", None, Reason.BODY_TOO_LARGE, body=TOO_LONG),
    _length("fewer bytes than declared", b"%d" % (len(BODY) + 1), Reason.BODY_LENGTH_MISMATCH),
    _length("no body but one declared", b"1", Reason.BODY_LENGTH_MISMATCH, body=b""),
    replace(GENUINE, name="body changed", body=BODY.replace(b"batch_1", b"batch_2"), reason=Reason.SIGNATURE_MISMATCH),
    replace(_genuine("another secret", secret=OTHER_SECRET), reason=Reason.SIGNATURE_MISMATCH),
    _with("another id", "webhook-id", b"wh_2", Reason.SIGNATURE_MISMATCH),
    _with("another timestamp", "webhook-timestamp", b"%d" % (NOW + 1), Reason.SIGNATURE_MISMATCH),
    _with("a forged signature", "webhook-signature", FORGED, Reason.SIGNATURE_MISMATCH),
    _with("signature without padding", "webhook-signature", SIGNATURE.rstrip(b"="), Reason.SIGNATURE_MISMATCH),
    _with("signature with a character more", "webhook-signature", SIGNATURE + b"A", Reason.SIGNATURE_MISMATCH),
    _with("version in capitals", "webhook-signature", SIGNATURE.replace(b"v1", b"V1"), Reason.SIGNATURE_MISMATCH),
    _with("version twice", "webhook-signature", b"v1," + SIGNATURE, Reason.SIGNATURE_MISMATCH),
    _with("signatures between commas", "webhook-signature", FORGED + b"," + SIGNATURE, Reason.SIGNATURE_MISMATCH),
    _with("signatures between tabs", "webhook-signature", FORGED + b"\t" + SIGNATURE, Reason.SIGNATURE_MISMATCH),
    _with("only other versions", "webhook-signature", b"v1a,AAAA v2,BBBB", Reason.SIGNATURE_MISMATCH),
    _with("an 8-bit signature", "webhook-signature", b"v1,\xff\xfe", Reason.SIGNATURE_MISMATCH),
    replace(GENUINE, name="body not sent", body=b"", content_length=b"0", reason=Reason.SIGNATURE_MISMATCH),
    replace(_genuine("an empty body, signed", body=b""), reason=Reason.MALFORMED_PAYLOAD),
    replace(_genuine("a body that is not UTF-8", body=b'{"type":"\xff"}'), reason=Reason.MALFORMED_PAYLOAD),
    replace(_genuine("a body that is not JSON", body=b"type=batch"), reason=Reason.MALFORMED_PAYLOAD),
    replace(_genuine("a body with an array", body=b"[]"), reason=Reason.MALFORMED_PAYLOAD),
    replace(_genuine("an event without a type", body=b"{}"), reason=Reason.MALFORMED_PAYLOAD),
    replace(_genuine("an event with a type that is no text", body=b'{"type":1}'), reason=Reason.MALFORMED_PAYLOAD),
]

SCENARIOS = [*ACCEPTED, *HEAD, *BODY_AND_END]


def chunks(body: bytes, size: int) -> list[bytes]:
    """Return `body` in pieces of `size` bytes, and at least one piece."""
    return [body[start : start + size] for start in range(0, len(body), size)] or [b""]


def with_length(scenario: Scenario) -> list[tuple[bytes, bytes]]:
    """Return all headers of a scenario, as on the wire."""
    headers = [(name.encode(), value) for name, value in scenario.headers]
    if scenario.content_length is not None:
        headers.append((b"Content-Length", scenario.content_length))
    return headers


class PieceInput(io.RawIOBase):
    """An input that gives the body in pieces, however much is asked for."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give the next piece, or as much of it as fits."""
        piece = next(self._pieces, b"")
        assert len(piece) <= len(buffer)
        buffer[: len(piece)] = piece
        return len(piece)


def wsgi_environ(scenario: Scenario, size: int) -> WSGIEnvironment:
    """Return the environ of a scenario, as a server makes it: the path decoded, repeated headers joined by commas."""
    environ = EnvironBuilder(method=scenario.method, path="/").get_environ()
    environ["PATH_INFO"] = scenario.path
    environ["wsgi.input"] = PieceInput(chunks(scenario.body, min(size, 65_536)))
    for name, value in scenario.headers:
        key = variable(name)
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    if scenario.content_length is None:
        environ["wsgi.input_terminated"] = True
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    else:
        environ["CONTENT_LENGTH"] = scenario.content_length.decode("latin-1")
    return environ
