"""Every scenario on every server gets the designed answer, or meets a limit that the server is known to have."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from servers.conversation import journal
from servers.launch import SERVERS, Running, running
from servers.limits import LIMITS, limit_of
from servers.plays import Stage
from servers.scenarios import SCENARIOS, Scenario
from servers.table import rendered

TABLE = Path(__file__).parents[2] / "docs" / "servers.md"


@pytest.fixture(scope="module", params=SERVERS.values(), ids=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A server, to which nothing has got through unverified when all scenarios are over."""
    with running(request.param) as server:
        yield server
        notes = [note for notes in journal(server).values() for note in notes]
        assert "called: batch.completed" in notes
        assert "called: unverified" not in notes
        assert "webhook_guard" not in server.new_log()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_scenario(server: Running, scenario: Scenario) -> None:
    """The outcome is the designed one, or exactly that of a limit."""
    with ExitStack() as stack:
        outcome = scenario.play(Stage(server, stack))
    designed, limit = scenario.designed(server.server.interface), limit_of(server.server.name, scenario)
    if limit is None:
        assert outcome in designed
    else:
        assert outcome in ((limit.outcomes[scenario.key], *(designed if limit.sometimes else ())))


def test_limits_are_of_scenarios() -> None:
    """No limit speaks of a scenario or a server that does not exist, and no two of the same cell."""
    cells = [(server, key) for limit in LIMITS for server in limit.servers for key in limit.outcomes]
    assert len(set(cells)) == len(cells)
    assert {server for server, _ in cells} <= SERVERS.keys()
    assert {key for _, key in cells} <= {scenario.key for scenario in SCENARIOS}


def test_table(request: pytest.FixtureRequest) -> None:
    """``docs/servers.md`` says what the scenarios and limits say; ``--table=write`` writes it anew."""
    if request.config.getoption("--table"):
        TABLE.write_text(rendered(), "utf-8")
    assert TABLE.read_text("utf-8") == rendered()
