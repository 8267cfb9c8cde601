"""What a store is, and what all stores of this package have in common.

A store keeps, per key, one of two states: in progress, with the owner's token and a lease, or completed, for the
retention. It promises:

1. Of all who claim a key at the same moment, one gets NEW.
2. A key is free again when it is released, when its lease ends, or when the retention ends; not before.
3. The owner is whoever got NEW last. The owner completes or releases, also after the lease, as long as nobody has
   claimed since. Whoever is not the owner changes nothing, and is told so with False.
4. What is completed stays so for the retention. Completing it again by the same token is True, and changes nothing;
   releasing it is False.
5. Each call ends: with an answer, or with an `IdempotencyError` after about `timeout` seconds. After an error,
   the call may or may not have taken effect.

`webhook_guard.testing` has a suite that holds any store to this.
"""

import re
from collections.abc import Callable
from inspect import iscoroutinefunction, signature
from typing import Protocol, TypedDict

from webhook_guard.sansio.claims import Claim
from webhook_guard.sansio.errors import ConfigurationError
from webhook_guard.sansio.guard import Delivery, check_callable, check_number

#: Stores of several apps, or several guards with the same path, are told apart by it.
NAMESPACE = "webhook_guard"
#: Seconds. No handler should take that long; a delivery whose handler was killed waits that long for its next attempt.
LEASE = 300.0
#: Seconds: 7 days. OpenAI retries for up to 72 hours, and a person may send an event again some days later.
RETENTION = 604_800.0
#: Seconds. OpenAI expects an answer within a few.
TIMEOUT = 2.0

#: Seconds: what servers can measure, and a year.
_SHORTEST, _LONGEST = 0.001, 31_536_000
#: No / and no #, so that no namespace with a path behind it reads as another.
_NAMESPACE = re.compile(r"[A-Za-z0-9_.:@-]{1,100}")


class Store(Protocol):
    """A store whose calls return when they are done. It may have an attribute `key`, as `StoreOptions` has it."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`; atomic.

        Raises:
            IdempotencyError: The store can't answer. Any other exception is taken for the same.
        """
        ...

    def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed for the retention, and return True; False, if `token` is not the owner's."""
        ...

    def release(self, key: str, token: str, /) -> bool:
        """Free `key`, and return True; False, if `token` is not the owner's, or the key is completed."""
        ...


class AsyncStore(Protocol):
    """A store whose calls are awaited: the same as `Store` otherwise."""

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`; atomic.

        Raises:
            IdempotencyError: The store can't answer. Any other exception is taken for the same.
        """
        ...

    async def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed for the retention, and return True; False, if `token` is not the owner's."""
        ...

    async def release(self, key: str, token: str, /) -> bool:
        """Free `key`, and return True; False, if `token` is not the owner's, or the key is completed."""
        ...


class StoreOptions(TypedDict, total=False):
    """The options that every store of this package takes, as keywords."""

    #: Stands before each key, so that several guards can share a server, and even a path. Default "webhook_guard".
    namespace: str
    #: Seconds that a handler has a delivery to itself. Default 300.
    lease: float
    #: Seconds that a completed delivery is remembered. Default 604800, 7 days.
    retention: float
    #: Seconds that a call may wait for the server or for a lock. Default 2.
    timeout: float
    #: Makes, of a delivery, what to claim in place of its webhook id. None takes the id.
    key: Callable[[Delivery], str] | None


class ConfiguredStore:
    """The options of a store, checked.

    Args:
        options: As they were given.

    Raises:
        ConfigurationError: An option is unknown, or can't be used; the message names it and the fix.
    """

    def __init__(self, options: StoreOptions) -> None:
        _check_names(type(self), options)
        self.namespace: str = _check_namespace(options.get("namespace", NAMESPACE))
        self.lease: float = check_number("lease", options.get("lease", LEASE), _SHORTEST, _LONGEST)
        self.retention: float = check_number("retention", options.get("retention", RETENTION), _SHORTEST, _LONGEST)
        self.timeout: float = check_number("timeout", options.get("timeout", TIMEOUT), _SHORTEST, _LONGEST)
        self.key: Callable[[Delivery], str] | None = _checked_key(options.get("key"))

    def named(self, key: str) -> str:
        """Return `key` with the namespace before it: what the store keeps."""
        return f"{self.namespace}:{key}"


def checked_key(store: object) -> Callable[[Delivery], str] | None:
    """Return the `key` of a store, if it has one.

    Args:
        store: The option `idempotency` of a front: any store, sync or async.

    Raises:
        ConfigurationError: It is no store.
    """
    methods = (getattr(store, name, None) for name in ("claim", "complete", "release"))
    if isinstance(store, type) or not all(map(callable, methods)):
        found = f"the class {store.__name__}" if isinstance(store, type) else type(store).__name__
        raise ConfigurationError(f"idempotency: must be a store, such as MemoryStore(), not {found}")
    return _checked_key(getattr(store, "key", None))


def _checked_key(key: Callable[[Delivery], str] | None) -> Callable[[Delivery], str] | None:
    if iscoroutinefunction(key):
        raise ConfigurationError("key: must be a plain function; nobody awaits it")
    return None if key is None else check_callable("key", key)


def _check_names(store: type[ConfiguredStore], options: StoreOptions) -> None:
    common = StoreOptions.__annotations__
    if unknown := sorted(options.keys() - common):
        parameters = signature(store).parameters.values()
        own = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
        raise ConfigurationError(
            f"{unknown[0]}: there is no such option; {store.__name__} takes {', '.join([*own, *common])}"
        )


def _check_namespace(namespace: object) -> str:
    if isinstance(namespace, str) and _NAMESPACE.fullmatch(namespace):
        return namespace
    raise ConfigurationError("namespace: must be 1 to 100 characters, each a letter, a digit or one of _ . : @ -")
