"""Copies of the project, in which tests run with a mutant: each run is forked from where all is imported."""

import gc
import importlib
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from mutation.mutants import Mutant

#: What tests import beside the package: each run would need a second for it.
for _name in (
    *("asgiref.testing", "django.test", "fastapi", "flask", "httpx2", "hypothesis.strategies", "starlette.testclient"),
    *("psycopg_pool", "redis.asyncio", "uvicorn", "werkzeug.test"),
):
    importlib.import_module(_name)
gc.freeze()  # pytest collects garbage in the end: what is imported is none

#: What the last run printed.
OUTPUT = "output.txt"
#: A run that takes this many times what it takes without a mutant, and some seconds more, hangs.
_TIMES, _MORE = 5, 5.0
_OPTIONS = ("-x", "--tb=line", "-p", "no:cacheprovider", "--basetemp=tmp")
_ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # loading takes longer than most tests
    "WEBHOOK_GUARD_REQUIRE_SERVICES": "1",  # a skipped test notices nothing
}
#: Bytes. A mutant may collect without end.
_MEMORY = 4 * 2**30


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Run:
    """A process that runs tests with a mutant."""

    pid: int
    tree: "Tree"
    mutant: Mutant

    def outcome(self, status: int) -> Outcome:
        """Return what the status of the process says; and end what it left running."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            return Outcome.TIMED_OUT
        return Outcome.KILLED if status else Outcome.SURVIVED


class Tree:
    """A copy of the project, in which tests run.

    Args:
        path: Where it is made.
        original: Another copy, in which nothing is changed.
    """

    def __init__(self, path: Path, original: Path) -> None:
        self._path = path
        self._original = original
        copy(original, path)

    def time(self, module: str) -> float:
        """Return how many seconds the tests of a module take without a mutant; they must pass."""
        begin = time.monotonic()
        if os.waitpid(self._fork(module), 0)[1]:
            sys.exit(f"{module}: its tests fail without a mutant:\n{(self._path / OUTPUT).read_text('utf-8')}")
        return time.monotonic() - begin

    def start(self, module: str, mutant: Mutant, seconds: float) -> Run:
        """Run the tests of a module with a mutant.

        Args:
            module: Its name, as in `sansio/keys`.
            mutant: A mutant of it.
            seconds: What the tests take without a mutant.
        """
        return Run(self._fork(module, mutant, round(seconds * _TIMES + _MORE)), self, mutant)

    def _fork(self, module: str, mutant: Mutant | None = None, timeout: int = 0) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1  # whatever goes wrong
        try:
            os.setsid()  # to end what it starts, too
            signal.alarm(timeout)
            self._enter()
            self._put(module, mutant)
            status = pytest.main([*_OPTIONS, str(test_of(module))])
        except BaseException:  # noqa: BLE001  nothing may go on behind the fork
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)

    def _enter(self) -> None:
        os.chdir(self._path)
        output = os.open(OUTPUT, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for stream in range(3):
            os.dup2(output, stream)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        sys.path.insert(0, str(self._path))
        os.environ |= {**_ENVIRONMENT, "PYTHONPATH": str(self._path)}  # the path for processes that tests start

    def _put(self, module: str, mutant: Mutant | None) -> None:
        """Write the module with a mutant, or all modules as they were, with their times.

        Python compiles a file anew if it has another time or size. Two mutants may have both the same: nothing that is
        compiled with a mutant is kept.
        """
        if mutant:
            module_of(module).write_text(mutant.source(), "utf-8")
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        else:
            shutil.copytree(self._original / "webhook_guard", "webhook_guard", dirs_exist_ok=True)
        sys.dont_write_bytecode = mutant is not None


def copy(project: Path, path: Path) -> None:
    """Copy what tests need."""
    for name in ("webhook_guard", "tests"):
        shutil.copytree(project / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pytest_webhook_guard.py", "pyproject.toml"):
        shutil.copy2(project / name, path)


def module_of(module: str) -> Path:
    """Return the path of a module in the project."""
    return Path("webhook_guard", f"{module}.py")


def test_of(module: str) -> Path:
    """Return the path of its test file."""
    return Path("tests", module).with_name(f"test_{Path(module).name}.py")
