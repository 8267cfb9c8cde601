"""The layers: what may import what, and what is not imported at all."""

import ast
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import webhook_guard

PACKAGE = Path(webhook_guard.__file__).parent
CORE = sorted((PACKAGE / "sansio").glob("*.py"))
FRONTS = ("asgi", "wsgi")
STORES = ("memory", "sqlite", "redis", "postgres")

#: All that the core may use of the standard library: nothing of it waits, listens or looks at a clock.
PURE = {
    *("binascii", "bisect", "collections", "enum", "functools", "hashlib", "hmac", "math"),
    *("itertools", "re", "sys", "typing", "urllib"),
}
FRAMEWORKS = {"starlette", "fastapi", "flask", "werkzeug", "django", "quart", "litestar", "bottle", "falcon", "uvicorn"}


#: Each candidate is compared with what each key makes, and only then the first match is told from others.
COMPARING = """\
for index, mac in keys.macs:
    expected = b2a_base64(mac.digest(head.prefix, body), newline=False)
    for candidate in head.candidates:
        if hmac.compare_digest(expected, candidate) and matched is None:
            matched = index"""


def imports(path: Path) -> set[str]:
    """Return the names of the modules that a file imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.update({node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
class TestCore:
    """The core does no I/O."""

    def test_imports(self, path: Path) -> None:
        """It imports itself, msgspec, and what is pure of the standard library."""
        foreign = {
            name for name in imports(path) if not name.startswith("webhook_guard.sansio") and name != "webhook_guard"
        }
        assert {name.partition(".")[0] for name in foreign} <= PURE | {"msgspec"}

    def test_reads_nothing(self, path: Path) -> None:
        """It neither opens files nor prints."""
        names = {node.id for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name)}
        assert not names & {"open", "print", "input", "exec", "eval", "__import__"}


def test_fronts_do_not_know_each_other() -> None:
    """Neither front imports the other."""
    for front, other in zip(FRONTS, reversed(FRONTS), strict=True):
        for folder in (PACKAGE, PACKAGE / "idempotency"):
            found = imports(folder / f"{front}.py")
            assert not found & {f"webhook_guard.{other}", f"webhook_guard.idempotency.{other}"}


def test_errors_are_the_foundation() -> None:
    """The errors import nothing of the package."""
    assert not any(name.startswith("webhook_guard") for name in imports(PACKAGE / "sansio" / "errors.py"))


def test_parsing_is_behind_the_signature() -> None:
    """Bodies are decoded where events are made, and by `Delivery.json`, of what was verified; nowhere else.

    What is not in front of an app may decode what it likes: commands, `diagnose`, and what is for tests.
    """
    behind = {"cli", "diagnose", "testing"}
    modules = {path for path in PACKAGE.rglob("*.py") if not behind & {*path.relative_to(PACKAGE).parts}}
    decoder = re.compile(r"json\.(?:decode|Decoder|loads?)\b")
    found = sorted(path.name for path in modules for _ in decoder.findall(path.read_text("utf-8")))
    assert found == [*["events.py"] * 3, "guard.py"]


def test_comparisons_are_constant_in_time() -> None:
    """Signatures are compared by `hmac.compare_digest` alone, and all of them, also behind one that matches."""
    module = ast.parse((PACKAGE / "sansio" / "signature.py").read_text("utf-8"))
    (verify,) = (node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "verify")
    _, start, loop, mismatch, end = verify.body
    assert ast.unparse(start) == "matched: int | None = None"
    assert ast.unparse(loop) == COMPARING
    assert isinstance(mismatch, ast.If)
    assert ast.unparse(mismatch.test) == "matched is None"
    assert ast.unparse(end) == "return matched"


def test_imports_no_framework() -> None:
    """Importing the package, with a star too, imports no framework."""
    code = "from webhook_guard import *; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own
    assert not FRAMEWORKS & set(out.stdout.split())


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("webhook_guard", {"asyncio", "sqlite3", "redis", "psycopg", "webhook_guard.idempotency"}),
        ("webhook_guard.idempotency", {"redis", "psycopg", "psycopg_pool", "webhook_guard.testing"}),
    ],
)
def test_imports_no_store(imported: str, absent: set[str]) -> None:
    """Who has no store imports none, and who has one does not import the clients of the others."""
    code = f"import {imported}, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own
    assert not absent & set(out.stdout.split())


def test_guard_does_not_diagnose() -> None:
    """What is in front of an app does not import what takes seconds, and imports nothing of the commands."""
    for path in (*CORE, *(PACKAGE / f"{name}.py" for name in (*FRONTS, "refused", "wire", "log", "verify"))):
        assert not any(name.startswith(("webhook_guard.diagnose", "webhook_guard.cli")) for name in imports(path))


def test_stores_do_not_know_the_fronts() -> None:
    """No store imports a front, and none imports another."""
    for name in STORES:
        foreign = {*FRONTS, *(f"idempotency.{other}" for other in (*STORES, *FRONTS) if other != name)}
        found = imports(PACKAGE / "idempotency" / f"{name}.py")
        assert not found & {f"webhook_guard.{module}" for module in foreign}


def test_run_time_dependencies() -> None:
    """All that is installed with it is msgspec and asgiref."""
    always = {name for name in requires("webhook_guard") or [] if "extra" not in name}
    assert {name.partition(">")[0] for name in always} == {"msgspec", "asgiref"}


def test_typed() -> None:
    """Type checkers read our annotations."""
    assert (PACKAGE / "py.typed").exists()
