"""How long the disk takes, and until it has settled: stores that write would wait behind what was written before."""

import os
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter

_WRITES = 40
_PAGE = bytes(4096)
#: Times what it took at first. Disks are never quite still.
_SETTLED = 1.5
#: Seconds.
_LONGEST_WAIT = 60


class Disk:
    """The disk of a folder.

    Args:
        folder: Where a file can be made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "page"
        #: Seconds in which a page is on the disk.
        self.usual: float = self._write_time()

    def settle(self) -> None:
        """Wait until writing takes about as long as at first, but not for ever: others may use the disk."""
        os.sync()
        deadline = monotonic() + _LONGEST_WAIT
        while self._write_time() > _SETTLED * self.usual and monotonic() < deadline:
            pass

    def _write_time(self) -> float:
        taken: list[float] = []
        with self._path.open("wb", buffering=0) as file:
            for _ in range(_WRITES):
                start = perf_counter()
                file.write(_PAGE)
                os.fsync(file.fileno())
                taken.append(perf_counter() - start)
        return median(taken)
