"""A flood: 10,000 strangers at once, before a bare app and before the same app behind the guard.

What is sent is in `strangers.py`, the same for both, to the byte and the moment; what it is sent to is in `apps.py`.
The server has one core, strangers and genuine deliveries share the others. The contenders are flooded in turns, each in
a new server, and each first in every other round. How long a genuine delivery took is from all rounds together: under a
flood, the slowest ones wait for Python's garbage collections, of which a round has only a few.

Gunicorn's threads and waitress are not here: a slow stranger keeps a thread of the one, guarded or not, and the other
reads all bodies before it calls an app.
"""

from collections.abc import Iterator

from benchmarks.results import Row


def rows() -> Iterator[Row]:
    """Flood both, and then count what waiting takes."""
    from benchmarks.flood import comparison  # noqa: PLC0415  servers, which import this package, have no use for it

    return comparison.rows()
