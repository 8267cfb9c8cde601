"""Runs all tests that need no servers, and checks that they cover every module, lines and branches.

Each module must be covered by its own test file alone: one whose coverage comes from elsewhere has no tests of its own,
however green the total is. With arguments, such as `idempotency/redis`, it checks those modules only.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

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
#: More than there are cores, because tests wait for servers and processes more than they compute.
_AT_A_TIME = (os.cpu_count() or 1) + 1
SERVERS = ("servers/test_uvicorn.py", "servers/test_gunicorn.py")
STORES = ("idempotency/redis", "idempotency/postgres", "idempotency/postgres_pool")


def main(names: list[str]) -> int:
    """Check modules, and return the exit status."""
    core = [f"sansio/{test.stem.removeprefix('test_')}" for test in sorted(TESTS.glob("sansio/test_*.py"))]
    modules = names or [*MODULES, *core]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        checks: list[partial[bool]] = [partial(is_covered, data, module, modules) for module in modules]
        if not names:
            checks[:0] = [partial(passes, data, test, modules) for test in _others(modules)]
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            results = [threads.submit(check) for check in checks]
        passed = all(result.result() for result in results)
        return 0 if passed and (names or all_is_covered(data)) else 1


def is_covered(data: Path, module: str, modules: list[str]) -> bool:
    """Run the test file of a module, one of `modules`, and say whether it covers the module."""
    own = data / module.replace("/", "-")  # behind a dot, coverage takes a file for a part of another
    return _all_pass(
        module,
        [*_run(own, {*modules} - {module}), str(_test_of(module))],
        ["report", f"--data-file={own}", f"--include={_module(module)}"],
    )


def passes(data: Path, test: Path, modules: list[str]) -> bool:
    """Run a test file that is none of `modules`' own, and say whether its tests pass."""
    return _all_pass(test.stem, [*_run(data / test.stem, {*modules}), str(test)])


def all_is_covered(data: Path) -> bool:
    """Say whether all tests together cover the package, but for what needs servers."""
    omitted = ",".join(f"*/webhook_guard/{module}.py" for module in STORES)
    return _all_pass(
        "all tests",
        ["combine", "-q", f"--data-file={data / 'all'}", *map(str, sorted(data.iterdir()))],
        ["report", f"--data-file={data / 'all'}", f"--omit={omitted}"],
    )


def _run(data_file: Path, others: set[str]) -> list[str]:
    """Return the command that runs tests, and does not measure modules that must be covered by other tests alone.

    Measuring what does not count would cost a quarter of the time.
    """
    omitted = ",".join(sorted(map(_module, others)))
    return ["run", f"--data-file={data_file}", f"--omit={omitted}", "-m", "pytest", "-q"]


def _others(modules: list[str]) -> list[Path]:
    own = {_test_of(module) for module in modules}
    found = [test for pattern in ("", "cli/", "diagnose/", "testing/") for test in TESTS.glob(f"{pattern}test_*.py")]
    return [test for test in [*found, *(TESTS / name for name in SERVERS)] if test not in own]


def _test_of(module: str) -> Path:
    return (TESTS / module).with_name(f"test_{Path(module).name}.py")


def _module(module: str) -> str:
    if module == "pytest_webhook_guard":
        return f"*/{module}.py"
    return f"*/webhook_guard/{module}.py,*/webhook_guard/{module}/__init__.py"


def _all_pass(name: str, *commands: list[str]) -> bool:
    """Run commands of coverage as long as they end well, print what they say, and say whether all do."""
    for command in commands:
        run = [sys.executable, "-m", "coverage", *command]
        done = subprocess.run(run, capture_output=True, text=True, check=False)  # noqa: S603  our own
        output = done.stdout + done.stderr
        if done.returncode:
            print(f"{name}: {output}")  # noqa: T201  a script's output
            return False
        print(f"{name}: {output.strip().rpartition(chr(10))[2] or command[0]}")  # noqa: T201  the same
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
