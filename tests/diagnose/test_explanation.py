"""What is said about a refused request."""

from typing import Any

import pytest

from webhook_guard import PayloadError, Reason, VerificationError
from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.explanation import Facts, explain

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
    assert explain(facts(Cause.NEWLINE, Cause.OTHER_SECRET)) == (
        "Line breaks of the body were changed. The request was signed with another secret than the first one given.",
        "Pass the body on as bytes: shells and editors change line breaks. Give the app that secret, or both.",
    )


def test_older() -> None:
    """The figures of the time are told: what is beyond the tolerance, and how old it is."""
    assert explain(facts(Cause.CLOCK, age=712.4))[0] == (
        "The signature is right. The timestamp is 412 s older than the tolerance of 300 s: the capture is 712 s old, or"
        " this machine's clock as far ahead."
    )


def test_newer() -> None:
    """No capture is from the future."""
    what, fix = explain(facts(Cause.NEWLINE, Cause.CLOCK, age=-712))
    assert what.endswith(
        " The timestamp is 412 s newer than the tolerance of 300 s: this machine's clock is 712 s behind."
    )
    assert fix.endswith(" Set this machine's clock.")


def test_no_event() -> None:
    """What was signed and is no event was sent so."""
    what, fix = explain(facts(refusal=PayloadError("the body is not JSON"), steps=None))
    assert what == "The signature is right, but the body is no event: The body is not JSON."
    assert fix.startswith("Look at what was sent")


def test_signature_is_right() -> None:
    """What is refused though the signature is right says both."""
    method = VerificationError("the method is not POST", Reason.METHOD_NOT_ALLOWED)
    what, fix = explain(facts(refusal=method))
    assert what == "The method is not POST. The signature is right."
    assert fix.startswith("Send it with POST")
    malformed = VerificationError("webhook-id is wrong", Reason.MALFORMED_HEADER)
    assert explain(facts(refusal=malformed))[1].startswith("Look at what was sent")


class TestUnexplained:
    """What nothing explains."""

    def test_tried(self) -> None:
        """It is said how much was tried, and what is likely."""
        what, fix = explain(facts(steps=None, tried=1234))
        assert what == (
            "Nothing that is known to happen makes the signature match."
            " Tried 1,234 ways to undo changes of body, headers and secret, one and two at a time."
        )
        assert fix.startswith("Most likely it was signed with another secret")

    def test_gave_up(self) -> None:
        """It is said if not all was tried."""
        assert explain(facts(steps=None, is_complete=False))[0].endswith("one and two at a time, and gave up.")

    def test_other_reason(self) -> None:
        """Another reason than the signature is said first."""
        refusal = VerificationError("missing or empty: webhook-id", Reason.MISSING_HEADER)
        assert explain(facts(refusal=refusal, steps=None))[0].startswith("Missing or empty: webhook-id. Nothing that")

    def test_no_signature(self) -> None:
        """Where there is no signature, nothing was tried."""
        what, fix = explain(facts(steps=None, has_signature=False))
        assert what == "No signature matches. No header has a signature to compare with."
        assert fix.startswith("Look for what stands before the app")

    @pytest.mark.parametrize(
        ("body", "sign"),
        [
            (b"", "The body is empty: something may have read it before."),
            (BODY[:-2], "The body begins as JSON and does not end so: a part is missing."),
            (
                b"\xef\xbf\xbd\xef\xbf\xbd",
                "It has 2 replacement characters (U+FFFD): there, bytes were lost for good.",
            ),
        ],
    )
    def test_signs(self, body: bytes, sign: str) -> None:
        """What the body shows by itself is said."""
        assert explain(facts(steps=None, body=body))[0].endswith(sign)

    def test_no_signs(self) -> None:
        """A body that looks whole has none."""
        plain = explain(facts(steps=None))
        assert explain(facts(steps=None, body=b"[]")) == plain
        assert explain(facts(steps=None, body=BODY + b"\n")) == plain


def test_repr() -> None:
    """The body is not shown."""
    assert repr(facts()) == f"<signature_mismatch, {len(BODY)} bytes>"
