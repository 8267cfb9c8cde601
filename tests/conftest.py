"""Settings and fixtures of all tests."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import settings

# The same examples in each run: a failure is the change's, not the day's. Fuzzing that searches runs on its own.
settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
settings.load_profile("deterministic")

# Django's requests and handlers ask for them.
django_settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"])


class Collector(logging.Handler):
    """Keeps all records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep `record`."""
        self.records.append(record)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """Collect all records of the package, from INFO on."""
    collector, logger = Collector(), logging.getLogger("webhook_guard")
    logger.addHandler(collector)
    with caplog.at_level(logging.INFO, logger="webhook_guard"):
        yield collector.records
    logger.removeHandler(collector)
