"""The ids and timestamps that may have been signed: the text before the body.

The standard signs ``id.timestamp.body`` (Standard Webhooks, "Signature scheme"). Others sign less, or other values than
a request has in the end; each such text needs steps.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.fields import STANDARD, Field, renamed
from webhook_guard.diagnose.timestamps import in_seconds
from webhook_guard.sansio.signature import is_id, is_timestamp

#: What is around values that were quoted, or put in a list.
_QUOTES = b"\"' []"
#: Values of a kind that are tried: a request mixed of two or three attempts has as many.
_MOST_VALUES = 6
#: No more than two things happened to one head.
_MOST_CAUSES = 2

_SWAPPED = Step(Cause.SWAPPED_HEADERS, "exchange webhook-id and webhook-timestamp")
_BODY_ALONE = Step(Cause.SIGNED_CONTENT, "compute the signature over the body alone")
_WITHOUT_ID = Step(Cause.SIGNED_CONTENT, "compute the signature over timestamp.body")


class Head(NamedTuple):
    """What may have been signed before the body. Its repr does not show it.

    Attributes:
        prefix: The signed text before the body.
        timestamp: The timestamp in it, or beside it where it was not signed; empty if there is none.
        steps: How it was got.
        is_whole: Whether it has id and timestamp.
    """

    prefix: bytes
    timestamp: bytes
    steps: tuple[Step, ...]
    is_whole: bool = False

    def __repr__(self) -> str:
        return f"<head, {self.cost} causes>"

    @property
    def cost(self) -> int:
        """How many causes it undoes."""
        return len({step.cause for step in self.steps})


class _Value(NamedTuple):
    """A value, and the steps to it."""

    text: bytes
    steps: tuple[Step, ...] = ()

    def after(self, *steps: Step | None) -> tuple[Step, ...]:
        """Return the steps to the value, and `steps`."""
        return tuple(dict.fromkeys(step for step in (*self.steps, *steps) if step is not None))


def heads(fields: list[Field]) -> list[Head]:
    """Return what may have been signed before the body: each text once, those with the fewest causes first.

    Args:
        fields: The headers that may matter.
    """
    found: dict[bytes, Head] = {}
    for head in sorted(_all(fields), key=lambda head: head.cost):
        if head.cost <= _MOST_CAUSES:
            found.setdefault(head.prefix, head)
    return list(found.values())


def _all(fields: list[Field]) -> Iterator[Head]:
    ids, timestamps = (_values(fields, kind) for kind in ("id", "timestamp"))
    yield from _signed([*ids, *map(_swapped, timestamps)], [*timestamps, *map(_swapped, ids)])
    yield Head(b"", timestamps[0].text if timestamps else b"", (_BODY_ALONE,))


def _swapped(value: _Value) -> _Value:
    return _Value(value.text, value.after(_SWAPPED))


def _signed(ids: list[_Value], timestamps: list[_Value]) -> Iterator[Head]:
    """Yield what senders make of ids and timestamps that a guard takes.

    Others are not tried, although a MAC may be right: who knows a delivery can cut ``id.timestamp.body`` elsewhere.
    """
    for timestamp in chain.from_iterable(map(_in_seconds, timestamps)):
        if not is_timestamp(timestamp.text):
            continue
        yield Head(b"%b." % timestamp.text, timestamp.text, timestamp.after(_WITHOUT_ID))
        for webhook_id in ids:
            if is_id(webhook_id.text) and _belong_together(webhook_id, timestamp):
                steps = webhook_id.after(*timestamp.steps)
                yield Head(b"%b.%b." % (webhook_id.text, timestamp.text), timestamp.text, steps, is_whole=True)


def _belong_together(webhook_id: _Value, timestamp: _Value) -> bool:
    """Say whether both are exchanged or neither, unless the other one is taken from another header anyway."""
    exchanged = [_SWAPPED in value.steps for value in (webhook_id, timestamp)]
    mixed = any(step.cause is Cause.RETRY_MIXED for step in (*webhook_id.steps, *timestamp.steps))
    return exchanged[0] == exchanged[1] or mixed


def _in_seconds(timestamp: _Value) -> Iterator[_Value]:
    """Yield a timestamp, and what it is in seconds if it is written otherwise."""
    yield timestamp
    for text, how in in_seconds(timestamp.text):
        yield _Value(text, timestamp.after(Step(Cause.TIMESTAMP_UNIT, how)))


def _values(fields: list[Field], kind: str) -> list[_Value]:
    """Return the values of all headers of a kind, and the steps to each: the plain one of a sound request has none."""
    found: dict[bytes, _Value] = {}
    own = _own_sender(fields)
    fields = [field for field in fields if field.kind == kind]
    is_there = any(field.sender == own for field in fields)
    for field in fields:
        alike = [each for each in fields if each.name == field.name]
        for text, step in _texts(field, alike):
            steps = _Value(text).after(step, _foreign(field, own, is_there=is_there))
            found.setdefault(text, _Value(text, steps))
    return list(islice(found.values(), _MOST_VALUES))


def _own_sender(fields: list[Field]) -> str:
    """Return whose headers the request is signed with: the standard's if there are any, else those with a signature."""
    senders = [field.sender for field in fields if field.kind == "signature" or field.sender == STANDARD]
    return min(senders, key=lambda sender: sender != STANDARD, default=STANDARD)


def _texts(field: Field, alike: list[Field]) -> Iterator[tuple[bytes, Step | None]]:
    """Yield the texts that a header may have been meant as, and the step to each.

    Args:
        field: The header.
        alike: All headers of its name.
    """
    if len(alike) == 1 and field.value:
        yield field.value, None
    # WSGI servers join repeated headers with commas; a date has one in it, too.
    different = {piece.strip(_QUOTES) for each in alike for piece in each.value.split(b",")} - {b""}
    step = (
        Step(Cause.RETRY_MIXED, f"take another {field.name} of the {len(different)} in the request")
        if len(different) > 1
        else Step(Cause.HEADER_FORMAT, f"write {field.name} once, with nothing around it")
    )
    for piece in (field.value, *field.value.split(b",")):
        if text := piece.strip(_QUOTES):
            yield text, step


def _foreign(field: Field, own: str, *, is_there: bool) -> Step | None:
    """Return the step from a header to the standard's.

    Args:
        field: The header.
        own: Whose headers the request is signed with.
        is_there: Whether that one's header is there, too.
    """
    if field.sender != own and is_there:
        return Step(Cause.RETRY_MIXED, f"take the {field.kind} in {field.name}, not the one beside the signature")
    return None if field.sender == STANDARD else renamed(field)
