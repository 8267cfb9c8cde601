"""What a diagnosis says: of genuine requests, of each cause, and of what nobody can explain."""

import base64
import gzip
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook_guard import ConfigurationError, Reason
from webhook_guard.diagnose import Cause, diagnose
from webhook_guard.sansio.keys import Mac

from diagnose.damage import BODY, DAMAGES, Damage, diagnosed, sent
from support import (
    NOW,
    OLDER_SECRET,
    OTHER_SECRET,
    SECRET,
    VECTOR_BODY,
    VECTOR_HEADERS,
    VECTOR_SECRET,
    WEBHOOK_ID,
    signed,
)

#: Names of headers that matter, and of others.
NAMES = [f"{sender}-{kind}" for sender in ("webhook", "svix", "x") for kind in ("id", "timestamp", "signature")]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_one_cause(damage: Damage) -> None:
    """Each cause is found by itself, and undoing it gives the body that was signed."""
    original = damage.original(BODY)
    diagnosis = diagnosed(damage.do(sent(original)))
    assert (diagnosis.verdict, diagnosis.causes, diagnosis.body) == ("refused", [damage.cause], original)


class TestGenuine:
    """What is genuine is called genuine."""

    def test_vector(self) -> None:
        """The vector that OpenAI's SDKs publish is genuine, and nothing is to be undone."""
        diagnosis = diagnose(VECTOR_BODY, VECTOR_HEADERS, VECTOR_SECRET, now=NOW)
        assert (diagnosis.verdict, diagnosis.reason, diagnosis.causes, diagnosis.fix) == ("genuine", None, [], "")
        assert diagnosis.body == VECTOR_BODY

    @given(st.binary(max_size=50).map(lambda text: text.decode("latin-1")), st.integers(-300, 300))
    def test_any(self, text: str, age: int) -> None:
        """Any event is, at any age within the tolerance."""
        body = json.dumps({"type": text, "data": {"id": text}})
        diagnosis = diagnose(body, signed(body.encode()), SECRET, now=NOW + age)
        assert (diagnosis.verdict, diagnosis.causes) == ("genuine", [])

    def test_headers_that_are_read_once(self) -> None:
        """Headers may be an iterator, and the body text."""
        assert diagnose(BODY.decode(), iter(signed(BODY).items()), SECRET, now=NOW).verdict == "genuine"

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a secret, all those of the environment are the app's."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", f"{OTHER_SECRET} {SECRET}")
        assert diagnose(BODY, signed(BODY), now=NOW).verdict == "genuine"
        assert diagnose(BODY, signed(BODY), [OTHER_SECRET, SECRET], now=NOW).causes == [Cause.OTHER_SECRET]


class TestReason:
    """The reason is that of the decision table, whatever the causes are."""

    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ({}, Reason.MISSING_HEADER),
            ({"webhook-id": "a.b"}, Reason.MALFORMED_HEADER),
            ({"webhook-timestamp": str(NOW - 301)}, Reason.TIMESTAMP_TOO_OLD),
            ({"webhook-timestamp": str(NOW + 301)}, Reason.TIMESTAMP_TOO_NEW),
            ({"webhook-signature": "v1,x"}, Reason.SIGNATURE_MISMATCH),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_heads(self, headers: dict[str, str], reason: Reason) -> None:
        """A head that is wrong, and that nothing explains, has its reason and no cause."""
        diagnosis = diagnose(BODY, {**signed(BODY), **headers} if headers else {}, SECRET, now=NOW)
        assert (diagnosis.verdict, diagnosis.reason, diagnosis.causes) == ("refused", reason, [])

    def test_repeated_header(self) -> None:
        """A header that is there twice is said to be, and which of them was signed."""
        headers = [*signed(BODY).items(), ("webhook-id", "wh_2")]
        diagnosis = diagnose(BODY, headers, SECRET, now=NOW)
        assert (diagnosis.reason, diagnosis.causes) == (Reason.DUPLICATE_HEADER, [Cause.RETRY_MIXED])

    def test_no_event(self) -> None:
        """What was signed and is no event has no cause: nothing changed it."""
        diagnosis = diagnose(b"{}", signed(b"{}"), SECRET, now=NOW)
        assert (diagnosis.reason, diagnosis.causes, diagnosis.tried) == (Reason.MALFORMED_PAYLOAD, [], 0)

    def test_method(self) -> None:
        """A request with another method is refused for that; its signature may be right."""
        diagnosis = diagnose(BODY, signed(BODY), SECRET, now=NOW, method="GET")
        assert (diagnosis.reason, diagnosis.causes) == (Reason.METHOD_NOT_ALLOWED, [])
        assert diagnosis.explanation == "The method is not POST. The signature is right."

    def test_unusable_secret(self) -> None:
        """A secret that no guard takes is the reason, be it the cause or not."""
        assert diagnose(BODY, signed(BODY), f"'{SECRET}'", now=NOW).reason == Reason.CONFIGURATION
        nothing = diagnose(BODY, signed(BODY), "", now=NOW)
        assert (nothing.reason, nothing.causes) == (Reason.CONFIGURATION, [])

    @pytest.mark.parametrize("secret", [[], 5, [5], bytearray(32)])
    def test_no_secret(self, secret: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is no secret at all is an error, as it is for the guard."""
        monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
        with pytest.raises(ConfigurationError, match="secret"):
            diagnose(BODY, signed(BODY), secret)
        with pytest.raises(ConfigurationError, match="OPENAI_WEBHOOK_SECRET is not set"):
            diagnose(BODY, signed(BODY))

    @pytest.mark.parametrize("options", [{"now": float("nan")}, {"now": True}, {"tolerance": -1}])
    def test_options(self, options: dict[str, Any]) -> None:
        """An option that can't be used is an error, and no reason."""
        with pytest.raises(ConfigurationError):
            diagnose(BODY, signed(BODY), SECRET, **options)

    @pytest.mark.parametrize(("body", "headers"), [(5, {}), (BODY, "x"), (BODY, ""), (BODY, 5), (BODY, [("x", 5, 6)])])
    def test_types(self, body: Any, headers: Any) -> None:
        """A body or headers of another type are a TypeError, as they are for the guard."""
        with pytest.raises(TypeError):
            diagnose(body, headers, SECRET)

    def test_headers_of_other_types(self) -> None:
        """Other headers than the three may have any values, as for the guard."""
        headers: Any = {**signed(BODY), "x-id": None, "x-count": 5}
        assert diagnose(BODY, headers, SECRET, now=NOW).verdict == "genuine"
        assert diagnose(BODY + b"\n", headers, SECRET, now=NOW).causes == [Cause.NEWLINE]


class TestNoClaimWithoutProof:
    """Nobody is told a cause that is none."""

    @settings(max_examples=1000)
    @given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
    def test_random(self, body: bytes, mac: bytes) -> None:
        """Random bodies with random signatures have no cause."""
        headers = {**signed(body), "webhook-signature": f"v1,{base64.b64encode(mac).decode()}"}
        diagnosis = diagnose(body, headers, SECRET, now=NOW)
        assert (diagnosis.verdict, diagnosis.reason, diagnosis.causes) == ("refused", Reason.SIGNATURE_MISMATCH, [])
        assert diagnosis.body == body

    @settings(max_examples=50)
    @given(position=st.integers(0, 10**6), change=st.integers(1, 255), of_body=st.booleans())
    def test_one_byte(self, position: int, change: int, *, of_body: bool) -> None:
        """A byte that was changed in the body, or in the signature, has no cause."""
        headers = signed(BODY)
        mac, body = bytearray(base64.b64decode(headers["webhook-signature"][3:])), bytearray(BODY)
        changed = body if of_body else mac
        changed[position % len(changed)] ^= change
        headers["webhook-signature"] = f"v1,{base64.b64encode(mac).decode()}"
        diagnosis = diagnose(bytes(body), headers, SECRET, now=NOW)
        assert (diagnosis.causes, diagnosis.tried > 0) == ([], True)

    @settings(max_examples=200)
    @given(st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=60), max_size=8), st.binary(max_size=60))
    def test_random_headers(self, headers: dict[str, bytes], body: bytes) -> None:
        """Whatever the headers are, there is a reason and no cause."""
        diagnosis = diagnose(body, headers, SECRET, now=NOW)
        assert (diagnosis.verdict, diagnosis.causes) == ("refused", [])

    def test_other_endpoint(self) -> None:
        """A request of another endpoint has no cause, and that is what is said to be likely."""
        diagnosis = diagnose(BODY, signed(BODY, secret=OLDER_SECRET), SECRET, now=NOW)
        assert diagnosis.causes == []
        assert diagnosis.fix.startswith("Most likely another endpoint's secret signed it")

    def test_empty_key(self) -> None:
        """Who signs with no key, as anybody can, is not believed for a secret that is empty or made of quotes."""
        mac = base64.b64encode(Mac(b"").digest(f"{WEBHOOK_ID}.{NOW}.".encode(), BODY)).decode()
        for secret in ("", '""', "whsec_", "whsec_AAAA"):
            assert diagnose(BODY, {**signed(BODY), "webhook-signature": mac}, secret, now=NOW).causes == []


class TestHostile:
    """What strangers send is bounded in time and memory: measured in bytes that are hashed, and held."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"[" * 1_000_000, id="deep JSON"),
            pytest.param(b'{"a":' * 200_000 + b"1" + b"}" * 200_000, id="deep objects"),
            pytest.param(gzip.compress(bytes(200_000_000), 1), id="bomb"),
            pytest.param(b"&amp;" * 200_000, id="entities"),
            pytest.param(b"%25" * 300_000, id="percent signs"),
            pytest.param(b'"' + b'\\"' * 500_000 + b'"', id="escapes"),
            pytest.param(b"\r\n" * 500_000, id="line breaks"),
            pytest.param(bytes(1_000_000), id="zeros"),
        ],
    )
    def test_bodies(self, body: bytes) -> None:
        """A body that is made to cost much costs what any does, and never an error."""
        tracemalloc.start()
        try:
            diagnosis = diagnose(body, {**signed(BODY)}, SECRET, now=NOW)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert diagnosis.causes == []
        assert peak < 45_000_000  # ten bodies of the largest size that is unpacked

    def test_headers(self) -> None:
        """A hundred thousand headers are read once or twice, and a few of them are tried."""
        headers = [*(("webhook-id", f"wh_{number}") for number in range(100_000)), *signed(BODY).items()]
        diagnosis = diagnose(BODY, headers, SECRET, now=NOW)
        assert (diagnosis.reason, diagnosis.causes) == (Reason.DUPLICATE_HEADER, [])
        assert diagnosis.tried < 10_000

    def test_many_values(self) -> None:
        """Of many ids, timestamps and signatures, some are tried."""
        values = ",".join(base64.b64encode(f"{number:032}".encode()).decode() for number in range(1000))
        headers = {
            f"{sender}-{kind}": values for sender in ("webhook", "svix") for kind in ("id", "timestamp", "signature")
        }
        assert diagnose(BODY, headers, SECRET, now=NOW).tried < 100_000


class TestShown:
    """What a diagnosis shows of itself."""

    def test_repr(self) -> None:
        """Neither it nor rich shows the body."""
        diagnosis = diagnose(BODY + b"\n", signed(BODY), SECRET, now=NOW)
        assert repr(diagnosis) == "Diagnosis(verdict='refused', reason='signature_mismatch', causes=['newline'])"
        assert dict(diagnosis.__rich_repr__()).keys() == {"verdict", "reason", "causes"}

    def test_json(self) -> None:
        """It is plain JSON, without the body."""
        values = diagnose(BODY + b"\n", signed(BODY), SECRET, now=NOW + 712).to_dict()
        assert json.loads(json.dumps(values)) == values
        assert values["causes"] == ["newline", "clock"]
        assert values["steps"] == [
            {"cause": "newline", "how": "take the final line feed away (1 byte)"},
            {"cause": "clock", "how": "take the time as 712 s earlier"},
        ]
        assert values.keys() == {"verdict", "reason", "causes", "steps", "explanation", "fix", "tried"}

    def test_nothing_private(self) -> None:
        """No secret, signature or body is in what it says."""
        for damage in DAMAGES:
            captured = damage.do(sent(damage.original(BODY)))
            said = json.dumps(diagnosed(captured).to_dict())
            private = [SECRET[6:], OTHER_SECRET[6:], "evt_1", "batch_1", signed(BODY)["webhook-signature"][3:]]
            assert not [text for text in private if text in said]
