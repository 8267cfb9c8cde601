"""The stores of many machines: a Redis or Valkey server, or a cluster, that all of them share.

For Redis from 6.2 on; the client is redis-py: `pip install 'webhook_guard[redis]'`. Each key holds a hash of `state`,
`token` and, while it is in progress, `lease_ends` (Unix milliseconds): `redis-cli HGETALL` shows it. Each call is one
script, in one round trip, and the time is the server's.

What is completed is remembered as long as Redis remembers it. A server that evicts keys, restarts without a file, or
fails over to a replica that lags behind may forget, and then a delivery is handled again: set `maxmemory-policy
noeviction` and `appendonly yes`.
"""

import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Unpack

from webhook_guard.idempotency.scoped import PerLoop
from webhook_guard.idempotency.store import ConfiguredStore, StoreOptions
from webhook_guard.sansio.claims import Claim, ClaimState, unavailable
from webhook_guard.sansio.errors import ConfigurationError, IdempotencyError

if TYPE_CHECKING:
    import redis
    import redis.asyncio

# EVAL, not EVALSHA: it is one round trip also on a server that does not know the script yet.
# Scripts answer with whole numbers, which are the same with and without `decode_responses`.
_HELD = """
local key = KEYS[1]
local state, token, lease_ends = unpack(redis.call('HMGET', key, 'state', 'token', 'lease_ends'))
if state ~= 'in_progress' and state ~= 'completed' and redis.call('EXISTS', key) == 1 then
    return redis.error_reply('ERR the key holds something other than a claim: use another namespace')
end
"""
# Whoever has the token asks again because the answer was lost on the way.
_CLAIM = f"""{_HELD}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if state == 'completed' then return 2 end
if state == 'in_progress' and token ~= ARGV[1] and tonumber(lease_ends) > now then return 1 end
redis.call('HSET', key, 'state', 'in_progress', 'token', ARGV[1], 'lease_ends', now + ARGV[2])
redis.call('PEXPIRE', key, ARGV[3])
return 0
"""
_COMPLETE = f"""{_HELD}
if token ~= ARGV[1] then return 0 end
if state == 'in_progress' then
    redis.call('HSET', key, 'state', 'completed')
    redis.call('HDEL', key, 'lease_ends')
    redis.call('PEXPIRE', key, ARGV[2])
end
return 1
"""
_RELEASE = f"""{_HELD}
if state ~= 'in_progress' or token ~= ARGV[1] then return 0 end
return redis.call('DEL', key)
"""

#: What the numbers of `_CLAIM` mean.
_STATES = (ClaimState.NEW, ClaimState.IN_PROGRESS, ClaimState.COMPLETED)

#: redis-py itself ignores a database that is no number, and what follows a #.
_URL = re.compile(r"(rediss?://[^/?#\s]*(/[0-9]*/?)?|unix://[^/?#\s]*/[^?#\s]+)(\?[^#@\s]*)?")
_USABLE_URLS = (
    "must be redis://[user:password@]host[:port][/database], rediss://... for TLS, or unix:///path, and may end in "
    "?option=value with redis-py's options; special characters of a password are percent-encoded (@ is %40)"
)
#: With this, servers quote the arguments of a command that they don't know, such as the password of AUTH.
_QUOTED = re.compile(r",? with args beginning with.*", re.DOTALL)


class _RedisStore(ConfiguredStore):
    """What both stores have in common: all but the waiting.

    Args:
        library: `redis`, or `redis.asyncio`.
        url_or_client: As it was given.
        options: As they were given.
    """

    def __init__(self, library: str, url_or_client: object, options: StoreOptions) -> None:
        super().__init__(options)
        self._is_own = isinstance(url_or_client, str)
        self._make = _maker(library, url_or_client, self.timeout)

    def _claiming(self, key: str, token: str) -> tuple[str | int, ...]:
        # The last owner may still complete after its lease.
        return _CLAIM, 1, self.named(key), token, _milliseconds(self.lease), _milliseconds(self.lease + self.retention)

    def _completing(self, key: str, token: str) -> tuple[str | int, ...]:
        return _COMPLETE, 1, self.named(key), token, _milliseconds(self.retention)

    def _releasing(self, key: str, token: str) -> tuple[str | int, ...]:
        return _RELEASE, 1, self.named(key), token


class RedisStore(_RedisStore):
    """A store in Redis: for any number of machines, and for the threads and forked workers of each.

    Args:
        url_or_client: A URL, such as "redis://localhost:6379/0"; or a `redis.Redis` or `redis.RedisCluster`, which is
            used with its own settings, time-outs included, and not closed. For a URL the store connects when it is
            first called, and up to 50 times (?max_connections=).
        **options: Those of all stores: `StoreOptions`.

    Raises:
        ConfigurationError: The URL, the client or an option can't be used, or redis-py is not installed; the message
            names the fix, and does not quote the URL.

    >>> from webhook_guard.idempotency import RedisStore
    >>> store = RedisStore("redis://localhost:6379/0", namespace="shop")
    """

    def __init__(
        self, url_or_client: "str | redis.Redis | redis.RedisCluster", **options: Unpack[StoreOptions]
    ) -> None:
        super().__init__("redis", url_or_client, options)
        self._client = self._make()

    def claim(self, key: str, /) -> Claim:
        """Claim `key`.

        Raises:
            IdempotencyError: Redis can't be reached, or did not answer as it should.
        """
        token = token_hex(16)
        return _claim(self._evaluate(self._claiming(key, token)), token)

    def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed, if `token` is its owner's."""
        return _is_done(self._evaluate(self._completing(key, token)))

    def release(self, key: str, token: str, /) -> bool:
        """Free `key`, if `token` is its owner's."""
        return _is_done(self._evaluate(self._releasing(key, token)))

    def close(self) -> None:
        """Close the store's own connections; the next call opens another."""
        if self._is_own:
            self._client.close()

    def _evaluate(self, arguments: tuple[str | int, ...]) -> object:
        try:
            return self._client.eval(*arguments)
        except Exception as error:
            raise _failed(error) from error


class AsyncRedisStore(_RedisStore):
    """A store in Redis, awaited.

    Args:
        url_or_client: A URL, such as "redis://localhost:6379/0"; or a `redis.asyncio.Redis` or
            `redis.asyncio.RedisCluster`, which is used with its own settings, time-outs included, and not closed. For a
            URL the store connects when it is first called in an event loop, and up to 50 times (?max_connections=).
        **options: Those of all stores: `StoreOptions`.

    Raises:
        ConfigurationError: The URL, the client or an option can't be used, or redis-py is not installed; the message
            names the fix, and does not quote the URL.

    >>> from webhook_guard.idempotency import AsyncRedisStore
    >>> store = AsyncRedisStore("redis://localhost:6379/0", namespace="shop")
    """

    def __init__(
        self,
        url_or_client: "str | redis.asyncio.Redis | redis.asyncio.RedisCluster",
        **options: Unpack[StoreOptions],
    ) -> None:
        super().__init__("redis.asyncio", url_or_client, options)
        self._clients = PerLoop(self._make)

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`.

        Raises:
            IdempotencyError: Redis can't be reached, or did not answer as it should.
        """
        token = token_hex(16)
        return _claim(await self._evaluate(self._claiming(key, token)), token)

    async def complete(self, key: str, token: str, /) -> bool:
        """Keep `key` as completed, if `token` is its owner's."""
        return _is_done(await self._evaluate(self._completing(key, token)))

    async def release(self, key: str, token: str, /) -> bool:
        """Free `key`, if `token` is its owner's."""
        return _is_done(await self._evaluate(self._releasing(key, token)))

    async def aclose(self) -> None:
        """Close the store's own connections of this event loop; the next call opens another."""
        if self._is_own:
            await self._clients.get().aclose()

    async def _evaluate(self, arguments: tuple[str | int, ...]) -> object:
        try:
            return await self._clients.get().eval(*arguments)
        except Exception as error:
            raise _failed(error) from error


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _claim(answer: object, token: str) -> Claim:
    state = _STATES[_checked(answer, len(_STATES))]
    return Claim(state, token) if state is ClaimState.NEW else Claim(state)


def _is_done(answer: object) -> bool:
    return _checked(answer, 2) == 1


def _checked(answer: object, count: int) -> int:
    if isinstance(answer, int) and 0 <= answer < count:
        return answer
    raise IdempotencyError(
        f"Redis answered the script with {type(answer).__name__}, not with one of its {count} numbers"
    )


def _failed(error: Exception) -> IdempotencyError:
    # In the error itself, because it is the cause of ours, and shown with it.
    error.args = tuple(_QUOTED.sub("", said) if isinstance(said, str) else said for said in error.args)
    return unavailable(error)


def _maker(library: str, url_or_client: object, timeout: float) -> Callable[[], Any]:
    """Return what makes the client of a store."""
    if isinstance(url_or_client, str):
        return partial(_open, library, _connection_options(library, url_or_client, timeout))
    _check_client(library, url_or_client)
    return lambda: url_or_client


def _open(library: str, options: dict[str, Any]) -> Any:
    """Make a client; it connects when it is first used."""
    module = _imported(library)
    return module.Redis.from_pool(module.BlockingConnectionPool(**options))


def _connection_options(library: str, url: str, timeout: float) -> dict[str, Any]:
    if _URL.fullmatch(url) is None:
        raise ConfigurationError(f"url_or_client: {_USABLE_URLS}")
    module = _imported(library)
    retry = _imported(f"{library}.retry").Retry(_imported("redis.backoff").NoBackoff(), 1, (module.ConnectionError,))
    try:
        options = {
            # With RESP 3 redis-py 8 does not look whether a connection has an answer that nobody read.
            "protocol": 2,
            **_imported(f"{library}.connection").parse_url(url),
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            # How long to wait for one of the pool's connections.
            "timeout": timeout,
            # Once more where a connection died, as with a server that was restarted; a time-out is final.
            # redis-py 5 retries what the second of these names, and redis-py 8 what either does.
            "retry": retry,
            "retry_on_error": [module.ConnectionError],
            "retry_on_timeout": False,
        }
        pool = module.BlockingConnectionPool(**options)
        # Options that don't exist are noticed only here. Nothing connects yet.
        pool.connection_class(**pool.connection_kwargs)
    except Exception:  # noqa: BLE001  redis-py's errors here are of any type, and quote the URL
        options = {}
    if not options:
        # Outside the handler, so that no traceback shows what redis-py said.
        raise ConfigurationError(f"url_or_client: {_USABLE_URLS}")
    return options


def _check_client(library: str, given: object) -> None:
    if isinstance(given, _clients_of(library)):
        return
    for other, store in (("redis", RedisStore), ("redis.asyncio", AsyncRedisStore)):
        if isinstance(given, _clients_of(other)):
            raise ConfigurationError(f"url_or_client: a client of the module {other} is for {store.__name__}")
    found = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    hint = "; is the environment variable set?" if given is None else ""
    raise ConfigurationError(
        f"url_or_client: must be a URL, or a Redis or RedisCluster of the module {library}, not {found}{hint}"
    )


def _clients_of(library: str) -> tuple[type, type]:
    module = _imported(library)
    return module.Redis, module.RedisCluster


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ConfigurationError("redis-py is not installed: pip install 'webhook_guard[redis]'") from None
