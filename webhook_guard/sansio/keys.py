"""What the operator configured as secrets, made into keys, or a `ConfigurationError` that names the fix.

A secret that is missing, empty or a placeholder would let everybody sign, so each is refused here, before any request.
No message, repr or log shows a secret or a part of one. How each text is read:

    whsec_<base64>      the key is what the base64 decodes to (Standard Webhooks, "Symmetric signatures")
    any other text      both readings in use: the base64 decoded, as the Standard Webhooks libraries do, and the text's
                        own bytes, as OpenAI's SDKs do; either key verifies
    bytes               the key itself
"""

import binascii
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from math import ceil
from typing import TypeAlias, cast

from webhook_guard.sansio.errors import ConfigurationError

#: One secret, or several for a rotation: each of them verifies.
Secret: TypeAlias = str | bytes | Sequence[str | bytes]

#: The environment variable that is read where no secret is given; the OpenAI SDKs read the same.
VARIABLE = "OPENAI_WEBHOOK_SECRET"

PREFIX = "whsec_"
_BYTES_PREFIXES = (b"whsec_", b"whpk_", b"whsk_")

#: Bytes. 128 bits is the least that HMAC keys in use have; Standard Webhooks asks for 192.
MINIMUM_KEY_LENGTH = 16

_SEVERAL = "several go into a list, or into the variable with white space between"
_QUOTES = "\"'`\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"

# What documentation and templates have in a secret's place. A text made only of these words is refused, if at least one
# is a tell-tale (the first group). A random key never looks like that.
_PLACEHOLDER = re.compile(
    r"(?=.*(your|my|here|example|placeholder|change|replace|insert|enter|paste|todo|dummy|sample))"
    r"(your|here|example|placeholder|changed?|replaced?|insert|enter|paste|todo|dummy|sample|put|add|set|me|it|this|with"
    r"|the|a|from|for|in|goes|my|own|real|actual|openai|webhooks?|signing|signature|secret|key|token|value|dashboard)+"
    r"|openaiwebhooksecret",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\$(\w+|\{.*\}|\(.*\))|<.*>|\{.*\}|\[.*\]|\(.*\)|%.*%|[\W_]+", re.DOTALL)
_MASK = re.compile(r"whsec_x+", re.IGNORECASE)

#: Bytes in a block of SHA-256.
_BLOCK = 64


class Mac:
    """HMAC-SHA256 as in RFC 2104 section 2, with the key taken in once and for all.

    The standard library's `hmac` objects can be copied too, but they wrap others: a MAC over a usual delivery takes
    1.1 µs with them and 0.7 with this, of about 8 for the whole of `unwrap` (CPython 3.11).
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, prefix: bytes, body: bytes) -> bytes:
        """Return the MAC of `prefix` and `body`, which need not be joined for that: a body can be large."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(prefix)
        inner.update(body)
        outer.update(inner.digest())
        return outer.digest()


class Keys:
    """The keys of one guard, prepared once; safe to share between threads.

    Args:
        readings: For each secret, the keys that it may stand for.

    Attributes:
        macs: For each key, the position of its secret, counted from 0, and the MAC under the key.
        secret_count: How many secrets were configured.
    """

    __slots__ = ("macs", "secret_count")

    def __init__(self, readings: list[list[bytes]]) -> None:
        self.macs: tuple[tuple[int, Mac], ...] = tuple(
            (index, Mac(key)) for index, keys in enumerate(readings) for key in keys
        )
        self.secret_count: int = len(readings)

    def __repr__(self) -> str:
        return f"<Keys of {self.secret_count} secret(s)>"


def prepare(secret: Secret) -> Keys:
    """Return the keys of the argument `secret`.

    Raises:
        ConfigurationError: It is of another type, or empty, or one of its secrets can't be used.
    """
    if isinstance(secret, (str, bytes)):
        return _prepare_one(secret)
    secrets = entries(secret)
    return _prepare(secrets, tuple(f"secret[{index}]" for index in range(len(secrets))))


def entries(secret: object) -> tuple[str | bytes, ...]:
    """Return the secrets of the argument `secret`: at least one, each of a type that is one, and not read yet.

    Raises:
        ConfigurationError: It is of another type, or empty.
    """
    if isinstance(secret, (str, bytes)):
        return (secret,)
    if isinstance(secret, bytearray) or not isinstance(secret, Sequence):
        raise ConfigurationError(f"secret: must be str, bytes or a list of them, not {type(secret).__name__}")
    found: list[str | bytes] = []
    for index, entry in enumerate(cast(Sequence[object], secret)):
        if not isinstance(entry, (str, bytes)):
            raise ConfigurationError(f"secret[{index}]: must be str or bytes, not {type(entry).__name__}")
        found.append(entry)
    if not found:
        raise ConfigurationError("secret: the list is empty; give at least one secret")
    return tuple(found)


def prepare_variable(text: str | None) -> Keys:
    """Return the keys of the environment variable OPENAI_WEBHOOK_SECRET, which may hold several, between white space.

    Raises:
        ConfigurationError: It is not set (`text` is None), or empty, or one of its secrets can't be used.
    """
    secrets = variable_entries(text)
    return _prepare(secrets, (VARIABLE,) * len(secrets))


def variable_entries(text: str | None) -> tuple[str, ...]:
    """Return the secrets of the environment variable: at least one, and not read yet.

    Raises:
        ConfigurationError: It is not set, or empty.
    """
    if text is None:
        raise ConfigurationError(f"secret: none was given and {VARIABLE} is not set; set it, or pass secret=")
    secrets = tuple(text.split())
    if not secrets:
        raise ConfigurationError(f"{VARIABLE}: it is empty; set it to the endpoint's signing secret")
    return secrets


def signing_key(secret: str | bytes) -> bytes:
    """Return the one key to sign with; a text without the prefix is its own bytes, as OpenAI's SDKs take it.

    Raises:
        ConfigurationError: The secret is of another type, several, or can't be used.
    """
    if not isinstance(secret, (str, bytes)):
        raise ConfigurationError(f"secret: must be one str or bytes to sign with, not {type(secret).__name__}")
    return _readings(secret, "secret")[-1]


# Bounded, because functions take secrets too and a program may pass any number of them; 128 outlasts every rotation.
_cached = lru_cache(maxsize=128)


@_cached
def _prepare_one(secret: str | bytes) -> Keys:
    return Keys([_readings(secret, "secret")])


@_cached
def _prepare(secrets: tuple[str | bytes, ...], names: tuple[str, ...]) -> Keys:
    return Keys([_readings(secret, name) for secret, name in zip(secrets, names, strict=True)])


def _readings(secret: str | bytes, name: str) -> list[bytes]:
    """Return the keys that `secret` may stand for: at least one; if two, the text's own bytes are the last."""
    if isinstance(secret, bytes):
        return [_raw_key(secret, name)]
    text = secret.strip()
    _refuse_unusable(text, name)
    if text.startswith(PREFIX):
        return [_long_enough(_prefixed_key(text, name), name)]
    own = _long_enough(text.encode(), name)
    decoded = _decode(text)
    return [own] if decoded is None or len(decoded) < MINIMUM_KEY_LENGTH or _is_zero(decoded) else [decoded, own]


def _raw_key(secret: bytes, name: str) -> bytes:
    text = secret.strip()
    if text.lower().startswith(_BYTES_PREFIXES):
        raise ConfigurationError(f"{name}: bytes are the raw key, and these start like a secret's text; pass it as str")
    if not text or (text.isascii() and text.decode().isprintable()):
        _refuse_unusable(text.decode(), name)  # the same mistakes, made with an encode()
    return _long_enough(secret, name)


def _prefixed_key(text: str, name: str) -> bytes:
    key = _decode(text.removeprefix(PREFIX))
    if key is None:
        raise ConfigurationError(
            f"{name}: what follows {PREFIX} is not base64; copy the whole secret again ({_SEVERAL})"
        )
    return key


def _refuse_unusable(text: str, name: str) -> None:
    """Refuse what people configure by mistake; `text` has no white space around it."""
    if not text:
        raise ConfigurationError(f"{name}: it is empty or blank; set it to the endpoint's signing secret")
    if _is_quoted(text):
        raise ConfigurationError(f"{name}: it is in quotes; remove the quotes")
    if text.lower().startswith(("whpk_", "whsk_")):
        raise ConfigurationError(f"{name}: it is a key of a key pair; a signing secret starts with {PREFIX}")
    if text.lower().startswith("sk-"):
        raise ConfigurationError(f"{name}: it is an API key; set it to the endpoint's signing secret ({PREFIX}...)")
    if text.lower().startswith(PREFIX) and not text.startswith(PREFIX):
        raise ConfigurationError(f"{name}: its prefix must be written {PREFIX}, in lower case")
    if PREFIX in text[1:]:
        raise ConfigurationError(f"{name}: there is something before {PREFIX}; remove it ({_SEVERAL})")
    if not _is_encodable(text):
        raise ConfigurationError(f"{name}: it has characters that UTF-8 cannot encode; copy the secret again")
    if _is_placeholder(text):
        raise ConfigurationError(f"{name}: it is a placeholder; set it to the endpoint's signing secret")


def _is_quoted(text: str) -> bool:
    opened, closed = text[0] in _QUOTES, text[-1] in _QUOTES
    # One quote may be a part of a text; around a secret of the normal form, it is not.
    return (opened and closed) or ((opened or closed) and PREFIX in text)


def _is_placeholder(text: str) -> bool:
    body = text.removeprefix(PREFIX)
    words = re.sub(r"[\W_]+", "", body)
    return bool(_MASK.fullmatch(text) or _TEMPLATE.fullmatch(body) or _PLACEHOLDER.fullmatch(words))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode(text: str) -> bytes | None:
    """Return what `text` is the base64 of (RFC 4648 section 4), with its padding or without; None if it is none."""
    padded = text + "=" * (-len(text) % 4)
    try:
        key = binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:
        return None
    # Before Python 3.13, strict mode takes padding where none belongs: 4 letters are 3 bytes, or fewer at the end.
    return key if len(padded) == 4 * ceil(len(key) / 3) else None


def _long_enough(key: bytes, name: str) -> bytes:
    if len(key) < MINIMUM_KEY_LENGTH:
        raise ConfigurationError(
            f"{name}: the key has {len(key)} bytes and needs at least {MINIMUM_KEY_LENGTH}; copy the whole secret again"
        )
    if _is_zero(key):
        raise ConfigurationError(f"{name}: the key is nothing but zeros; set it to the endpoint's signing secret")
    return key


def _is_zero(key: bytes) -> bool:
    """Say whether a key is as good as the empty one: HMAC fills keys up with zeros (RFC 2104 section 2)."""
    return not key.strip(b"\0")
