"""The functions, with the environment and the clock that they supply."""

import time
from typing import Any, ClassVar
from unittest.mock import Mock, call

import pytest

from webhook_guard import (
    BatchCompleted,
    ConfigurationError,
    Delivery,
    PayloadError,
    ResponseCompleted,
    UnknownEvent,
    VerificationError,
    parse_event,
    sign,
    unwrap,
    verify_signature,
)
from webhook_guard.sansio import events

from support import (
    BODY,
    NOW,
    OLDER_SECRET,
    OTHER_SECRET,
    SECRET,
    VECTOR_BODY,
    VECTOR_HEADERS,
    VECTOR_SECRET,
    WEBHOOK_ID,
    event_body,
    signed,
)

FORMS = [
    pytest.param(BODY, id="bytes"),
    pytest.param(BODY.decode(), id="str"),
    pytest.param(bytearray(BODY), id="bytearray"),
    pytest.param(memoryview(BODY), id="memoryview"),
    pytest.param(memoryview(b"".join(bytes([byte, 0]) for byte in BODY))[::2], id="memoryview with gaps"),
]
OTHER_TYPES = [None, 7, ["x"], {"type": "x"}]

each_function = pytest.mark.parametrize("function", [unwrap, verify_signature], ids=lambda function: function.__name__)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take the secret out of the environment, and let the test set one."""
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
    return monkeypatch


class TestUnwrap:
    """Verified and typed."""

    def test_published_vector(self) -> None:
        """The vector that OpenAI's SDKs publish is unwrapped."""
        event = unwrap(VECTOR_BODY, VECTOR_HEADERS, secret=VECTOR_SECRET, now=1750861210)
        assert isinstance(event, ResponseCompleted)
        assert event.data.id == "resp_123"

    @pytest.mark.parametrize("payload", FORMS)
    def test_payloads(self, payload: Any) -> None:
        """Any form of the body will do."""
        assert isinstance(unwrap(payload, signed(), secret=SECRET, now=NOW), BatchCompleted)

    def test_non_ascii_text(self) -> None:
        """Text is taken as UTF-8."""
        body = '{"type": "grüße"}'
        assert unwrap(body, signed(body.encode()), secret=SECRET, now=NOW) == UnknownEvent(type="grüße")

    def test_authentic_but_no_event(self) -> None:
        """What is authentic and no event is a PayloadError."""
        with pytest.raises(PayloadError):
            unwrap(b"{}", signed(b"{}"), secret=SECRET, now=NOW)

    def test_payload_is_parsed_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is authentic is parsed once, and what is not, not at all."""
        monkeypatch.setattr(events, "parse", parse := Mock(wraps=events.parse))
        with pytest.raises(VerificationError):
            unwrap(BODY + b" ", signed(), secret=SECRET, now=NOW)
        unwrap(BODY, signed(), secret=SECRET, now=NOW)
        assert parse.mock_calls == [call(BODY)]


class TestVerifySignature:
    """Verified only."""

    def test_returns_nothing(self) -> None:
        """There is nothing to return."""
        verified: object = verify_signature(BODY, signed(), secret=SECRET, now=NOW)  # type: ignore[func-returns-value]  # that it returns None is tested
        assert verified is None

    def test_does_not_look_into_it(self) -> None:
        """A body that is no event is authentic all the same."""
        verify_signature(b"\xff", signed(b"\xff"), secret=SECRET, now=NOW)

    def test_content_length_is_no_concern(self) -> None:
        """Only the three webhook headers are read."""
        verify_signature(BODY, {**signed(), "content-length": "x"}, secret=SECRET, now=NOW)


class TestBoth:
    """What holds for `unwrap` and `verify_signature` alike."""

    @each_function
    @pytest.mark.parametrize(
        ("headers", "options", "reason"),
        [
            pytest.param({}, {}, "missing_header", id="no headers"),
            pytest.param(list(signed().items()) * 2, {}, "duplicate_header", id="headers twice"),
            pytest.param({**signed(), "webhook-id": "a.b"}, {}, "malformed_header", id="a dot in the id"),
            pytest.param(signed(timestamp=NOW - 301), {}, "timestamp_too_old", id="too old"),
            pytest.param(signed(timestamp=NOW + 301), {}, "timestamp_too_new", id="too new"),
            pytest.param(signed(timestamp=NOW - 11), {"tolerance": 10}, "timestamp_too_old", id="a tolerance of ten"),
            pytest.param(signed(), {"secret": OTHER_SECRET}, "signature_mismatch", id="another secret"),
        ],
    )
    def test_refused(self, function: Any, headers: Any, options: Any, reason: str) -> None:
        """The reasons are those of the decision table."""
        with pytest.raises(VerificationError) as caught:
            function(BODY, headers, **{"secret": SECRET, "now": NOW, **options})
        assert caught.value.reason == reason

    @each_function
    def test_lone_surrogate(self, function: Any) -> None:
        """Text that UTF-8 can't write is nobody's body."""
        with pytest.raises(VerificationError) as caught:
            function(BODY.decode() + "\udcff\ud800", signed(), secret=SECRET, now=NOW)
        assert caught.value.reason == "signature_mismatch"

    @each_function
    @pytest.mark.parametrize("payload", OTHER_TYPES, ids=str)
    def test_payload_of_another_type(self, function: Any, payload: Any) -> None:
        """A payload of another type is a TypeError that says what is needed."""
        with pytest.raises(
            TypeError, match=r"^payload: must be str, bytes, bytearray or memoryview, not .*; pass the raw body"
        ):
            function(payload, signed(), secret=SECRET, now=NOW)

    @each_function
    @pytest.mark.parametrize("headers", [None, 7, "text", [1]], ids=str)
    def test_headers_of_another_type(self, function: Any, headers: Any) -> None:
        """Headers of another type are a TypeError."""
        with pytest.raises(TypeError, match=r"^headers: "):
            function(BODY, headers, secret=SECRET, now=NOW)

    @each_function
    @pytest.mark.parametrize(
        "options",
        [
            {"secret": 7},
            {"secret": ""},
            {"secret": []},
            {"tolerance": "300"},
            {"tolerance": True},
            {"tolerance": float("nan")},
            {"tolerance": -1},
            {"now": "now"},
            {"now": False},
            {"now": float("nan")},
            {"now": float("inf")},
        ],
        ids=str,
    )
    def test_options(self, function: Any, options: dict[str, Any]) -> None:
        """An option of another type or out of range is a ConfigurationError that names it."""
        with pytest.raises(ConfigurationError, match=f"^{next(iter(options))}: "):
            function(BODY, signed(), **{"secret": SECRET, "now": NOW, **options})

    @each_function
    def test_clock(self, function: Any) -> None:
        """Without `now`, the machine's clock is read."""
        function(BODY, signed(timestamp=int(time.time())), secret=SECRET)
        with pytest.raises(VerificationError):
            function(BODY, signed(timestamp=int(time.time()) - 600), secret=SECRET)

    @each_function
    def test_environment(self, function: Any, environment: pytest.MonkeyPatch) -> None:
        """Without a secret, OPENAI_WEBHOOK_SECRET is read, at each call; it may hold several."""
        with pytest.raises(ConfigurationError, match="OPENAI_WEBHOOK_SECRET is not set"):
            function(BODY, signed(), now=NOW)
        environment.setenv("OPENAI_WEBHOOK_SECRET", f"{OTHER_SECRET} {SECRET}")
        function(BODY, signed(), now=NOW)
        environment.setenv("OPENAI_WEBHOOK_SECRET", "")
        with pytest.raises(ConfigurationError, match=r"^OPENAI_WEBHOOK_SECRET: "):
            function(BODY, signed(), now=NOW)

    @each_function
    @pytest.mark.usefixtures("environment")
    def test_configuration_first(self, function: Any) -> None:
        """A wrong configuration is told even for a request that would be refused anyway."""
        with pytest.raises(ConfigurationError):
            function(BODY, {}, now=NOW)


class TestParseEvent:
    """Typed, not verified."""

    @pytest.mark.parametrize("payload", FORMS)
    def test_payloads(self, payload: Any) -> None:
        """Any form of the body will do."""
        assert isinstance(parse_event(payload), BatchCompleted)

    def test_no_event(self) -> None:
        """What is no event is a PayloadError."""
        with pytest.raises(PayloadError):
            parse_event("\ud800")

    @pytest.mark.parametrize("payload", OTHER_TYPES, ids=str)
    def test_other_types(self, payload: Any) -> None:
        """A payload of another type is a TypeError."""
        with pytest.raises(TypeError, match=r"^payload: "):
            parse_event(payload)


class TestSign:
    """The three headers."""

    @pytest.mark.parametrize("payload", FORMS)
    @pytest.mark.parametrize(
        "secret", [SECRET, b"k" * 16, "a text of sixteen characters"], ids=["whsec", "raw", "text"]
    )
    def test_verifies(self, payload: Any, secret: str | bytes) -> None:
        """What is signed verifies under the same secret."""
        headers = sign(payload, secret, webhook_id="wh_1", timestamp=NOW)
        verify_signature(payload, headers, secret=secret, now=NOW)

    def test_headers(self) -> None:
        """They are text, under their names in lower case."""
        headers = sign(VECTOR_BODY, VECTOR_SECRET, webhook_id=WEBHOOK_ID, timestamp=1750861210)
        assert headers == VECTOR_HEADERS

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"secret": [SECRET]}, "secret"),
            ({"secret": None}, "secret"),
            ({"webhook_id": "a.b"}, "webhook_id"),
            ({"timestamp": 1.5}, "timestamp"),
        ],
    )
    def test_options(self, change: dict[str, Any], named: str) -> None:
        """What no guard would accept is a ConfigurationError that names it."""
        arguments: dict[str, Any] = {"secret": SECRET, "webhook_id": "wh_1", "timestamp": NOW, **change}
        with pytest.raises(ConfigurationError, match=f"^{named}: "):
            sign(BODY, arguments.pop("secret"), **arguments)

    def test_payload_of_another_type(self) -> None:
        """A payload of another type is a TypeError."""
        with pytest.raises(TypeError, match=r"^payload: "):
            sign(None, SECRET, webhook_id="wh_1", timestamp=NOW)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  what it must refuse


class TestDelivery:
    """A delivery that comes out of a queue."""

    values: ClassVar[dict[str, Any]] = {
        "webhook_id": WEBHOOK_ID,
        "timestamp": NOW,
        "signature": signed()["webhook-signature"],
        "body": BODY.decode(),
        "secret_index": 0,
    }

    @pytest.mark.parametrize("secret", [SECRET, [OTHER_SECRET, SECRET]], ids=["one", "several"])
    def test_verifies(self, secret: Any) -> None:
        """It verifies again, however long ago it was signed."""
        assert Delivery.from_dict(self.values).verify(secret) is None  # type: ignore[func-returns-value]  # that it returns None is tested

    def test_verifies_with_the_environment(self, environment: pytest.MonkeyPatch) -> None:
        """Without a secret, the environment's is taken."""
        environment.setenv("OPENAI_WEBHOOK_SECRET", f"{OLDER_SECRET} {SECRET}")
        Delivery.from_dict(self.values).verify()

    @pytest.mark.usefixtures("environment")
    def test_needs_a_secret(self) -> None:
        """Without any, that is told."""
        with pytest.raises(ConfigurationError, match="OPENAI_WEBHOOK_SECRET is not set"):
            Delivery.from_dict(self.values).verify()

    @pytest.mark.parametrize(
        "change",
        [
            {"body": event_body("batch.completed", {"id": "batch_2"}).decode()},
            {"timestamp": NOW + 1},
            {"webhook_id": "wh_2"},
            {"webhook_id": "a.b"},
            {"webhook_id": "€"},
            {"signature": "v1,AAAA"},
            {"signature": ""},
            {"signature": "€"},
        ],
        ids=str,
    )
    def test_changed_on_the_way(self, change: dict[str, Any]) -> None:
        """Whatever was changed on the way through the queue is found."""
        delivery = Delivery.from_dict({**self.values, **change})
        with pytest.raises(VerificationError):
            delivery.verify(SECRET)

    def test_eight_bit_entries_survive(self) -> None:
        """8-bit bytes in entries that are skipped do no harm on the way."""
        signature = "v9,\xff " + signed()["webhook-signature"]
        Delivery.from_dict({**self.values, "signature": signature}).verify(SECRET)
