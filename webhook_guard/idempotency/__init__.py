"""Handled once: a store remembers each delivery, so that it is neither handled twice nor lost when a handler fails.

    for one process            MemoryStore                           nothing to install, forgets when it ends
    for one machine            SQLiteStore                           a file that all worker processes share
    for many machines          RedisStore, AsyncRedisStore           pip install 'webhook_guard[redis]'
                               PostgresStore, AsyncPostgresStore     pip install 'webhook_guard[postgres]'
    for a store of your own    Store, AsyncStore                     what it must do is in `store.py`
    what a store answers       Claim, ClaimState

The promise is at-least-once delivery; one handler at a time per key, as long as none outlives its lease; no second run
after success, as long as the store keeps what it confirmed. It is not "exactly once".
"""

from webhook_guard.idempotency.memory import MemoryStore
from webhook_guard.idempotency.postgres import AsyncPostgresStore, PostgresStore
from webhook_guard.idempotency.redis import AsyncRedisStore, RedisStore
from webhook_guard.idempotency.sqlite import SQLiteStore
from webhook_guard.idempotency.store import AsyncStore, Store, StoreOptions
from webhook_guard.sansio.claims import Claim, ClaimState

__all__ = [
    "AsyncPostgresStore",
    "AsyncRedisStore",
    "AsyncStore",
    "Claim",
    "ClaimState",
    "MemoryStore",
    "PostgresStore",
    "RedisStore",
    "SQLiteStore",
    "Store",
    "StoreOptions",
]
