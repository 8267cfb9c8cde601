"""What the documentation shows runs, and says the truth."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import webhook_guard

# The demo's modules need its extra, and have tests of their own.
MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(webhook_guard.__path__, "webhook_guard.")
    if not found.name.startswith("webhook_guard.demo")
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings(module: ModuleType) -> None:
    """Every example in a docstring gives what it says."""
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS, raise_on_error=False).failed == 0


@pytest.mark.parametrize("name", [name for name in webhook_guard.__all__ if name != "WebhookEvent"])
def test_public_names_are_documented(name: str) -> None:
    """Every public name has a docstring."""
    assert getattr(webhook_guard, name).__doc__
