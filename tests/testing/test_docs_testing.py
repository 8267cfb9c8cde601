"""docs/testing.md: every block runs, and what it says is so."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import django.test
import django.urls
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from starlette.applications import Starlette

from webhook_guard import ASGIWebhookMiddleware, NotVerifiedError, get_event
from webhook_guard.testing import EVENT_TYPES, Webhook, assert_refuses_all, hostile_requests

from support import PATH, SECRET

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text("utf-8")
BLOCKS = [dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)]
#: By what the first line says; what has no such line goes on with the first of these.
FILES = {block[2:].split("\n")[0]: block for block in BLOCKS if block.startswith("# ")}
REST = [block for block in BLOCKS if not block.startswith("# ")]
APP = f"""
from flask_app import app


def test_app(webhook):
    assert webhook.post(app, {PATH!r}, "batch.failed").status_code == 204
"""


def run(folder: Path, files: dict[str, str], module: str = "pytest") -> subprocess.CompletedProcess[str]:
    """Run tests in files of their own, beside the apps of the examples."""
    files = {**files, "project/wsgi.py": "from django_wsgi_app import app as application\n"}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "examples")])}
    environment.pop("OPENAI_WEBHOOK_SECRET", None)
    arguments = ["-q", "-p", "no:cacheprovider", "-W", "error"] if module == "pytest" else ["discover"]
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own


def count_of(blocks: Iterable[str]) -> int:
    """Return how many tests there are in blocks."""
    return len(re.findall(r"^ *def test_", "".join(blocks), re.MULTILINE))


def test_blocks(tmp_path: Path) -> None:
    """The tests of FastAPI, Flask and Django pass, and so do all that follow, with the client of the first."""
    files = {f"test_{name}_app.py": FILES[f"test_{name}_app.py"] for name in ("fastapi", "flask", "django")}
    files["test_rest.py"] = "\n".join([files["test_fastapi_app.py"], *REST])
    done = run(tmp_path, files)
    assert done.returncode == 0, done.stdout
    parametrized = len(EVENT_TYPES) - 1 + len(hostile_requests()) - 1
    assert f"{count_of(files.values()) + parametrized} passed" in done.stdout


def test_unittest(tmp_path: Path) -> None:
    """The tests without pytest pass."""
    name = "test_with_unittest.py"
    done = run(tmp_path, {name: FILES[name]}, "unittest")
    assert "Ran 2 tests" in done.stderr
    assert done.stderr.endswith("OK\n")


def test_conftest(tmp_path: Path) -> None:
    """With the conftest.py that it shows, an app can be imported at the top of a module; and it can't without."""
    bare, configured = tmp_path / "bare", tmp_path / "configured"
    bare.mkdir()
    configured.mkdir()
    assert "ConfigurationError: secret: none was given" in run(bare, {"test_top.py": APP}).stdout
    assert "1 passed" in run(configured, {"test_top.py": APP, "conftest.py": FILES["conftest.py"]}).stdout


def test_all_files_are_run() -> None:
    """No block is left out."""
    apps = {f"test_{name}_app.py" for name in ("fastapi", "flask", "django")}
    assert {*FILES} == {*apps, "test_with_unittest.py", "conftest.py"}
    assert len(FILES) + len(REST) == len(BLOCKS) == PAGE.count("```python")


def test_figures() -> None:
    """Its figures are the figures."""
    assert f"All {len(EVENT_TYPES)} types are known" in PAGE
    assert f"sends your app {len(hostile_requests())} forged and broken requests" in PAGE


def test_message() -> None:
    """The failure that it shows looks as one does."""

    def app(_: object, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    with pytest.raises(AssertionError) as raised:
        assert_refuses_all(app, PATH, secret=SECRET)
    lines = str(raised.value).splitlines()
    (shown,) = re.findall(r"^    2 of (.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    first, *others = shown.splitlines()
    assert lines[0].endswith(first)
    assert {line.strip().replace(": 500 ", ": 204 ") for line in others} <= {line.strip() for line in lines}


def test_django_client() -> None:
    """Through Django's client, a view that asks for its event raises."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(get_event(request).type)

    urls: Any = ModuleType("urls")
    urls.urlpatterns = [django.urls.path(PATH[1:], view)]
    with override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[]), pytest.raises(NotVerifiedError):
        Webhook(SECRET).post(django.test.Client(), PATH, "batch.completed")


def test_tolerance() -> None:
    """A tolerance of a day or more is taken amiss, for the reasons that it says, and a shorter one is not."""
    assert_refuses_all(ASGIWebhookMiddleware(Starlette(), secret=SECRET, tolerance=80_000), PATH, secret=SECRET)
    with pytest.raises(AssertionError) as raised:
        assert_refuses_all(ASGIWebhookMiddleware(Starlette(), secret=SECRET, tolerance=90_000), PATH, secret=SECRET)
    labels = re.findall(r"^  (.*?): ", str(raised.value), re.MULTILINE)
    assert labels == ["a replay after a day", "a delivery from tomorrow"]


def test_links() -> None:
    """Its links lead somewhere."""
    for target, anchor in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", PAGE):
        path = (ROOT / "docs" / target).resolve()
        assert path.exists()
        headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}
