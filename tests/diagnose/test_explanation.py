"""What is said about a refused request."""

from typing import Any

import pytest

from webhook_guard import PayloadError, Reason, VerificationError
from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.explanation import Facts, explain
from webhook_guard.diagnose.secrets import TEXT_AS_KEY

from support import BODY

MISMATCH = VerificationError("no signature matches", Reason.SIGNATURE_MISMATCH)


def facts(*causes: Cause, **others: Any) -> Facts:
    """Return what is known about a request with some causes."""
    steps = [Step(cause, "undo it") for cause in causes]
    known = Facts(MISMATCH, steps, BODY, has_signature=True, tried=5, is_complete=True, age=0, tolerance=300)
    return known._replace(**others)


@pytest.mark.parametrize("cause", Cause)
def test_each_cause(cause: Cause) -> None:
    """Each cause has its own words, and says what to change; they are few, so that two fit on a screen."""
    what, fix = explain(facts(cause, age=712))
    assert what.endswith((".", "..."))
    assert fix.endswith((".", "..."))
    assert len(what) <= 150
    assert len(fix) <= 100
    others = {explain(facts(other, age=712)) for other in Cause if other is not cause}
    assert not [text for text, instead in others if text == what or instead == fix]


def test_two_causes() -> None:
    """Two causes are told in their order."""
    both = explain(facts(Cause.NEWLINE, Cause.OTHER_SECRET))
    line_breaks, secret = explain(facts(Cause.NEWLINE)), explain(facts(Cause.OTHER_SECRET))
    assert both == (f"{line_breaks[0]} {secret[0]}", f"{line_breaks[1]} {secret[1]}")


def test_sender_at_fault() -> None:
    """Who signs with the text of a secret is at fault, not the secret."""
    what, fix = explain(facts(steps=[Step(Cause.SECRET_FORMAT, TEXT_AS_KEY)]))
    assert what == "The sender used the text of the secret as the key, which OpenAI does not."
    assert fix.startswith("Mend the sender")


def test_older() -> None:
    """The figures of the time are told: what is beyond the tolerance, and how old it is."""
    what, fix = explain(facts(Cause.CLOCK, age=712.4))
    assert what == (
        "The signature is right. The timestamp is 412 s older than the tolerance of 300 s: the capture is 712 s old, or"
        " the clock here is as far ahead."
    )
    assert fix == "Say with --now when it came. If that late, it was delayed or replayed, or the clock is wrong."


def test_newer() -> None:
    """No capture is from the future."""
    what, fix = explain(facts(Cause.NEWLINE, Cause.CLOCK, age=-712))
    assert what.endswith(" The timestamp is 412 s newer than the tolerance of 300 s: the clock here is 712 s behind.")
    assert fix.endswith(" Set the clock.")


def test_no_event() -> None:
    """What was signed and is no event was sent so."""
    what, fix = explain(facts(refusal=PayloadError("the body is not JSON"), steps=None))
    assert what == "The signature is right, but this is no event: The body is not JSON."
    assert fix.startswith("Look at what was sent")


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        (Reason.METHOD_NOT_ALLOWED, "Send it with POST"),
        (Reason.DUPLICATE_HEADER, "Find what repeats the header"),
        (Reason.CONFIGURATION, "Mend that secret"),
        (Reason.MALFORMED_HEADER, "Find what makes the headers so"),
    ],
)
def test_signature_is_right(reason: Reason, fix: str) -> None:
    """What is refused though the signature is right says both."""
    what, found = explain(facts(refusal=VerificationError("it is wrong", reason)))
    assert what == "It is wrong. The signature is right."
    assert found.startswith(fix)


@pytest.mark.parametrize(
    ("reason", "causes", "is_said"),
    [
        (Reason.METHOD_NOT_ALLOWED, [Cause.NEWLINE], True),
        (Reason.CONFIGURATION, [Cause.NEWLINE], True),
        (Reason.CONFIGURATION, [Cause.NEWLINE, Cause.SECRET_FORMAT], False),
        (Reason.MISSING_HEADER, [Cause.SVIX_HEADERS], False),
    ],
)
def test_reason_beside_causes(reason: Reason, causes: list[Cause], *, is_said: bool) -> None:
    """A reason that the causes do not explain is said first, with what to do about it."""
    what, _ = explain(facts(*causes, refusal=VerificationError("it is wrong", reason)))
    assert what.startswith("It is wrong. ") is is_said


class TestUnexplained:
    """What nothing explains."""

    def test_tried(self) -> None:
        """It is said how much was tried, and what is likely."""
        what, fix = explain(facts(steps=None, tried=1234))
        assert what.startswith(
            "Nothing that is known to happen makes the signature match. Tried, one and two at a time,"
        )
        assert what.endswith(": 1,234 ways.")
        assert fix.startswith("Most likely another endpoint's secret signed it")

    def test_nothing_tried(self) -> None:
        """Where nothing could be tried, nothing is said to have been."""
        assert "Tried" not in explain(facts(steps=None, tried=0))[0]

    def test_gave_up(self) -> None:
        """It is said if not all was tried."""
        assert explain(facts(steps=None, is_complete=False))[0].endswith(" It was too large to try all of them.")

    @pytest.mark.parametrize(
        ("known", "sign", "fix"),
        [
            ({"body": b""}, " There is no body.", "If it is missing in the capture only"),
            ({"body": BODY[:-2]}, " The body begins as JSON and does not end so.", "Its end is lost"),
            (
                {"body": "{\ufffd\ufffd}".encode()},
                " The body has 2 replacement characters (U+FFFD).",
                "Bytes were lost there for good",
            ),
            ({"has_signature": False}, " The header has nothing like a signature.", "It was cut"),
            ({"body": b"[]"}, ": 5 ways.", "Most likely"),
            ({"body": BODY + b"\n"}, ": 5 ways.", "Most likely"),
        ],
        ids=["empty", "cut", "replaced", "no signature", "list", "whole"],
    )
    def test_signs(self, known: dict[str, Any], sign: str, fix: str) -> None:
        """What the body or the header shows by itself is said, with where to look then."""
        what, found = explain(facts(steps=None, **known))
        assert what.endswith(sign)
        assert found.startswith(fix)

    @pytest.mark.parametrize(
        ("reason", "fix"),
        [
            (Reason.MISSING_HEADER, "Find what drops the header"),
            (Reason.CONFIGURATION, "Put the right secret there first"),
            (Reason.TIMESTAMP_TOO_OLD, "Most likely"),
        ],
    )
    def test_other_reasons(self, reason: Reason, fix: str) -> None:
        """Another reason than the signature is said first, and what to do about it."""
        what, found = explain(facts(refusal=VerificationError("it is wrong", reason), steps=None))
        assert what.startswith("It is wrong. Nothing that is known to happen")
        assert found.startswith(fix)


def test_repr() -> None:
    """The body is not shown."""
    assert repr(facts()) == f"<signature_mismatch, {len(BODY)} bytes>"
