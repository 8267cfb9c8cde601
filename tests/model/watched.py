"""Stores behind a network: each call waits before it is carried out and before its answer, and may fail there."""

from collections.abc import Awaitable, Callable
from typing import Any

from webhook_guard.idempotency import AsyncStore, MemoryStore, Store

from model.turns import current
from model.world import Call, World


def check_through(*, gets_through: bool) -> None:
    """Fail if an answer does not get through."""
    if not gets_through:
        raise TimeoutError("the store did not answer")


class Watched:
    """A sync store, behind a network.

    Args:
        store: The store.
        world: That of all workers.
    """

    def __init__(self, store: Store, world: World) -> None:
        self.store = store
        self._world = world

    def claim(self, key: str) -> Any:
        """Claim."""
        return self._call("claim", key)

    def complete(self, key: str, token: str) -> Any:
        """Complete."""
        return self._call("complete", key, token)

    def release(self, key: str, token: str) -> Any:
        """Release."""
        return self._call("release", key, token)

    def _call(self, name: str, *arguments: str) -> Any:
        call = Call(current.get(), name, arguments, getattr(self.store, name))
        self._wait(f"before {name}")
        gets_through = self._world.admit(call)
        answer = call.carry_out()
        self._world.carried_out(call, answer)
        self._wait(f"after {name}")
        check_through(gets_through=gets_through)
        return answer

    def _wait(self, point: str) -> None:
        self._world.turns.wait(point)


class WatchedMemory(Watched, MemoryStore):
    """A store in memory as ASGI has it, which calls it directly: nothing can happen meanwhile."""

    def _wait(self, point: str) -> None:
        """Go on at once."""


class WatchedAsync:
    """An async store, behind a network.

    Args:
        store: The store.
        world: That of all workers.
        waiting: Makes an awaitable that the event loop is to wait for.
    """

    def __init__(
        self,
        store: AsyncStore,
        world: World,
        waiting: Callable[[Awaitable[Any]], Awaitable[Any]],
    ) -> None:
        self.store = store
        self._world = world
        self._waiting = waiting

    async def claim(self, key: str) -> Any:
        """Claim."""
        return await self._call("claim", key)

    async def complete(self, key: str, token: str) -> Any:
        """Complete."""
        return await self._call("complete", key, token)

    async def release(self, key: str, token: str) -> Any:
        """Release."""
        return await self._call("release", key, token)

    async def _call(self, name: str, *arguments: str) -> Any:
        call = Call(current.get(), name, arguments, getattr(self.store, name))
        await self._world.turns.wait_async(f"before {name}")
        gets_through = self._world.admit(call)
        answer = await self._waiting(call.carry_out())
        self._world.carried_out(call, answer)
        await self._world.turns.wait_async(f"after {name}")
        check_through(gets_through=gets_through)
        return answer
