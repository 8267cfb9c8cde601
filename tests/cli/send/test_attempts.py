"""Attempts: genuine ones, and ones that are spoilt in one respect and well-formed in all others."""

import json
import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard import Reason, VerificationError, unwrap
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.send.attempts import PARTS, Attempt, Members, attempts, parse_data
from webhook_guard.sansio.signature import ID, SIGNATURE, TIMESTAMP
from webhook_guard.testing.events import event_body, make_event

from support import BODY, SECRET, WEBHOOK_ID

#: The headers' names, in the order in which they are sent.
NAMES = ["user-agent", "content-type", ID, TIMESTAMP, SIGNATURE]


def first(body: bytes = BODY, *, age: int = 0, tamper: str | None = None) -> Attempt:
    """Return the first attempt to deliver a body."""
    return next(attempts(lambda: body, SECRET, age=age, tamper=tamper))


def reason(attempt: Attempt) -> Reason | None:
    """Return why a guard refuses an attempt; None if it does not."""
    try:
        unwrap(attempt.body, attempt.headers, secret=SECRET)
    except VerificationError as error:
        return error.reason
    return None


class TestAttempts:
    """What is sent."""

    def test_genuine(self) -> None:
        """An attempt has OpenAI's headers, is signed now, and is verified."""
        attempt = first()
        headers = dict(attempt.headers)
        assert [name for name, _ in attempt.headers] == NAMES
        assert (headers["content-type"], headers["user-agent"]) == ("application/json", "webhook-guard")
        assert abs(int(headers[TIMESTAMP]) - time.time()) <= 2
        assert attempt.webhook_id == headers[ID]
        assert reason(attempt) is None

    @pytest.mark.parametrize(
        ("age", "refusal"), [(302, Reason.TIMESTAMP_TOO_OLD), (-302, Reason.TIMESTAMP_TOO_NEW), (290, None)]
    )
    def test_age(self, age: int, refusal: Reason | None) -> None:
        """An attempt is as old as it is asked to be."""
        assert reason(first(age=age)) is refusal

    def test_each_is_a_delivery(self) -> None:
        """Each has an id and a body of its own."""
        made = list(islice(attempts(lambda: event_body(make_event("batch.completed")), SECRET), 3))
        assert [reason(each) for each in made] == [None] * 3
        assert len({each.webhook_id for each in made}) == len({each.body for each in made}) == 3

    def test_retries(self) -> None:
        """With the same id, they have the same body too."""
        sent = attempts(lambda: event_body(make_event("batch.completed")), SECRET, same_id=True)
        assert len({(each.webhook_id, each.body) for each in islice(sent, 3)}) == 1

    def test_repr(self) -> None:
        """It shows the webhook id, and neither signature nor body."""
        attempt = Attempt((("webhook-id", WEBHOOK_ID), ("webhook-signature", "v1,x")), b"body")
        assert repr(attempt) == f"<attempt {WEBHOOK_ID}, 4 bytes>"

    def test_event(self) -> None:
        """An attempt knows the event in it, if there is one."""
        event = first().event
        assert (event and event.type, first(b"junk").event) == ("batch.completed", None)


class TestTampering:
    """What is changed after signing."""

    @pytest.mark.parametrize("part", PARTS)
    def test_one_part_differs(self, part: str) -> None:
        """The attempt is well-formed and in time, and no signature matches."""
        attempt = first(tamper=part)
        assert [name for name, _ in attempt.headers] == NAMES
        assert reason(attempt) is Reason.SIGNATURE_MISMATCH
        assert (attempt.body == BODY) is (part != "body")

    def test_timestamp(self) -> None:
        """The timestamp is a second later."""
        genuine, tampered = first(), first(tamper="timestamp")
        assert int(dict(tampered.headers)[TIMESTAMP]) - int(dict(genuine.headers)[TIMESTAMP]) in {1, 2}

    def test_signature(self) -> None:
        """The signature has the form of a genuine one."""
        genuine, tampered = (dict(each.headers)[SIGNATURE] for each in (first(), first(tamper="signature")))
        assert (len(genuine), genuine[:3]) == (len(tampered), tampered[:3])

    @pytest.mark.parametrize(
        ("body", "tampered"),
        [
            (b'{"id":"batch_1"}', b'{"id":"batch_0"}'),
            (b'{"id":"batch0"}', b'{"id":"batch1"}'),
            (b'{"id":"a\\nb"}', b'{"id":"0\\nb"}'),
            (b'{"id":"\\u20ac"}', b'{"i0":"\\u20ac"}'),
            (b'{"a":true}', b'{"0":true}'),
            (b"[1]", b"[1] "),
            (b"", b" "),
        ],
    )
    def test_body(self, body: bytes, tampered: bytes) -> None:
        """A character in a string is another one; without one, there is a blank more."""
        assert first(body, tamper="body").body == tampered

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda children: st.lists(children) | st.dictionaries(st.text(), children),
        )
    )
    def test_json_stays_json(self, value: object) -> None:
        """Whatever JSON it is, a tampered body is JSON, and another one."""
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        tampered = first(body, tamper="body").body
        assert tampered != body
        json.loads(tampered.decode("utf-8", "surrogatepass"))


class TestData:
    """Members of an event's data, from the command line."""

    @pytest.mark.parametrize(
        ("pairs", "data"),
        [
            ((), {}),
            (("id=resp_1", "note="), {"id": "resp_1", "note": ""}),
            (("a=b=c",), {"a": "b=c"}),
            (("a.b.c=1", "a.d=2"), {"a": {"b": {"c": "1"}, "d": "2"}}),
        ],
    )
    def test_members(self, pairs: tuple[str, ...], data: Members) -> None:
        """Dots lead into objects, and values are text."""
        assert parse_data(pairs) == data

    @pytest.mark.parametrize("pair", ["id", "=1", "", "a.=1", ".a=1", "a..b=1"])
    def test_no_pair(self, pair: str) -> None:
        """What has no key or no value is misuse."""
        with pytest.raises(Misuse, match="give KEY=VALUE"):
            parse_data([pair])

    @pytest.mark.parametrize("pairs", [("a=1", "a=1"), ("a=1", "a.b=2"), ("a.b=1", "a=2"), ("a.b=1", "a.b.c=2")])
    def test_contradictions(self, pairs: tuple[str, str]) -> None:
        """A member that is given twice, or as two things, is misuse."""
        with pytest.raises(Misuse, match=f"^--data {pairs[1].partition('=')[0]}: it is given twice"):
            parse_data(pairs)
