"""The run that all tests look at, the option that writes its table, and the figures that it ends with."""

import pytest

from differential.cases import cases
from differential.run import Run, run
from differential.table import figures

_FIGURES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option; without it, the page is compared."""
    parser.addoption("--differences", choices=["write"], help="write docs/differential.md anew")


@pytest.fixture(scope="session")
def compared_all(request: pytest.FixtureRequest) -> Run:
    """What came of all cases."""
    done = run(cases())
    hits = [f"{count:6,}  {library:16}  {name}" for (name, library), count in sorted(done.hits.items())]
    request.config.stash[_FIGURES] = [figures(done), *hits]
    return done


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures."""
    if lines := config.stash.get(_FIGURES, None):
        terminalreporter.section("figures")
        terminalreporter.write("\n".join([*lines, ""]))
