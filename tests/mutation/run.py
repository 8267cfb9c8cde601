"""Changes modules in small ways, one at a time, and checks that the test file of each notices.

Usage: python tests/mutation/run.py [MODULE...], such as `sansio/keys`. It fails if less than 95 % of the changes of a
module are noticed, or if `survivors.toml` does not explain just those that are not.
"""

import os
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mutation.mutants import Mutant, mutants
from mutation.trees import Outcome, Run, Tree, copy, module_of

PROJECT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.toml")
MODULES = (
    *(f"sansio/{name}" for name in ("keys", "signature", "guard", "events", "claims", "paths", "errors")),
    *("access", "wsgi", "asgi", "deadline"),
    *(f"idempotency/{name}" for name in ("memory", "sqlite", "store", "scoped", "asgi", "wsgi")),
    *(f"idempotency/{name}" for name in ("redis", "postgres", "postgres_pool")),
)
#: Percent.
LEAST = 95
#: More than there are cores, because some tests wait for servers more than they compute.
AT_A_TIME = (os.cpu_count() or 1) + 2


@dataclass
class Result:
    """What became of the mutants of a module.

    Attributes:
        unexplained: Survivors that `survivors.toml` does not have.
        stale: What it has and is no survivor.
    """

    module: str
    stale: list[str]
    unexplained: list[str] = field(default_factory=list[str])
    outcomes: Counter[Outcome] = field(default_factory=Counter[Outcome])

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        """Count a mutant, and see whether it is explained if it survived."""
        self.outcomes[outcome] += 1
        if outcome is Outcome.SURVIVED:
            text = str(mutant)
            if text in self.stale:
                self.stale.remove(text)
            else:
                self.unexplained.append(text)

    @property
    def percentage(self) -> float:
        """How many were noticed."""
        return 100 * (1 - self.outcomes[Outcome.SURVIVED] / self.outcomes.total())

    @property
    def passed(self) -> bool:
        """Whether enough were noticed, and the rest is explained."""
        return self.percentage >= LEAST and not self.unexplained and not self.stale


def main(names: list[str]) -> int:
    """Check modules, and return the exit status."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with tempfile.TemporaryDirectory() as folder:
        results: list[Result] = []
        for result in check(Path(folder), names or [*MODULES]):
            results.append(result)
            console.print(*summary(result), sep="\n")
    console.print(table(results))
    return 0 if all(result.passed for result in results) else 1


def check(folder: Path, modules: list[str]) -> Iterator[Result]:
    """Run the tests of each module with each of its mutants.

    Args:
        folder: Where the project is copied to: it may change meanwhile.
        modules: Their names.
    """
    project = folder / "project"
    copy(PROJECT, project)
    trees = [Tree(folder / str(number), project) for number in range(AT_A_TIME)]
    groups = tomllib.loads(SURVIVORS.read_text("utf-8"))["group"]
    for module in modules:
        seconds = max(tree.time(module) for tree in trees)
        result = Result(module, [text for group in groups for text in group.get(module, ())])
        source = (project / module_of(module)).read_text("utf-8")
        for mutant, outcome in outcomes(module, mutants(source), trees, seconds):
            result.add(mutant, outcome)
        yield result


def outcomes(module: str, waiting: list[Mutant], trees: list[Tree], seconds: float) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield what becomes of each mutant, as many at a time as there are trees."""
    starting, free, running = iter(waiting), list(trees), dict[int, Run]()
    while True:
        while free and (mutant := next(starting, None)):
            run = free.pop().start(module, mutant, seconds)
            running[run.pid] = run
        if not running:
            return
        pid, status = os.wait()
        run = running.pop(pid)
        free.append(run.tree)
        yield run.mutant, run.outcome(status)


def summary(result: Result) -> Iterator[str]:
    """Yield the percentage of a module, and what is to be done about its survivors."""
    yield f"{result.module}: {result.percentage:.1f} % of {result.outcomes.total()}"
    yield from (f"Nobody notices, in {text}" for text in result.unexplained)
    yield from (f"This is no survivor, in {text}" for text in result.stale)


def table(results: list[Result]) -> Table:
    """Return the figures of all modules."""
    shown = Table("module", "mutants", "killed", "timed out", "survived (explained)", "noticed")
    for result in results:
        counts, survived = result.outcomes, result.outcomes[Outcome.SURVIVED]
        shown.add_row(
            result.module,
            *(str(counts.total()), str(counts[Outcome.KILLED]), str(counts[Outcome.TIMED_OUT])),
            *(f"{survived} ({survived - len(result.unexplained)})", f"{result.percentage:.1f} %"),
        )
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
