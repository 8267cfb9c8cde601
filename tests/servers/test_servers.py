"""Every scenario on every server gets the designed answer, or meets a limit that the server is known to have."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from servers.launch import SERVERS, Running, running
from servers.limits import LIMITS, limit_of
from servers.plays import Stage
from servers.scenarios import SCENARIOS, Scenario
from servers.table import Outcomes, rendered

#: The files and functions in Python that limits name.
SOURCES = sorted({found for limit in LIMITS for found in re.findall(r"([\w/]+\.py), `([\w.]+)`", limit.source)})
TABLE = Path(__file__).parents[2] / "docs" / "servers.md"


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[Outcomes]:
    """What came of every scenario; when all were played, ``docs/servers.md`` must say so, or is written anew."""
    found: Outcomes = {}
    yield found
    if len(found) == len(SERVERS) * len(SCENARIOS):
        if request.config.getoption("--table"):
            TABLE.write_text(rendered(found), "utf-8")
        assert TABLE.read_text("utf-8") == rendered(found), "run `tox -e servers -- --table=write`"


@pytest.fixture(scope="module", params=SERVERS.values(), ids=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A server, to which nothing has got through unverified when all scenarios are over."""
    with running(request.param) as server:
        yield server
        notes = {note for notes in server.journal().values() for note in notes}
        assert {note for note in notes if note.startswith("called")} == {"called: batch.completed"}
        assert "webhook_guard" not in server.new_log()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_scenario(server: Running, scenario: Scenario, outcomes: Outcomes) -> None:
    """The outcome is the designed one, or the server's own refusal, or exactly that of a limit."""
    with ExitStack() as stack:
        outcome = scenario.play(Stage(server, stack))
    limit = limit_of(server.server.name, scenario)
    expected = [] if limit is None else [limit.outcomes[scenario.key]]
    if limit is None or limit.sometimes:
        expected += [*scenario.designed.under(server.server.interface), *scenario.designed.own]
    assert outcome in expected
    outcomes[server.server.name, scenario.key] = outcome


@pytest.mark.parametrize(("file", "name"), SOURCES)
def test_sources(file: str, name: str) -> None:
    """What a limit names as its source in Python is there in the version that is tested."""
    package, _, path = file.partition("/")
    spec = find_spec(package)
    assert spec
    assert spec.submodule_search_locations
    text = Path(spec.submodule_search_locations[0], path).read_text("utf-8")
    assert f"def {name.rpartition('.')[2]}(" in text


def test_limits_are_of_scenarios() -> None:
    """No limit speaks of a scenario or a server that does not exist, and no two of the same cell."""
    cells = [(server, key) for limit in LIMITS for server in limit.servers for key in limit.outcomes]
    assert len(set(cells)) == len(cells)
    assert {server for server, _ in cells} <= SERVERS.keys()
    assert {key for _, key in cells} <= {scenario.key for scenario in SCENARIOS}
