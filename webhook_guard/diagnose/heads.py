"""The ids and timestamps that may have been signed: the text before the body.

The standard signs ``id.timestamp.body`` (Standard Webhooks, "Signature scheme"). Others sign less, or other values than
a request has in the end; each such text needs steps.
"""

from collections.abc import Iterator
from itertools import islice, product
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

_SWAPPED = Step(Cause.SWAPPED_HEADERS, "exchange the values of webhook-id and webhook-timestamp")
_BODY_ALONE = Step(Cause.SIGNED_CONTENT, "compute the MAC over the body alone, not over id.timestamp.body")
_WITHOUT_ID = Step(Cause.SIGNED_CONTENT, "compute the MAC over timestamp.body, not over id.timestamp.body")
_WITHOUT_TIMESTAMP = Step(Cause.SIGNED_CONTENT, "compute the MAC over id.body, not over id.timestamp.body")


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
    text: bytes
    steps: tuple[Step, ...] = ()

    def after(self, *steps: Step) -> tuple[Step, ...]:
        """Return the steps to the value and `steps`, one for each cause: what befell two values befell them at once."""
        return tuple({step.cause: step for step in (*self.steps, *steps)}.values())


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
    for webhook_id, timestamp in product(ids, map(_as_seconds, timestamps)):
        yield from _with(webhook_id, timestamp)
    for webhook_id, timestamp in product(timestamps, map(_as_seconds, ids)):
        yield from _with(webhook_id, [_Value(each.text, each.after(_SWAPPED)) for each in timestamp])
    for timestamp in map(_as_seconds, timestamps):
        for each in timestamp:
            yield Head(b"%b." % each.text, each.text, each.after(_WITHOUT_ID))
    yield Head(b"", timestamps[0].text if timestamps else b"", (_BODY_ALONE,))


def _with(webhook_id: _Value, timestamp: list[_Value]) -> Iterator[Head]:
    """Yield the heads with an id and each reading of a timestamp."""
    for each in timestamp:
        steps = webhook_id.after(*each.steps)
        yield Head(b"%b.%b." % (webhook_id.text, each.text), each.text, steps)
        yield Head(b"%b." % webhook_id.text, each.text, (*steps, _WITHOUT_TIMESTAMP))


def _as_seconds(timestamp: _Value) -> list[_Value]:
    """Return a timestamp, and what it is in seconds if it is written otherwise."""
    readings = [
        _Value(text, timestamp.after(Step(Cause.TIMESTAMP_UNIT, how))) for text, how in in_seconds(timestamp.text)
    ]
    return [timestamp, *readings]


def _values(fields: list[Field]) -> list[_Value]:
    """Return the values of all headers of a kind, and the steps to each: the plain one of a sound request has none."""
    own = [field for field in fields if field.sender == STANDARD]
    different = {piece.strip(_QUOTES) for field in own for piece in field.value.split(b",")}
    found: dict[bytes, _Value] = {}
    for field in fields:
        if field.sender != STANDARD:
            _add(found, field, _foreign(field, is_other=bool(own)))
        elif len(own) == 1 and field.value:
            found[field.value] = _Value(field.value)
            _add(found, field, _unclear(field, len(different)))
        else:
            _add(found, field, _unclear(field, len(different)))
    return list(islice(found.values(), _MOST_VALUES))


def _add(found: dict[bytes, _Value], field: Field, step: Step) -> None:
    # WSGI servers join repeated headers with commas; a date has one in it, too.
    for piece in (field.value, *field.value.split(b",")):
        if text := piece.strip(_QUOTES):
            found.setdefault(text, _Value(text, (step,)))


def _unclear(field: Field, count: int) -> Step:
    name = f"{STANDARD}-{field.kind}"
    if count > 1:
        return Step(Cause.RETRY_MIXED, f"take another {name} of the {count} in the request")
    return Step(Cause.HEADER_FORMAT, f"write {name} once, with nothing around it")


def _foreign(field: Field, *, is_other: bool) -> Step:
    if is_other:
        return Step(Cause.RETRY_MIXED, f"take {field.sender}-{field.kind} in place of {STANDARD}-{field.kind}")
    return renamed(field)
