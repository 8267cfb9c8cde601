"""The headers that may have been meant: of any sender who sends an id, a timestamp and a signature.

Standard Webhooks' senders call them ``webhook-id`` and so on, Svix's ``svix-id``, others ``x-hub-signature-256``.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from webhook_guard.diagnose.causes import Cause, Step

#: What is before and after what a header is for.
_NAME = re.compile(r"((?:[a-z0-9_-]{1,40}[_-])?)(id|timestamp|signature)(?:-256|-sha256)?")
#: The sender whose names the standard has.
STANDARD = "webhook"
#: How many headers that look like these are looked at: a rotation or a retry has a few.
_MOST = 32
#: Bytes of a value that are looked at: 32 signatures are under 2 KiB.
_LONGEST = 4096


class Field(NamedTuple):
    """A header that may matter. Its repr does not show the value.

    Attributes:
        name: Its name, in lower case.
        sender: `STANDARD` for the standard's own; else the part of the name that tells whose it is, as "svix-".
        kind: What it is: "id", "timestamp" or "signature".
        value: Its value, without the blanks around it.
    """

    name: str
    sender: str
    kind: str
    value: bytes

    def __repr__(self) -> str:
        return f"<{self.name}>"


def renamed(field: Field) -> Step:
    """Return the step from a sender's own header to the standard's."""
    return Step(Cause.SVIX_HEADERS, f"read {field.name} as {STANDARD}-{field.kind}")


def find(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> list[Field]:
    """Return the headers that may matter, the standard's own first.

    Args:
        pairs: All headers: names, in any case, and values.
    """
    found = list(islice(_fields(pairs), _MOST))
    return sorted(found, key=lambda field: field.sender != STANDARD)


def _fields(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> Iterator[Field]:
    for given, value in pairs:
        name = (given.decode("latin-1") if isinstance(given, bytes) else given).lower()
        if match := _NAME.fullmatch(name):
            sender = STANDARD if name == f"{STANDARD}-{match[2]}" else match[1]
            yield Field(name, sender, match[2], _raw(value).strip(b" \t"))


def _raw(value: str | bytes) -> bytes:
    return (value if isinstance(value, bytes) else value.encode("latin-1", "replace"))[:_LONGEST]
