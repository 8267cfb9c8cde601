"""Genuine deliveries of every event type: bodies, ids, secrets and headers drawn from a seed."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

from differential import sender
from differential.delivery import CONTAINERS, Draft

EVENTS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "events.json").read_bytes())["events"]
_UNKNOWN_TYPES = ("from.tomorrow", "batch.completed.v2", "Batch.Completed", "x", "событие", "agent.environment")

_TEXTS = ("x", "", "résumé", "喂 📞", 'quotes " and \\', "line\nbreak\ttab", "\u2028\0", "true", "9" * 30, "a" * 3000)
_NUMBERS = (0, -1, 1.5, -0.0, 1e300, 5e-324, 2**53 + 1, 2**64, -(2**63), 10**40)
_STYLES: tuple[dict[str, Any], ...] = (
    {},
    {"separators": (",", ":")},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": 2},
    {"sort_keys": True},
)
#: What well-formed senders and receivers do, and what we must all accept, wherever it can be asked.
_SECRETS = tuple(
    sender.SECRETS[name]
    for name in (
        "a secret without its padding",
        "a secret of base64 without the prefix, signed with what it decodes to",
        "a secret of base64 without the prefix, signed with its own bytes",
        "a secret of raw text",
        "a secret of raw bytes",
        "two secrets, signed with the newer",
        "two secrets, signed with the older",
    )
)


def drafts(random: Random, each: int) -> Iterator[Draft]:
    """Yield deliveries to be signed, `each` of every type, known and unknown."""
    for kind in (*EVENTS, *_UNKNOWN_TYPES):
        data = EVENTS[kind]["data"] if kind in EVENTS else {"id": "string"}
        for _ in range(each):
            yield _draft(random, {"type": kind, "data": _filled(random, data)})


def _draft(random: Random, members: dict[str, Any]) -> Draft:
    event = {"id": f"evt_{random.getrandbits(64):x}", "created_at": random.randrange(2**31), **members}
    if random.random() < 0.5:
        event["object"] = "event"
    if random.random() < 0.5:
        event |= _unknown_members(random)
    draft = Draft(
        body=json.dumps(_shuffled(random, event), **random.choice(_STYLES)).encode(),
        webhook_id=f"wh_{random.getrandbits(random.randrange(8, 500)):x}",
        age=random.randint(-290, 290),
    ).with_arrived(as_text=random.random() < 0.5, container=random.choice(tuple(CONTAINERS)))
    return draft if random.random() < 0.5 else random.choice(_SECRETS)(draft)


def _filled(random: Random, shape: Any) -> Any:
    """Return data of a shape of the catalogue; what may be absent is, now and then."""
    if isinstance(shape, dict):
        return _filled_object(random, cast(dict[str, Any], shape))
    if isinstance(shape, list):
        return [_filled(random, shape[0]) for _ in range(random.randrange(4))]
    return None if shape.endswith("null") and random.random() < 0.3 else random.choice(_TEXTS)


def _filled_object(random: Random, shape: dict[str, Any]) -> Any:
    if "nullable" in shape:
        return _filled(random, shape["nullable"]) if random.random() < 0.7 else None
    present = [name for name in shape if not name.endswith("?") or random.random() < 0.6]
    filled = {name.removesuffix("?"): _filled(random, shape[name]) for name in present}
    return filled | (_unknown_members(random) if random.random() < 0.2 else {})


def _unknown_members(random: Random) -> dict[str, Any]:
    names = ("x", "extra", "metadata", "Type", "model_config", "é")
    return {name: _value(random, 3) for name in random.sample(names, random.randint(1, 3))}


def _value(random: Random, depth: int) -> Any:
    chosen = random.randrange(6 if depth else 4)
    if chosen == 4:
        return [_value(random, depth - 1) for _ in range(random.randrange(4))]
    if chosen == 5:
        return {random.choice(_TEXTS): _value(random, depth - 1) for _ in range(random.randrange(4))}
    return (random.choice(_TEXTS), random.choice(_NUMBERS), random.choice((True, False)), None)[chosen]


def _shuffled(random: Random, members: dict[str, Any]) -> dict[str, Any]:
    return dict(random.sample(list(members.items()), len(members)))
