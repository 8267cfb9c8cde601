"""What a suite for stores is made of: how test runners see it, and what its user gives."""

import inspect
import subprocess
import sys
import unittest
from typing import Any

import pytest

from webhook_guard.idempotency import MemoryStore
from webhook_guard.testing import StoreConformance
from webhook_guard.testing.stores.driven import Stores
from webhook_guard.testing.stores.suite import StoreSuite, check

from testing.stores.kit import AsyncMemoryStore


class Suite(StoreSuite):
    """A suite with a check that fails."""

    __test__ = False

    def make_store(self, **options: Any) -> MemoryStore:
        """Return a store."""
        return MemoryStore(**options)

    @check
    def test_failing(self, stores: Stores) -> None:
        """All is well."""
        stores.must(stores.namespace == "", "it is not")


def test_check() -> None:
    """A check takes no arguments, is called as it was defined, and has the promise as its docstring."""
    assert not inspect.signature(Suite().test_failing).parameters
    assert (Suite.test_failing.__name__, Suite.test_failing.__doc__) == ("test_failing", "All is well.")


def test_failure() -> None:
    """What fails says the promise, and what was found."""
    with pytest.raises(AssertionError, match=r"^All is well\.\nBut it is not\.$"):
        Suite().test_failing()


def test_traceback() -> None:
    """Of all that is called for a check, pytest shows the check alone."""
    with pytest.raises(AssertionError) as raised:
        Suite().test_failing()
    assert [entry.name for entry in raised.traceback.filter(raised)] == ["test_traceback", "test_failing"]


def test_suite_is_no_test() -> None:
    """Whoever imports the suite does not run it; what is derived from it is run, unless it says otherwise."""

    class Derived(StoreConformance):
        pass

    class Base(StoreConformance):
        __test__ = False

    class Final(Base):
        pass

    assert [cls.__test__ for cls in (StoreConformance, Derived, Base, Final)] == [False, True, False, True]


def test_store_is_needed() -> None:
    """A suite that makes no store says what it needs."""

    class TestMine(StoreConformance):
        pass

    with pytest.raises(NotImplementedError, match="TestMine needs a method make_store"):
        TestMine().test_first_claim()


def test_store_made_in_the_loop() -> None:
    """An async store may be made by a coroutine function."""

    class TestMine(StoreConformance):
        shared = False

        async def make_store(self, **options: Any) -> AsyncMemoryStore:
            return AsyncMemoryStore(**options)

    TestMine().test_complete()


@pytest.mark.parametrize("shared", [True, False])
def test_two_stores(shared: bool) -> None:  # noqa: FBT001  parametrized
    """There are two, if they share what they keep, and failures say that they must; otherwise there is one, twice."""
    suite = Suite()
    suite.shared = shared
    with Stores(MemoryStore, 5, "") as stores:
        one, other = suite.two_stores(stores)
    assert (one is not other, "sets shared = False" in stores.hint) == (shared, shared)


def test_unittest() -> None:
    """The suite runs under unittest, too; a check that is None is left out."""

    class Mine(StoreConformance, unittest.TestCase):
        shared = False
        test_long_keys = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  as documented

        def make_store(self, **options: Any) -> MemoryStore:
            return MemoryStore(**options)

    names = unittest.TestLoader().getTestCaseNames(Mine)
    assert "test_complete" in names
    assert "test_long_keys" not in names
    assert Mine("test_complete").run(unittest.TestResult()).wasSuccessful()  # type: ignore[union-attr]  # it gives a result


def test_needs_nothing() -> None:
    """The package does not import the suite, and the suite imports neither a test runner nor a client of a server."""
    code = (
        "import sys, webhook_guard; assert 'webhook_guard.testing' not in sys.modules\n"
        "import webhook_guard.testing; print(*{'pytest', 'unittest', 'redis', 'psycopg'} & {*sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own
    assert out.stdout.split() == []
