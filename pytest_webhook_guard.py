"""The pytest plugin of webhook_guard: fixtures that sign webhooks and post them to an app under test.

pytest loads it at every start, where webhook_guard is installed. So it stands beside the package, imports nothing of it
until a test asks for a fixture, and changes nothing until then.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from webhook_guard.testing import Clock, Webhook


@pytest.fixture(scope="session")
def _webhook_session_secret() -> str:
    from webhook_guard.testing.requests import new_secret  # noqa: PLC0415  when it is asked for

    return new_secret()


@pytest.fixture
def webhook_secret(_webhook_session_secret: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A signing secret, set as OPENAI_WEBHOOK_SECRET for the test.

    It is the same in the whole run, because an app reads it once, when it is imported. Override it if your app has
    another.
    """
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", _webhook_session_secret)
    return _webhook_session_secret


@pytest.fixture
def webhook_clock() -> "Clock":
    """The clock that `webhook` signs by: runs, until you set it; pass it to the guard as clock= to age deliveries."""
    from webhook_guard.testing.clock import Clock  # noqa: PLC0415  when it is asked for

    return Clock()


@pytest.fixture
def webhook(webhook_secret: str, webhook_clock: "Clock") -> "Webhook":
    """Delivers webhooks: webhook.post(client_or_app, "/webhooks/openai", "batch.completed", id="batch_1")."""
    from webhook_guard.testing.webhook import Webhook  # noqa: PLC0415  when it is asked for

    return Webhook(webhook_secret, webhook_clock)
