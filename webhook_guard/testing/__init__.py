"""For tests, yours as well: nothing here runs in production, and nothing here needs an extra.

    for a store of your own    StoreConformance    holds it to all that stores promise

Importing `webhook_guard` does not import it.
"""

from webhook_guard.testing.conformance import StoreConformance

__all__ = ["StoreConformance"]
