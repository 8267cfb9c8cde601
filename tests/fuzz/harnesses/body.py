"""A body: an event that has lost nothing and invents nothing, or a PayloadError that shows nothing of it."""

import inspect
import json
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

import msgspec

from webhook_guard import Delivery, PayloadError, UnknownEvent, WebhookEvent
from webhook_guard.sansio import events

from fuzz import reference
from fuzz.catalogue import CATALOGUE, is_array, is_object, mutated
from support import NOW, WEBHOOK_ID

#: What is checked: a body -> its event, or a PayloadError.
Subject: TypeAlias = Callable[[bytes], WebhookEvent]

_ENVELOPE = {"id": "string", "created_at": "integer", "object?": "string"}
_LARGEST_INTEGER = 2**63 - 1
#: What messages are made of.
_OWN_WORDS = inspect.getsource(events) + " (ValidationError) (DecodeError) (UnicodeDecodeError) (RecursionError)"


def check(data: bytes, subject: Subject = events.parse) -> None:
    """Check one body: it is the whole input."""
    expected = reference.members(data)
    try:
        event = subject(data)
    except PayloadError as error:
        _check_message(error)
        assert expected is None or reference.is_deep(data), "an event was refused"
        return
    assert expected is not None, "what is no event was taken for one"
    assert type(event).__name__ in _classes(expected), f"the event is taken for a {type(event).__name__}"
    _check_object(event, expected)
    _check_delivery(event, data, expected)


def mutate(data: bytes, random: Random) -> bytes:
    """Return another body: bytes alone seldom make an event of one."""
    return mutated(data, random)


def _check_message(error: PayloadError) -> None:
    assert all(word in _OWN_WORDS for word in str(error).split()), f"the message may show a part of the body: {error}"
    assert error.__cause__ is error.__context__ is None, "the error drags another along, which may hold the body"


def _check_object(found: Any, expected: dict[str, Any]) -> None:
    """Assert that an object has each of the members, as it came, and no other."""
    fields = {name: getattr(found, name) for name in found.__struct_fields__ if name != "extra"}
    unfit = _unfit(expected) if isinstance(found, UnknownEvent) else set[str]()
    known = fields.keys() & expected.keys() - unfit
    assert set(found.extra) == expected.keys() - known, "a member was lost, or is not where it belongs"
    assert all(fields[name] in (None, "event") for name in fields.keys() - known), "a member was invented"
    for name, value in expected.items():
        _check_value(fields[name] if name in known else found.extra[name], value)


def _unfit(members: dict[str, Any]) -> set[str]:
    """Return which members an event without a class keeps in `extra`, because they are of another type."""
    return {name for name, kind in (("id", str), ("created_at", int)) if type(members.get(name, kind())) is not kind}


def _check_value(found: Any, expected: Any) -> None:
    if isinstance(found, msgspec.Struct):
        assert is_object(expected), "an object was invented"
        _check_object(found, expected)
    elif isinstance(found, tuple):
        for item, value in zip(found, expected, strict=True):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  any
            _check_value(item, value)
    else:
        assert _same(found, expected), "a member was changed"


def _same(found: Any, expected: Any) -> bool:
    """Say whether two decoded values are the same: 1, 1.0 and true are not."""
    if is_object(found) and is_object(expected):
        return found.keys() == expected.keys() and all(_same(found[name], expected[name]) for name in expected)
    if is_array(found) and is_array(expected):
        return len(found) == len(expected) and all(map(_same, found, expected))
    return type(found) is type(expected) and bool(found == expected)


def _classes(members: dict[str, Any]) -> list[str]:
    """Return the names of the classes that an event may have, by the catalogue: one, but where that is open."""
    entry = CATALOGUE.get(members["type"])
    if entry is None:
        return [UnknownEvent.__name__]
    fits = _fits({**_ENVELOPE, "data": entry["data"]}, members)
    if fits is None:
        return [entry["class"], UnknownEvent.__name__]
    return [entry["class"] if fits else UnknownEvent.__name__]


def _fits(shape: Any, value: Any) -> bool | None:
    """Say whether a value has a shape of the catalogue; None if that is not said, as of null for what may be absent."""
    if is_array(shape):
        return is_array(value) and _all(_fits(shape[0], item) for item in value)
    if is_object(shape):
        return _fits_object(shape, value)
    if shape == "integer":
        return type(value) is int and (True if abs(value) <= _LARGEST_INTEGER else None)
    return isinstance(value, str) or (shape == "string|null" and value is None)


def _fits_object(shape: dict[str, Any], value: Any) -> bool | None:
    if "nullable" in shape:
        return value is None or _fits(shape["nullable"], value)
    return is_object(value) and _all(_fits_member(name, inner, value) for name, inner in shape.items())


def _fits_member(name: str, shape: Any, members: dict[str, Any]) -> bool | None:
    bare = name.removesuffix("?")
    if bare not in members:
        return bare != name
    fits = _fits(shape, members[bare])
    return None if not fits and bare != name and members[bare] is None else fits


def _all(answers: Any) -> bool | None:
    found = list(answers)
    return False if False in found else None if None in found else True


def _check_delivery(event: WebhookEvent, body: bytes, expected: dict[str, Any]) -> None:
    """Assert that a delivery with the event survives a queue, and decodes its body the same."""
    delivery = Delivery(
        webhook_id=WEBHOOK_ID, timestamp=NOW, signature="v1,\xff", body=body, event=event, secret_index=0
    )
    assert Delivery.from_dict(json.loads(json.dumps(delivery.to_dict()))) == delivery, "changed on the way"
    assert _same(delivery.json(), expected), "json() is not what came"
    assert repr(delivery) == (
        f"Delivery(webhook_id={WEBHOOK_ID!r}, timestamp={NOW}, secret_index=0, type={event.type!r})"
    ), "the repr shows something else"
