"""One request's life, its options, and what comes out. The table of verdicts is in `test_scenarios.py`."""

import json
import sys
from collections.abc import Iterable
from typing import Any
from unittest.mock import Mock, call

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.sansio import events, keys
from webhook_guard.sansio.errors import ConfigurationError, PayloadError, Reason, VerificationError
from webhook_guard.sansio.events import BatchCompleted, Extra, ResourceData
from webhook_guard.sansio.guard import (
    MAX_BODY_SIZE,
    TOLERANCE,
    Delivery,
    Guard,
    Incoming,
    check_callable,
    check_number,
    check_tolerance,
)

from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, signed

KEYS = keys.prepare(SECRET)
EVENT = BatchCompleted(
    id="evt_1", type="batch.completed", created_at=NOW, data=ResourceData(id="batch_1"), extra=Extra()
)


def make_guard(path: str | Iterable[str] | None = PATH, *, max_body_size: int = 1000) -> Guard:
    """Return a guard."""
    return Guard(path=path, keys=KEYS, tolerance=300, max_body_size=max_body_size)


def receive(*extra: tuple[str, str], input_ends: bool = True, max_body_size: int = 1000) -> Incoming:
    """Return a request whose head is genuine and checked."""
    incoming = make_guard(max_body_size=max_body_size).begin([*signed().items(), *extra])
    incoming.check_head("POST", now=NOW, input_ends=input_ends)
    return incoming


def reason_of(caught: pytest.ExceptionInfo[VerificationError]) -> Reason:
    """Return the reason of a refusal."""
    return caught.value.reason


class TestMatch:
    """Which requests are guarded. How paths are read is in `test_paths.py`."""

    def test_none_guards_everything(self) -> None:
        """Without a path, every request is guarded."""
        assert make_guard(None).match("/anything") == ""

    def test_several(self) -> None:
        """Each of several paths is guarded, and the one that matched is told in its normal form."""
        guard = make_guard(["/a", "//b/", "/é"])
        assert [guard.match(path) for path in ("/a", "//a", "/b", "/b/", "/é", "/c")] == [
            "/a",
            "/a",
            "/b",
            "/b",
            "/é",
            None,
        ]

    def test_root_path(self) -> None:
        """The root path is looked at."""
        assert [make_guard().match(f"/api{PATH}", root_path) for root_path in ("/api", "")] == [PATH, None]

    @pytest.mark.parametrize("before", ["/api", "/XXXX", "/None"])
    def test_no_root_path(self, before: str) -> None:
        """Without a root path, what only ends in the path is another one."""
        assert make_guard().match(before + PATH) is None

    def test_in_doubt(self) -> None:
        """What is neither a path nor a URL is guarded."""
        assert make_guard().match("http://[bad/other") == PATH

    @given(path=st.text(), root_path=st.text())
    def test_arbitrary_paths(self, path: str, root_path: str) -> None:
        """No path raises, whatever it is."""
        assert make_guard().match(path, root_path) in (None, PATH)


def not_plain(path: str, found: str) -> str:
    """Return what is said of a path that has something which no plain path has."""
    return f"{path!r} has {found!r}; give the plain path, decoded: no query, route pattern or white space"


def wrong_type(found: str) -> str:
    """Return what is said of a path of another type."""
    return f"must be str, several of them, or None, not {found}"


class TestOptions:
    """Options are checked where the guard is constructed."""

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            pytest.param([], "the list is empty and would guard nothing; None guards everything", id="no path"),
            pytest.param("", "must start with /", id="empty"),
            pytest.param("webhooks", "must start with /", id="no slash"),
            pytest.param("/a?b", not_plain("/a?b", "?"), id="query"),
            pytest.param("/a#b", not_plain("/a#b", "#"), id="fragment"),
            pytest.param("/a%20b", not_plain("/a%20b", "%"), id="encoded"),
            pytest.param("/a/{id}", not_plain("/a/{id}", "{"), id="pattern of Starlette"),
            pytest.param("/a/<id>", not_plain("/a/<id>", "<"), id="pattern of Flask"),
            pytest.param("/a/*", not_plain("/a/*", "*"), id="wildcard"),
            pytest.param("/a b", not_plain("/a b", " "), id="blank"),
            pytest.param("/a\t", not_plain("/a\t", "\t"), id="tab"),
            pytest.param("/a\n", not_plain("/a\n", "\n"), id="line break"),
            pytest.param("/a\u00a0b", not_plain("/a\u00a0b", "\u00a0"), id="no-break space"),
            pytest.param("/a\x00", not_plain("/a\x00", "\x00"), id="control character"),
            pytest.param("/a\x85", not_plain("/a\x85", "\x85"), id="another control character"),
            pytest.param("/a\udcff", not_plain("/a\udcff", "\udcff"), id="half a surrogate pair"),
            pytest.param(["/a", "b"], "must start with /", id="one of several"),
            pytest.param(b"/a", wrong_type("bytes"), id="bytes"),
            pytest.param(["/a", None], wrong_type("NoneType"), id="None in a list"),
            pytest.param(["/a", b"/b"], wrong_type("bytes"), id="bytes in a list"),
            pytest.param(7, wrong_type("int"), id="a number"),
        ],
    )
    def test_path(self, path: Any, said: str) -> None:
        """A path that would guard nothing, or not what is meant, is refused."""
        with pytest.raises(ConfigurationError) as caught:
            make_guard(path)
        assert str(caught.value) == f"path: {said}"

    @pytest.mark.parametrize(
        "path", [["/a"], ("/a",), {"/a"}, iter(["/a"]), "/a"], ids=lambda path: type(path).__name__
    )
    def test_several_paths(self, path: Any) -> None:
        """Any iterable of paths will do."""
        assert make_guard(path).match("/a") == "/a"

    @pytest.mark.parametrize("value", [-1, -0.1, float("nan"), float("inf"), 10**400, True, "300", None, 10**13])
    def test_tolerance(self, value: Any) -> None:
        """A tolerance is a finite number of seconds, not negative."""
        with pytest.raises(
            ConfigurationError, match=r"^tolerance: must be a number from 0 to 1000000000000, not [^ ]+$"
        ):
            Guard(path=None, keys=KEYS, tolerance=value, max_body_size=1)

    @pytest.mark.parametrize("value", [0, 0.5, 300, 86_400.0])
    def test_good_tolerance(self, value: float) -> None:
        """Zero and fractions are tolerances."""
        assert check_tolerance(value) == value

    @pytest.mark.parametrize("value", [0, -1, 1.5, 1e6, float("nan"), True, "1", None, sys.maxsize + 1, 10**400])
    def test_max_body_size(self, value: Any) -> None:
        """A size is a positive whole number of bytes."""
        with pytest.raises(ConfigurationError, match=r"^max_body_size: must be a whole number, at least 1, not [^ ]+$"):
            make_guard(max_body_size=value)

    def test_size(self) -> None:
        """The message has the size, if it is a number."""
        with pytest.raises(ConfigurationError, match=r"not 0$"):
            make_guard(max_body_size=0)

    def test_defaults(self) -> None:
        """The defaults are those of the design: five minutes, and 256 KiB."""
        assert (TOLERANCE, MAX_BODY_SIZE) == (300, 262_144)

    @pytest.mark.parametrize("value", [1, 1.5, 2])
    def test_range_of_a_number(self, value: float) -> None:
        """Both ends of the range are in it."""
        assert check_number("option", value, 1, 2) == value

    @pytest.mark.parametrize("value", [1, sys.maxsize])
    def test_range_of_a_size(self, value: int) -> None:
        """So they are of a size."""
        assert make_guard(max_body_size=value).max_body_size == value

    def test_number(self) -> None:
        """The message has the option, the range and the number; of anything else, it has the type only."""
        with pytest.raises(ConfigurationError, match=r"^now: must be a number from 1 to 2, not 3.0$"):
            check_number("now", 3.0, 1, 2)
        with pytest.raises(ConfigurationError, match=r"not str$"):
            check_number("now", "whsec_", 1, 2)

    @pytest.mark.parametrize(
        ("value", "shown"),
        [(10**15 - 1, "9" * 15), (1 - 10**15, "-" + "9" * 15), (10**15, "int"), (-(10**15), "int")],
    )
    def test_large_number(self, value: int, shown: str) -> None:
        """A number of more than 15 digits is not written: Python refuses to write thousands."""
        with pytest.raises(ConfigurationError) as caught:
            check_number("now", value, 2, 3)
        assert str(caught.value) == f"now: must be a number from 2 to 3, not {shown}"

    def test_callable(self) -> None:
        """What has to be called must be callable."""
        assert check_callable("clock", clock := (lambda: 1.0)) is clock
        with pytest.raises(ConfigurationError, match=r"^clock: must be callable, not int$"):
            check_callable("clock", 7)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]  what it must refuse


class TestHead:
    """The head, and what it costs to refuse it."""

    def test_websocket(self) -> None:
        """A websocket has no method, and is refused whatever its headers are."""
        with pytest.raises(VerificationError) as caught:
            make_guard().begin(signed()).check_head(None, now=NOW, input_ends=True)
        assert (reason_of(caught), str(caught.value)) == ("websocket_refused", "a websocket on a guarded path")

    @pytest.mark.parametrize("method", ["GET", "post", "POST ", "", "DELETE"])
    def test_method(self, method: str) -> None:
        """Only POST delivers, spelled so (RFC 9110 section 9.1: methods are case-sensitive)."""
        with pytest.raises(VerificationError) as caught:
            make_guard().begin(signed()).check_head(method, now=NOW, input_ends=True)
        assert (reason_of(caught), str(caught.value)) == ("method_not_allowed", "the method is not POST")

    @pytest.mark.parametrize("lengths", [["1", "2"], ["1", "1"]], ids=["different", "the same"])
    def test_repeated_length(self, lengths: list[str]) -> None:
        """A Content-Length that is there twice is refused, even with the same value."""
        with pytest.raises(VerificationError) as caught:
            receive(*(("content-length", length) for length in lengths))
        assert reason_of(caught) == "malformed_header"
        assert str(caught.value) == "Content-Length is repeated, or not a decimal number"

    @pytest.mark.parametrize("length", ["1000", "0" * 30 + "1000"], ids=["plain", "zeros before it"])
    def test_length_is_a_number(self, length: str) -> None:
        """Zeros at its end count, and those before it do not (RFC 9110 section 8.6), however many there are."""
        said = str(receive(("content-length", length)).broken_off(Reason.BODY_LENGTH_MISMATCH))
        assert said == "0 of 1000 declared bytes of the body arrived"

    def test_empty_length(self) -> None:
        """An empty Content-Length is malformed."""
        with pytest.raises(VerificationError) as caught:
            receive(("content-length", ""))
        assert reason_of(caught) == "malformed_header"

    def test_length_required(self) -> None:
        """Where the input does not say that it ends, the length must be declared."""
        with pytest.raises(VerificationError) as caught:
            receive(input_ends=False)
        assert reason_of(caught) == "length_required"
        assert str(caught.value) == "no Content-Length, and no input that says it ends"

    def test_declared_too_large(self) -> None:
        """A body that is declared over the limit is refused unread, with both figures."""
        receive(("content-length", "1000"))
        with pytest.raises(VerificationError) as caught:
            receive(("content-length", "1001"))
        assert str(caught.value) == (
            "the body is over the limit of 1000 bytes (max_body_size): 1001 bytes are declared"
        )

    @pytest.mark.parametrize(("headers", "webhook_id"), [({"Webhook-Id": " a.b "}, b"a.b"), ({}, b"")])
    def test_webhook_id(self, headers: dict[str, str], webhook_id: bytes) -> None:
        """The id is there for the log before anything is judged, ill-formed or absent as it may be."""
        assert make_guard().begin(headers).webhook_id == webhook_id

    def test_order(self) -> None:
        """A bad length is told before the age, and the age before the size."""
        old = signed(timestamp=NOW - 999)
        for length, reason in (("x", "malformed_header"), ("9999", "timestamp_too_old")):
            incoming = make_guard().begin({**old, "content-length": length})
            with pytest.raises(VerificationError) as caught:
                incoming.check_head("POST", now=NOW, input_ends=True)
            assert reason_of(caught) == reason


class TestBody:
    """The body, chunk by chunk."""

    def test_so_far(self) -> None:
        """What has arrived is there as bytes at any time, and never more than the limit."""
        incoming = receive(max_body_size=10)
        found = [incoming.body]
        for chunk in (b"12345", b"6789"):
            incoming.receive_data(chunk)
            found.append(incoming.body)
        with pytest.raises(VerificationError):
            incoming.receive_data(b"01")
        assert [*found, incoming.body] == [b"", b"12345", b"123456789", b"123456789"]
        assert {type(body) for body in found} == {bytes}

    def test_one_chunk_is_not_copied(self) -> None:
        """A body that comes at once is handed on as it is."""
        incoming = receive()
        incoming.receive_data(BODY)
        assert incoming.end().body is BODY

    def test_chunks_are_not_changed(self) -> None:
        """Chunks are joined without touching them."""
        incoming, first = receive(), bytes(BODY[:9])
        for chunk in (first, BODY[9:20], b"", BODY[20:]):
            incoming.receive_data(chunk)
        assert (incoming.end().body, first) == (BODY, BODY[:9])

    def test_limit_holds_while_reading(self) -> None:
        """The first chunk over the limit is refused, and not kept."""
        incoming = receive(max_body_size=10)
        incoming.receive_data(b"0123456789")
        with pytest.raises(VerificationError) as caught:
            incoming.receive_data(b"x")
        assert reason_of(caught) == "body_too_large"
        assert str(caught.value) == "the body is over the limit of 10 bytes (max_body_size): more arrived"
        assert incoming._body == b"0123456789"  # pyright: ignore[reportPrivateUsage]  what is held

    @pytest.mark.parametrize(
        ("declared", "input_ends", "wanted"),
        [(None, True, 1001), ("7", True, 1001), ("7", False, 7), ("0", False, 0)],
    )
    def test_wanted(self, declared: str | None, wanted: int, *, input_ends: bool) -> None:
        """An input that ends is read to its end or one byte over the limit, another one for what is declared."""
        lengths = [] if declared is None else [("content-length", declared)]
        assert receive(*lengths, input_ends=input_ends).wanted() == wanted

    def test_wanted_in_portions(self) -> None:
        """A large body is asked for in portions of 64 KiB."""
        assert receive(max_body_size=10**6).wanted() == 65_536

    def test_wanted_is_never_negative(self) -> None:
        """An input that gives more than it was asked for is asked for nothing more."""
        incoming = receive(("content-length", "3"), input_ends=False)
        incoming.receive_data(b"12345")
        assert incoming.wanted() == 0

    def test_broken_off(self) -> None:
        """The message has the figures."""
        incoming = receive(("content-length", "9"))
        incoming.receive_data(b"1234")
        assert str(incoming.broken_off(Reason.CLIENT_DISCONNECTED)) == "4 of 9 declared bytes of the body arrived"
        assert str(receive().broken_off(Reason.BODY_TIMEOUT, OSError("private"))) == (
            "0 of an undeclared number of bytes of the body arrived; reading failed with OSError"
        )


class TestEnd:
    """The end: verified, then parsed."""

    def test_delivery(self) -> None:
        """A delivery has all that a handler may want."""
        incoming = receive()
        incoming.receive_data(BODY)
        assert incoming.end() == Delivery(
            webhook_id=WEBHOOK_ID,
            timestamp=NOW,
            signature=signed()["webhook-signature"],
            body=BODY,
            event=EVENT,
            secret_index=0,
        )

    @pytest.mark.parametrize("difference", [-1, 1])
    def test_length(self, difference: int) -> None:
        """A body that is not as long as declared is refused, whatever its signature."""
        incoming = receive(("content-length", str(len(BODY) + difference)))
        incoming.receive_data(BODY)
        with pytest.raises(VerificationError) as caught:
            incoming.end()
        assert reason_of(caught) == "body_length_mismatch"

    def test_signature_before_parsing(self) -> None:
        """A body that is neither authentic nor JSON is told to be not authentic."""
        incoming = receive()
        incoming.receive_data(b"[")
        with pytest.raises(VerificationError) as caught:
            incoming.end()
        assert reason_of(caught) == "signature_mismatch"

    def test_parser_sees_what_is_authentic(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The parser is called once with a genuine body, and not at all with a forged one."""
        monkeypatch.setattr(events, "parse", parse := Mock(wraps=events.parse))
        forged, genuine = receive(), receive()
        forged.receive_data(BODY + b" ")
        with pytest.raises(VerificationError):
            forged.end()
        genuine.receive_data(BODY)
        genuine.end()
        assert parse.mock_calls == [call(BODY)]


class TestDelivery:
    """A delivery, and its way through a task queue."""

    delivery = Delivery(
        webhook_id="wh_1", timestamp=NOW, signature="v1,\xff SECRET", body=BODY, event=EVENT, secret_index=1
    )

    def test_json(self) -> None:
        """`json` is the body, decoded."""
        assert self.delivery.json() == json.loads(BODY)

    def test_round_trip(self) -> None:
        """It comes back from JSON as it went, 8-bit bytes in the signature included."""
        values = json.loads(json.dumps(self.delivery.to_dict()))
        assert Delivery.from_dict(values) == self.delivery

    @pytest.mark.parametrize("change", [{"timestamp": 1}, {"timestamp": 10**12 - 1}, {"secret_index": 0}], ids=str)
    def test_from_least_and_most(self, change: dict[str, Any]) -> None:
        """Every value that a delivery can have comes back."""
        values = {**self.delivery.to_dict(), **change}
        assert Delivery.from_dict(values).to_dict() == values

    def test_repr(self) -> None:
        """Neither repr nor rich shows the signature or the body."""
        assert repr(self.delivery) == (
            f"Delivery(webhook_id='wh_1', timestamp={NOW}, secret_index=1, type='batch.completed')"
        )
        assert dict(self.delivery.__rich_repr__()).keys() == {"webhook_id", "timestamp", "secret_index", "type"}

    def test_keywords(self) -> None:
        """It is made with keywords: two of its texts may not be mistaken for each other."""
        with pytest.raises(TypeError):
            Delivery("wh_1", NOW, "v1,", BODY, EVENT, 0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  what it must refuse

    def test_frozen(self) -> None:
        """It can't be changed."""
        with pytest.raises(AttributeError):
            self.delivery.body = b""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  a frozen object must refuse it

    @pytest.mark.parametrize(
        "change",
        [
            {"webhook_id": None},
            {"timestamp": "1"},
            {"timestamp": 0},
            {"timestamp": 10**12},
            {"secret_index": -1},
            {"signature": 7},
            {"body": 7},
            {"body": "\ud800"},
            {"body": "{}"},
            {"secret_index": None},
        ],
        ids=str,
    )
    def test_from_other_values(self, change: dict[str, Any]) -> None:
        """Values of anything else are a PayloadError."""
        with pytest.raises(PayloadError):
            Delivery.from_dict({**self.delivery.to_dict(), **change})

    @pytest.mark.parametrize("values", [{}, [], None, "x"], ids=str)
    def test_from_no_values(self, values: Any) -> None:
        """So is what has no values at all."""
        with pytest.raises(PayloadError) as caught:
            Delivery.from_dict(values)
        assert str(caught.value) == "these are not the values of a delivery; give from_dict what to_dict returned"
