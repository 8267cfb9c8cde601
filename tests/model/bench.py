"""A front and a store, and everything that senders, workers, clocks and networks do to them."""

from collections import Counter
from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Any

from webhook_guard.idempotency import MemoryStore

from model.asgi_server import ASGIServer
from model.ledger import ALL, LEASE, RETENTION, Attempt, Invariant
from model.scripts import SUCCEEDS, Script
from model.server import Server, check_error
from model.subjects import Subject
from model.turns import Killed, Waiting
from model.watched import Watched, WatchedAsync, WatchedMemory
from model.world import World
from model.wsgi_server import WSGIServer


class Bench:
    """Workers behind one kind of front, with stores of one kind.

    Args:
        front: asgi or wsgi.
        subject: The store.
        directly: Whether ASGI calls a `MemoryStore` directly, as it does; if not, in threads as any other sync store.
        looked_for: Which invariants are looked for.
    """

    def __init__(
        self, front: str, subject: Subject, *, directly: bool = True, looked_for: Collection[Invariant] = ALL
    ) -> None:
        self.world = World(subject.now, looked_for)
        self.server: Server = (ASGIServer if front == "asgi" else WSGIServer)(self.world)
        self.in_flight: list[Attempt] = []
        self._subject = subject
        self._directly = directly and front == "asgi"
        self._stores: list[Any] = []
        self._processes: list[Any] = []

    @property
    def counts(self) -> Counter[str]:
        """What has happened, in all runs."""
        return self.world.counts

    @property
    def waiting(self) -> list[Waiting]:
        """All who wait for a turn."""
        return self.world.turns.waiting

    def begin_run(self) -> None:
        """Begin a run, in which nobody has seen an event."""
        self.world.begin_anew()
        self.in_flight = []
        self.counts["runs"] += 1

    def post(self, event: int, script: Script, process: int) -> Attempt:
        """Have a sender deliver an event, for the first time or again.

        Args:
            event: Its number.
            script: What the handler does if it is called.
            process: Which one answers; there are as many as were asked for.
        """
        self.counts["deliveries"] += 1
        known = self.world.ledger.event(f"wh_{self.counts['runs']}_{event}")
        attempt = Attempt(known, script, self.server.expected(script))
        known.attempts.append(attempt)
        self.in_flight.append(attempt)
        self.server.begin(attempt, self._process(process))
        self._check()
        return attempt

    def go_on(self, waiting: Waiting, thrown: BaseException | None = None) -> None:
        """Give a turn.

        Args:
            waiting: To whom.
            thrown: What to raise where it waits.
        """
        self.counts["steps"] += 1
        waiting.go_on(thrown)
        self.server.settle()
        self._check()

    def reach(self, attempt: Attempt, point: str | None = None) -> None:
        """Let an attempt go on until it waits at a point, or to its end."""
        while waiting := self.world.turns.of(attempt):
            self.go_on(waiting[0])
            if any(other.point == point for other in self.world.turns.of(attempt)):
                return

    def kill(self, attempt: Attempt) -> None:
        """Kill the worker that answers an attempt, wherever it is."""
        self.counts["kills"] += 1
        attempt.is_killed, attempt.is_running = True, False
        while waiting := self.world.turns.of(attempt):
            self.go_on(waiting[0], Killed())

    def cancel(self, attempt: Attempt) -> None:
        """Cancel an attempt; under WSGI, its client is gone."""
        self.counts["cancellations"] += 1
        self.server.cancel(attempt)
        self._check()

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self._subject.advance(seconds)

    def advance_past_lease(self) -> None:
        """Move the clock past all leases."""
        self.advance(1.1 * LEASE)

    def carry_out_late(self) -> None:
        """Have the store carry out a call for which nobody waits any more."""
        call = self.world.late.pop(0)
        self.world.carried_out(call, self.server.run(call.carry_out), is_late=True)

    def prune(self) -> None:
        """Have each store remove what has expired, if it must be asked."""
        for store in self._stores:
            self.server.run(getattr(store, "prune", bool))

    def check_all_is_well(self) -> None:
        """When the store is back, all workers have ended and all leases too, each event can be handled.

        Raises:
            InvariantError: It can't.
        """
        self.world.outages = []
        while self.world.late:
            self.carry_out_late()
        for attempt in list(self.in_flight):
            self.reach(attempt)
        self.advance_past_lease()
        for event in list(self.world.ledger.events.values()):
            self._check_can_be_handled(int(event.webhook_id.rpartition("_")[2]))

    def end_run(self) -> None:
        """Clear up after a run."""
        for attempt in list(self.in_flight):
            self.kill(attempt)
        self.advance(2 * (LEASE + RETENTION))
        self.prune()

    def close(self) -> None:
        """Close all stores."""
        for store in self._stores:
            self.server.run(getattr(store, "aclose", getattr(store, "close", bool)))
        self.server.close()

    def _check(self) -> None:
        for attempt in list(self.in_flight):
            if attempt.is_over and not self.world.turns.of(attempt):
                self.in_flight.remove(attempt)
                check_error(attempt)
                self._count(attempt)
                self.world.ledger.check_ended(attempt)

    def _count(self, attempt: Attempt) -> None:
        self.counts["handlers run"] += attempt.was_called
        if not (attempt.was_called or attempt.is_killed or attempt.is_cancelled):
            self.counts[f"answers {attempt.answer.status}"] += 1

    def _check_can_be_handled(self, event: int) -> None:
        first = self.post(event, SUCCEEDS, 0)
        self.reach(first)
        if not first.event.is_done:
            self.world.ledger.violated(Invariant.LOST, first, "it can't be handled, though all is well again")
        second = self.post(event, SUCCEEDS, 1)
        self.reach(second)
        if second.grant is not None:
            self.world.ledger.violated(Invariant.AGAIN, second, "it was handled, with all well")

    def _process(self, number: int) -> Any:
        while len(self._processes) <= number:
            store = self._subject.make()
            self._stores.append(store)
            self._processes.append(self.server.guarded(self._watched(store)))
        return self._processes[number]

    def _watched(self, store: Any) -> Any:
        if isinstance(self.server, ASGIServer) and hasattr(store, "aclose"):
            return WatchedAsync(store, self.world, self.server.waiting)
        is_direct = self._directly and isinstance(store, MemoryStore)
        return (WatchedMemory if is_direct else Watched)(store, self.world)


@contextmanager
def open_bench(front: str, subject: Subject, **options: Any) -> Generator[Bench]:
    """Give a bench, and close it."""
    bench = Bench(front, subject, **options)
    try:
        yield bench
    finally:
        bench.close()
