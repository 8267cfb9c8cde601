"""What Standard Webhooks v1 and the RFCs below it say of a delivery: a statement of its own, without the package.

It is the judge between the libraries. So it is as wide as the texts are: where they leave something open, it is allowed
here, and if we refuse it all the same, it is listed as ours.
"""

import json
import re
from base64 import b64decode
from enum import StrEnum

from differential.delivery import ID, SIGNATURE, TIMESTAMP, Delivery, mac

_NO_CONTROLS = re.compile(r"[\t !-~\x80-\U0010ffff]*")  # 8-bit octets are opaque, whatever a server makes of them
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class Rule(StrEnum):
    """Who forbids what."""

    SECRET_FORM = "Standard Webhooks, Signature scheme: a secret is `whsec_` and base64; RFC 4648 section 3.3"
    SECRET_CHOICE = "Standard Webhooks, Signature scheme: a secret is random"
    SECRET_LENGTH = "Standard Webhooks, Signature scheme: a secret has at least 24 bytes"
    SHORTER_SECRET = "Standard Webhooks, Signature scheme: a secret has at least 24 bytes (it has 16 or more)"
    FIELD_NAME = "RFC 9110 section 5.1: the name of a field is ASCII"
    HEADERS = "Standard Webhooks, Webhook headers: id, timestamp and signature"
    ONCE = "RFC 9110 section 5.3: a field that is no list comes once"
    FIELD_VALUE = "RFC 9110 section 5.5: a field's value has no control characters"
    ASCII = "RFC 9110 section 5.5: new fields are limited to ASCII"
    BLANKS = "RFC 9110 section 5.5: blanks around a field's value are no part of it"
    ID = "Standard Webhooks, Signature scheme: an id has no dot"
    TIMESTAMP = "Standard Webhooks, Webhook headers: a timestamp is an integer"
    IN_TIME = "Standard Webhooks, Verifying signatures: within the tolerance"
    BARE = "Standard Webhooks, Signature scheme: a signature starts with its version"
    SEPARATOR = "Standard Webhooks, Webhook headers: signatures are separated by spaces"
    BASE64 = "RFC 4648 sections 3.3 and 3.5: base64 has no other characters, and zeros as pad bits"
    UNSIGNED = "Standard Webhooks, Signature scheme: a signature is a MAC of id, timestamp and body as sent"
    UTF8 = "RFC 8259 section 8.1: JSON is UTF-8 without a byte order mark"
    JSON = "RFC 8259 sections 2 and 6: the grammar of JSON has no NaN and no Infinity"


#: Bytes of a key: what Standard Webhooks asks for, and what is in use.
_LEAST, _LEAST_TOLERATED = 24, 16
#: What we accept all the same: shorter keys are in use, and OpenAI's SDKs take signatures without a version.
TOLERATED = frozenset({Rule.SHORTER_SECRET, Rule.BARE})


def broken_rule(delivery: Delivery, *, with_event: bool) -> Rule | None:
    """Return the first rule that a delivery breaks, those tolerated last; None if it is well-formed and genuine.

    Args:
        delivery: The delivery.
        with_event: Whether the body is to be JSON, too.
    """
    rules = [_of_secrets(delivery), _of_headers(delivery), _of_signature(delivery)]
    if with_event:
        rules.append(_of_body(delivery.body))
    broken = [rule for rule in rules if rule]
    return next((rule for rule in broken if rule not in TOLERATED), next(iter(broken), None))


def keys(secret: str | bytes) -> list[bytes] | None:
    """Return the keys that a secret stands for, or None if it stands for none.

    The specification has one form. Text without its prefix is in use with both readings: its base64 and its own bytes.
    """
    if isinstance(secret, bytes):
        return [secret]
    text = secret.strip()
    decoded = _decoded(text.removeprefix("whsec_"))
    if text.startswith("whsec_"):
        return None if decoded is None else [decoded]
    if text.startswith(("whpk_", "whsk_")):
        return None
    return [text.encode(), *([] if decoded is None else [decoded])]


def _decoded(text: str) -> bytes | None:
    if not _BASE64.fullmatch(text):
        return None
    try:
        return b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except ValueError:
        return None


def _of_secrets(delivery: Delivery) -> Rule | None:
    if delivery.chosen:
        return Rule.SECRET_CHOICE
    broken = [rule for rule in map(_of_secret, delivery.secrets) if rule]
    return next((rule for rule in broken if rule not in TOLERATED), next(iter(broken), None))


def _of_secret(secret: str | bytes) -> Rule | None:
    own = keys(secret)
    if own is None:
        return Rule.SECRET_FORM
    # Text without the prefix is at least as long as what it is the base64 of.
    if len(own[0]) < _LEAST_TOLERATED:
        return Rule.SECRET_LENGTH
    return Rule.SHORTER_SECRET if len(own[0]) < _LEAST else None


def _of_headers(delivery: Delivery) -> Rule | None:
    found = {name: delivery.values(name) for name in (ID, TIMESTAMP, SIGNATURE)}
    if any(not "".join(values).strip(" \t") for values in found.values()):
        return Rule.HEADERS if all(name.isascii() for name, _ in delivery.headers) else Rule.FIELD_NAME
    if any(len(values) > 1 for values in found.values()):
        return Rule.ONCE
    return _of_values(delivery)


def _of_values(delivery: Delivery) -> Rule | None:
    webhook_id, timestamp, signature = _stripped(delivery)
    if not _NO_CONTROLS.fullmatch(webhook_id + timestamp + signature):
        return Rule.FIELD_VALUE
    if not webhook_id.isascii():
        return Rule.ASCII
    if "." in webhook_id:
        return Rule.ID
    if not re.fullmatch("[0-9]+", timestamp):
        return Rule.TIMESTAMP
    seconds = int(timestamp.lstrip("0")[:20] or 0)  # more digits are as far away
    return None if abs(delivery.now - seconds) <= delivery.tolerance else Rule.IN_TIME


def _of_signature(delivery: Delivery) -> Rule | None:
    webhook_id, timestamp, signature = _stripped(delivery)
    expected = _macs(delivery, webhook_id, timestamp)
    entries = signature.split(" ")
    version_1 = [entry.removeprefix("v1,") for entry in entries if entry.startswith("v1,")]
    if expected.intersection(version_1):
        return None
    if expected.intersection(entries):
        return Rule.BARE
    return _nearly_signed(delivery, expected, version_1)


def _nearly_signed(delivery: Delivery, expected: set[str], version_1: list[str]) -> Rule:
    """Return the rule for lack of which there is no signature."""
    as_sent = _macs(delivery, delivery.value(ID), delivery.value(TIMESTAMP))
    if as_sent.intersection(version_1):
        return Rule.BLANKS
    if (expected | as_sent).intersection(entry.removeprefix("v1,") for entry in delivery.value(SIGNATURE).split()):
        return Rule.SEPARATOR
    octets = {b64decode(text) for text in expected}
    return Rule.UNSIGNED if octets.isdisjoint(map(_loosely_decoded, version_1)) else Rule.BASE64


def _macs(delivery: Delivery, webhook_id: str, timestamp: str) -> set[str]:
    found = [key for secret in delivery.secrets for key in keys(secret) or ()]
    return {mac(key, webhook_id, timestamp, delivery.body) for key in found}


def _loosely_decoded(text: str) -> bytes:
    try:
        return b64decode(text)
    except ValueError:
        return b""


def _stripped(delivery: Delivery) -> list[str]:
    """Return the three values without the blanks around them, which are no part of a value (RFC 9110 section 5.5)."""
    return [delivery.value(name).strip(" \t") for name in (ID, TIMESTAMP, SIGNATURE)]


def _of_body(body: bytes) -> Rule | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Rule.UTF8
    if text.startswith("\ufeff") or "\0" in text:
        return Rule.UTF8
    try:
        json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        return None  # however deep it is, it is JSON
    except ValueError as error:
        return None if "digits" in str(error) else Rule.JSON  # so is a number of any length
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
