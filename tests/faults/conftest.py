"""The line of figures that each run ends with, and the seed that it begins with."""

import os
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from secrets import randbelow, token_hex

import pytest

from faults.stores import Spec
from services import need_redis, own_schema

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which store."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def spec(kind: str, tmp_path: Path) -> Generator[Spec]:
    """The store: in a file of the test's own, or on a server that others use too."""
    with _place(kind, tmp_path) as where:
        spec = Spec(kind, where, namespace=f"faults-{token_hex(4)}")
        spec.prepare()
        yield spec


def _place(kind: str, folder: Path) -> AbstractContextManager[str]:
    if kind == "postgres":
        return own_schema()
    return nullcontext(need_redis() if kind == "redis" else str(folder / "claims.sqlite3"))


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
