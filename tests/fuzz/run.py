"""Runs the harnesses for some seconds each, says what each has done, and fails if one found something or ran nothing.

    python tests/fuzz/run.py 60                  every harness, 60 seconds each, two at a time
    python tests/fuzz/run.py 600 path asgi       two of them, ten minutes each

What it finds is in `.fuzz/HARNESS/`: the inputs that reached something new, which the next run starts from too, what it
failed with, and what libFuzzer said. The seed corpus is only read. A harness fails when it raises, when an input takes
too long, and when it takes too much memory.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

FUZZ = Path(__file__).parent
FOUND = FUZZ.parents[1] / ".fuzz"
HARNESSES = sorted(module.stem for module in FUZZ.glob("harnesses/*.py"))

#: Seconds that one input may take, by the wall clock: more is a hang. How long it may compute, `harness.py` says.
_SLOWEST = 200
#: MiB. A harness takes about 100, so this is a leak.
_MOST_MEMORY = 1024
#: Bytes. Inputs of this size reach all there is, and are quick.
_LONGEST = 2048
#: Seconds beyond its time that a run may take, to start and to end.
_GRACE = 300

_STATUS = re.compile(r"\bcov: (\d+) ft: \d+ corp: (\d+)/")
_STATISTIC = re.compile(r"stat::(\w+): +(\d+)")
_HEADING = f"{'harness':<10} {'executions':>12} {'a second':>9} {'edges':>6} {'corpus':>7} {'MiB':>5}  verdict"


class Result(NamedTuple):
    """What came of running one harness.

    Attributes:
        harness: Its name.
        seconds: How long it ran.
        executions: How many inputs it ran.
        edges: How many edges of the package they reached.
        corpus: How many inputs it takes to reach them.
        memory: The most memory that it took, in MiB.
        problem: What is wrong; empty if nothing is.
    """

    harness: str
    seconds: float
    executions: int
    edges: int
    corpus: int
    memory: int
    problem: str

    def __str__(self) -> str:
        speed = self.executions / self.seconds
        figures = f"{self.executions:>12,} {speed:>9,.0f} {self.edges:>6,} {self.corpus:>7,} {self.memory:>5}"
        return f"{self.harness:<10} {figures}  {self.problem or 'ok'}"


def main() -> int:
    """Run harnesses, print a line for each, and return the exit status."""
    parser = argparse.ArgumentParser(description="Fuzz webhook_guard.")
    parser.add_argument("seconds", type=int, help="how long each harness runs")
    parser.add_argument("harness", nargs="*", help=", ".join(HARNESSES))
    parser.add_argument("--at-a-time", type=int, default=2, help="how many run side by side (default: 2)")
    options = parser.parse_args()
    say(_HEADING)
    with ThreadPoolExecutor(options.at_a_time) as threads:
        results = list(threads.map(partial(run_and_say, options.seconds), options.harness or HARNESSES))
    say(f"{'total':<10} {sum(result.executions for result in results):>12,}")
    return int(any(result.problem for result in results))


def run_and_say(seconds: int, harness: str) -> Result:
    """Run a harness, and print a line as soon as it is done."""
    result = run(seconds, harness)
    say(str(result))
    return result


def run(seconds: int, harness: str) -> Result:
    """Run a harness."""
    folder = FOUND / harness
    folder.joinpath("corpus").mkdir(parents=True, exist_ok=True)
    before, start = set(folder.glob("*-*")), time.monotonic()
    log = folder / "log.txt"
    status = _logged(_command(seconds, harness, folder), log, seconds + _GRACE)
    seconds_taken = time.monotonic() - start
    said = log.read_text("utf-8", "replace")
    statistics = {name: int(value) for name, value in _STATISTIC.findall(said)}
    executions = statistics.get("number_of_executed_units", 0)
    edges, corpus = map(int, ([("0", "0"), *_STATUS.findall(said)])[-1])
    failed = [str(found.relative_to(FOUND.parent)) for found in sorted({*folder.glob("*-*")} - before)]
    problem = _problem(harness, failed, log, is_done=status == 0 and executions > 0)
    return Result(harness, seconds_taken, executions, edges, corpus, statistics.get("peak_rss_mb", 0), problem)


def _command(seconds: int, harness: str, folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "fuzz.harness", harness),
        *(f"-max_total_time={seconds}", f"-timeout={_SLOWEST}", f"-report_slow_units={_SLOWEST}"),
        *(f"-rss_limit_mb={_MOST_MEMORY}", f"-max_len={_LONGEST}", f"-dict={FUZZ / 'dictionary.txt'}"),
        *(f"-artifact_prefix={folder}/", "-print_final_stats=1"),
        # libFuzzer writes to the first folder, and reads all.
        *(str(folder / "corpus"), str(FUZZ / "corpus" / harness)),
    ]


def _logged(command: list[str], log: Path, longest: float) -> int:
    """Run a command for so many seconds at most, write what it says into a file, and return its exit status."""
    with log.open("wb") as output:
        return subprocess.run(  # noqa: S603  our own
            command, stdout=output, stderr=output, env=environment(), check=False, timeout=longest
        ).returncode


def environment() -> dict[str, str]:
    """Return the environment of a harness, in which its modules are found."""
    return {**os.environ, "PYTHONPATH": str(FUZZ.parent)}


def _problem(harness: str, failed: list[str], log: Path, *, is_done: bool) -> str:
    """Return what is wrong, and how to see it again; empty if nothing is."""
    if failed:
        return f"FAILED: PYTHONPATH=tests python -m fuzz.harness {harness} {' '.join(failed)}"
    return "" if is_done else f"DID NOT RUN: see {log.relative_to(FOUND.parent)}"


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201  a script's output


if __name__ == "__main__":
    sys.exit(main())
