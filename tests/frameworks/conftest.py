"""Compares the matrix in the README with what the tests yielded, or writes it."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from frameworks.matrix import Matrix

README = Path(__file__).parents[2] / "README.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that tox gives; without it, the README does not matter."""
    parser.addoption("--matrix", choices=["check", "write"], help="what to do with the matrix in the README")


def pytest_configure(config: pytest.Config) -> None:
    """Collect outcomes, if they are asked for."""
    if mode := config.getoption("--matrix"):
        config.pluginmanager.register(Collector(write=mode == "write"))


class Collector:
    """Fills the matrix with the outcomes of the tests that have a `case`."""

    def __init__(self, *, write: bool) -> None:
        self._write = write
        self._matrix = Matrix()
        self._complaint = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the outcome of a test."""
        report = yield
        case: Any = item.callspec.params.get("case") if hasattr(item, "callspec") else None
        if case and (call.when == "call" or report.failed):
            self._matrix.add(case.key, case.column, passed=report.passed)
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the matrix, or fail if the README has another."""
        try:
            self._complaint = self._settle()
        except LookupError as error:
            self._complaint = str(error)
        if self._complaint:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _settle(self) -> str:
        """Return what is wrong, if anything is."""
        readme = README.read_text("utf-8")
        due = self._matrix.put_into(readme)
        if self._write:
            README.write_text(due, "utf-8")
        elif due != readme:
            return "the matrix in the README is not what the tests yielded: run `tox -e frameworks -- --matrix=write`"
        return ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is wrong."""
        if self._complaint:
            terminalreporter.write_line(self._complaint, red=True)
