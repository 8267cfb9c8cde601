"""What is measured: rows of figures, the first of which the others are compared with, and what they should show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Unit(Enum):
    """What the figures of a row are."""

    #: Seconds per call: less is better.
    TIME = "time"
    #: Requests per second: more is better.
    RATE = "per second"
    #: Bytes: less is better.
    SIZE = "memory"


@dataclass(frozen=True)
class Target:
    """What a row should show.

    Attributes:
        text: What is wanted, with its figure.
        figure: What was found.
        met: Whether that is what is wanted.
        reason: Why it is not, where that is known; shown if it was missed.
    """

    text: str
    figure: str
    met: bool
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One comparison, all of it measured in turns.

    Attributes:
        title: What is measured.
        figures: By contender; the others are compared with the first.
        unit: What the figures are.
        targets: What they should show.
        notes: What else was seen: a figure and its name.
    """

    title: str
    figures: Mapping[str, float]
    unit: Unit = Unit.TIME
    targets: tuple[Target, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


def at_most(text: str, found: float, limit: float, reason: str = "") -> Target:
    """Return the target of a ratio that should not be greater than `limit`."""
    return Target(f"{text}: at most {limit:.3g}", f"{found:.3g}", met=found <= limit, reason=reason)


def at_least(text: str, found: float, limit: float, reason: str = "") -> Target:
    """Return the target of a ratio that should not be less than `limit`."""
    return Target(f"{text}: at least {limit:.3g}", f"{found:.3g}", met=found >= limit, reason=reason)
