"""The orders that the members of an event may have had before something sorted or hashed them.

Only compact text is put in order, as `json_text.compacted` returns it; what is not known keeps its place behind.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, permutations, product
from typing import NamedTuple

import msgspec

from webhook_guard.sansio.events import EVENT_CLASSES

#: OpenAI's orders of an event's members, as its published vector has them, and its documentation; and how to say so.
_OPENAI = {
    "in OpenAI's order": ("id", "object", "created_at", "type", "data"),
    "in the order of OpenAI's documentation": ("object", "id", "type", "created_at", "data"),
}
_NAMES = {name for names in _OPENAI.values() for name in names}
#: Members of an event, and of its data, of which all orders are tried: 120 and 24.
MOST_PERMUTED, MOST_PERMUTED_IN_DATA = 5, 4
#: Levels of nesting that are put in order.
DEEPEST = 64

#: Members of an object that is put in order, because each is held; OpenAI's have under ten.
_MOST_MEMBERS = 64

_TOKENS = re.compile(rb'(?s)"(?:[^"\\]++|\\.?+)*+"?+|[^"\[\]{},]++|[\[\]{},]')
_NAME = re.compile(rb'(?s)"((?:[^"\\]++|\\.?+)*+)"')
_DATA = b'"data":'
_ENDS = {b"{": b"}", b"[": b"]"}


class Ordered(NamedTuple):
    """A text in another order, and which one that is, to follow on from how to write it."""

    how: str
    text: bytes


class _Event(NamedTuple):
    """The members of an event and those of its data, each whole, as `"id":1`, by their places."""

    members: list[bytes]
    data: list[bytes]
    known: tuple[str, ...]

    def text(self, members: Iterable[bytes], data: Iterable[bytes]) -> bytes:
        """Return the event with its members, and those of its data, in an order."""
        inner = _DATA + _object(data)
        return _object(inner if self.data and member.startswith(_DATA) else member for member in members)


def known_orders(text: bytes) -> Iterator[Ordered]:
    """Yield a text with its members in OpenAI's orders, and sorted, the likelier first; some come twice.

    >>> [text for _, text in known_orders(b'{"data":{},"type":"a","id":"b"}')][-1]
    b'{"data":{},"id":"b","type":"a"}'
    """
    event = _event(text)
    for (top_how, members), (data_how, data) in product(_tops(event), _datas(event)):
        yield Ordered(top_how + data_how, event.text(members, data))
    everything = sorted_throughout(text)
    if everything:
        yield Ordered(", with all members sorted", everything)


def openai_orders(text: bytes) -> Iterator[Ordered]:
    """Yield a text with its members in OpenAI's orders, and those of its data as they are, and as the catalogue says.

    >>> [text for _, text in openai_orders(b'{"data":{},"type":"a","id":"b"}')][0]
    b'{"id":"b","type":"a","data":{}}'
    """
    event = _event(text)
    for (top_how, members), (data_how, data) in product(_openai(event), islice(_datas(event), 2)):
        yield Ordered(top_how + data_how, event.text(members, data))


def every_order(text: bytes) -> Iterator[Ordered]:
    """Yield a text with its members in every order, and then those of its data, if there are few; some come twice."""
    event = _event(text)
    if 0 < len(event.members) <= MOST_PERMUTED:
        datas = event.data, _ranked(event.data, event.known)
        for order, data in product(permutations(event.members), datas):
            yield Ordered(_listed(order), event.text(order, data))
    if 0 < len(event.data) <= MOST_PERMUTED_IN_DATA:
        for order, (how, members) in product(permutations(event.data), _tops(event)):
            yield Ordered(f"{how}, data's members in another order", event.text(members, order))


def sorted_throughout(text: bytes) -> bytes | None:
    """Return a text with the members of all its objects sorted; None if it is no whole JSON, or nested too deeply.

    >>> sorted_throughout(b'[{"b":1,"a":{"d":2,"c":[]}}]')
    b'[{"a":{"c":[],"d":2},"b":1}]'
    """
    opened: list[tuple[list[bytes], list[bytes]]] = [([], [])]  # per container: what is whole, and parts of the next
    ends: list[bytes] = []
    for match in _TOKENS.finditer(text):
        token = match[0]
        if token in _ENDS:
            opened.append(([], []))
            ends.append(_ENDS[token])
        elif token in (b"}", b"]"):
            if not ends or ends.pop() != token:
                return None
            whole = _closed(*opened.pop(), is_object=token == b"}")
            opened[-1][1].append(whole)
        elif token == b",":
            members, parts = opened[-1]
            members.append(b"".join(parts))
            parts.clear()
        else:
            opened[-1][1].append(token)
        if len(opened) > DEEPEST:
            return None
    return b"".join(opened[0][1]) if len(opened) == 1 else None


def _closed(members: list[bytes], parts: list[bytes], *, is_object: bool) -> bytes:
    if members or parts:
        members.append(b"".join(parts))
    return _object(sorted(members, key=_name)) if is_object else b"[" + b",".join(members) + b"]"


def _event(text: bytes) -> _Event:
    members = _members(text)
    data = next((member for member in members if member.startswith(_DATA + b"{")), b"")
    kind = next((member for member in members if member.startswith(b'"type":"')), b"")
    return _Event(members, _members(data[len(_DATA) :]), _known_members(kind[len(b'"type":"') : -1]))


def _members(text: bytes) -> list[bytes]:
    """Return the members of an object, each whole; nothing if the text is no object with any."""
    if not text.startswith(b"{") or text == b"{}":
        return []
    found: list[bytes] = []
    depth, start = 0, 1
    for match in _TOKENS.finditer(text):
        token = match[0]
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        if depth == 0:
            return [*found, text[start:-1]] if token == b"}" and match.end() == len(text) else []
        if token == b"," and depth == 1:
            found.append(text[start : match.start()])
            start = match.end()
            if len(found) == _MOST_MEMBERS:
                return []
    return []


def _known_members(kind: bytes) -> tuple[str, ...]:
    """Return the members of the data of a type of event, in the catalogue's order; none if it is unknown."""
    cls = EVENT_CLASSES.get(kind.decode(errors="replace"))
    if cls is None:
        return ()
    data = next(field.type for field in msgspec.structs.fields(cls) if field.name == "data")
    return tuple(field.name for field in msgspec.structs.fields(data) if field.name != "extra")


def _tops(event: _Event) -> Iterator[tuple[str, list[bytes]]]:
    if not event.members:
        return
    yield "", event.members
    yield from _openai(event)
    yield ", with its members sorted", sorted(event.members, key=_name)


def _openai(event: _Event) -> Iterator[tuple[str, list[bytes]]]:
    for how, names in _OPENAI.items() if event.members else ():
        yield f", {how}", _ranked(event.members, names)


def _datas(event: _Event) -> Iterator[tuple[str, list[bytes]]]:
    yield "", event.data
    yield ", data's members in OpenAI's order", _ranked(event.data, event.known)
    yield ", data's members sorted", sorted(event.data, key=_name)


def _ranked(members: list[bytes], names: Sequence[str]) -> list[bytes]:
    """Return the members in the order of their names; those that have none of them stay behind, as they are."""
    ranks = {name.encode(): rank for rank, name in enumerate(names)}
    return sorted(members, key=lambda member: ranks.get(_name(member), len(ranks)))


def _name(member: bytes) -> bytes:
    match = _NAME.match(member)
    return match[1] if match else b""


def _listed(members: Iterable[bytes]) -> str:
    """Return in which order members are, if their names are OpenAI's; others are a part of the body."""
    names = [_name(member).decode(errors="replace") for member in members]
    if {*names} <= _NAMES:
        return f", in the order {', '.join(names)}"
    return ", in another order"


def _object(members: Iterable[bytes]) -> bytes:
    return b"{" + b",".join(members) + b"}"
