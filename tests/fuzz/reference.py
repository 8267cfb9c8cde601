"""The rules that a guard keeps, once more: slowly, without regular expressions, and without a line of the package.

What is compared with these is judged by two readings of the same rules (the decision table; Standard Webhooks v1), so
a mistake must be made twice to go unseen. Of the package, only the names of the reasons are used.
"""

import json
from typing import Any, TypeAlias

from webhook_guard import Reason

from fuzz.catalogue import is_object
from fuzz.inputs import KEYS, mac
from support import NOW

LIMIT, TOLERANCE = 1000, 300
MOST_SIGNATURES = 32

_DIGITS = b"0123456789"
_VISIBLE = [code for code in range(0x21, 0x7F) if code not in b".,"]
#: Levels of JSON that every decoder takes, wherever it is called.
_LEVELS = 800
_PATTERN = "?#%{<*"

#: The values of each header that matters, in their order.
Values: TypeAlias = dict[bytes, list[bytes]]
WEBHOOK = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
_LENGTH = b"content-length"


def values(headers: list[tuple[bytes, bytes]]) -> Values:
    """Return the values of the headers that matter, without the blanks around them."""
    found: Values = {name: [] for name in (*WEBHOOK, _LENGTH)}
    for name, value in headers:
        if name.lower() in found:
            found[name.lower()].append(without_blanks(value))
    return found


def without_blanks(value: bytes) -> bytes:
    """Return a header's value without the spaces and tabs around it."""
    while value and value[0] in b" \t":
        value = value[1:]
    while value and value[-1] in b" \t":
        value = value[:-1]
    return value


def head(method: str | None, found: Values, *, input_ends: bool) -> Reason | None:
    """Return why a head is refused, by the order of the decision table; None if it is not."""
    if method != "POST":
        return Reason.WEBSOCKET_REFUSED if method is None else Reason.METHOD_NOT_ALLOWED
    if not all(found[name] and found[name][0] for name in WEBHOOK):
        return Reason.MISSING_HEADER
    if any(len(found[name]) > 1 for name in WEBHOOK):
        return Reason.DUPLICATE_HEADER
    webhook_id, timestamp, signature = (found[name][0] for name in WEBHOOK)
    if not (_is_id(webhook_id) and _is_timestamp(timestamp) and len(entries(signature)) <= MOST_SIGNATURES):
        return Reason.MALFORMED_HEADER
    if len(found[_LENGTH]) > 1 or not all(map(_is_number, found[_LENGTH])):
        return Reason.MALFORMED_HEADER
    return _in_time(_number(timestamp)) or _length(declared(found), input_ends=input_ends)


def declared(found: Values) -> int | None:
    """Return the declared length of a head that is well-formed."""
    return _number(found[_LENGTH][0]) if found[_LENGTH] else None


def entries(signature: bytes) -> list[bytes]:
    """Return the signatures in a header, of any version."""
    return [entry for entry in signature.split(b" ") if entry]


def compared(signature: bytes) -> list[bytes]:
    """Return the signatures that are compared: those of version 1, without it, and those without a version."""
    found: list[bytes] = []
    for entry in entries(signature):
        if entry[:3] == b"v1,":
            found.append(entry[3:])
        elif b"," not in entry:
            found.append(entry)
    return found


def signer(webhook_id: bytes, timestamp: bytes, signature: bytes, body: bytes) -> int | None:
    """Return which of the secrets signed a delivery, counted from 0; None if none did."""
    offered = compared(signature)
    return next((at for at, key in enumerate(KEYS) if mac(key, webhook_id, timestamp, body) in offered), None)


def end(found: Values, body: bytes) -> Reason | None:
    """Return why a whole body, behind a head that is not refused, is refused; None if it is an authentic event."""
    length = declared(found)
    if length is not None and length != len(body):
        return Reason.BODY_LENGTH_MISMATCH
    webhook_id, timestamp, signature = (found[name][0] for name in WEBHOOK)
    if signer(webhook_id, timestamp, signature, body) is None:
        return Reason.SIGNATURE_MISMATCH
    return Reason.MALFORMED_PAYLOAD if members(body) is None else None


def members(body: bytes) -> dict[str, Any] | None:
    """Return the members of the event in a body, by the standard library's decoder; None if there is no event."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None
    return value if is_object(value) and isinstance(value.get("type"), str) else None


def is_deep(body: bytes) -> bool:
    """Say whether a body may have so many levels that it depends on the caller's stack who takes it."""
    return body.count(b"[") + body.count(b"{") > _LEVELS


def is_path(configured: str) -> bool:
    """Say whether a text can be configured as a path."""
    return configured.startswith("/") and not any(_is_no_path(character) for character in configured)


def is_guarded(configured: str, path: str, root_path: str = "") -> bool | None:
    """Say whether a configured path must guard a request, or must not; None where it may.

    It must guard every spelling. It must not guard what does not even end like the configured path.
    """
    form, root = normalised(configured), _encodable(root_path)
    readings = [_encodable(path), *_of_absolute_form(_encodable(path))]
    # Behind a root path there may be nothing, which is the root; but no root path is a slash alone, or has line breaks.
    if form != "/" or (root.strip("/") and root.splitlines() == [root]):
        readings += [text[text.index(root) + len(root) :] for text in readings if root and root in text]
    if any(normalised(text) == form for text in readings):
        return True
    last = form.rpartition("/")[2]
    if last and path.startswith("/") and not normalised(path).replace("/", "").endswith(last):
        return False
    return None


def normalised(path: str) -> str:
    """Return a path with one slash before each segment, and none at its end; nor a line break, nor broken bytes."""
    text = _encodable(path)
    while text and (text[-1] == "/" or text[-1].splitlines() == [""]):
        text = text[:-1]
    return "/" + "/".join(segment for segment in text.split("/") if segment)


def _is_id(value: bytes) -> bool:
    return 1 <= len(value) <= 256 and all(code in _VISIBLE for code in value)


def _is_timestamp(value: bytes) -> bool:
    return _is_number(value) and len(value) <= 12 and value[:1] != b"0"


def _is_number(value: bytes) -> bool:
    return value != b"" and all(code in _DIGITS for code in value)


def _number(value: bytes) -> int:
    number = 0
    for code in value:
        number = 10 * number + _DIGITS.index(code)
    return number


def _in_time(timestamp: int) -> Reason | None:
    if timestamp < NOW - TOLERANCE:
        return Reason.TIMESTAMP_TOO_OLD
    return Reason.TIMESTAMP_TOO_NEW if timestamp > NOW + TOLERANCE else None


def _length(length: int | None, *, input_ends: bool) -> Reason | None:
    if length is None:
        return None if input_ends else Reason.LENGTH_REQUIRED
    return Reason.BODY_TOO_LARGE if length > LIMIT else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object, the last of each name; refuse infinity and half a surrogate pair in any."""
    json.dumps(pairs, ensure_ascii=False, allow_nan=False).encode()
    return dict(pairs)


def _is_no_path(character: str) -> bool:
    return character in _PATTERN or character.isspace() or _is_control(character) or _is_surrogate(character)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


def _encodable(path: str) -> str:
    return path if path.isascii() else "".join(character for character in path if not _is_surrogate(character))


def _of_absolute_form(path: str) -> list[str]:
    """Return the path of a target in absolute form, without parameters, query and fragment."""
    scheme, separator, rest = path.partition("://")
    if not separator or scheme not in ("http", "https"):
        return []
    _, slash, below = rest.partition("#")[0].partition("?")[0].partition("/")
    start, last_slash, last = (slash + below).rpartition("/")
    return [start + last_slash + last.partition(";")[0]]
