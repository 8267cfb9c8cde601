"""Checks that each module is covered, lines and branches, by its own test file alone.

A module whose coverage comes from elsewhere has no tests of its own, however green the total is. With arguments, such
as `idempotency/redis`, it checks those modules only.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

TESTS = Path(__file__).parent

#: The modules outside of the core that have a test file each. Those that need servers are checked by `tox -e stores`.
MODULES = (
    *("access", "asgi", "log", "verify", "wsgi"),
    *(f"idempotency/{name}" for name in ("asgi", "memory", "scoped", "sqlite", "store", "wsgi")),
    *(f"testing/{name}" for name in ("conformance", "driven", "promises", "races", "suite")),
)


def main(names: list[str]) -> int:
    """Check modules, and return the exit status."""
    core = [f"sansio/{test.stem.removeprefix('test_')}" for test in sorted(TESTS.glob("sansio/test_*.py"))]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as threads:
        covered = list(threads.map(partial(is_covered, Path(folder)), names or [*core, *MODULES]))
    return 0 if all(covered) else 1


def is_covered(folder: Path, module: str) -> bool:
    """Run the test file of a module, and say whether it covers the module."""
    test = (TESTS / module).with_name(f"test_{Path(module).name}.py")
    environment = {**os.environ, "COVERAGE_FILE": str(folder / module.replace("/", "."))}
    run = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", str(test)]
    report = [sys.executable, "-m", "coverage", "report", f"--include=*/webhook_guard/{module}.py"]
    steps = [_run(command, environment) for command in (run, report)]
    print(f"{module}: {' '.join(output for _, output in steps)}")  # noqa: T201  a script's output
    return all(is_right for is_right, _ in steps)


def _run(command: list[str], environment: dict[str, str]) -> tuple[bool, str]:
    """Return whether a command ends well, and what it prints: its last line, if it does."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own
    output = done.stdout + done.stderr
    return done.returncode == 0, output if done.returncode else output.strip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
