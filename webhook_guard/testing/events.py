"""Events to test with: one of each type, as OpenAI would send it, and the bytes of any event.

What `make_event` returns is what the app would get: it is written as JSON and read again. Its ids are random, its
resources don't exist, and nothing here is signed.
"""

import difflib
import json
import time
from reprlib import repr as shortened
from secrets import token_hex
from typing import Any

import msgspec

from webhook_guard.sansio.errors import ConfigurationError, PayloadError
from webhook_guard.sansio.events import EVENT_CLASSES, Event, Object, UnknownEvent, WebhookEvent, convert, parse

#: The types of event that are known: 34.
EVENT_TYPES: tuple[str, ...] = tuple(EVENT_CLASSES)

#: In OpenAI's order.
_MEMBERS = ("id", "object", "created_at", "type", "data")


def make_event(kind: str, /, **data: Any) -> WebhookEvent:
    """Return an event of a known type that happens now: with random ids, and with its optional members.

    Args:
        kind: The type, as "batch.completed".
        data: Members of the event's `data`, in place of the made-up ones. One that the class does not know is kept, in
            `data.extra`, as a member that OpenAI adds tomorrow would be.

    Raises:
        ConfigurationError: The type is not in the catalogue, or a member does not fit its class; the message says what
            does. It is a ValueError.

    >>> from webhook_guard.testing import make_event
    >>> event = make_event("batch.completed", id="batch_1", region="eu")
    >>> event.data.id, event.data.extra
    ('batch_1', {'region': 'eu'})

    To change what is not in `data`, replace it: ``msgspec.structs.replace(event, created_at=1750861210)``. An event of
    a type that nobody knows yet is an ``UnknownEvent(type="model.retired", data={"id": "model_1"})``.
    """
    cls = event_class(kind)
    members = {"id": new_id("evt_"), "object": "event", "created_at": int(time.time()), "type": kind}
    try:
        event = parse(_encode({**members, "data": {**_sample(kind), **data}}))
    except PayloadError:
        raise ConfigurationError("data: has a number, a text or a depth that no event can have") from None
    if not isinstance(event, UnknownEvent):
        return event
    try:
        return convert({**members, "data": event.data}, cls)
    except msgspec.ValidationError as misfit:
        expected, _, where = str(misfit).partition(" - at `$.")
        raise ConfigurationError(f"{where.rstrip('`')}: does not fit {kind}: {expected}") from None


def event_class(kind: str) -> type[WebhookEvent]:
    """Return the class of a type.

    Raises:
        ConfigurationError: The type is not in the catalogue; the message offers the nearest ones.

    >>> from webhook_guard.testing import event_class
    >>> event_class("batch.completed").__name__
    'BatchCompleted'
    >>> event_class("batch.complete")
    Traceback (most recent call last):
    webhook_guard.sansio.errors.ConfigurationError: type: 'batch.complete' is not in the catalogue; did you mean ...
    """
    if not isinstance(kind, str):
        raise ConfigurationError(f"type: must be text, as 'batch.completed', not {type(kind).__name__}")
    if kind in EVENT_CLASSES:
        return EVENT_CLASSES[kind]
    nearest = difflib.get_close_matches(kind, EVENT_CLASSES)
    offered = f"did you mean {' or '.join(map(repr, nearest))}?" if nearest else "`webhook-guard events` lists all"
    raise ConfigurationError(f"type: {shortened(kind)} is not in the catalogue; {offered}")


def event_body(event: WebhookEvent) -> bytes:
    """Return the body that an event would arrive in: `parse_event` makes the same event of it.

    Args:
        event: Any event, an `UnknownEvent` too. What is None is left out, and `extra` is where it came from.

    Raises:
        TypeError: It is no event.
        ConfigurationError: It has a value that JSON does not have.

    >>> from webhook_guard import UnknownEvent
    >>> from webhook_guard.testing import event_body
    >>> event_body(UnknownEvent(type="model.retired", id="evt_1", data={"id": "model_1"}))
    b'{"id": "evt_1", "type": "model.retired", "data": {"id": "model_1"}}'
    """
    if not isinstance(event, (Event, UnknownEvent)):
        kind = type(event).__name__
        raise TypeError(f"must be an event, as make_event returns it, or a body of str or bytes, not {kind}")
    return _encode(event)


def new_id(prefix: str) -> str:
    """Return a new id, as OpenAI's: `prefix`, and 32 hexadecimal digits."""
    return f"{prefix}{token_hex(16)}"


def _encode(event: object) -> bytes:
    """Return JSON as `json.dumps` writes it by default, and as OpenAI's published vector has it."""
    try:
        return json.dumps(event, default=_members, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"data: can't be written as JSON: {error}") from None


def _members(value: object) -> dict[str, Any]:
    """Return the members of an event, or of an object in one."""
    if not isinstance(value, (Object, UnknownEvent)):
        raise TypeError(f"{type(value).__name__} is no JSON value")
    names = _MEMBERS if isinstance(value, (Event, UnknownEvent)) else type(value).__struct_fields__
    members = {name: getattr(value, name) for name in names if name != "extra"}
    return {**{name: member for name, member in members.items() if member is not None}, **value.extra}


#: What the ids of resources begin with, by the type of event without its last part.
_PREFIXES = {
    "agent.environment": "env_",
    "batch": "batch_",
    "eval.run": "evalrun_",
    "fine_tuning.job": "ftjob-",
    "response": "resp_",
    "safety": "C-",
    "safety.alert": "alert_",
    "safety.org_alert": "alert_",
    "video": "video_",
}


def _sample(kind: str) -> dict[str, Any]:  # noqa: PLR0911  a table
    """Return the members of `data`, the optional ones too."""
    match kind.split("."):
        case ["agent", "session", "action_required"]:
            return {"id": new_id("sess_"), "required_action": {"type": "function_call"}}
        case ["agent", "session", "created"]:
            environment = new_id("env_")
            connect = {"remote_url": f"https://example.com/environments/{environment}"}
            session = {"id": new_id("sess_"), "environment_type": "self_hosted", "environment_id": environment}
            return {**session, "connect": connect}
        case ["agent", "session", *_]:
            return {"id": new_id("sess_"), "environment_type": "openai_hosted", "environment_id": new_id("env_")}
        case ["realtime", "call", "incoming"]:
            return {"call_id": new_id("rtc_"), **_sip()}
        case ["live", "call", "incoming"]:
            return {"session_id": new_id("live_"), **_sip()}
        case ["live", "transport", "incoming"]:
            return {"session_id": new_id("live_"), "type": "sip", **_sip()}
        case ["live", "transport", "connected"]:
            return {"session_id": new_id("live_"), "type": "webrtc"}
        case ["safety_identifier", "blocked"]:
            request = {"model": "gpt-5", "project_id": new_id("proj_"), "request_id": new_id("req_")}
            return {"safety_category": "cyber", "safety_identifier": new_id("user_"), **request}
        case _:
            return {"id": new_id(_PREFIXES[kind.rpartition(".")[0]])}


def _sip() -> dict[str, Any]:
    """Return what is known of a SIP call. The numbers are among those that nobody has."""
    headers = {
        "From": "<sip:+12025550123@sip.example.com>",
        "To": f"<sip:{new_id('proj_')}@sip.api.openai.com>",
        "Call-ID": token_hex(16),
    }
    return {
        "sip_headers": [{"name": name, "value": value} for name, value in headers.items()],
        "sip_media_security": "srtp",
    }
