"""The option `--examples`, and the figures at the end."""

import logging
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest

from model.bench import Bench, open_bench
from model.figures import line
from model.subjects import SUBJECTS

_FIGURES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--examples", type=int, default=200, help="how many runs of the model, for each front and store")


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> int:
    """How many runs."""
    return cast(int, request.config.getoption("--examples"))


@pytest.fixture(autouse=True)
def _silence(caplog: pytest.LogCaptureFixture) -> None:
    """Keep no records: outages are errors, and there are thousands."""
    caplog.set_level(logging.CRITICAL + 1, logger="webhook_guard")


@pytest.fixture
def bench(front: str, store: str, tmp_path: Path) -> Generator[Bench]:
    """The front and the store."""
    with SUBJECTS[store](tmp_path) as subject, open_bench(front, subject) as opened:
        yield opened


@pytest.fixture
def figures(front: str, store: str, bench: Bench, request: pytest.FixtureRequest) -> Generator[None]:
    """Prints what happened to them, at the end of all tests."""
    yield
    request.config.stash.setdefault(_FIGURES, []).append(f"{front}, {store}: {line(bench.counts)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures."""
    if lines := config.stash.get(_FIGURES, None):
        terminalreporter.section("figures")
        terminalreporter.write("\n".join([*lines, ""]))
