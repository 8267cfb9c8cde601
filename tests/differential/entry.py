"""One line of the table of differences: what differs, where, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from differential.compared import Difference, Kind
from differential.receivers import LIBRARIES

OPENAI, STANDARD = LIBRARIES
BOTH = LIBRARIES

Predicate: TypeAlias = Callable[[Difference], bool]


@dataclass(frozen=True)
class Entry:
    """One line of the table.

    Attributes:
        name: What differs.
        kind: Of what kind it is.
        libraries: Where it does.
        source: Who says so: the specification, or the place where we do.
        reason: What they do, or why we don't.
        example: The changes of a plain delivery that show it.
        is_so: Whether it explains a difference of its kind, with one of its libraries.
    """

    name: str
    kind: Kind
    libraries: tuple[str, ...]
    source: str
    reason: str
    example: tuple[str, ...]
    is_so: Predicate

    def explains(self, difference: Difference) -> bool:
        """Say whether the difference is this one."""
        return difference.kind is self.kind and difference.library in self.libraries and self.is_so(difference)
