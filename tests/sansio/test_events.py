"""Events: the catalogue, what is kept of members and shapes nobody knows, and what is no event."""

import json
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard import testing
from webhook_guard.sansio import events
from webhook_guard.sansio.errors import PayloadError
from webhook_guard.sansio.events import BatchCompleted, ResourceData, UnknownEvent

from support import BODY, NOW, event_body

CATALOGUE = json.loads((Path(__file__).parents[1] / "data" / "events.json").read_text("utf-8"))["events"]

each_type = pytest.mark.parametrize("kind", sorted(CATALOGUE))


def sample(shape: Any, *, optional: bool) -> Any:
    """Return a value of a shape of the catalogue, with its optional members or without."""
    if isinstance(shape, list):
        return [sample(shape[0], optional=optional)] * 2
    if isinstance(shape, str):
        return "text"
    if "nullable" in shape:
        return sample(shape["nullable"], optional=optional)
    return {
        name.removesuffix("?"): sample(inner, optional=optional)
        for name, inner in shape.items()
        if optional or not name.endswith("?")
    }


def plain(value: Any) -> Any:
    """Return an event as plain JSON values, without what is not there."""
    if isinstance(value, msgspec.Struct):
        members = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return {name: member for name, member in members.items() if member not in (None, {})}
    if isinstance(value, tuple):
        return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]  any tuple
    return value


def every_class() -> list[type[msgspec.Struct]]:
    """Return every class that an event is made of."""
    classes: list[type[msgspec.Struct]] = [events.Object, UnknownEvent]
    for cls in classes:
        classes.extend(cls.__subclasses__())
    assert len(classes) > 34
    return classes


class TestCatalogue:
    """The 34 types."""

    def test_is_whole(self) -> None:
        """There is a class for each type of the catalogue, under its name, and no other."""
        names = {kind: cls.__name__ for kind, cls in events.EVENT_CLASSES.items()}
        assert names == {kind: entry["class"] for kind, entry in CATALOGUE.items()}
        assert len(names) == 34

    @each_type
    @pytest.mark.parametrize("optional", [True, False], ids=["all members", "required members"])
    def test_members(self, kind: str, *, optional: bool) -> None:
        """Each class has the members of the catalogue, the optional ones too, and nothing is extra."""
        data = sample(CATALOGUE[kind]["data"], optional=optional)
        event = events.parse(event_body(kind, data, object="event"))
        assert type(event) is events.EVENT_CLASSES[kind]
        assert plain(event) == {"id": "evt_1", "object": "event", "created_at": NOW, "type": kind, "data": data}

    @each_type
    def test_optional_members_may_be_null(self, kind: str) -> None:
        """What is optional and nullable may be null."""
        data = sample(CATALOGUE[kind]["data"], optional=False)
        nulls = {name.removesuffix("?"): None for name in CATALOGUE[kind]["data"] if name.endswith("?")}
        assert type(events.parse(event_body(kind, {**data, **nulls}))) is events.EVENT_CLASSES[kind]

    @each_type
    def test_required_members(self, kind: str) -> None:
        """An event that lacks a required member is kept as unknown, not lost."""
        data = sample(CATALOGUE[kind]["data"], optional=True)
        for name in (name for name in CATALOGUE[kind]["data"] if not name.endswith("?")):
            less = {key: value for key, value in data.items() if key != name}
            event = events.parse(event_body(kind, less))
            assert isinstance(event, UnknownEvent)
            assert (event.type, event.data) == (kind, less)

    def test_objects_within_are_classes(self) -> None:
        """Objects within an event have attributes, at every level."""
        data = {"call_id": "c", "sip_headers": [{"name": "From", "value": "sip:a@b"}]}
        event = events.parse(event_body("realtime.call.incoming", data))
        assert isinstance(event, events.RealtimeCallIncoming)
        assert event.data.sip_headers[0].name == "From"

    def test_enumerations_are_open(self) -> None:
        """A value that nobody knows yet is a value."""
        event = events.parse(
            event_body("agent.session.action_required", {"id": "s", "required_action": {"type": "new"}})
        )
        assert isinstance(event, events.AgentSessionActionRequired)
        assert event.data.required_action.type == "new"

    def test_object_may_be_absent(self) -> None:
        """`object` is always "event", there or not."""
        event = events.parse(event_body("batch.completed", {"id": "b"}))
        assert isinstance(event, BatchCompleted)
        assert event.object == "event"

    @pytest.mark.parametrize("name", ["id", "type", "data", "extra"])
    def test_frozen(self, name: str) -> None:
        """Events can't be changed."""
        with pytest.raises(AttributeError):
            setattr(events.parse(BODY), name, None)

    def test_every_class_is_frozen(self) -> None:
        """So it is with every class that an event is made of."""
        for cls in every_class():
            assert cls.__struct_config__.frozen, cls

    def test_no_member_has_a_position(self) -> None:
        """Members have names only, in patterns too: those of a new release may stand anywhere between them."""
        for cls in every_class():
            assert cls.__match_args__ == (), cls

    def test_frozen_within(self) -> None:
        """Objects within them can't, either."""
        event = events.parse(BODY)
        with pytest.raises(AttributeError):
            event.data.id = "other"  # type: ignore[union-attr, misc]  # pyright: ignore[reportAttributeAccessIssue]  a frozen object must refuse it


class TestExtra:
    """Members that a class does not know."""

    def test_kept_at_every_level(self) -> None:
        """They are kept on the event and on every object in it, one that is called extra too."""
        header: dict[str, Any] = {"name": "a", "value": "b", "q": 3, "extra": []}
        data = {"call_id": "c", "sip_headers": [header, {"name": "n", "value": "v"}], "lang": "en", "extra": 1}
        event = events.parse(event_body("realtime.call.incoming", data, region="eu", extra={"x": 1}))
        assert isinstance(event, events.RealtimeCallIncoming)
        assert event.extra == {"region": "eu", "extra": {"x": 1}}
        assert event.data.extra == {"lang": "en", "extra": 1}
        assert [header.extra for header in event.data.sip_headers] == [{"q": 3, "extra": []}, {}]

    @pytest.mark.parametrize("value", [{}, {"a": 1}, None, 1, "x"])
    def test_member_called_extra(self, value: Any) -> None:
        """A member called extra is one more unknown member, whatever it holds."""
        assert events.parse(event_body("batch.completed", {"id": "b"}, extra=value)).extra == {"extra": value}

    def test_optional_object(self) -> None:
        """They are kept in an optional object, too."""
        data = {"id": "s", "environment_type": "t", "connect": {"remote_url": "u", "port": 1}}
        event = events.parse(event_body("agent.session.created", data))
        assert isinstance(event, events.AgentSessionCreated)
        assert event.data.connect is not None
        assert event.data.connect.extra == {"port": 1}

    def test_part_of_the_value(self) -> None:
        """Events that differ in them differ, and pickling and showing keeps them."""
        event = events.parse(event_body("batch.completed", {"id": "b"}, region="eu"))
        assert event != events.parse(event_body("batch.completed", {"id": "b"}))
        assert pickle.loads(pickle.dumps(event)) == event  # noqa: S301  our own bytes
        assert "extra={'region': 'eu'}" in repr(event)

    def test_deep_ones(self) -> None:
        """Members of many levels reach the app as they are."""
        body = event_body("batch.completed", {"id": "b"}, deep=0).replace(
            b": 0}", b": " + b"[" * 300 + b"]" * 300 + b"}"
        )
        event = events.parse(body)
        assert isinstance(event, BatchCompleted)
        assert json.dumps(event.extra["deep"]).count("[") == 300


class TestUnknownEvent:
    """Events that no class fits."""

    def test_new_type(self) -> None:
        """A new type is kept with all its members."""
        event = events.parse(event_body("moon.landed", {"crew": 3}, object="event", site="Tranquility"))
        assert event == UnknownEvent(
            type="moon.landed",
            id="evt_1",
            created_at=NOW,
            object="event",
            data={"crew": 3},
            extra=events.Extra(site="Tranquility"),
        )

    def test_bare(self) -> None:
        """A text `type` is all that it takes; what is not there is None."""
        event = events.parse(b'{"type":""}')
        assert event == UnknownEvent(type="")
        assert (event.id, event.created_at, event.object, event.data) == (None,) * 4

    @pytest.mark.parametrize(
        "change",
        [
            {"id": 7},
            {"id": None},
            {"created_at": "now"},
            {"created_at": True},
            {"created_at": 1.5},
            {"object": None},
            {"data": None},
            {"data": []},
            {"data": {"id": 7}},
            {"data": {}},
        ],
        ids=str,
    )
    def test_known_type_in_a_new_shape(self, change: dict[str, Any]) -> None:
        """A known type in an unexpected shape is kept, and no member of it is lost."""
        members = {"id": "evt_1", "created_at": NOW, "type": "batch.completed", "data": {"id": "b"}, **change}
        event = events.parse(json.dumps(members).encode())
        assert isinstance(event, UnknownEvent)
        kept = {"type": event.type, "id": event.id, "created_at": event.created_at, "data": event.data, **event.extra}
        assert {name: kept.get(name, event.object) for name in members} == members

    @pytest.mark.parametrize("headers", [[[1]], [None], ["x"], {"name": "a"}, "x"], ids=str)
    def test_odd_lists(self, headers: Any) -> None:
        """Anything may be where a list of objects is expected."""
        event = events.parse(event_body("realtime.call.incoming", {"call_id": "c", "sip_headers": headers}))
        assert isinstance(event, UnknownEvent)
        assert event.data["sip_headers"] == headers

    def test_frozen(self) -> None:
        """It can't be changed."""
        event = events.parse(b'{"type":"x"}')
        with pytest.raises(AttributeError):
            event.type = "y"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  a frozen object must refuse it


class TestNoEvent:
    """Bodies that are authentic and no event."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"batch", id="not JSON"),
            pytest.param(BODY + b"}", id="something after it"),
            pytest.param(BODY[:-1], id="cut off"),
            pytest.param(b"\xef\xbb\xbf" + BODY, id="a byte-order mark"),
            pytest.param(b"null", id="null"),
            pytest.param(b'"batch.completed"', id="text"),
            pytest.param(b"[%b]" % BODY, id="a list"),
            pytest.param(b"{}", id="no type"),
            pytest.param(b'{"type":null}', id="type null"),
            pytest.param(b'{"type":["x"]}', id="type a list"),
            pytest.param(b'{"type":"x","id":"\xff"}', id="not UTF-8"),
            pytest.param(b'{"type":"x","y":{"z":"\xff"}}', id="not UTF-8, where nobody looks"),
            pytest.param(b'{"type":"x","\xc0":1}', id="not UTF-8, in a name"),
            pytest.param(b'{"type":"x","y":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
            pytest.param(b'{"type":"x","y":"\\ud800"}', id="half a surrogate pair"),
            pytest.param(b'{"type":"x","y":NaN}', id="NaN"),
            pytest.param(b'{"type":"x","y":1e999}', id="a number out of range"),
            pytest.param(b'{"type":"x","y":' + b"9" * 5000 + b"}", id="an integer out of range"),
            pytest.param(b'{"type":"x","y":' + b"[" * 100_000 + b"}", id="too many levels"),
            pytest.param(b'{"type":"x","y":"a\nb"}', id="a control character"),
        ],
    )
    def test_refused(self, body: bytes) -> None:
        """It is a PayloadError, and the message does not quote the body."""
        with pytest.raises(PayloadError) as caught:
            events.parse(body)
        assert "batch" not in str(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"{", "can't be decoded as JSON (DecodeError)"),
            (b'"\xff"', "can't be decoded as JSON (UnicodeDecodeError)"),
            (b"[]", "no JSON object with a text `type`"),
        ],
    )
    def test_says_what_failed(self, body: bytes, said: str) -> None:
        """The message tells what is no JSON from what is no object."""
        with pytest.raises(PayloadError) as caught:
            events.parse(body)
        assert str(caught.value) == f"the body is authentic, but {said}"

    def test_last_of_two_members_counts(self) -> None:
        """Where a member is there twice, the last counts, as in Python's own decoder: of the type, too."""
        body = b'{"type":"x","type":"batch.completed","id":"a","id":"b","created_at":1,"data":{"id":"1","id":"2"}}'
        event = events.parse(body)
        assert event == BatchCompleted(id="b", type="batch.completed", created_at=1, data=ResourceData(id="2"))

    @given(body=st.binary())
    def test_arbitrary_bytes(self, body: bytes) -> None:
        """Arbitrary bytes raise nothing else."""
        with suppress(PayloadError):
            events.parse(body)

    @given(
        members=st.dictionaries(
            st.sampled_from(["id", "created_at", "object", "data", "extra", "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "extra", "sip_headers"]), inner),
                max_leaves=6,
            ),
        ),
        kind=st.sampled_from([*CATALOGUE, "other"]),
    )
    def test_nothing_is_lost(self, members: dict[str, Any], kind: str) -> None:
        """Any object with a text type is an event, and each of its members is in it, with its value."""
        try:
            event = events.parse(json.dumps({**members, "type": kind}).encode())
        except PayloadError:
            return  # half a surrogate pair
        again = json.loads(testing.event_body(event))
        # What is null may be absent.
        assert {name: again.get(name) for name in (*members, "type")} == {**members, "type": kind}
