"""The command `events`: what OpenAI sends."""

import inspect
import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin

import click
import msgspec
from rich.table import Table

from webhook_guard.cli.options import json_option
from webhook_guard.cli.output import console, print_json
from webhook_guard.sansio.events import EVENT_CLASSES, object_class
from webhook_guard.testing.events import event_body, event_class, make_event

#: One attribute in a docstring's section of them.
_ATTRIBUTE = re.compile(r"^    (\w+): (.*)$", re.MULTILINE)
#: The members that each class of events has, and its docstring does not describe.
_OF_ALL = {"type": "The type of event.", "data": "What the event is about."}


class _Field(NamedTuple):
    """A member of an event, or of an object in it."""

    #: With the objects it is in, as in data.sip_headers[].name.
    name: str
    json: str
    optional: bool
    description: str


@click.command()
@click.argument("kind", metavar="[TYPE]", required=False)
@json_option
def command(*, kind: str | None, as_json: bool) -> None:
    """List the types of events that OpenAI sends; with TYPE, show the fields of one and a sample.

    \b
    Examples:
      webhook-guard events
      webhook-guard events batch.completed
    """  # noqa: D301  \b is click's mark for lines to be kept
    if kind is None:
        _show_all(as_json=as_json)
    else:
        _show(kind, as_json=as_json)


def _show_all(*, as_json: bool) -> None:
    if as_json:
        print_json([{"type": kind, **_class_of(kind)} for kind in EVENT_CLASSES])
        return
    table = Table("Type", "When", box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for kind in EVENT_CLASSES:
        table.add_row(kind, _class_of(kind)["description"])
    console().print(table)


def _show(kind: str, *, as_json: bool) -> None:
    described = _class_of(kind)
    fields = list(_fields(event_class(kind)))
    sample = event_body(make_event(kind))
    if as_json:
        print_json(
            {
                "type": kind,
                **described,
                "fields": [field._asdict() for field in fields],
                "sample": msgspec.json.decode(sample),
            }
        )
        return
    screen = console()
    screen.print(f"{kind} is the class {described['class']}: {described['description']}\n")
    screen.print(_table_of(fields))
    screen.print("\nA sample:\n")
    screen.print(msgspec.json.format(sample).decode(), soft_wrap=True)


def _class_of(kind: str) -> dict[str, str]:
    cls = event_class(kind)
    return {"class": cls.__name__, "description": inspect.getdoc(cls) or ""}


def _table_of(fields: list[_Field]) -> Table:
    table = Table("Member", "JSON", "", box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for field in fields:
        absent = " May be absent." if field.optional and "absent" not in field.description else ""
        table.add_row(field.name, field.json, f"{field.description}{absent}")
    return table


def _fields(cls: type[Any], within: str = "") -> Iterator[_Field]:
    """Give the members of a class, and after an object those of the object."""
    descriptions = _descriptions(cls)
    for field in msgspec.structs.fields(cls):
        if field.name == "extra":
            continue
        name, shown = f"{within}{field.name}", _json_type(field.type)
        yield _Field(name, shown, not field.required, descriptions.get(field.name) or _OF_ALL.get(field.name, ""))
        inner = object_class(field.type)
        if inner is not None:
            yield from _fields(inner, f"{name}{'[]' if shown == 'array' else ''}.")


def _descriptions(cls: type[Any]) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of its attributes, by name."""
    texts = [inspect.cleandoc(each.__doc__ or "") for each in reversed(cls.__mro__)]
    sections = (text.partition("Attributes:\n")[2] for text in texts)
    return {name: text.replace("``", "") for section in sections for name, text in _ATTRIBUTE.findall(section)}


def _json_type(kind: Any) -> str:
    """Return what JSON calls a type: for one that may be null too, the other one."""
    if isinstance(kind, UnionType):
        return next(_json_type(each) for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is tuple:
        return "array"
    return {str: "string", int: "integer"}.get(kind, "object" if isinstance(kind, type) else "string")
