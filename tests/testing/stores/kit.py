"""What the tests of the suite for stores share: a good async store, suites, and what one finds."""

from collections.abc import Callable
from typing import Any, Unpack

from webhook_guard.idempotency import Claim, MemoryStore, StoreOptions
from webhook_guard.testing import StoreConformance


class AsyncMemoryStore:
    """An async store that keeps all promises."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        self.kept = MemoryStore(**options)

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        return self.kept.claim(key)

    async def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return self.kept.complete(key, token)

    async def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return self.kept.release(key, token)


def suite(make: Callable[..., Any], **attributes: Any) -> StoreConformance:
    """Return the suite for the stores that `make` makes; they know of no others, unless `attributes` say so."""

    def make_store(_: StoreConformance, **options: Any) -> Any:
        return make(**options)

    members = {"make_store": make_store, "shared": False, "short": 0.02, **attributes}
    tested: StoreConformance = type("Suite", (StoreConformance,), members)()
    return tested


def checks_of(part: type) -> list[str]:
    """Return the names of the checks that a class of the suite itself has."""
    return [name for name in vars(part) if name.startswith("test_")]


def failure(tested: StoreConformance, check: str) -> str:
    """Return what a check finds, which must say the promise first."""
    method = getattr(tested, check)
    try:
        method()
    except AssertionError as error:
        said = str(error)
    else:
        said = "nothing was found"
    promise = f"{method.__doc__}\nBut "
    assert said.startswith(promise), said
    return said.removeprefix(promise)
