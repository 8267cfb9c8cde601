"""The signature header: it verifies if, and only if, one of the signatures that count is right under a key."""

from collections.abc import Callable
from typing import TypeAlias

from webhook_guard import Reason, VerificationError
from webhook_guard.sansio import keys, signature

from fuzz import inputs, reference
from support import NOW, WEBHOOK_ID

#: What is checked: signature header and body -> which secret signed them, or why they are refused.
Subject: TypeAlias = Callable[[bytes, bytes], int | Reason]

_KEYS = keys.prepare(inputs.SECRETS)
_ID, _TIMESTAMP = WEBHOOK_ID.encode(), b"%d" % NOW


def verify(value: bytes, body: bytes) -> int | Reason:
    """Return what the package makes of a signature header."""
    headers = [(b"webhook-id", _ID), (b"webhook-timestamp", _TIMESTAMP), (b"webhook-signature", value)]
    try:
        return signature.verify(signature.check_head(signature.read_fields(headers)), body, _KEYS)
    except VerificationError as error:
        return error.reason


def check(data: bytes, subject: Subject = verify) -> None:
    """Check one signature header, which is the first line, over one body, which is the rest."""
    line, _, body = data.partition(b"\n")
    value = inputs.filled(line, body)
    expected = _expected(reference.without_blanks(value), body)
    found = subject(value, body)
    # 0 is a secret: Reason and int never compare equal.
    assert found == expected, f"{expected!r} expected: {found!r}"


def _expected(value: bytes, body: bytes) -> int | Reason:
    if not value:
        return Reason.MISSING_HEADER
    if len(reference.entries(value)) > reference.MOST_SIGNATURES:
        return Reason.MALFORMED_HEADER
    signer = reference.signer(_ID, _TIMESTAMP, value, body)
    return Reason.SIGNATURE_MISMATCH if signer is None else signer
