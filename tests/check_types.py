"""Runs the type checkers side by side, because each keeps one core busy for most of a minute."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PYRIGHT = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
COMMANDS = [
    [sys.executable, "-m", "mypy"],
    PYRIGHT,
    [*PYRIGHT, "--verifytypes", "webhook_guard", "--ignoreexternal"],
]


def is_right(command: list[str]) -> bool:
    """Run a type checker, print what it says, and return whether all is right."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own
    print(f"{' '.join(command[2:])}\n{done.stdout}{done.stderr}")  # noqa: T201  a script's output
    return done.returncode == 0


if __name__ == "__main__":
    with ThreadPoolExecutor() as threads:
        sys.exit(not all(list(threads.map(is_right, COMMANDS))))
