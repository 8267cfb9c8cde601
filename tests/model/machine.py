"""The state machine: senders, workers, crashes, lease ends, cancellations and store outages, in any order."""

from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from model.bench import Bench
from model.ledger import LEASE, RETENTION, Attempt
from model.scripts import SCRIPTS, Script
from model.world import Outage

#: Events of one run: few, so that much happens to each.
_EVENTS = 2
#: Processes, each with a store object of its own.
_PROCESSES = 3
#: Steps of one run.
_STEPS = 30
#: Attempts at the same time.
_MOST = 6
#: Seconds that the clock moves by: within a lease, past a lease, past the retention.
_MOVES = (0.4 * LEASE, 1.1 * LEASE, 0.4 * LEASE, 1.1 * LEASE, 2 * RETENTION)

#: Where a worker can be stopped; at the last it never is.
_POINTS = ("in the handler", "before claim", "after claim", "before complete", "before release", "its end")

_events = st.integers(0, _EVENTS - 1)
_scripts = st.sampled_from(SCRIPTS)
_processes = st.integers(0, _PROCESSES - 1)
_someone = st.integers(0, 2 * _MOST)


def _has_room(machine: "Machine") -> bool:
    return len(machine.bench.in_flight) < _MOST


def _has_waiting(machine: "Machine") -> bool:
    return bool(machine.bench.waiting)


def _has_running(machine: "Machine") -> bool:
    return bool(machine.running)


class Machine(RuleBasedStateMachine):
    """One run."""

    #: What it is run with.
    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.bench.begin_run()

    @property
    def running(self) -> list[Attempt]:
        """The attempts with which the front is not done."""
        return [attempt for attempt in self.bench.in_flight if not attempt.is_over]

    @initialize(scripts=st.lists(_scripts, min_size=2, max_size=4))
    def begin(self, scripts: list[Script]) -> None:
        """Several attempts to deliver an event come at the same time, each to another process."""
        for number, script in enumerate(scripts):
            self.bench.post(0, script, number % _PROCESSES)

    @precondition(_has_room)
    @rule(event=_events, script=_scripts, process=_processes)
    def post(self, event: int, script: Script, process: int) -> None:
        """A sender delivers an event, or delivers it again."""
        self.bench.post(event, script, process)

    @precondition(_has_waiting)
    @rule(turns=st.lists(_someone, min_size=1, max_size=12))
    def go_on(self, turns: list[int]) -> None:
        """Workers go on, each to its next point, in some order."""
        for who in turns:
            if self.bench.waiting:
                self.bench.go_on(self.bench.waiting[who % len(self.bench.waiting)])

    @precondition(_has_waiting)
    @rule(who=_someone, point=st.sampled_from(_POINTS))
    def reach(self, who: int, point: str) -> None:
        """A worker goes on to a point, or to its end."""
        self.bench.reach(self.bench.waiting[who % len(self.bench.waiting)].attempt, point)

    @precondition(_has_waiting)
    @rule(who=_someone)
    def kill(self, who: int) -> None:
        """A worker is killed."""
        self.bench.kill(self.bench.waiting[who % len(self.bench.waiting)].attempt)

    @precondition(_has_running)
    @rule(who=_someone)
    def cancel(self, who: int) -> None:
        """A request is cancelled, or its client is gone."""
        self.bench.cancel(self.running[who % len(self.running)])

    @precondition(_has_waiting)
    @rule(seconds=st.sampled_from(_MOVES), prunes=st.booleans())
    def move_clock(self, seconds: float, prunes: bool) -> None:  # noqa: FBT001  a rule's arguments are drawn by name
        """Time passes; somebody may have the stores remove what has expired."""
        self.bench.advance(seconds)
        if prunes:
            self.bench.prune()

    @precondition(_has_waiting)
    @rule(outage=st.sampled_from(Outage), calls=st.integers(1, 3))
    def lose_store(self, outage: Outage, calls: int) -> None:
        """The store goes away, for so many calls."""
        self.bench.world.outages = [outage] * calls

    @precondition(lambda machine: bool(machine.bench.world.late))
    @rule()
    def carry_out_late(self) -> None:
        """A call that was given up arrives at the store."""
        self.bench.carry_out_late()

    def teardown(self) -> None:
        """When all is well again, each event can be handled."""
        try:
            if not self.bench.world.ledger.is_violated:
                self.bench.check_all_is_well()
        finally:
            self.bench.end_run()


def search(bench: Bench, **options: Any) -> None:
    """Look for a run in which an invariant does not hold.

    Args:
        bench: What to run.
        **options: Settings of Hypothesis.

    Raises:
        InvariantError: There is one.
    """
    chosen = settings(stateful_step_count=_STEPS, deadline=None, database=None, report_multiple_bugs=False, **options)
    run_state_machine_as_test(type("Machine", (Machine,), {"bench": bench}), settings=chosen)


def catch(bench: Bench) -> None:
    """Look for a first such run, in an order that is the same each time, and don't make it smaller.

    Raises:
        InvariantError: There is one.
    """
    search(bench, max_examples=5_000, phases=[Phase.generate], derandomize=True)
