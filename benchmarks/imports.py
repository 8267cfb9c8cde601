"""The imports, each in a fresh interpreter that times the statement itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.results import Row, Target

_ROUNDS = 7
_MODULES = ("webhook_guard", "openai")
_SHARE = 1 / 6
#: Installed packages are compiled; so a checkout may be, too.
_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}


def rows() -> Iterator[Row]:
    """Compare what the imports cost."""
    taken: dict[str, list[float]] = {module: [] for module in _MODULES}
    for _ in range(1 + _ROUNDS):
        for module, times in taken.items():
            times.append(_import_time(module))
    # The first of each compiled the modules and brought them into memory.
    seconds = {f"import {module}": median(times[1:]) for module, times in taken.items()}
    ours, theirs = seconds.values()
    target = Target("at most a sixth of openai's", f"1/{theirs / ours:.1f}", met=ours / theirs <= _SHARE)
    yield Row("Import, in a fresh interpreter", seconds, targets=(target,))


def _import_time(module: str) -> float:
    code = f"from time import perf_counter as now; start = now(); import {module}; print(now() - start)"
    return float(subprocess.check_output([sys.executable, "-c", code], env=_ENVIRONMENT))  # noqa: S603  our own
