"""The catalogue of events, and events of it: as they come, and as they are mutated."""

import json
from pathlib import Path
from random import Random
from typing import Any, TypeGuard

from support import event_body

CATALOGUE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "events.json").read_text("utf-8"))[
    "events"
]

_KINDS = sorted(CATALOGUE)
_NAMES = ("id", "type", "created_at", "object", "data", "extra", "sip_headers", "connect", "required_action", "region")
_VALUES: list[Any] = [
    *(None, True, 0, -1, 2**63, 1.0, 1e300, "", "x", "event", "\ud83d\ude00", "\ud800"),
    *([], [[]], {}, {"id": "x"}, {"name": "x", "value": "y"}),
]


def event(kind: str) -> bytes:
    """Return the body of an event of a type."""
    return event_body(kind, _sample(CATALOGUE[kind]["data"]))


def mutated(body: bytes, random: Random) -> bytes:
    """Return an object with a few members changed, lost or added; if the body is none, an event."""
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not is_object(value):
        return event(random.choice(_KINDS))
    for _ in range(random.randint(1, 3)):
        value = _changed(value, random)
    text = json.dumps(value, ensure_ascii=random.random() < 0.5)
    # Two members of one name are what no dict has.
    name, twice = random.choice(_NAMES), json.dumps(random.choice(_VALUES))
    return (text if random.random() < 0.8 else text.replace("{", f'{{"{name}":{twice},', 1)).encode("utf-8", "replace")


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Say whether decoded JSON is an object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Say whether decoded JSON is an array."""
    return isinstance(value, list)


def _changed(value: Any, random: Random) -> Any:
    """Return decoded JSON with one thing changed, at any level."""
    if is_array(value) and value and random.random() < 0.8:
        if random.random() < 0.2:
            return value * 2
        at = random.randrange(len(value))
        return [*value[:at], _changed(value[at], random), *value[at + 1 :]]
    if is_object(value) and random.random() < 0.9:
        return _changed_object(value, random)
    return random.choice(_VALUES)


def _changed_object(value: dict[str, Any], random: Random) -> dict[str, Any]:
    name = random.choice([*value, *_NAMES])
    if name not in value:
        return {**value, name: random.choice(_VALUES)}
    if name == "type" and random.random() < 0.9:
        return {**value, "type": random.choice(_KINDS)}
    if random.random() < 0.2:
        return {other: member for other, member in value.items() if other != name}
    return {**value, name: _changed(value[name], random)}


def _sample(shape: Any) -> Any:
    """Return a value of a shape of the catalogue, with all its members."""
    if is_array(shape):
        return [_sample(shape[0])] * 2
    if not is_object(shape):
        return "text"
    if "nullable" in shape:
        return _sample(shape["nullable"])
    return {name.removesuffix("?"): _sample(inner) for name, inner in shape.items()}
