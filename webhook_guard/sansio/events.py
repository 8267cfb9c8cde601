"""Verified bytes -> a typed event; a type that nobody knows yet is a value too, not an error.

One frozen class per type of event, named after it. Nothing authentic is lost: members that a class does not know are
kept in its `extra`, and an object that fits no class is an `UnknownEvent`, be its type new or its shape unexpected.
The whole body is decoded and checked here, so nothing about an event fails later, in a handler.

Source of the catalogue: the public OpenAI API reference and the openai package 3.52.0. Enumerations are open: a `str`
field takes values that its docstring does not name.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeGuard, get_args

import msgspec

from webhook_guard.sansio.errors import PayloadError


class Extra(dict[str, Any]):
    """The members of an object that its class does not know, by name, as decoded.

    A type of its own, so that no JSON value converts to it: a member that is called extra is unknown like any other.
    """

    __slots__ = ()


class Object(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every JSON object of an event has.

    Attributes:
        extra: The members that the class does not know, by name, as decoded.
    """

    extra: Extra = msgspec.field(default_factory=Extra)


class Event(Object, frozen=True, kw_only=True):
    """What every event of the catalogue has.

    Attributes:
        id: The event's id, ``evt_...``. It is not the webhook id, which is the delivery's.
        created_at: When it happened, in Unix seconds.
        object: Always "event", and may be absent.
    """

    id: str
    created_at: int
    object: str = "event"


class ResourceData(Object, frozen=True, kw_only=True):
    """Names the resource that the event is about: fetch it through the API.

    Attributes:
        id: The resource's id, as ``resp_...`` or ``batch_...``.
    """

    id: str


class SipHeader(Object, frozen=True, kw_only=True):
    """One header of a SIP INVITE request.

    Attributes:
        name: The header's name.
        value: Its value.
    """

    name: str
    value: str


class RequiredAction(Object, frozen=True, kw_only=True):
    """What an agent's session waits for.

    Attributes:
        type: "computer_use_approval_request", "mcp_approval_request", "function_call" or "environment_connection".
    """

    type: str


class Connection(Object, frozen=True, kw_only=True):
    """Where to connect to an agent's session.

    Attributes:
        remote_url: The URL.
    """

    remote_url: str


class AgentSessionData(ResourceData, frozen=True, kw_only=True):
    """Names an agent's session and its environment.

    Attributes:
        environment_type: The kind of environment it runs in.
        environment_id: The environment, if there is one.
    """

    environment_type: str
    environment_id: str | None = None


class AgentSessionCreatedData(AgentSessionData, frozen=True, kw_only=True):
    """Names an agent's new session.

    Attributes:
        connect: Where to connect to it, if it can be connected to.
    """

    connect: Connection | None = None


class AgentSessionActionRequiredData(ResourceData, frozen=True, kw_only=True):
    """Names an agent's session and what it waits for.

    Attributes:
        required_action: The action.
    """

    required_action: RequiredAction


class RealtimeCallIncomingData(Object, frozen=True, kw_only=True):
    """Names a call to accept or to reject.

    Attributes:
        call_id: The call's id.
        sip_headers: The headers of its SIP INVITE request.
        sip_media_security: "rtp" or "srtp".
    """

    call_id: str
    sip_headers: tuple[SipHeader, ...]
    sip_media_security: str | None = None


class LiveCallIncomingData(Object, frozen=True, kw_only=True):
    """Names the live session of a call.

    Attributes:
        session_id: The session's id.
        sip_headers: The headers of the call's SIP INVITE request.
        sip_media_security: "rtp" or "srtp".
    """

    session_id: str
    sip_headers: tuple[SipHeader, ...]
    sip_media_security: str | None = None


class LiveTransportIncomingData(LiveCallIncomingData, frozen=True, kw_only=True):
    """Names the live session of an incoming transport.

    Attributes:
        type: The kind of transport: "sip".
    """

    type: str


class LiveTransportConnectedData(Object, frozen=True, kw_only=True):
    """Names the live session of a connected transport.

    Attributes:
        session_id: The session's id.
        type: The kind of transport: "webrtc".
    """

    session_id: str
    type: str


class SafetyIdentifierBlockedData(Object, frozen=True, kw_only=True):
    """Says which safety identifier was blocked, and why.

    Attributes:
        safety_category: The category of the violation.
        safety_identifier: The identifier, as your requests gave it.
        model: The model that was used.
        project_id: The project of the request.
        request_id: The request.
    """

    safety_category: str
    safety_identifier: str
    model: str | None = None
    project_id: str | None = None
    request_id: str | None = None


class AgentEnvironmentExpired(Event, frozen=True, kw_only=True):
    """An agent's environment expired."""

    type: Literal["agent.environment.expired"]
    data: ResourceData


class AgentEnvironmentFailed(Event, frozen=True, kw_only=True):
    """An agent's environment failed."""

    type: Literal["agent.environment.failed"]
    data: ResourceData


class AgentEnvironmentReady(Event, frozen=True, kw_only=True):
    """An agent's environment is ready."""

    type: Literal["agent.environment.ready"]
    data: ResourceData


class AgentEnvironmentSuspended(Event, frozen=True, kw_only=True):
    """An agent's environment was suspended."""

    type: Literal["agent.environment.suspended"]
    data: ResourceData


class AgentSessionActionRequired(Event, frozen=True, kw_only=True):
    """An agent's session is waiting for you to act."""

    type: Literal["agent.session.action_required"]
    data: AgentSessionActionRequiredData


class AgentSessionCreated(Event, frozen=True, kw_only=True):
    """An agent's session was created."""

    type: Literal["agent.session.created"]
    data: AgentSessionCreatedData


class AgentSessionFailed(Event, frozen=True, kw_only=True):
    """An agent's session failed."""

    type: Literal["agent.session.failed"]
    data: AgentSessionData


class AgentSessionIdle(Event, frozen=True, kw_only=True):
    """An agent's session is idle."""

    type: Literal["agent.session.idle"]
    data: AgentSessionData


class AgentSessionInProgress(Event, frozen=True, kw_only=True):
    """An agent's session is in progress."""

    type: Literal["agent.session.in_progress"]
    data: AgentSessionData


class BatchCancelled(Event, frozen=True, kw_only=True):
    """A batch was cancelled."""

    type: Literal["batch.cancelled"]
    data: ResourceData


class BatchCompleted(Event, frozen=True, kw_only=True):
    """A batch was completed."""

    type: Literal["batch.completed"]
    data: ResourceData


class BatchExpired(Event, frozen=True, kw_only=True):
    """A batch expired before it was completed."""

    type: Literal["batch.expired"]
    data: ResourceData


class BatchFailed(Event, frozen=True, kw_only=True):
    """A batch failed."""

    type: Literal["batch.failed"]
    data: ResourceData


class EvalRunCanceled(Event, frozen=True, kw_only=True):
    """A run of an eval was canceled."""

    type: Literal["eval.run.canceled"]
    data: ResourceData


class EvalRunFailed(Event, frozen=True, kw_only=True):
    """A run of an eval failed."""

    type: Literal["eval.run.failed"]
    data: ResourceData


class EvalRunSucceeded(Event, frozen=True, kw_only=True):
    """A run of an eval succeeded."""

    type: Literal["eval.run.succeeded"]
    data: ResourceData


class FineTuningJobCancelled(Event, frozen=True, kw_only=True):
    """A fine-tuning job was cancelled."""

    type: Literal["fine_tuning.job.cancelled"]
    data: ResourceData


class FineTuningJobFailed(Event, frozen=True, kw_only=True):
    """A fine-tuning job failed."""

    type: Literal["fine_tuning.job.failed"]
    data: ResourceData


class FineTuningJobSucceeded(Event, frozen=True, kw_only=True):
    """A fine-tuning job succeeded."""

    type: Literal["fine_tuning.job.succeeded"]
    data: ResourceData


class LiveCallIncoming(Event, frozen=True, kw_only=True):
    """A SIP call is coming in for the Live API."""

    type: Literal["live.call.incoming"]
    data: LiveCallIncomingData


class LiveTransportConnected(Event, frozen=True, kw_only=True):
    """A live session's transport is connected."""

    type: Literal["live.transport.connected"]
    data: LiveTransportConnectedData


class LiveTransportIncoming(Event, frozen=True, kw_only=True):
    """A live session has an incoming transport."""

    type: Literal["live.transport.incoming"]
    data: LiveTransportIncomingData


class RealtimeCallIncoming(Event, frozen=True, kw_only=True):
    """A SIP call is coming in for the Realtime API."""

    type: Literal["realtime.call.incoming"]
    data: RealtimeCallIncomingData


class ResponseCancelled(Event, frozen=True, kw_only=True):
    """A background response was cancelled."""

    type: Literal["response.cancelled"]
    data: ResourceData


class ResponseCompleted(Event, frozen=True, kw_only=True):
    """A background response was completed."""

    type: Literal["response.completed"]
    data: ResourceData


class ResponseFailed(Event, frozen=True, kw_only=True):
    """A background response failed."""

    type: Literal["response.failed"]
    data: ResourceData


class ResponseIncomplete(Event, frozen=True, kw_only=True):
    """A background response ended incomplete."""

    type: Literal["response.incomplete"]
    data: ResourceData


class SafetyAlertCreated(Event, frozen=True, kw_only=True):
    """A safety alert was created."""

    type: Literal["safety.alert.created"]
    data: ResourceData


class SafetyDeactivationIssued(Event, frozen=True, kw_only=True):
    """A deactivation was issued for safety reasons."""

    type: Literal["safety.deactivation_issued"]
    data: ResourceData


class SafetyOrgAlertCreated(Event, frozen=True, kw_only=True):
    """A safety alert was created for the organisation."""

    type: Literal["safety.org_alert.created"]
    data: ResourceData


class SafetyWarningIssued(Event, frozen=True, kw_only=True):
    """A safety warning was issued."""

    type: Literal["safety.warning_issued"]
    data: ResourceData


class SafetyIdentifierBlocked(Event, frozen=True, kw_only=True):
    """A safety identifier was blocked."""

    type: Literal["safety_identifier.blocked"]
    data: SafetyIdentifierBlockedData


class VideoCompleted(Event, frozen=True, kw_only=True):
    """A video was completed."""

    type: Literal["video.completed"]
    data: ResourceData


class VideoFailed(Event, frozen=True, kw_only=True):
    """A video failed."""

    type: Literal["video.failed"]
    data: ResourceData


class UnknownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An authentic event that no class fits: of a new type, or of a known type in a new shape.

    Attributes:
        type: The type, as sent.
        id: The event's id, if it is text.
        created_at: When it happened, in Unix seconds, if that is an integer.
        object: As decoded; None if absent.
        data: As decoded; None if absent.
        extra: All other members, by name, as decoded; and an `id` or a `created_at` of another type.
    """

    type: str
    id: str | None = None
    created_at: int | None = None
    object: Any = None
    data: Any = None
    extra: Extra = msgspec.field(default_factory=Extra)


#: Any event; `match` on the classes narrows it.
WebhookEvent: TypeAlias = (
    AgentEnvironmentExpired
    | AgentEnvironmentFailed
    | AgentEnvironmentReady
    | AgentEnvironmentSuspended
    | AgentSessionActionRequired
    | AgentSessionCreated
    | AgentSessionFailed
    | AgentSessionIdle
    | AgentSessionInProgress
    | BatchCancelled
    | BatchCompleted
    | BatchExpired
    | BatchFailed
    | EvalRunCanceled
    | EvalRunFailed
    | EvalRunSucceeded
    | FineTuningJobCancelled
    | FineTuningJobFailed
    | FineTuningJobSucceeded
    | LiveCallIncoming
    | LiveTransportConnected
    | LiveTransportIncoming
    | RealtimeCallIncoming
    | ResponseCancelled
    | ResponseCompleted
    | ResponseFailed
    | ResponseIncomplete
    | SafetyAlertCreated
    | SafetyDeactivationIssued
    | SafetyOrgAlertCreated
    | SafetyWarningIssued
    | SafetyIdentifierBlocked
    | VideoCompleted
    | VideoFailed
    | UnknownEvent
)

#: The class of each known type.
EVENT_CLASSES: Mapping[str, type[WebhookEvent]] = {
    get_args(cls.__annotations__["type"])[0]: cls for cls in get_args(WebhookEvent) if cls is not UnknownEvent
}


class _Shape(msgspec.Struct, frozen=True):
    """The members that a class knows, and which of them hold objects with a class of their own."""

    known: frozenset[str]
    objects: dict[str, "_Shape"]


def parse(body: bytes) -> WebhookEvent:
    """Return the event in `body`, whose signature has been verified.

    Raises:
        PayloadError: It is not UTF-8, not JSON, no object with a text `type`, or more than msgspec can represent: a
            number out of range, half a surrogate pair, too many levels.
    """
    return _parse_known(body) or _parse_any(body)


def convert(members: Mapping[str, Any], cls: type[WebhookEvent]) -> WebhookEvent:
    """Return the event of the class `cls` that decoded JSON stands for.

    Raises:
        msgspec.ValidationError: A member does not fit the class; the message names it, and shows no value.
    """
    return msgspec.convert(_set_aside_extra(members, _SHAPES[cls]), cls)


def _parse_known(body: bytes) -> WebhookEvent | None:
    """Return the event, if its class knows every member: nearly always, and at half the price.

    Nothing is skipped then, so the whole body is checked here, too.
    """
    try:
        return _DECODE[_decode_type(body).type](body)
    except (KeyError, ValueError, RecursionError):
        return None


def _parse_any(body: bytes) -> WebhookEvent:
    members = _decode(body)
    cls = EVENT_CLASSES.get(members["type"])
    if cls is None:
        return _unknown(members)
    try:
        return convert(members, cls)
    except msgspec.ValidationError:
        return _unknown(members)


def _decode(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`, which has a text `type`."""
    members: Any = None
    failure = ""
    try:
        members = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        failure = type(error).__name__
    if failure:  # raised out here, because the decoder's own error may hold the body
        raise PayloadError(f"the body is authentic, but can't be decoded as JSON ({failure})")
    if _is_object(members) and isinstance(members.get("type"), str):
        return members
    raise PayloadError("the body is authentic, but no JSON object with a text `type`")


def _set_aside_extra(value: Any, shape: _Shape) -> Any:
    """Return `value` with the members that its class does not know moved into one called extra, at every level."""
    if _is_array(value):
        return [_set_aside_extra(item, shape) if _is_object(item) else item for item in value]
    if not _is_object(value):
        return value  # its class will say that this is no object
    members = {name: member for name, member in value.items() if name in shape.known}
    for name in members.keys() & shape.objects.keys():
        members[name] = _set_aside_extra(members[name], shape.objects[name])
    return {**members, "extra": Extra({name: member for name, member in value.items() if name not in shape.known})}


def _unknown(members: dict[str, Any]) -> UnknownEvent:
    fields: dict[str, Any] = {"type": members["type"], "object": members.get("object"), "data": members.get("data")}
    for name, kind in (("id", str), ("created_at", int)):
        if type(members.get(name)) is kind:
            fields[name] = members[name]
    return UnknownEvent(**fields, extra=Extra({name: value for name, value in members.items() if name not in fields}))


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _shape_of(cls: type[msgspec.Struct]) -> _Shape:
    types = {field.name: field.type for field in msgspec.structs.fields(cls) if field.name != "extra"}
    objects = {name: _shape_of(inner) for name, kind in types.items() if (inner := object_class(kind)) is not None}
    return _Shape(frozenset(types), objects)


def object_class(kind: Any) -> type[Object] | None:
    """Return the class of objects in an annotation: the class itself, or one within a tuple or an optional."""
    if isinstance(kind, type) and issubclass(kind, Object):
        return kind
    return next(filter(None, map(object_class, get_args(kind))), None)


class _Typed(msgspec.Struct, gc=False):
    """The one member that says what the others are."""

    type: str


_decode_type = msgspec.json.Decoder(_Typed).decode
_DECODE = {kind: msgspec.json.Decoder(cls).decode for kind, cls in EVENT_CLASSES.items()}
_SHAPES = {cls: _shape_of(cls) for cls in EVENT_CLASSES.values()}
