"""The keys that a secret may have been meant as: those that a guard takes, and those of mistakes with its text.

No step shows a secret or a part of one. A key that a guard refuses as too short, or as zeros, is not tried: everybody
could have signed with it.
"""

import re
from base64 import b64encode, urlsafe_b64encode
from binascii import a2b_base64, unhexlify
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.sansio import keys
from webhook_guard.sansio.errors import ConfigurationError
from webhook_guard.sansio.keys import MINIMUM_KEY_LENGTH, PREFIX, Mac

#: What senders do that are at fault themselves: the secret is right.
TEXT_AS_KEY = "take the text of the secret as the key, and don't decode it"
#: The prefix in any writing, once or more often.
_PREFIXES = re.compile(rf"(?:{PREFIX[:-1]}[_-])+", re.IGNORECASE)
#: What is around a secret that was copied from a file of settings: its name, quotes, blanks, a comma.
_AROUND = re.compile(
    r"^\s*(?:export\s+)?(?:[A-Za-z_]\w*\s*[=:](?=.{20}))?[\s\"'`\u201c\u201d]*|[\s\"'`\u201c\u201d,;]*$"
)
_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2})+")
#: Characters of a secret that are read.
_LONGEST = 1024


class Reading(NamedTuple):
    """A key that a secret may stand for. Its repr shows nothing of it.

    Attributes:
        mac: The MAC under the key.
        steps: How it was got; none if the guard takes it.
    """

    mac: Mac
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"<reading, {len(self.steps)} steps>"


def readings(secrets: Sequence[str | bytes], in_use: int) -> list[Reading]:
    """Return the keys that secrets may stand for, each once, those with the fewest steps first.

    Args:
        secrets: All that were given.
        in_use: How many of them, from the first, the app verifies with.
    """
    found: dict[bytes, Reading] = {}
    for reading in sorted(_all(secrets, in_use), key=lambda reading: len(reading.steps)):
        found.setdefault(reading.mac.digest(b"", b""), reading)
    return list(found.values())


def _all(secrets: Sequence[str | bytes], in_use: int) -> Iterator[Reading]:
    for index, secret in enumerate(secrets):
        other = Step(Cause.OTHER_SECRET, f"verify with secret {index + 1} of the {len(secrets)} given")
        own = () if index < in_use else (other,)
        yield from (Reading(mac, own) for mac in _taken(secret))
        for key, how in _mistaken(secret):
            if len(key) >= MINIMUM_KEY_LENGTH and key.strip(b"\0"):
                yield Reading(Mac(key), (Step(Cause.SECRET_FORMAT, how), *own))


def _taken(secret: str | bytes) -> list[Mac]:
    """Return the keys that a guard takes a secret as; none if it refuses it."""
    try:
        return [mac for _, mac in keys.prepare(secret).macs]
    except ConfigurationError:
        return []


def _mistaken(secret: str | bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the keys that were meant if there is a mistake in how a secret is written."""
    if isinstance(secret, bytes):
        if _taken(secret):
            yield from _encoded(secret)
        secret = secret.decode("latin-1")
    yield from _keys_of(secret[:_LONGEST].strip())


def _encoded(key: bytes) -> Iterator[tuple[bytes, str]]:
    for text in (b64encode(key), urlsafe_b64encode(key)):
        yield text, TEXT_AS_KEY
        yield PREFIX.encode() + text, TEXT_AS_KEY


def _keys_of(text: str) -> Iterator[tuple[bytes, str]]:
    clean = _AROUND.sub("", text)
    bare = _AROUND.sub("", _PREFIXES.sub("", clean, count=1))
    together = "".join(bare.split())
    if not _is_secret(together, prefixed=bare != clean):
        return
    for each, what in ((bare, _what_is_wrong(text, clean)), (together, "leave out the blanks within the secret")):
        yield from _decoded(each, what)
    yield from _as_text(bare)


def _is_secret(text: str, *, prefixed: bool) -> bool:
    """Say whether a guard takes a text without its prefix, once it is written as it should be.

    Placeholders, public keys and the like are no secrets, however they are written: everybody knows them.
    """
    is_base64 = bool(_from_base64(_standard(text)))
    return bool(_taken(PREFIX + _standard(text) if prefixed and is_base64 else text))


def _what_is_wrong(text: str, clean: str) -> str:
    """Return how to write a secret so that a guard takes what is meant."""
    if clean != text:
        return "write the secret without what is around it, such as quotes or its name"
    prefixes = _PREFIXES.match(clean)
    if prefixes is None:
        return f"decode the secret: write {PREFIX} before it"
    if prefixes[0] != PREFIX:
        return f"write {PREFIX} before the secret, once, and in lower case"
    return "pass the secret as text, in standard base64, not as bytes or in the url-safe one"


def _decoded(bare: str, how: str) -> Iterator[tuple[bytes, str]]:
    """Yield what a text without prefix is the base64 or the hexadecimal of, in either alphabet."""
    key = _from_base64(_standard(bare))
    if key:
        yield key, how
        yield _from_base64(key.decode("latin-1").rstrip("=")), "decode the secret's base64 twice"
    if _HEXADECIMAL.fullmatch(bare):
        yield unhexlify(bare), "decode the secret as hexadecimal, and pass the bytes"


def _standard(text: str) -> str:
    """Return base64 of either alphabet in the standard one, without padding."""
    return text.rstrip("=").replace("-", "+").replace("_", "/")


def _from_base64(text: str) -> bytes:
    """Return what a text without padding is the base64 of; nothing if it is none."""
    try:
        return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return b""


def _as_text(bare: str) -> Iterator[tuple[bytes, str]]:
    for text in (bare, PREFIX + bare):
        yield text.encode("utf-8", "surrogatepass"), TEXT_AS_KEY
