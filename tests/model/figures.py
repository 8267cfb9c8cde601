"""What the runs came to, in one line."""

from collections import Counter

_COUNTED = (
    "runs",
    "steps",
    "deliveries",
    "handlers run",
    "kills",
    "cancellations",
    "store calls failed",
    "answers 200",
    "answers 409",
    "answers 503",
)


def line(counts: Counter[str]) -> str:
    """Return the figures; answers are the guard's own: 200 duplicate, 409 in_progress, 503 store_unavailable."""
    return ", ".join(f"{counts[name]} {name}" for name in _COUNTED)
