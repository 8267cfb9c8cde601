"""Runs all tests that need no servers, and checks that they cover every module, lines and branches.

Each module must be covered by its own test file alone: one whose coverage comes from elsewhere has no tests of its own,
however green the total is. With arguments, such as `idempotency/redis`, it checks those modules only.
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from multiprocessing import get_context
from pathlib import Path

import pytest
from coverage import Coverage

TESTS = Path(__file__).parent

#: The modules outside of the core that have a test file each. Those that need servers are checked by `tox -e stores`.
MODULES = (
    # First those that take longest, so that no process is left alone with one at the end.
    *(
        f"diagnose/{name}"
        for name in ("diagnosis", "reserialized", "encodings", "bodies", "causes", "explanation", "fields", "heads")
    ),
    *(f"diagnose/{name}" for name in ("json_orders", "json_styles", "json_text", "search", "secrets", "signatures")),
    *("diagnose/timestamps", "diagnose/work"),
    *("access", "asgi", "deadline", "log", "refused", "verify", "wire", "wsgi"),
    *(f"idempotency/{name}" for name in ("asgi", "memory", "scoped", "sqlite", "store", "wsgi")),
    *(
        f"cli/{name}"
        for name in ("captured", "connection", "curl", "diagnose", "diagnosis_text", "events", "files", "group", "http")
    ),
    *(f"cli/{name}" for name in ("listen", "logs", "message", "options", "output", "posting", "replay", "secret")),
    *(f"cli/{name}" for name in ("send", "sign")),
    *(f"cli/listen/{name}" for name in ("address", "display", "forward", "listener", "receiver", "save")),
    *(f"cli/send/{name}" for name in ("attempts", "load", "result", "summary")),
    *(
        f"testing/{name}"
        for name in ("clients", "clock", "direct", "events", "hostile", "refusals", "requests", "webhook")
    ),
    *(f"testing/stores/{name}" for name in ("conformance", "driven", "promises", "races", "suite")),
    "pytest_webhook_guard",  # beside the package
)
_FORKING = get_context("forkserver")
#: How a process ends: not as one does in which a test exits.
_PASSED, _FAILED = 100, 101
#: More than there are cores, because tests wait for servers and processes more than they compute.
_AT_A_TIME = (os.cpu_count() or 1) + 1
SERVERS = ("servers/test_uvicorn.py", "servers/test_gunicorn.py")
STORES = ("idempotency/redis", "idempotency/postgres", "idempotency/postgres_pool")
#: What most test files import, and nothing of what is measured: done once, and not for each of a hundred files.
PRELOADED = ["coverage", "hypothesis", "pytest", "django.conf", "fastapi", "flask", "starlette.testclient", "rich.text"]


def main(names: list[str]) -> int:
    """Check modules, and return the exit status."""
    core = [f"sansio/{test.stem.removeprefix('test_')}" for test in sorted(TESTS.glob("sansio/test_*.py"))]
    modules = names or [*MODULES, *core]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        checks: list[partial[bool]] = [partial(is_covered, data, module, modules) for module in modules]
        if not names:
            checks[:0] = [partial(passes, data, test, modules) for test in _others(modules)]
        _FORKING.set_forkserver_preload(PRELOADED)
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            passed = all(list(threads.map(_ends_well, checks)))
        return 0 if passed and (names or all_is_covered(data)) else 1


def is_covered(data: Path, module: str, modules: list[str]) -> bool:
    """Run the test file of a module, one of `modules`, and say whether it covers the module."""
    own = data / module.replace("/", "-")  # behind a dot, coverage takes a file for a part of another
    return _said(
        module,
        lambda: _all_pass(_test_of(module), own, {*modules} - {module}) and _is_whole(own, include=_files(module)),
    )


def passes(data: Path, test: Path, modules: list[str]) -> bool:
    """Run a test file that is none of `modules`' own, and say whether its tests pass."""
    return _said(test.stem, lambda: _all_pass(test, data / test.stem, {*modules}))


def all_is_covered(data: Path) -> bool:
    """Say whether all tests together cover the package, but for what needs servers."""
    together = data / "all"
    measured = Coverage(together)
    measured.combine(map(str, sorted(data.iterdir())))
    measured.save()
    omitted = [pattern for module in STORES for pattern in _files(module)]
    return _said("all tests", lambda: _is_whole(together, omit=omitted))


def _ends_well(check: partial[bool]) -> bool:
    """Make a check in a process of its own, forked from one that has imported little, and say how that ended."""
    process = _FORKING.Process(target=_make, args=(check,))
    process.start()
    process.join()
    if process.exitcode not in (_PASSED, _FAILED):
        print(f"{check.args[1]}: its process ended with {process.exitcode}", flush=True)  # noqa: T201  a script's output
    return process.exitcode == _PASSED


def _make(check: partial[bool]) -> None:
    sys.exit(_PASSED if check() else _FAILED)


def _all_pass(test: Path, data_file: Path, others: set[str]) -> bool:
    """Run a test file, and don't measure `others`, which their own test files cover: it would take a quarter longer."""
    measured = Coverage(data_file, omit=[pattern for module in others for pattern in _files(module)])
    with measured.collect():
        # Hypothesis has a plugin for pytest, whose own assertions need not be explained.
        passed = pytest.main(["-q", "-W", "ignore::pytest.PytestAssertRewriteWarning", str(test)]) == 0
    measured.save()
    return passed


def _is_whole(data_file: Path, *, include: list[str] | None = None, omit: list[str] | None = None) -> bool:
    measured = Coverage(data_file)
    measured.load()
    return measured.report(include=include, omit=omit) == 100


def _others(modules: list[str]) -> list[Path]:
    own = {_test_of(module) for module in modules}
    found = [test for pattern in ("", "cli/", "diagnose/", "testing/") for test in TESTS.glob(f"{pattern}test_*.py")]
    return [test for test in [*found, *(TESTS / name for name in SERVERS)] if test not in own]


def _test_of(module: str) -> Path:
    return (TESTS / module).with_name(f"test_{Path(module).name}.py")


def _files(module: str) -> list[str]:
    if module == "pytest_webhook_guard":
        return [f"*/{module}.py"]
    return [f"*/webhook_guard/{module}.py", f"*/webhook_guard/{module}/__init__.py"]


def _said(name: str, check: Callable[[], bool]) -> bool:
    """Make a check, print what its tests came to, or all that it says if it fails, and say whether it passes."""
    output = StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        try:
            passed = check()
        except BaseException:  # noqa: BLE001  an exit in a test file is a failure too, whatever it says
            traceback.print_exc()
            passed = False
    lines = output.getvalue().strip().splitlines()
    said = next((line for line in lines if " passed" in line), "covered") if passed else "\n".join(lines)
    print(f"{name}: {said}", flush=True)  # noqa: T201  a script's output
    return passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
