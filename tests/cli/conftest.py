"""What the tests of all commands share: an environment that asks for nothing, and an app to send to."""

from collections.abc import Iterator

import pytest

from cli.served import Served, guarded

#: What would change the output, or be taken for the secret.
_VARIABLES = (
    *("OPENAI_WEBHOOK_SECRET", "COLUMNS", "LINES"),
    *("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
)


@pytest.fixture(scope="module", autouse=True)
def _environment() -> Iterator[None]:
    """Take away what a developer's shell may have set; a test sets what it is about."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm")
        yield


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    """Run an app for all tests of a module."""
    with guarded() as app:
        yield app


@pytest.fixture
def app(shared: Served) -> Served:
    """Give the app, which has seen nothing."""
    shared.seen.clear()
    return shared
