"""Compares the values of two events: all that theirs has, ours must have too, of the same type."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from pydantic import BaseModel

_MISSING = object()


@dataclass(frozen=True)
class Mistyped:
    """One value that differs.

    Attributes:
        path: Where, as `data.id`; empty for the event itself.
        ours: What we have.
        theirs: What they have.
    """

    path: str
    ours: Any
    theirs: Any


def differing(ours: Any, theirs: Any, path: str = "") -> Iterator[Mistyped]:
    """Find the values that differ, wherever they are: classes of events, members, elements."""
    if isinstance(theirs, BaseModel):
        yield from _of_class(ours, theirs, path)
    if (members := _members(theirs)) is not None:
        for name, value in members.items():
            yield from differing(_member(ours, name), value, f"{path}.{name}".removeprefix("."))
    elif (elements := _elements(theirs)) is not None:
        yield from _of_elements(ours, elements, path)
    elif type(ours) is not type(theirs) or repr(ours) != repr(theirs):  # so 1, 1.0 and True differ
        yield Mistyped(path, ours, theirs)


def _of_class(ours: Any, theirs: BaseModel, path: str) -> Iterator[Mistyped]:
    """Find an event of another class; what objects in it are called is each library's own business."""
    name = type(theirs).__name__
    if name.endswith("WebhookEvent") and name.removesuffix("WebhookEvent") != type(ours).__name__:
        yield Mistyped(path, type(ours).__name__, name)


def _of_elements(ours: Any, theirs: Sequence[Any], path: str) -> Iterator[Mistyped]:
    own = _elements(ours)
    if own is None or len(own) != len(theirs):
        yield Mistyped(path, ours, theirs)
        return
    for index, (our, their) in enumerate(zip(own, theirs, strict=True)):
        yield from differing(our, their, f"{path}[{index}]")


def _elements(value: Any) -> Sequence[Any] | None:
    return cast(Sequence[Any], value) if isinstance(value, (list, tuple)) else None


def _members(value: Any) -> Mapping[str, Any] | None:
    """Return the members that an object was given, by name; those it knows and those it does not."""
    if isinstance(value, dict):
        return cast(dict[str, Any], value)
    if isinstance(value, BaseModel):
        known = {name: value.__dict__[name] for name in value.model_fields_set if name in value.__dict__}
        return {**known, **(value.__pydantic_extra__ or {})}
    return None


def _member(ours: Any, name: str) -> Any:
    """Return our value of a member: where our class does not know it, or not like this, it is in `extra`."""
    if isinstance(ours, msgspec.Struct):
        struct: Any = ours
        return struct.extra[name] if name in struct.extra else getattr(struct, name, _MISSING)
    return cast(dict[str, Any], ours).get(name, _MISSING) if isinstance(ours, dict) else _MISSING
