"""The names of `webhook_guard.testing`, and what importing it imports."""

import subprocess
import sys
from typing import Any

import pytest

from webhook_guard import testing

#: What an event alone does without.
HEAVY = {"asyncio", "pytest", "wsgiref", "webhook_guard.idempotency", "webhook_guard.testing.stores.conformance"}


def modules(code: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has imported after `code`."""
    run = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    return {*subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()}  # noqa: S603  our own


def test_names() -> None:
    """Each public name exists, has a docstring, and is found again."""
    assert len({*testing.__all__}) == len(testing.__all__)
    for name in testing.__all__:
        assert getattr(testing, name).__doc__
        assert getattr(testing, name) is getattr(testing, name)


def test_fixed_names() -> None:
    """The names are those that the documentation has."""
    assert {*testing.__all__} == {
        *("make_event", "event_body", "event_class", "EVENT_TYPES", "signed_request", "SignedRequest"),
        *("Webhook", "Response", "Clock", "hostile_requests", "HostileRequest", "assert_refuses_all"),
        "StoreConformance",
    }


def test_star_import() -> None:
    """A star import brings them all."""
    namespace: dict[str, Any] = {}
    exec("from webhook_guard.testing import *", namespace)  # noqa: S102  the only way to say it
    assert {*testing.__all__} <= {*namespace}


def test_no_such_name() -> None:
    """Any other name is an AttributeError."""
    with pytest.raises(AttributeError, match=r"module 'webhook_guard\.testing' has no attribute 'nothing'"):
        getattr(testing, "nothing")  # noqa: B009  type checkers know that it is not there


@pytest.mark.parametrize(
    "code",
    [
        "import webhook_guard.testing.events",
        "from webhook_guard.testing import make_event; make_event('batch.completed')",
        "from webhook_guard.testing import signed_request; signed_request(b'', bytes(range(32)))",
    ],
)
def test_light(code: str) -> None:
    """An event, signed too, imports neither asyncio nor pytest nor a store."""
    assert not modules(code) & HEAVY


def test_dir() -> None:
    """Whoever looks around, as shells do that complete names, finds them all, before any is imported."""
    assert {*testing.__all__} <= {*dir(testing)}
    code = "import webhook_guard.testing as testing; print({*testing.__all__} <= {*dir(testing)})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own
    assert done.stdout == "True\n"
