"""The head of a request: refused for the reason that the decision table says, or taken as it is, byte for byte."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from webhook_guard import Reason, VerificationError
from webhook_guard.sansio import keys
from webhook_guard.sansio.guard import Guard
from webhook_guard.sansio.signature import Headers

from fuzz import inputs, reference
from support import NOW


class Taken(NamedTuple):
    """A head that is not refused."""

    webhook_id: bytes
    timestamp: int
    signature: bytes


#: What is checked: method, headers and whether the input ends -> the head that is taken, or why it is refused.
Subject: TypeAlias = Callable[[str | None, Headers, bool], Taken | Reason]

_GUARD = Guard(
    path=None,
    keys=keys.prepare(inputs.SECRETS),
    tolerance=reference.TOLERANCE,
    max_body_size=reference.LIMIT,
)


def decide(method: str | None, headers: Headers, input_ends: bool) -> Taken | Reason:  # noqa: FBT001  a subject's
    """Return what the package makes of a head."""
    incoming = _GUARD.begin(headers)
    try:
        incoming.check_head(method, now=NOW, input_ends=input_ends)
    except VerificationError as error:
        return error.reason
    head = incoming._head  # pyright: ignore[reportPrivateUsage]  what was taken shows nowhere else before the end
    return Taken(head.webhook_id, head.timestamp, head.signature)


def check(data: bytes, subject: Subject = decide) -> None:
    """Check one head: `body must end` may be said beside it."""
    request = inputs.request(data)
    method = None if request.method == "WEBSOCKET" else request.method
    input_ends = request.beside != b"body must end"
    found = reference.values(request.headers)
    expected = reference.head(method, found, input_ends=input_ends) or _taken(found)
    given = [subject(method, headers, input_ends) for headers in _alike(request.headers)]
    assert given == [expected] * len(given), f"{expected} expected: {given}"
    verdict = subject(method, [_as_text(pair) for pair in request.headers], input_ends)
    assert _reason(verdict) == _reason(expected), f"{expected} expected of text beyond Latin-1: {verdict}"


def _taken(found: reference.Values) -> Taken:
    """Return the head that must be taken: nothing but blanks around the values is dropped."""
    webhook_id, timestamp, signature = (found[name][0] for name in reference.WEBHOOK)
    return Taken(webhook_id, int(timestamp), signature)


def _alike(pairs: list[tuple[bytes, bytes]]) -> list[Headers]:
    """Return the same headers in each of the types in use."""
    text = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
    capitals = [(name.upper(), value) for name, value in pairs]
    alike: list[Headers] = [pairs, text, capitals]
    return [*alike, dict(pairs)] if len(dict(pairs)) == len(pairs) else alike


def _as_text(pair: tuple[bytes, bytes]) -> tuple[str, str]:
    """Return a header as no server makes it: decoded as UTF-8."""
    name, value = pair
    return name.decode("utf-8", "replace"), value.decode("utf-8", "surrogateescape")


def _reason(verdict: Taken | Reason) -> Reason | None:
    return verdict if isinstance(verdict, Reason) else None
