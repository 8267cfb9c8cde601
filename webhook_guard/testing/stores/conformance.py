"""Holds a store, whoever wrote it, to what `webhook_guard.idempotency.store` promises.

    from webhook_guard.testing import StoreConformance

    class TestMyStore(StoreConformance):
        def make_store(self, **options):
            return MyStore("...", **options)

Each check has keys and a namespace of its own: nothing must be empty before, and nothing needs emptying. What a store
does when its server is gone is not among them: nothing here can take a server down.
"""

from webhook_guard.testing.stores.promises import Promises
from webhook_guard.testing.stores.races import Races


class StoreConformance(Races, Promises):  # pytest runs the last base first: no race before the simple checks
    """The suite: a subclass gives the store, and pytest runs it, or unittest if it is a `unittest.TestCase` as well.

    The store may be sync or async; an async one is called in an event loop of each check's own. Its `aclose`, or else
    its `close`, is called at the end of each check, if it has one. `test_... = None` leaves out a check.

    Attributes:
        shared: Whether stores that were made with the same options know of each other's claims; True, unless the
            subclass says False, as for a store in the memory of one process.
        short: Seconds, 0.05: the lease, or the retention, where a check waits for its end. Longer for a store that
            counts in whole seconds.
        patience: Seconds, 5: how long a check waits for what must happen, before it fails. Longer than `short`.

    >>> from webhook_guard.idempotency import MemoryStore
    >>> class TestMemoryStore(StoreConformance):
    ...     shared = False  # each has a memory of its own
    ...
    ...     def make_store(self, **options):
    ...         return MemoryStore(**options)
    >>> TestMemoryStore().test_complete()
    """

    __test__: bool = False
