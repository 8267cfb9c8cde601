"""Timestamps that are no whole Unix seconds, and the seconds that they may have been signed as."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Digits of a time in milliseconds, microseconds and nanoseconds, from 2001 to 2286, and what a second has of each.
_UNITS = {13: ("milliseconds", 10**3), 16: ("microseconds", 10**6), 19: ("nanoseconds", 10**9)}
_FRACTION = re.compile(rb"([1-9][0-9]{9})\.[0-9]{1,9}")
#: Characters of a date; the longest that is read has 35.
_LONGEST = 40


def in_seconds(value: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the whole Unix seconds that a timestamp may stand for, if it is written otherwise, and how to get them.

    >>> next(in_seconds(b"2025-06-25T14:20:10Z"))
    (b'1750861210', 'take the timestamp, a date, as Unix seconds')
    """
    if len(value) > _LONGEST:
        return
    if len(value) in _UNITS and value.isdigit():
        unit, per_second = _UNITS[len(value)]
        how = f"take the timestamp, in {unit}, as whole Unix seconds"
        down = int(value) // per_second
        yield b"%d" % down, how
        yield b"%d" % (down + 1), f"{how}, rounded up"
    elif match := _FRACTION.fullmatch(value):
        yield match[1], "take the timestamp without its fraction"
    elif (time := _date(value.decode("latin-1"))) is not None:
        yield b"%d" % time, "take the timestamp, a date, as Unix seconds"


def _date(text: str) -> float | None:
    """Return the Unix seconds of a date, ISO 8601 or as in HTTP; None if it is none. Without a zone, it is UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        time = (date.replace(tzinfo=UTC) if date.tzinfo is None else date).timestamp()
        return time if time >= 1 else None
    return None
