"""Any two causes at once. A file of its own, because it takes as long as the rest, and processes share the files."""

import pytest

from webhook_guard.diagnose import Cause

from diagnose.damage import BODY, DAMAGES, Captured, Damage, NotApplicable, diagnosed, sent

#: What leaves nothing of an earlier damage to undo: the second of these, after the first.
ABSORBED = {
    (Cause.QUOTED_BODY, Cause.RESERIALIZED): "a JSON string that is written again is still one",
    (Cause.BASE64_BODY, Cause.NEWLINE): "the line break at the end of base64 in lines says nothing",
    (Cause.SIGNED_CONTENT, Cause.SWAPPED_HEADERS): "where the body alone is signed, nothing else counts",
    (Cause.SIGNED_CONTENT, Cause.TIMESTAMP_UNIT): "the same",
    (Cause.SIGNED_CONTENT, Cause.RETRY_MIXED): "the same",
}


def after_both(first: Damage, second: Damage) -> tuple[bytes, Captured] | None:
    """Return the body that was signed, and what comes after two damages; None if they can't happen, or mend it."""
    original = first.original(second.original(BODY))
    try:
        came = second.do(first.do(sent(original)))
    except NotApplicable:
        return None
    return None if came == sent(original) else (original, came)


def expected(first: Damage, second: Damage, original: bytes, came: Captured) -> list[list[Cause]]:
    """Return the causes that may be named, in any order: which one leads back is proven by the signature."""
    both = [sorted([first.cause, second.cause])]
    try:
        absorbed = second.do(sent(original)) == came or (first.cause, second.cause) in ABSORBED
    except NotApplicable:
        absorbed = False
    return [*both, [second.cause], [first.cause]] if absorbed else both


@pytest.mark.parametrize("first", DAMAGES, ids=str)
def test_two_causes(first: Damage) -> None:
    """Any two causes are found together, in an order that leads back to the body that was signed."""
    wrong: list[str] = []
    for second in DAMAGES:
        if first.cause is second.cause or (case := after_both(first, second)) is None:
            continue
        original, came = case
        found = diagnosed(came)
        if found.body != original or sorted(found.causes) not in expected(first, second, original, came):
            wrong.append(f"{first} then {second}: {[*map(str, found.causes)]}")
    assert wrong == []
