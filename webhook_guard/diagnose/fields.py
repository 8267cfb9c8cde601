"""The headers that may have been meant: of any sender who sends an id, a timestamp and a signature.

Standard Webhooks' senders call them ``webhook-id`` and so on, Svix's ``svix-id``, others ``x-hub-signature-256``.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from webhook_guard.diagnose.causes import Cause, Step

#: Names that are looked at: longer ones are nobody's.
_ANY_NAME = re.compile(r"[a-z0-9_-]{1,64}")
#: What is before and after what a header is for.
_NAME = re.compile(r"((?:[a-z0-9_-]{1,40}[_-])?)(id|timestamp|signature)(?:-256|-sha256)?")
#: What ids and timestamps look like that a proxy puts under any name.
_FORMS = {"timestamp": re.compile(rb"[1-9][0-9]{9}"), "id": re.compile(rb"[a-z]{2,8}_[A-Za-z0-9_-]{4,64}")}
#: The sender whose names the standard has.
STANDARD = "webhook"
#: How many headers of each sort are looked at: a rotation or a retry has a few.
_MOST = 32
#: Bytes of a value that are looked at: 32 signatures are under 2 KiB.
_LONGEST = 4096


class Field(NamedTuple):
    """A header that may matter. Its repr does not show the value.

    Attributes:
        name: Its name, in lower case.
        sender: `STANDARD` for the standard's own; else the part of the name that tells whose it is, as "svix-", or the
            whole name if that tells nothing.
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
    """Return the step from a header to the standard's: one for all of a sender's."""
    if field.sender in (field.name, f"{STANDARD}-"):
        return Step(Cause.SVIX_HEADERS, f"read {field.name} as {STANDARD}-{field.kind}")
    return Step(Cause.SVIX_HEADERS, f"read the headers {field.sender}* as {STANDARD}-*")


def find(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> list[Field]:
    """Return the headers that may matter: the standard's own first, and last those whose value alone says so.

    Args:
        pairs: All headers: names, in any case, and values.
    """
    found: tuple[list[Field], ...] = ([], [], [])
    for field in map(_field, pairs):
        if field is not None:
            rank = 0 if field.sender == STANDARD else 1 if field.sender != field.name else 2
            if len(found[rank]) < _MOST:
                found[rank].append(field)
    return [*found[0], *found[1], *found[2]]


def _field(pair: tuple[Any, Any]) -> Field | None:
    given, text = (part.decode("latin-1") if isinstance(part, bytes) else part for part in pair)
    name = given.lower()
    # str.lower makes an ASCII letter of the Kelvin sign.
    if not (given.isascii() and _ANY_NAME.fullmatch(name) and isinstance(text, str)):
        return None
    value = text[:_LONGEST].encode("latin-1", "replace").strip(b" \t")
    if match := _NAME.fullmatch(name):
        return Field(name, STANDARD if name == f"{STANDARD}-{match[2]}" else match[1], match[2], value)
    kind = next((kind for kind, form in _FORMS.items() if form.fullmatch(value)), None)
    return None if kind is None else Field(name, name, kind, value)
