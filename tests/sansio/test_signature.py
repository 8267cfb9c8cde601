"""Headers, the signature over them and the body, and signing. The table of verdicts is in `test_scenarios.py`."""

import string
from http.client import HTTPMessage
from typing import Any

import pytest
from django.http.request import HttpHeaders
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from webhook_guard.sansio import keys, signature
from webhook_guard.sansio.errors import ConfigurationError, Reason, VerificationError, WebhookError
from webhook_guard.sansio.guard import MAX_BODY_SIZE

from support import BODY, NOW, OLDER_SECRET, OTHER_SECRET, SECRET, VECTOR_BODY, VECTOR_HEADERS, VECTOR_SECRET, signed

KEYS = keys.prepare([SECRET, OLDER_SECRET])
HEADERS = signed()


def refusal(call: Any, *args: Any) -> Reason:
    """Return the reason why `call` refuses."""
    with pytest.raises(VerificationError) as caught:
        call(*args)
    return caught.value.reason


def message(call: Any, *args: Any) -> str:
    """Return what is said of it."""
    with pytest.raises((VerificationError, ConfigurationError)) as caught:
        call(*args)
    return str(caught.value)


def head_of(**changes: str | bytes | None) -> signature.Head:
    """Return the checked head of the genuine headers with changes: `id`, `timestamp` or `signature`."""
    changed = {f"webhook-{name}": value for name, value in changes.items()}
    headers = [(name, value) for name, value in {**HEADERS, **changed}.items() if value is not None]
    return signature.check_head(signature.read_fields(headers))


def message_of(headers: dict[str, str]) -> HTTPMessage:
    """Return the headers as http.client has them."""
    message = HTTPMessage()
    for name, value in headers.items():
        message[name] = value
    return message


class TestReadFields:
    """Which headers matter, in any form of headers."""

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param(HEADERS, id="dict"),
            pytest.param({name.encode(): value.encode() for name, value in HEADERS.items()}, id="dict of bytes"),
            pytest.param(list(HEADERS.items()), id="list of pairs"),
            pytest.param([(name.encode(), value.encode()) for name, value in HEADERS.items()], id="ASGI"),
            pytest.param(iter(HEADERS.items()), id="iterator"),
            pytest.param({name.title(): value for name, value in HEADERS.items()}, id="capitals"),
            pytest.param(StarletteHeaders(HEADERS), id="Starlette"),
            pytest.param(WerkzeugHeaders(HEADERS), id="Werkzeug"),
            pytest.param(HttpHeaders({"HTTP_" + name.upper(): value for name, value in HEADERS.items()}), id="Django"),
            pytest.param(message_of(HEADERS), id="http.client"),
        ],
    )
    def test_forms(self, headers: Any) -> None:
        """Every form of headers in use is read."""
        assert signature.read_fields(headers).values == {name: value.encode() for name, value in HEADERS.items()}

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param(None, id="None"),
            pytest.param(7, id="int"),
            pytest.param("webhook-id", id="text"),
            pytest.param("", id="no text"),
            pytest.param(b"", id="no bytes"),
            pytest.param([1], id="no pairs"),
            pytest.param([("a", "b", "c")], id="triples"),
            pytest.param([(1, "b")], id="a name that is no text"),
            pytest.param({"webhook-id": ["wh_1"]}, id="a list of values"),
            pytest.param({"webhook-id": None}, id="no value"),
            pytest.param({"webhook-id": bytearray(b"wh_1")}, id="a bytearray"),
        ],
    )
    def test_other_types(self, headers: Any) -> None:
        """Headers of another type are a TypeError, which says what is needed."""
        with pytest.raises(TypeError) as caught:
            signature.read_fields(headers)
        assert str(caught.value) == ("headers: must be a mapping or an iterable of (name, value) pairs of str or bytes")

    def test_others_are_skipped(self) -> None:
        """Only three headers matter: whatever others have for values is no concern."""
        others: dict[str, Any] = {"webhook_id": "x", "x-webhook-id": "y", "age": 3, "webhoo\N{KELVIN SIGN}-id": "z"}
        fields = signature.read_fields(others)
        assert (fields.values, fields.repeated) == ({}, [])

    def test_repeated(self) -> None:
        """A header that is there twice is told, in whatever case."""
        names = signature.spellings("webhook-id", "content-length")
        fields = signature.read_fields([("webhook-id", "1"), (b"Webhook-ID", b"2"), ("content-length", "3")], names)
        assert fields.values == {"webhook-id": b"1", "content-length": b"3"}
        assert fields.repeated == ["webhook-id"]

    def test_others_before(self) -> None:
        """What comes before the three headers does not hide them."""
        headers: list[tuple[str, str]] = [("age", "1"), *HEADERS.items(), ("other", "x")]
        assert signature.read_fields(headers).values == {name: value.encode() for name, value in HEADERS.items()}

    def test_frozen(self) -> None:
        """What was read and checked can't be changed after that."""
        for checked in (signature.read_fields(HEADERS), head_of()):
            with pytest.raises(AttributeError):
                setattr(checked, checked.__struct_fields__[0], None)

    @pytest.mark.parametrize("blank", [" ", "\t", " \t "])
    def test_blanks(self, blank: str) -> None:
        """Space and tab around a value are dropped (RFC 9110 section 5.5)."""
        text = f"{blank}X a bX{blank}"
        for value in (text, text.encode()):
            assert signature.read_fields([("webhook-id", value)]).values == {"webhook-id": b"X a bX"}

    @pytest.mark.parametrize("character", ["\n", "\r", "\v", "\f", "\x1c", "\x85", "\xa0"])
    def test_other_white_space(self, character: str) -> None:
        """Nothing else is dropped."""
        text = f"a{character}"
        for value in (text, text.encode("latin-1")):
            assert signature.read_fields([("webhook-id", value)]).values == {"webhook-id": text.encode("latin-1")}

    @pytest.mark.parametrize(("text", "raw"), [("\u20ac", b"\xe2\x82\xac"), ("\ud800", b"\xed\xa0\x80")], ids=ascii)
    def test_no_bytes(self, text: str, raw: bytes) -> None:
        """Text that stands for no bytes, as no server makes it, is read as bytes that match nothing."""
        assert signature.read_fields({"webhook-id": text}).values == {"webhook-id": raw}


class TestCheckHead:
    """The form of the three headers."""

    def test_first_row_first(self) -> None:
        """A missing header is told before a repeated one, and that before a malformed one."""
        id_, timestamp, signed_ = HEADERS.items()
        malformed = ("webhook-timestamp", "x")
        assert refusal(signature.check_head, signature.read_fields([id_, id_, malformed])) == "missing_header"
        assert (
            refusal(signature.check_head, signature.read_fields([id_, id_, malformed, signed_])) == "duplicate_header"
        )
        assert refusal(signature.check_head, signature.read_fields([id_, malformed, signed_])) == "malformed_header"
        assert signature.check_head(signature.read_fields([id_, timestamp, signed_]))

    def test_names_what_is_missing(self) -> None:
        """The message names each header that is missing."""
        assert message(lambda: head_of(id="", signature=None)) == "missing or empty: webhook-id, webhook-signature"

    def test_names_what_is_repeated(self) -> None:
        """The message names each webhook header that is repeated, in the order of the alphabet, and no other."""
        names = signature.spellings(*HEADERS, "content-length")
        fields = signature.read_fields([*HEADERS.items(), *HEADERS.items(), *[("content-length", "1")] * 2], names)
        assert message(signature.check_head, fields) == ("repeated: webhook-id, webhook-signature, webhook-timestamp")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"id": "a.b"}, "webhook-id is not 1 to 256 visible ASCII characters without dot and comma"),
            ({"id": "a" * 257}, "webhook-id is not 1 to 256 visible ASCII characters without dot and comma"),
            ({"timestamp": "0"}, "webhook-timestamp is not 1 to 12 ASCII digits without a leading zero"),
            ({"timestamp": "01"}, "webhook-timestamp is not 1 to 12 ASCII digits without a leading zero"),
            ({"timestamp": "1" * 13}, "webhook-timestamp is not 1 to 12 ASCII digits without a leading zero"),
        ],
        ids=["a dot in the id", "a long id", "zero", "a leading zero", "13 digits"],
    )
    def test_says_what_is_well_formed(self, change: dict[str, str], said: str) -> None:
        """The message names the header and its form."""
        assert message(lambda: head_of(**change)) == said

    def test_longest(self) -> None:
        """An id has up to 256 characters, and a timestamp up to 12 digits."""
        assert head_of(id="a" * 256, timestamp="9" * 12).webhook_id == b"a" * 256

    def test_shortest(self) -> None:
        """An id has at least one character, and a timestamp one digit."""
        assert head_of(id="a", timestamp="1").webhook_id == b"a"

    def test_signature(self) -> None:
        """The signature is kept as it came, for the delivery."""
        assert head_of(signature="v1a,\xff v1,AA").signature == b"v1a,\xff v1,AA"

    def test_visible_ascii_makes_an_id(self) -> None:
        """Every visible ASCII character but the dot and the comma may be in an id."""
        visible = "".join(sorted(set(string.printable) - set(string.whitespace) - set(".,")))
        assert head_of(id=visible).webhook_id == visible.encode()

    @given(character=st.characters(), at=st.integers(0, 3))
    @example(character=".", at=3)
    @example(character=",", at=3)
    def test_other_characters_do_not(self, character: str, at: int) -> None:
        """No other character may be, wherever it stands; blanks around are none of it."""
        text = "wh_1"[:at] + character + "wh_1"[at:]
        if character in " \t" and at == 0:
            assert head_of(id=text).webhook_id == b"wh_1"
        elif "!" <= character <= "~" and character not in ".,":
            assert head_of(id=text).webhook_id == text.encode()
        else:
            assert refusal(lambda: head_of(id=text)) == "malformed_header"

    @given(character=st.characters(exclude_characters="0123456789"))
    @example(character=".")
    @example(character="_")
    @example(character="\N{ARABIC-INDIC DIGIT ONE}")
    @example(character="\N{SUPERSCRIPT ONE}")
    def test_digits_make_a_timestamp(self, character: str) -> None:
        """No character but the ten digits may be in a timestamp, whatever `int` takes."""
        assert refusal(lambda: head_of(timestamp=f"17{character}50")) == "malformed_header"

    def test_candidates(self) -> None:
        """Entries of version 1 and bare ones are compared, others skipped."""
        assert head_of(signature="v1,AA  BB v1a,CC v2,DD V1,EE ,FF v1,").candidates == [b"AA", b"BB", b""]

    def test_parted_by_spaces_only(self) -> None:
        """No other white space parts signatures."""
        assert head_of(signature="v1,AA\tv1,BB").candidates == [b"AA\tv1,BB"]

    def test_most_signatures(self) -> None:
        """32 signatures are the most, skipped ones included; empty pieces are none."""
        assert head_of(signature="v2,A  " * 32).candidates == []
        assert refusal(lambda: head_of(signature="v2,A " * 33)) == "malformed_header"
        assert message(lambda: head_of(signature="v2,A " * 33)) == (
            "webhook-signature has 33 signatures; at most 32 are allowed"
        )


class TestCheckTimestamp:
    """The age of an attempt."""

    @pytest.mark.parametrize(
        ("now", "reason"),
        [
            (NOW + 300, None),
            (NOW + 300.5, "timestamp_too_old"),
            (NOW + 301, "timestamp_too_old"),
            (NOW - 300, None),
            (NOW - 300.5, "timestamp_too_new"),
            (NOW - 301, "timestamp_too_new"),
            (float("nan"), "timestamp_too_old"),
            (float("inf"), "timestamp_too_old"),
        ],
    )
    def test_border(self, now: float, reason: str | None) -> None:
        """The border is inside, to both sides; a clock without a time refuses."""
        if reason is None:
            signature.check_timestamp(head_of(), now, 300)
        else:
            assert refusal(signature.check_timestamp, head_of(), now, 300) == reason

    @pytest.mark.parametrize(
        ("now", "age", "more"),
        [(NOW + 412.4, "old", ", and whether something delays or replays requests"), (NOW - 412.4, "ahead", "")],
    )
    def test_figures(self, now: float, age: str, more: str) -> None:
        """The message has the age, the tolerance, and what to check."""
        assert message(signature.check_timestamp, head_of(), now, 300) == (
            f"the timestamp is 412 s {age}, and the tolerance is 300 s; check this machine's clock{more}"
        )

    @pytest.mark.parametrize(("now", "reason"), [(NOW - 0.5, "timestamp_too_new"), (NOW + 0.5, "timestamp_too_old")])
    def test_no_tolerance(self, now: float, reason: str) -> None:
        """A tolerance of nothing accepts the very second only."""
        signature.check_timestamp(head_of(), NOW, 0)
        assert refusal(signature.check_timestamp, head_of(), now, 0) == reason


class TestVerify:
    """The signature over head and body."""

    def test_published_vector(self) -> None:
        """The vector that OpenAI's SDKs publish verifies."""
        head = signature.check_head(signature.read_fields(VECTOR_HEADERS))
        assert signature.verify(head, VECTOR_BODY, keys.prepare(VECTOR_SECRET)) == 0

    def test_standard_webhooks_vector(self) -> None:
        """The vector of Standard Webhooks' own libraries verifies."""
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        head = signature.check_head(signature.read_fields(headers))
        assert signature.verify(head, b'{"test": 2432232314}', keys.prepare("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")) == 0

    @pytest.mark.parametrize(("secret", "index"), [(SECRET, 0), (OLDER_SECRET, 1)])
    def test_rotation(self, secret: str, index: int) -> None:
        """Each of several secrets verifies, and is told."""
        head = head_of(signature=signed(secret=secret)["webhook-signature"])
        assert signature.verify(head, BODY, KEYS) == index

    def test_text_secret_verifies_both_readings(self) -> None:
        """A delivery signed with either reading of a text without the prefix verifies under that text."""
        text = "c2VjcmV0IG9mIHNpeHRlZW4gYnl0ZXMh"
        for secret in (text, "whsec_" + text):
            head = head_of(signature=signed(secret=secret)["webhook-signature"])
            assert signature.verify(head, BODY, keys.prepare(text)) == 0

    def test_first_match_counts(self) -> None:
        """Where several secrets fit, the first of them is told."""
        both = " ".join(signed(secret=secret)["webhook-signature"] for secret in (OLDER_SECRET, SECRET))
        assert signature.verify(head_of(signature=both), BODY, KEYS) == 0

    def test_mismatch(self) -> None:
        """The message has figures and two things to check, and no signature."""
        assert refusal(signature.verify, head_of(), BODY, keys.prepare(OTHER_SECRET)) == "signature_mismatch"
        assert message(signature.verify, head_of(), BODY, keys.prepare(OTHER_SECRET)) == (
            "none of the 1 signature(s) of version 1 matches any of the 1 secret(s); check that the secret is this"
            " endpoint's, and that nothing in front of the guard changes the body, as parsing it and serialising it"
            " again does"
        )

    @given(position=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
    def test_every_bit_of_the_body_counts(self, position: int, bit: int) -> None:
        """A body with one bit changed does not verify."""
        changed = bytearray(BODY)
        changed[position] ^= 1 << bit
        assert refusal(signature.verify, head_of(), bytes(changed), KEYS) == "signature_mismatch"

    def test_last_byte_of_the_largest_body_counts(self) -> None:
        """Nor does one as large as the limit whose last byte is changed."""
        body = bytes(MAX_BODY_SIZE)
        head = head_of(signature=signed(body)["webhook-signature"])
        assert signature.verify(head, body, KEYS) == 0
        assert refusal(signature.verify, head, body[:-1] + b"\1", KEYS) == "signature_mismatch"

    @pytest.mark.parametrize("change", [{"id": "wh_2"}, {"timestamp": str(NOW + 1)}], ids=["id", "timestamp"])
    def test_id_and_timestamp_count(self, change: dict[str, str]) -> None:
        """A genuine body under another id or another timestamp does not verify."""
        assert refusal(signature.verify, head_of(**change), BODY, KEYS) == "signature_mismatch"

    @given(
        headers=st.lists(
            st.tuples(st.sampled_from([*HEADERS, "content-length", "other"]), st.binary() | st.text()), max_size=6
        ),
        body=st.binary(),
    )
    def test_closed_contract(self, headers: list[tuple[str, str | bytes]], body: bytes) -> None:
        """Whatever is in the headers and the body, nothing but the documented errors leaves."""
        try:
            head = signature.check_head(signature.read_fields(headers))
            signature.check_timestamp(head, NOW, 300)
            signature.verify(head, body, KEYS)
        except WebhookError as error:
            assert isinstance(error, VerificationError)  # noqa: PT017  any other exception fails by itself


class TestSign:
    """Signing, the other way round."""

    def test_published_vector(self) -> None:
        """The published vector is what signing gives."""
        key = keys.signing_key(VECTOR_SECRET)
        assert signature.sign(VECTOR_BODY, key, VECTOR_HEADERS["webhook-id"], 1750861210) == VECTOR_HEADERS

    @pytest.mark.parametrize("timestamp", [1, 10**12 - 1])
    def test_least_and_most(self, timestamp: int) -> None:
        """Every timestamp that a guard may accept can be signed."""
        assert signature.sign(BODY, b"k" * 16, "wh_1", timestamp)["webhook-timestamp"] == str(timestamp)

    @pytest.mark.parametrize(
        "webhook_id", ["", "a.b", "a,b", "a b", "é", "€", "\ud800", "x" * 257, None, 7, b"wh_1"], ids=ascii
    )
    def test_refuses_ids(self, webhook_id: Any) -> None:
        """An id that no guard would accept is not signed."""
        assert message(signature.sign, BODY, b"k" * 16, webhook_id, NOW) == (
            "webhook_id: must be 1 to 256 visible ASCII characters without dot and comma"
        )

    @pytest.mark.parametrize("timestamp", [0, -1, 10**12, True, 1750861210.5, "1750861210", None])
    def test_refuses_timestamps(self, timestamp: Any) -> None:
        """A timestamp that no guard would accept is not signed."""
        assert message(signature.sign, BODY, b"k" * 16, "wh_1", timestamp) == (
            "timestamp: must be whole Unix seconds, 1 to 12 digits; try int(time.time())"
        )
