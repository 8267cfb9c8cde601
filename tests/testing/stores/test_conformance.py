"""The suite for stores, as its user has it: what it is made of, in which order it runs, and what is documented."""

import re
import subprocess
import sys
from inspect import cleandoc
from pathlib import Path

import pytest

from webhook_guard.testing import StoreConformance
from webhook_guard.testing.stores.promises import Promises
from webhook_guard.testing.stores.races import Races
from webhook_guard.testing.stores.suite import StoreSuite

from testing.stores.kit import checks_of

OURS = """
from webhook_guard.testing import StoreConformance

class TestOurs(StoreConformance):
    pass
"""


def test_order(tmp_path: Path) -> None:
    """Pytest runs the simple checks first, the first claim before all, and the races after them."""
    tmp_path.joinpath("test_ours.py").write_text(OURS, "utf-8")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "test_ours.py"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout  # noqa: S603  our own
    assert re.findall(r"::(test_\w+)", out) == [*checks_of(Promises), *checks_of(Races)]
    assert "TestOurs::test_first_claim" in out.partition("\n")[0]


@pytest.mark.parametrize("name", [name for name in StoreSuite.__annotations__ if name != "__test__"])
def test_attributes_are_documented(name: str) -> None:
    """What a subclass can set is in the docstring, with its default."""
    default = str(getattr(StoreConformance, name)).removesuffix(".0")
    assert re.search(
        rf"^ +{name}: [^:]*\b{re.escape(default)}\b", cleandoc(StoreConformance.__doc__ or ""), re.MULTILINE
    )
