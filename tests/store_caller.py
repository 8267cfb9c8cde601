"""Stores, sync or async, called in the same way."""

import asyncio
from typing import Any

from webhook_guard.idempotency import Claim


class StoreCaller:
    """A store whose calls return when they are done; an async one has an event loop of its own.

    Args:
        store: Sync or async.
    """

    def __init__(self, store: Any) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.store = store

    def claim(self, key: str = "#wh_1") -> Claim:
        """Claim a key."""
        claim: Claim = self.run(self.store.claim(key))
        return claim

    def complete(self, token: str, key: str = "#wh_1") -> bool:
        """Complete a key."""
        return bool(self.run(self.store.complete(key, token)))

    def release(self, token: str, key: str = "#wh_1") -> bool:
        """Release a key."""
        return bool(self.run(self.store.release(key, token)))

    def close_store(self) -> None:
        """Close the store."""
        self.run(getattr(self.store, "aclose", None) or self.store.close)

    def run(self, result: Any) -> Any:
        """Return `result`, or what it returns when it is awaited; a function is called first."""
        result = result() if callable(result) else result
        return self._runner.run(result) if asyncio.iscoroutine(result) else result

    def close(self) -> None:
        """Close the store and its event loop."""
        self.close_store()
        self._runner.close()
