"""The pytest plugin: what its fixtures give, and that it costs nothing where nobody asks for them."""

import os
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from starlette.applications import Starlette

import pytest_webhook_guard
from webhook_guard import ASGIWebhookMiddleware
from webhook_guard.testing import Clock, Webhook

from support import NOW, PATH

#: Of these, pytest itself imports none.
NOT_AT_START = {"webhook_guard", "msgspec", "asgiref"}

SECRETS: set[str] = set()


def run(folder: Path, code: str, *arguments: str) -> str:
    """Run pytest on a test file of its own, and return what it prints; it must end well."""
    (folder / "test_own.py").write_text(code, "utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_WEBHOOK_SECRET"}
    # Others are slow to start, and might import what must not be imported.
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if "-p" in arguments else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(folder)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestSecret:
    """`webhook_secret`."""

    def test_configured(self, webhook_secret: str) -> None:
        """It is the configured secret, so that guards and hostile requests have it."""
        assert os.environ["OPENAI_WEBHOOK_SECRET"] == webhook_secret
        assert webhook_secret.startswith("whsec_")

    @pytest.mark.parametrize("attempt", range(2))
    def test_one_for_all(self, webhook_secret: str, attempt: int) -> None:
        """It is the same in each test, because an app that is imported once keeps the one that it read."""
        SECRETS.add(webhook_secret)
        assert len(SECRETS) == 1, attempt

    def test_for_the_test_only(self, tmp_path: Path) -> None:
        """It is configured for the tests that ask for it, and for no other."""
        code = (
            "import os\n"
            "def test_asks(webhook): assert os.environ['OPENAI_WEBHOOK_SECRET'] == webhook.secret\n"
            "def test_does_not(): assert 'OPENAI_WEBHOOK_SECRET' not in os.environ\n"
        )
        assert "2 passed" in run(tmp_path, code, "-p", "pytest_webhook_guard")

    def test_overridden(self, tmp_path: Path) -> None:
        """Who overrides it has `webhook` sign with that one."""
        code = (
            "import pytest\n"
            "@pytest.fixture\n"
            "def webhook_secret(): return 'another-secret-of-20'\n"
            "def test_own(webhook): assert webhook.secret == 'another-secret-of-20'\n"
        )
        assert "1 passed" in run(tmp_path, code, "-p", "pytest_webhook_guard")


class TestClock:
    """`webhook_clock`."""

    def test_runs(self, webhook_clock: Clock) -> None:
        """It runs, until it is set."""
        assert abs(webhook_clock() - time.time()) < 60
        webhook_clock.set(NOW)
        assert webhook_clock() == NOW

    def test_is_the_webhooks(self, webhook: Webhook, webhook_clock: Clock) -> None:
        """It is the one by which `webhook` signs, and is new for each test."""
        assert webhook.clock is webhook_clock
        assert webhook_clock() != NOW


class TestWebhook:
    """`webhook`."""

    def test_genuine(self, webhook: Webhook) -> None:
        """What it posts is genuine to a guard that reads the environment."""
        app = ASGIWebhookMiddleware(Starlette(), path=PATH)
        assert webhook.post(app, PATH, "batch.completed").status_code == 404
        assert webhook.post(app, PATH, b"").json()["reason"] == "malformed_payload"

    def test_secret(self, webhook: Webhook, webhook_secret: str) -> None:
        """It signs with the configured secret."""
        assert webhook.secret == webhook_secret


class TestPlugin:
    """How pytest finds it, and what it costs."""

    def test_entry_point(self) -> None:
        """It is installed as a plugin of pytest, and this very run has loaded it."""
        (entry,) = entry_points(group="pytest11", name="webhook_guard")
        assert entry.load() is pytest_webhook_guard

    def test_loaded(self, pytestconfig: pytest.Config) -> None:
        """Nobody needs to enable it."""
        assert pytestconfig.pluginmanager.get_plugin("webhook_guard") is pytest_webhook_guard

    def test_light(self, tmp_path: Path) -> None:
        """Where nobody asks for a fixture, it imports nothing but pytest."""
        code = f"import sys\ndef test_modules(): assert not {NOT_AT_START} & set(sys.modules)\n"
        assert "1 passed" in run(tmp_path, code, "-p", "pytest_webhook_guard")

    def test_imports(self) -> None:
        """Importing it imports nothing but pytest."""
        code = (
            "import pytest, sys; before = set(sys.modules)\n"
            "import pytest_webhook_guard; print(*set(sys.modules) - before)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own
        assert done.stdout.split() == ["pytest_webhook_guard"]

    def test_help(self, tmp_path: Path) -> None:
        """`pytest --fixtures` shows what each fixture is for, and none that is ours alone."""
        shown = run(tmp_path, "def test_nothing(): pass\n", "-p", "pytest_webhook_guard", "--fixtures")
        own = shown.partition("fixtures defined from pytest_webhook_guard")[2]
        for name, said in {
            "webhook_secret": "A signing secret, set as OPENAI_WEBHOOK_SECRET for the test.",
            "webhook_clock": "The clock that `webhook` signs by",
            "webhook": 'webhook.post(client_or_app, "/webhooks/openai", "batch.completed", id="batch_1")',
        }.items():
            assert f"\n{name} -- " in own
            assert said in own
        assert "_webhook_session_secret" not in own
