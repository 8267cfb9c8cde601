"""What a suite for stores is made of: what its user gives, and checks that any test runner calls."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from webhook_guard.idempotency.store import AsyncStore, Store
from webhook_guard.testing.stores.driven import DrivenStore, Stores

#: pytest shows no line of this module in a failure.
__tracebackhide__: bool = True

_Suite = TypeVar("_Suite", bound="StoreSuite")


def check(function: Callable[[_Suite, Stores], None]) -> Callable[[_Suite], None]:
    """Return a check as test runners call it: without arguments, and with the promise as its docstring."""

    @wraps(function)
    def with_stores(self: _Suite) -> None:
        with Stores(self.make_store, self.patience, str(function.__doc__)) as stores:
            function(self, stores)

    del with_stores.__wrapped__  # pytest would see the argument there, and look for a fixture of its name
    return with_stores


class StoreSuite:
    """What a subclass gives: the store, and what is to be known of it, as `StoreConformance` documents it."""

    shared: bool = True
    short: float = 0.05
    patience: float = 5.0

    #: It is no test of whoever imports it; its subclasses are.
    __test__: bool = False

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "__test__" not in vars(cls):
            cls.__test__ = True

    def make_store(
        self, *, namespace: str, lease: float, retention: float
    ) -> Store | AsyncStore | Coroutine[Any, Any, Store | AsyncStore]:
        """Return a new store; may be a coroutine function, which is called in the event loop of the check.

        Args:
            namespace: Letters, digits, and any of - . :
            lease: Seconds.
            retention: Seconds.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method make_store(**options) that returns a store")

    def two_stores(self, stores: Stores) -> tuple[DrivenStore, DrivenStore]:
        """Return two stores that know of each other's claims; the same one twice, if no others do."""
        store = stores.make()
        if not self.shared:
            return store, store
        stores.hint = " (A store in the memory of one process sets shared = False.)"
        return store, stores.make()
