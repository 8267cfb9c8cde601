"""Events to test with: one of each type, the bytes of any, and what is said of those that can't be."""

import json
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard import (
    AgentSessionCreated,
    BatchCompleted,
    ConfigurationError,
    LiveTransportConnected,
    PayloadError,
    RealtimeCallIncoming,
    ResourceData,
    SipHeader,
    UnknownEvent,
    parse_event,
)
from webhook_guard.sansio.events import EVENT_CLASSES
from webhook_guard.testing.events import EVENT_TYPES, event_body, event_class, make_event

from support import VECTOR_BODY

CATALOGUE = json.loads((Path(__file__).parents[1] / "data" / "events.json").read_text("utf-8"))["events"]

each_type = pytest.mark.parametrize("kind", sorted(CATALOGUE))


def data_of(kind: str) -> dict[str, Any]:
    """Return the decoded `data` of a new event."""
    data: dict[str, Any] = json.loads(event_body(make_event(kind)))["data"]
    return data


class TestMakeEvent:
    """Events of each type."""

    @each_type
    def test_each_type(self, kind: str) -> None:
        """The event is of the type's class, and has the members of the catalogue, the optional ones too."""
        assert type(make_event(kind)) is EVENT_CLASSES[kind]
        assert data_of(kind).keys() == {name.removesuffix("?") for name in CATALOGUE[kind]["data"]}

    @each_type
    def test_known_values(self, kind: str) -> None:
        """Where the catalogue knows values of a member, it has one of them."""
        for path, values in CATALOGUE[kind].get("known_values", {}).items():
            member: Any = {"data": data_of(kind)}
            for name in path.split("."):
                member = member[name]
            assert member in values

    @each_type
    def test_random_ids(self, kind: str) -> None:
        """Two events have no id in common."""
        one, other = (event_body(make_event(kind)).decode() for _ in range(2))
        ids = r"\b(\w+[_-][0-9a-f]{32})\b"
        assert len(re.findall(ids, one)) >= 2
        assert not {*re.findall(ids, one)} & {*re.findall(ids, other)}

    @pytest.mark.parametrize(
        ("kind", "name", "prefix"),
        [
            ("agent.environment.ready", "id", "env_"),
            ("agent.session.idle", "id", "sess_"),
            ("batch.failed", "id", "batch_"),
            ("eval.run.canceled", "id", "evalrun_"),
            ("fine_tuning.job.failed", "id", "ftjob-"),
            ("live.call.incoming", "session_id", "live_"),
            ("realtime.call.incoming", "call_id", "rtc_"),
            ("response.incomplete", "id", "resp_"),
            ("safety.alert.created", "id", "alert_"),
            ("safety.warning_issued", "id", "C-"),
            ("safety_identifier.blocked", "request_id", "req_"),
            ("video.completed", "id", "video_"),
        ],
    )
    def test_prefixes(self, kind: str, name: str, prefix: str) -> None:
        """Ids begin as OpenAI's documentation has them."""
        assert data_of(kind)[name].startswith(prefix)

    def test_envelope(self) -> None:
        """An event happens now, and has an id of its own."""
        before = int(time.time())
        event = make_event("batch.completed")
        assert isinstance(event, BatchCompleted)
        assert re.fullmatch(r"evt_[0-9a-f]{32}", event.id)
        assert before <= event.created_at <= time.time()
        assert event.object == "event"

    def test_data(self) -> None:
        """Keywords replace members of `data`."""
        event = make_event("live.transport.connected", session_id="live_1", type="carrier pigeon")
        assert isinstance(event, LiveTransportConnected)
        assert (event.data.session_id, event.data.type) == ("live_1", "carrier pigeon")

    @pytest.mark.parametrize("name", ["region", "extra", "kind"])
    def test_unknown_members(self, name: str) -> None:
        """A member that the class does not know is kept, whatever it is called."""
        event = make_event("batch.completed", **{name: {"a": [1, None]}})
        assert isinstance(event, BatchCompleted)
        assert event.data.extra == {name: {"a": [1, None]}}

    @pytest.mark.parametrize("header", [{"name": "From", "value": "a"}, SipHeader(name="From", value="a")], ids=type)
    def test_objects_within(self, header: Any) -> None:
        """An object in `data` may be a dict, or of its class."""
        event = make_event("realtime.call.incoming", sip_headers=(header,))
        assert isinstance(event, RealtimeCallIncoming)
        assert event.data.sip_headers == (SipHeader(name="From", value="a"),)

    def test_none(self) -> None:
        """An optional member that is None is not there."""
        event = make_event("agent.session.created", environment_id=None, connect=None)
        assert isinstance(event, AgentSessionCreated)
        assert (event.data.environment_id, event.data.connect) == (None, None)

    @pytest.mark.parametrize(
        ("kind", "data", "said"),
        [
            ("batch.completed", {"id": 7}, "data.id: does not fit batch.completed: Expected `str`, got `int`"),
            ("batch.completed", {"id": None}, "data.id: does not fit batch.completed: Expected `str`, got `null`"),
            (
                "realtime.call.incoming",
                {"sip_headers": [{"name": "From"}], "other": 1},
                "data.sip_headers[0]: does not fit realtime.call.incoming: Object missing required field `value`",
            ),
            ("batch.completed", {"x": {1, 2}}, "data: can't be written as JSON: set is no JSON value"),
            ("batch.completed", {"x": float("nan")}, "data: can't be written as JSON: Out of range float"),
            ("batch.completed", {"x": "\ud800"}, "data: has a number, a text or a depth that no event can have"),
        ],
    )
    def test_misfits(self, kind: str, data: dict[str, Any], said: str) -> None:
        """A value that does not fit is a ConfigurationError, which is a ValueError, and says what does."""
        with pytest.raises(ConfigurationError, match=re.escape(said)) as raised:
            make_event(kind, **data)
        assert isinstance(raised.value, ValueError)
        assert raised.value.__cause__ is None


class TestEventClass:
    """Types, and what is said of those that are none."""

    def test_types(self) -> None:
        """The types are those of the catalogue."""
        assert {*EVENT_TYPES} == {*CATALOGUE}

    @each_type
    def test_each_type(self, kind: str) -> None:
        """Each type has its class."""
        assert event_class(kind).__name__ == CATALOGUE[kind]["class"]

    @pytest.mark.parametrize("kind", ["batch.complete", "batch_completed", "BatchCompleted", "completed.batch"])
    def test_nearest(self, kind: str) -> None:
        """The nearest types are offered."""
        with pytest.raises(ConfigurationError, match=rf"^type: '{kind}' is not in the catalogue; did you mean '.*\?"):
            event_class(kind)
        if kind != "completed.batch":
            with pytest.raises(ConfigurationError, match=r"'batch\.completed'"):
                make_event(kind)

    def test_nothing_near(self) -> None:
        """Where nothing is near, it says where all are; a long one is not shown whole."""
        with pytest.raises(ConfigurationError, match=r"catalogue; `webhook-guard events` lists all$") as raised:
            event_class("?" * 5000)
        assert len(str(raised.value)) < 200

    def test_no_text(self) -> None:
        """A type is text."""
        with pytest.raises(ConfigurationError, match=r"^type: must be text, as 'batch\.completed', not int$"):
            make_event(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  what it refuses


class TestEventBody:
    """The bytes of any event."""

    @each_type
    def test_each_type(self, kind: str) -> None:
        """What is made of the body is the event."""
        event = make_event(kind, region="eu")
        assert parse_event(event_body(event)) == event

    def test_as_published(self) -> None:
        """It is written as OpenAI's published vector is, byte for byte."""
        assert event_body(parse_event(VECTOR_BODY)) == VECTOR_BODY

    def test_extra_at_every_level(self) -> None:
        """Members that classes don't know are where they came from, and null if they were."""
        header = {"name": "From", "value": "a", "q": None}
        data = {"call_id": "rtc_1", "sip_headers": [header], "lang": "en"}
        members = {"id": "evt_1", "created_at": 1, "type": "realtime.call.incoming", "data": data, "region": "eu"}
        event = parse_event(json.dumps(members))
        assert json.loads(event_body(event)) == {**members, "object": "event"}

    def test_unknown_event(self) -> None:
        """An event that no class fits is written too, without what is not there."""
        assert event_body(UnknownEvent(type="moon.landed")) == b'{"type": "moon.landed"}'

    def test_a_changed_event(self) -> None:
        """What is not in `data` can be replaced."""
        event = msgspec.structs.replace(make_event("batch.completed", id="batch_1"), id="evt_1", created_at=1)
        expected = BatchCompleted(id="evt_1", type="batch.completed", created_at=1, data=ResourceData(id="batch_1"))
        assert parse_event(event_body(event)) == expected

    def test_no_event(self) -> None:
        """What is no event is a TypeError."""
        with pytest.raises(TypeError, match=r"must be an event, as make_event returns it, .* not dict"):
            event_body({})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  what it refuses

    def test_no_json(self) -> None:
        """What JSON does not have is a ConfigurationError."""
        with pytest.raises(ConfigurationError, match=r"^data: can't be written as JSON: bytes is no JSON value"):
            event_body(UnknownEvent(type="x", data=b""))

    @given(
        members=st.dictionaries(
            st.sampled_from(["id", "created_at", "object", "data", "extra", "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "extra", "sip_headers"]), inner),
                max_leaves=6,
            ),
        ),
        kind=st.sampled_from([*CATALOGUE, "other"]),
    )
    def test_any_event(self, members: dict[str, Any], kind: str) -> None:
        """The body of any event that can arrive makes the same event."""
        try:
            event = parse_event(json.dumps({**members, "type": kind}))
        except PayloadError:
            return  # half a surrogate pair, or no number
        assert parse_event(event_body(event)) == event
