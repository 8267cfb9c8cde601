"""Checks that each module is covered, lines and branches, by its own test file alone.

A module whose coverage comes from elsewhere has no tests of its own, however green the total is.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent


def is_covered(test: Path, data: Path) -> bool:
    """Run one test file, and say whether it covers the module of the same name."""
    module = test.relative_to(TESTS).with_name(test.name.removeprefix("test_"))
    environment = {**os.environ, "COVERAGE_FILE": str(data)}
    run = [sys.executable, "-m", "coverage", "run", "-m", "pytest", "-q", str(test)]
    report = [sys.executable, "-m", "coverage", "report", f"--include=*/webhook_guard/{module.as_posix()}"]
    print(f"{module}: ", end="", flush=True)  # noqa: T201  a script's output
    steps = (subprocess.run(command, env=environment, check=False) for command in (run, report))  # noqa: S603  our own
    return all(step.returncode == 0 for step in steps)


def main() -> int:
    """Check every module that has a test file, and return the exit status."""
    names = MODULES + (STORES if os.environ.get("WEBHOOK_GUARD_REQUIRE_SERVICES") else ())
    tests = [*sorted(TESTS.glob("sansio/test_*.py")), *map(test_of, names)]
    with tempfile.TemporaryDirectory() as folder:
        covered = [is_covered(test, Path(folder, test.stem)) for test in tests]
    return 0 if all(covered) else 1


def test_of(name: str) -> Path:
    """Return the test file of a module."""
    module = TESTS / name
    return module.with_name(f"test_{module.name}.py")


#: The modules outside of the core that have a test file each.
MODULES = (
    *("access", "asgi", "log", "verify", "wsgi"),
    *(f"idempotency/{name}" for name in ("asgi", "memory", "owned", "sqlite", "store", "wsgi")),
    *(f"testing/{name}" for name in ("driven", "races", "stores", "suite")),
)
#: Those whose tests need servers.
STORES = tuple(f"idempotency/{name}" for name in ("redis", "postgres", "postgres_pool"))

if __name__ == "__main__":
    sys.exit(main())
