"""The option with which the table in ``docs/servers.md`` is written."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option; without it, the table is compared."""
    parser.addoption("--table", choices=["write"], help="write docs/servers.md anew")
