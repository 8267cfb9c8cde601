"""What may have been signed before the body."""

import pytest

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.fields import find
from webhook_guard.diagnose.heads import heads

ID, TIME = "wh_1", "1750861210"
SIGNED = b"wh_1.1750861210."


def causes(*pairs: tuple[str, str], prefix: bytes = SIGNED) -> list[Cause] | None:
    """Return the causes with which a prefix is found in headers; None if it is not."""
    found = (head for head in heads(find(pairs)) if head.prefix == prefix)
    return next((sorted({step.cause for step in head.steps}, key=[*Cause].index) for head in found), None)


def test_standard() -> None:
    """What a guard takes needs no step, and comes first."""
    first, *_ = heads(
        find([("webhook-id", ID), ("webhook-timestamp", TIME), ("svix-id", "x"), ("svix-timestamp", "1")])
    )
    assert (first.prefix, first.timestamp, first.steps) == (SIGNED, TIME.encode(), ())


@pytest.mark.parametrize(("prefix", "timestamp"), [(b"", TIME), (b"1750861210.", TIME)], ids=["body", "timestamp"])
def test_signed_content(prefix: bytes, timestamp: str) -> None:
    """Senders sign less; the timestamp that came counts all the same."""
    (head,) = (head for head in heads(find([("webhook-id", ID), ("webhook-timestamp", TIME)])) if head.prefix == prefix)
    assert ([step.cause for step in head.steps], head.timestamp) == ([Cause.SIGNED_CONTENT], timestamp.encode())


def test_no_headers() -> None:
    """Without id and timestamp, only the body can have been signed."""
    assert [head.prefix for head in heads([])] == [b""]


def test_swapped() -> None:
    """An id and a timestamp may be exchanged."""
    assert causes(("webhook-id", TIME), ("webhook-timestamp", ID)) == [Cause.SWAPPED_HEADERS]


def test_unit() -> None:
    """A timestamp may be in another unit, and exchanged on top of that."""
    assert causes(("webhook-id", ID), ("webhook-timestamp", f"{TIME}999")) == [Cause.TIMESTAMP_UNIT]
    both = [Cause.SWAPPED_HEADERS, Cause.TIMESTAMP_UNIT]
    assert causes(("webhook-id", f"{TIME}999"), ("webhook-timestamp", ID)) == both
    assert causes(("webhook-timestamp", "2025-06-25T14:20:10Z"), prefix=b"1750861210.") == [
        Cause.TIMESTAMP_UNIT,
        Cause.SIGNED_CONTENT,
    ]


def test_other_sender() -> None:
    """Id and timestamp may have other names: that is one cause."""
    assert causes(("svix-id", ID), ("svix-timestamp", TIME)) == [Cause.SVIX_HEADERS]
    assert causes(("webhook-id", ID), ("x-timestamp", TIME)) == [Cause.SVIX_HEADERS]


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([("webhook-timestamp", "1"), ("webhook-timestamp", TIME), ("webhook-id", ID)], id="repeated"),
        pytest.param([("webhook-timestamp", f"1, {TIME}"), ("webhook-id", ID)], id="joined"),
        pytest.param([("webhook-timestamp", "1"), ("x-old-timestamp", TIME), ("webhook-id", ID)], id="beside"),
        pytest.param([("webhook-timestamp", TIME), ("webhook-id", "wh_2"), ("webhook-id", ID)], id="id"),
        pytest.param([("webhook-timestamp", "1"), ("x-start", TIME), ("webhook-id", ID)], id="any name"),
        pytest.param([("webhook-timestamp", f"1,{TIME}"), ("webhook-id", f"wh_2,{ID}")], id="both"),
    ],
)
def test_mixed(pairs: list[tuple[str, str]]) -> None:
    """Of several ids or timestamps, another may have been signed."""
    assert causes(*pairs) == [Cause.RETRY_MIXED]


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([("webhook-id", ID), ("webhook-id", ID), ("webhook-timestamp", TIME)], id="doubled"),
        pytest.param([("webhook-id", f"{ID},{ID}"), ("webhook-timestamp", f"{TIME}, {TIME}")], id="joined"),
        pytest.param([("webhook-id", f'"{ID}"'), ("webhook-timestamp", TIME)], id="quoted"),
    ],
)
def test_format(pairs: list[tuple[str, str]]) -> None:
    """A value may be there twice, or have something around it."""
    assert causes(*pairs) == [Cause.HEADER_FORMAT]


def test_at_most_two_steps() -> None:
    """Three causes are not looked for."""
    assert causes(("svix-id", f"{TIME}999"), ("svix-timestamp", f'"{ID}"')) is None


def test_each_once() -> None:
    """No text is there twice."""
    pairs = [("webhook-id", TIME), ("webhook-timestamp", TIME), ("svix-id", TIME), ("svix-timestamp", f"{TIME}000")]
    prefixes = [head.prefix for head in heads(find(pairs))]
    assert len(prefixes) == len(set(prefixes))


def test_mixed_of_other_senders() -> None:
    """Of other senders, those beside the signature count; what is taken elsewhere is a cause of its own."""
    pairs = [("svix-signature", "v1,x"), ("svix-id", "wh_2"), ("svix-timestamp", TIME), ("x-request-id", ID)]
    assert causes(*pairs) == [Cause.SVIX_HEADERS, Cause.RETRY_MIXED]


def test_mixed_and_swapped() -> None:
    """An id may be in the other header, and the timestamp in a third one."""
    pairs = [("webhook-id", "1"), ("webhook-timestamp", ID), ("x-original-timestamp", TIME)]
    assert causes(*pairs) == [Cause.SWAPPED_HEADERS, Cause.RETRY_MIXED]


def test_half_swapped() -> None:
    """An id and a timestamp are exchanged, or they are not: no header counts as both."""
    prefixes = [head.prefix for head in heads(find([("webhook-id", "wh_9"), ("webhook-timestamp", TIME)]))]
    assert f"{TIME}.{TIME}.".encode() not in prefixes


def test_empty_pieces() -> None:
    """A comma too much makes no other attempt."""
    assert causes(("webhook-id", f"[{ID},]"), ("webhook-timestamp", f"{TIME},")) == [Cause.HEADER_FORMAT]


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([("webhook-id", f"{ID}.{TIME}"), ("webhook-timestamp", '{"a":1}')], id="borders moved"),
        pytest.param([("webhook-id", ID), ("webhook-timestamp", f"0{TIME}")], id="leading zero"),
        pytest.param([("webhook-id", "a" * 257), ("webhook-timestamp", TIME)], id="long id"),
    ],
)
def test_not_taken(pairs: list[tuple[str, str]]) -> None:
    """What a guard does not take as id and timestamp is not tried: a stranger can move their borders."""
    signed = ".".join(value for _, value in pairs).encode() + b"."
    assert signed not in [head.prefix for head in heads(find(pairs))]


def test_empty_values() -> None:
    """What is empty was not signed."""
    pairs = [("webhook-id", ""), ("webhook-id", " , "), ("webhook-timestamp", "")]
    assert [head.prefix for head in heads(find(pairs))] == [b""]


def test_bounded() -> None:
    """Very many values make some heads."""
    assert len(heads(find([("webhook-id", ",".join(map(str, range(10_000)))), ("webhook-timestamp", TIME)]))) < 100


def test_repr() -> None:
    """It does not show what was signed."""
    assert repr(heads([])) == "[<head, 1 causes>]"
