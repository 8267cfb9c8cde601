"""What a signature header may have been meant as: MACs of 32 bytes, however they are written.

The standard's way is ``v1,<base64>``, with blanks between several (Standard Webhooks, "Signature scheme"). A MAC that
is found in another way needs a step; that it is found says nothing about whether it is right.
"""

import hmac
import re
from binascii import a2b_base64, b2a_base64, unhexlify
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.fields import STANDARD, Field, renamed

#: Runs of the characters that base64 and hexadecimal are written in, at least as long as 32 bytes are.
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{43,}")
#: A version before a signature whose comma was lost.
_VERSION = re.compile(rb"v1[_-]?", re.IGNORECASE)
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{64}")
#: Characters of 32 bytes in base64, without padding.
_BASE64_LENGTH = 43
_WRITTEN = "and write it as v1,<base64> with its padding, and nothing around"
_ONE_OF_SEVERAL = Step(Cause.HEADER_FORMAT, "write webhook-signature once")
#: MACs to compare with; the guard takes 32 signatures.
_MOST = 64


class Target(NamedTuple):
    """A MAC that would be right, and how it was read. Its repr does not show it."""

    mac: bytes
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"<target, {len(self.steps)} steps>"


def targets(fields: Iterable[Field]) -> list[Target]:
    """Return the MACs in signature headers: those that a guard reads first, and each once."""
    found: dict[bytes, Target] = {}
    for target in sorted(_all(fields), key=lambda target: len(target.steps)):
        found.setdefault(target.mac, target)
    return list(found.values())[:_MOST]


def match(mac: bytes, candidates: Iterable[Target]) -> Target | None:
    """Return the target that a MAC is, if it is one."""
    return next((target for target in candidates if hmac.compare_digest(mac, target.mac)), None)


def _all(fields: Iterable[Field]) -> Iterator[Target]:
    own = [field for field in fields if field.kind == "signature"]
    standard = [field.value for field in own if field.sender == STANDARD]
    for field in own:
        steps = [renamed(field)] if field.sender != STANDARD else [_ONE_OF_SEVERAL] if len(standard) > 1 else []
        for mac, how in _macs(field.value):
            yield Target(mac, (*steps, *([] if how is None else [Step(Cause.HEADER_FORMAT, how)])))


def _macs(value: bytes) -> Iterator[tuple[bytes, str | None]]:
    """Yield the MACs in a value, and how each is read, if not as the standard has it."""
    for entry in value.split(b" "):
        text = entry.removeprefix(b"v1,")
        mac = _from_base64(text)
        if mac is not None and b2a_base64(mac, newline=False) == text:
            yield mac, None
    for text in (value, unquote_to_bytes(value), value.replace(b" ", b"+")):
        for run in _RUN.findall(text):
            yield from _in_run(run)


def _in_run(run: bytes) -> Iterator[tuple[bytes, str]]:
    for text in dict.fromkeys((run, _VERSION.sub(b"", run, count=1))):
        if _HEXADECIMAL.fullmatch(text):
            yield unhexlify(text), f"read the signature as hexadecimal, {_WRITTEN}"
        elif len(text) == _BASE64_LENGTH and (mac := _from_base64(text)) is not None:
            url_safe = " url-safe" if b"-" in text or b"_" in text else ""
            yield mac, f"read the signature as{url_safe} base64, {_WRITTEN}"


def _from_base64(text: bytes) -> bytes | None:
    """Return the 32 bytes that a text is the base64 of, in either alphabet, or None."""
    bare = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        mac = a2b_base64(bare + b"=", strict_mode=True) if len(bare) == _BASE64_LENGTH else None
    except ValueError:
        return None
    return mac
