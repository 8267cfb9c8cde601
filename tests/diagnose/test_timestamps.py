"""Timestamps that are no whole Unix seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.timestamps import in_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"1750861210123", [b"1750861210", b"1750861211"]),
        (b"1750861210123456", [b"1750861210", b"1750861211"]),
        (b"1750861210123456789", [b"1750861210", b"1750861211"]),
        (b"1750861210.75", [b"1750861210"]),
        (b"2025-06-25T14:20:10Z", [b"1750861210"]),
        (b"2025-06-25T14:20:10.250+00:00", [b"1750861210"]),
        (b"2025-06-25 16:20:10+02:00", [b"1750861210"]),
        (b"2025-06-25T14:20:10", [b"1750861210"]),
        (b"Wed, 25 Jun 2025 14:20:10 GMT", [b"1750861210"]),
        (b"1750861210", []),
        (b"", []),
        (b"soon", []),
        (b"0001-01-01T00:00:00+14:00", []),
        (b"2025-06-25T14:20:10Z" + b" " * 100, []),
    ],
)
def test_reading(value: bytes, seconds: list[bytes]) -> None:
    """Milliseconds, fractions and dates are read as seconds; without a zone, as UTC. Nothing else is read."""
    assert [each for each, _ in in_seconds(value)] == seconds


@given(st.binary(max_size=50))
def test_never_fails(value: bytes) -> None:
    """Whatever it is, what is read is digits."""
    assert all(seconds.lstrip(b"-").isdigit() for seconds, _ in in_seconds(value))
