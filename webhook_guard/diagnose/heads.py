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

#: What is around values that were quoted, or put in a list.
_QUOTES = b"\"' []"
#: Values of a kind that are tried: a request mixed of two or three attempts has as many.
_MOST_VALUES = 6
#: Steps to one head: no more than two things happened to it.
_MOST_STEPS = 2

_SWAPPED = Step(Cause.SWAPPED_HEADERS, "exchange webhook-id and webhook-timestamp")
_BODY_ALONE = Step(Cause.SIGNED_CONTENT, "compute the signature over the body alone")
_WITHOUT_ID = Step(Cause.SIGNED_CONTENT, "compute the signature over timestamp.body")


class Head(NamedTuple):
    """What may have been signed before the body. Its repr does not show it.

    Attributes:
        prefix: The signed text before the body.
        timestamp: The timestamp in it, or beside it where it was not signed; empty if there is none.
        steps: How it was got, one step for each cause.
    """

    prefix: bytes
    timestamp: bytes
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"<head, {len(self.steps)} steps>"


class _Value(NamedTuple):
    """A value, and the steps to it, one for each cause: what befell two values befell them at once."""

    text: bytes
    steps: tuple[Step, ...] = ()

    def after(self, *steps: Step | None) -> tuple[Step, ...]:
        """Return the steps to the value, and `steps`."""
        return tuple({step.cause: step for step in (*self.steps, *steps) if step is not None}.values())


def heads(fields: list[Field]) -> list[Head]:
    """Return what may have been signed before the body: each text once, those with the fewest steps first.

    Args:
        fields: The headers that may matter.
    """
    found: dict[bytes, Head] = {}
    for head in sorted(_all(fields), key=lambda head: len(head.steps)):
        if len(head.steps) <= _MOST_STEPS:
            found.setdefault(head.prefix, head)
    return list(found.values())


def _all(fields: list[Field]) -> Iterator[Head]:
    ids = _values([field for field in fields if field.kind == "id"])
    timestamps = _values([field for field in fields if field.kind == "timestamp"])
    yield from _signed(ids, timestamps)
    yield from _signed(ids=timestamps, timestamps=[_Value(each.text, each.after(_SWAPPED)) for each in ids])
    yield Head(b"", timestamps[0].text if timestamps else b"", (_BODY_ALONE,))


def _signed(ids: list[_Value], timestamps: list[_Value]) -> Iterator[Head]:
    """Yield what senders make of ids and timestamps."""
    for timestamp in chain.from_iterable(map(_in_seconds, timestamps)):
        yield Head(b"%b." % timestamp.text, timestamp.text, timestamp.after(_WITHOUT_ID))
        for webhook_id in ids:
            steps = webhook_id.after(*timestamp.steps)
            yield Head(b"%b.%b." % (webhook_id.text, timestamp.text), timestamp.text, steps)


def _in_seconds(timestamp: _Value) -> Iterator[_Value]:
    """Yield a timestamp, and what it is in seconds if it is written otherwise."""
    yield timestamp
    for text, how in in_seconds(timestamp.text):
        yield _Value(text, timestamp.after(Step(Cause.TIMESTAMP_UNIT, how)))


def _values(fields: list[Field]) -> list[_Value]:
    """Return the values of all headers of a kind, and the steps to each: the plain one of a sound request has none."""
    found: dict[bytes, _Value] = {}
    standard = any(field.sender == STANDARD for field in fields)
    for field in fields:
        alike = [each for each in fields if each.sender == field.sender]
        for text, step in _texts(field, alike):
            steps = _Value(text).after(step, _foreign(field, standard=standard))
            found.setdefault(text, _Value(text, steps))
    return list(islice(found.values(), _MOST_VALUES))


def _texts(field: Field, alike: list[Field]) -> Iterator[tuple[bytes, Step | None]]:
    """Yield the texts that a header may have been meant as, and the step to each.

    Args:
        field: The header.
        alike: All headers of its name.
    """
    if len(alike) == 1 and field.value:
        yield field.value, None
    # WSGI servers join repeated headers with commas; a date has one in it, too.
    different = {piece.strip(_QUOTES) for each in alike for piece in each.value.split(b",")}
    step = (
        Step(Cause.RETRY_MIXED, f"take another {field.name} of the {len(different)} in the request")
        if len(different) > 1
        else Step(Cause.HEADER_FORMAT, f"write {field.name} once, with nothing around it")
    )
    for piece in (field.value, *field.value.split(b",")):
        if text := piece.strip(_QUOTES):
            yield text, step


def _foreign(field: Field, *, standard: bool) -> Step | None:
    """Return the step from another sender's header.

    Args:
        field: The header.
        standard: Whether the standard's is there, too.
    """
    if field.sender == STANDARD:
        return None
    if standard:
        return Step(Cause.RETRY_MIXED, f"take {field.name} in place of {STANDARD}-{field.kind}")
    return renamed(field)
