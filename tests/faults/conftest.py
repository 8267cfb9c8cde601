"""The line of figures that each run ends with, and the seed that it begins with."""

import os
from secrets import randbelow

import pytest

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> list[str]:
    """What is printed at the end of all tests, line by line."""
    return request.config.stash.setdefault(_FIGURES, [])


@pytest.fixture
def seed() -> int:
    """What a run's random choices begin with: another one each time, so that runs add up; it is shown on failure."""
    chosen = int(os.environ.get("WEBHOOK_GUARD_FAULTS_SEED", randbelow(1_000_000)))
    print(f"WEBHOOK_GUARD_FAULTS_SEED={chosen}")  # noqa: T201  pytest shows it with what fails
    return chosen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures."""
    if lines := config.stash.get(_FIGURES, None):
        terminalreporter.section("figures")
        terminalreporter.write("\n".join([*lines, ""]))
