"""What a handler is told to do, in headers of the attempt: each attempt decides for itself, so no handler remembers."""

from enum import StrEnum

ATTEMPT, MANNER, SECONDS = "x-attempt", "x-manner", "x-seconds"

#: The answer of a handler that did its work.
HANDLED = b"handled"


class Manner(StrEnum):
    """How a handler behaves when its work is over."""

    WORKS = "works"
    #: It answers in two parts, with a pause between them.
    STREAMS = "streams"
    #: It answers with a 500, without having done anything.
    FAILS = "fails"
    #: It raises before it answers.
    RAISES = "raises"
    #: It gives a 200, and raises before the first part of the answer.
    BREAKS_OFF = "breaks off"


class OnPurposeError(Exception):
    """What handlers raise."""
