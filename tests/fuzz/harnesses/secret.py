"""A secret that an operator configures: keys of 16 bytes at least, or a message that shows nothing of it."""

import base64
import hmac
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from webhook_guard import ConfigurationError, VerificationError, sign, verify_signature
from webhook_guard.sansio import keys
from webhook_guard.sansio.keys import Keys, Secret

from support import BODY, NOW, WEBHOOK_ID

#: What is checked: a secret, or the text of the environment variable -> keys, or a ConfigurationError.
Subject: TypeAlias = Callable[[Secret], Keys]

_SHORTEST = 16
#: What messages are made of.
_OWN_WORDS = inspect.getsource(keys)
_AROUND_WORDS = "(){};,.:"


class Variable(str):
    """What the environment variable holds."""

    __slots__ = ()


def prepare(secret: Secret) -> Keys:
    """Return the keys that the package makes of a secret."""
    return keys.prepare_variable(secret) if isinstance(secret, Variable) else keys.prepare(secret)


def check(data: bytes, subject: Subject = prepare) -> None:
    """Check one secret: the first line says whether it is `bytes`, a `list`, the `variable`, or text."""
    line, _, rest = data.partition(b"\n")
    secret = _secret(line, rest)
    try:
        found = subject(secret)
    except ConfigurationError as error:
        _check_message(str(error))
        assert not all(map(_is_normal, _several(secret) or [""])), "a secret of the normal form was refused"
        return
    expected = [list(map(_single, key)) for key in map(_keys, _several(secret))]
    assert all(expected), "a secret was taken that has no key"
    _check_keys(found, expected)
    _check_round_trip(secret)


def _secret(kind: bytes, rest: bytes) -> Secret:
    text = rest.decode("utf-8", "surrogateescape")
    if kind == b"bytes":
        return rest
    if kind == b"list":
        return text.split("\n")
    return Variable(text) if kind == b"variable" else text


def _several(secret: Secret) -> list[str | bytes]:
    if isinstance(secret, Variable):
        return list(secret.split())
    return [secret] if isinstance(secret, (str, bytes)) else list(secret)


def _is_normal(secret: str | bytes) -> bool:
    """Say whether a secret has the normal form, and a digit, which no placeholder has."""
    if isinstance(secret, bytes):
        return False
    text = secret.strip().removeprefix("whsec_")
    return f"whsec_{text}" == secret.strip() and bool(_decoded(text)) and not set("0123456789").isdisjoint(text)


def _keys(secret: str | bytes) -> list[bytes]:
    """Return the keys that a secret stands for, if it is none of the mistakes that are refused."""
    if isinstance(secret, bytes):
        return [key for key in [secret] if not secret.strip().lower().startswith((b"whsec_", b"whpk_", b"whsk_"))]
    text = secret.strip()
    if not text or text.lower().startswith(("whpk_", "whsk_", "sk-")):
        return []
    if text.startswith("whsec_"):
        return _decoded(text[6:])
    return [key for key in [*_decoded(text), text.encode()] if _is_strong(key)]


def _decoded(text: str) -> list[bytes]:
    """Return what base64 is of, if it is such: padding may be missing, but not be too much."""
    bare = text.rstrip("=")
    padding = -len(bare) % 4
    if len(text) - len(bare) > padding:
        return []
    try:
        key = base64.b64decode(bare + "=" * padding, validate=True)
    except ValueError:
        return []
    return [key] if _is_strong(key) else []


def _is_strong(key: bytes) -> bool:
    return len(key) >= _SHORTEST and any(key)


def _single(key: bytes) -> bytes:
    assert _is_strong(key), f"a key of {len(key)} bytes was taken"
    return hmac.digest(key, BODY, "sha256")


def _check_keys(found: Keys, expected: list[list[bytes]]) -> None:
    macs = [(at, digest) for at, digests in enumerate(expected) for digest in digests]
    assert [(at, mac.digest(BODY, b"")) for at, mac in found.macs] == macs, "other keys than those of the secret"
    assert found.secret_count == len(expected)


@lru_cache(maxsize=1000)  # there are few messages
def _check_message(message: str) -> None:
    """Assert that each word of a message is of the package, a number, or says which secret it is about."""
    for word in message.split():
        bare = word.strip(_AROUND_WORDS)
        is_own = bare in _OWN_WORDS or bare.isdigit() or bare.startswith("secret[")
        assert is_own, f"the message may show a part of the secret: {message}"


def _check_round_trip(secret: Secret) -> None:
    """Assert that what each secret signs is verified by all of them, and nothing else is."""
    secrets = _several(secret)
    for each in secrets:
        headers = sign(BODY, each, webhook_id=WEBHOOK_ID, timestamp=NOW)
        verify_signature(BODY, headers, secret=secrets, now=NOW)
        try:
            verify_signature(BODY + b" ", headers, secret=secrets, now=NOW)
        except VerificationError:
            continue
        raise AssertionError("a body was verified that was not signed")
