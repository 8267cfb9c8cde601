"""Headers -> a checked head; head, body and keys -> verified; and signing, the same rules the other way round.

The rules are those of Standard Webhooks v1 ("Signature scheme"), read as strictly as the scheme allows:

1. What is signed is ``id.timestamp.body``, as bytes, the timestamp being the very text of the header.
2. An id has no dot, and a timestamp is digits only: otherwise one signed text could be split in two ways.
3. An id has no comma either: WSGI servers join repeated headers with one, and a repeated id must not pass as one id.
4. Only space and tab around a header's value are dropped (RFC 9110 section 5.5).
5. Signatures are separated by spaces. ``v1,<base64>`` is compared, and bare base64 too, as OpenAI's SDKs accept it;
   other versions are skipped. All are compared with all keys, in constant time: how long it takes tells nothing.

Nothing here reads a clock: the time is an argument. Nothing parses the body: it is bytes, whatever they are.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from webhook_guard.sansio.errors import ConfigurationError, Reason, VerificationError
from webhook_guard.sansio.keys import Keys, Mac

#: Request headers: a mapping or an iterable of pairs, names in any case, names and values str or bytes.
Headers: TypeAlias = (
    Mapping[str, str] | Mapping[str, bytes] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]
)

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

#: Visible ASCII but the comma and the dot.
_ID_CHARACTERS = bytes(character for character in range(0x21, 0x7F) if character not in b",.")
#: OpenAI's ids have about 40 characters.
_LONGEST_ID = 256
AN_ID = f"1 to {_LONGEST_ID} visible ASCII characters without dot and comma"
#: Digits: these last until the year 33658, and fit every integer.
_LONGEST_TIMESTAMP = 12
#: The first number that is too long for a timestamp.
TIMESTAMP_END: int = 10**_LONGEST_TIMESTAMP
#: What is signed before the body.
_PREFIX = b"%b.%b."
#: A rotation needs two. More than this many is somebody who wants us to work.
MAXIMUM_SIGNATURES = 32


class Fields(msgspec.Struct, frozen=True, gc=False):
    """The headers that matter, as they came: found in one pass and not judged yet.

    Attributes:
        values: By lower-case name, the first value of each that is there, without the blanks around it.
        repeated: The names that are there more than once.
    """

    values: dict[str, bytes]
    repeated: list[str]


class Head(msgspec.Struct, frozen=True, gc=False):
    """The three webhook headers, well-formed, and neither in time nor authentic for that."""

    webhook_id: bytes
    timestamp: int
    signature: bytes
    #: What is signed before the body: the id and the timestamp as they came, each with a dot behind it.
    prefix: bytes
    #: The base64 texts to compare: those of the version v1, and bare ones.
    candidates: list[bytes]


def spellings(*names: str) -> dict[object, str]:
    """Return what `read_fields` picks: `names`, in lower case, as str and as bytes."""
    return {spelling: name for name in names for spelling in (name, name.encode())}


_WRONG_TYPE = "headers: must be a mapping or an iterable of (name, value) pairs of str or bytes"
_WEBHOOK_HEADERS = spellings(ID, TIMESTAMP, SIGNATURE)


def read_fields(headers: Headers, names: Mapping[object, str] = _WEBHOOK_HEADERS) -> Fields:
    """Pick the headers that matter, in one pass over all of them.

    Args:
        headers: All headers.
        names: The `spellings` of those that matter.

    Raises:
        TypeError: `headers` is neither a mapping nor an iterable of pairs of str or bytes.
    """
    values: dict[str, bytes] = {}
    repeated: list[str] = []
    given: Any = headers
    try:
        # Not isinstance: Werkzeug's headers and http.client's have items, and are no Mapping.
        for name, value in given.items() if hasattr(given, "items") else given:
            field = names.get(name.lower())
            if field is None or not name.isascii():  # str.lower makes an ASCII letter of the Kelvin sign
                continue
            if field in values:
                repeated.append(field)
            elif isinstance(value, bytes):
                values[field] = value.strip(b" \t")
            else:
                values[field] = _encoded(value.strip(" \t"))
    except (AttributeError, TypeError, ValueError):
        raise TypeError(_WRONG_TYPE) from None
    if not values and isinstance(given, (str, bytes, bytearray)):  # an empty one passes for no headers
        raise TypeError(_WRONG_TYPE)
    return Fields(values, repeated)


def _encoded(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:  # no server makes such text; these bytes match nothing
        return value.encode("utf-8", "surrogatepass")


def check_head(fields: Fields) -> Head:
    """Return the webhook headers, if each is there once and well-formed.

    Raises:
        VerificationError: missing_header, duplicate_header or malformed_header.
    """
    values = fields.values
    webhook_id, timestamp, signature = values.get(ID), values.get(TIMESTAMP), values.get(SIGNATURE)
    if not (webhook_id and timestamp and signature):
        missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not values.get(name)]
        raise VerificationError(f"missing or empty: {', '.join(missing)}", Reason.MISSING_HEADER)
    if fields.repeated and (twice := {*fields.repeated} & _WEBHOOK_HEADERS.keys()):
        raise VerificationError(f"repeated: {', '.join(sorted(twice))}", Reason.DUPLICATE_HEADER)
    if not is_id(webhook_id):
        raise _malformed(f"{ID} is not {AN_ID}")
    if not is_timestamp(timestamp):
        raise _malformed(f"{TIMESTAMP} is not 1 to {_LONGEST_TIMESTAMP} ASCII digits without a leading zero")
    return Head(webhook_id, int(timestamp), signature, _PREFIX % (webhook_id, timestamp), _candidates(signature))


def is_id(value: bytes) -> bool:
    """Say whether a value is a webhook id."""
    return 0 < len(value) <= _LONGEST_ID and not value.translate(None, _ID_CHARACTERS)


def is_timestamp(value: bytes) -> bool:
    """Say whether a value is a timestamp. It has no leading zero, so that one time has one text."""
    return value.isdigit() and len(value) <= _LONGEST_TIMESTAMP and value[:1] != b"0"


def check_timestamp(head: Head, now: float, tolerance: float) -> None:
    """Refuse an attempt older or newer than the tolerance; one that is exactly as old is accepted.

    This bounds how long a captured request can be replayed. It is the age of the attempt, not of the event: each retry
    is signed anew.

    Args:
        head: The checked head.
        now: The time, in Unix seconds.
        tolerance: In seconds, to both sides.

    Raises:
        VerificationError: timestamp_too_old or timestamp_too_new.
    """
    age = now - head.timestamp
    if -tolerance <= age <= tolerance:  # false for a clock that is not a number, too
        return
    if age < 0:
        raise VerificationError(
            f"the timestamp is {-age:.0f} s ahead, and the tolerance is {tolerance} s; check this machine's clock",
            Reason.TIMESTAMP_TOO_NEW,
        )
    raise VerificationError(
        f"the timestamp is {age:.0f} s old, and the tolerance is {tolerance} s; check this machine's clock,"
        " and whether something delays or replays requests",
        Reason.TIMESTAMP_TOO_OLD,
    )


def verify(head: Head, body: bytes, keys: Keys) -> int:
    """Return which of the secrets, counted from 0, signed `head` and `body`.

    Raises:
        VerificationError: signature_mismatch.
    """
    matched: int | None = None
    for index, mac in keys.macs:
        expected = b2a_base64(mac.digest(head.prefix, body), newline=False)
        for candidate in head.candidates:
            if hmac.compare_digest(expected, candidate) and matched is None:
                matched = index
    if matched is None:
        raise VerificationError(
            f"none of the {len(head.candidates)} signature(s) of version 1 matches any of the {keys.secret_count}"
            " secret(s); check that the secret is this endpoint's, and that nothing in front of the guard changes the"
            " body, as parsing it and serialising it again does",
            Reason.SIGNATURE_MISMATCH,
        )
    return matched


def sign(body: bytes, key: bytes, webhook_id: str, timestamp: int) -> dict[str, str]:
    """Return the three headers of an attempt to deliver `body`.

    Args:
        body: The body, as it will be sent.
        key: The signing key.
        webhook_id: 1 to 256 visible ASCII characters without dot and comma; the same for each attempt of a delivery.
        timestamp: When this attempt is made, in whole Unix seconds.

    Raises:
        ConfigurationError: The id or the timestamp is of another type, or none that could be verified.
    """
    if not isinstance(webhook_id, str) or not is_id(webhook_id.encode("utf-8", "surrogatepass")):
        raise ConfigurationError(f"webhook_id: must be {AN_ID}")
    if not isinstance(timestamp, int) or isinstance(timestamp, bool) or not 0 < timestamp < TIMESTAMP_END:
        raise ConfigurationError(
            f"timestamp: must be whole Unix seconds, 1 to {_LONGEST_TIMESTAMP} digits; try int(time.time())"
        )
    stamp = b"%d" % timestamp
    mac = Mac(key).digest(_PREFIX % (webhook_id.encode(), stamp), body)
    return {ID: webhook_id, TIMESTAMP: stamp.decode(), SIGNATURE: f"v1,{b2a_base64(mac, newline=False).decode()}"}


def _candidates(signature: bytes) -> list[bytes]:
    entries = signature.split(b" ")
    if len(entries) > MAXIMUM_SIGNATURES and (count := len(entries) - entries.count(b"")) > MAXIMUM_SIGNATURES:
        raise _malformed(f"{SIGNATURE} has {count} signatures; at most {MAXIMUM_SIGNATURES} are allowed")
    candidates: list[bytes] = []
    for entry in entries:
        if entry[:3] == b"v1,":
            candidates.append(entry[3:])
        elif entry and b"," not in entry:
            candidates.append(entry)
    return candidates


def _malformed(message: str) -> VerificationError:
    return VerificationError(message, Reason.MALFORMED_HEADER)
