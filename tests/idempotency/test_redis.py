"""The Redis stores: the contract of stores, what is in Redis, what its failures do, and which URLs and clients go."""

import asyncio
import multiprocessing
import os
import re
import select
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Self, Unpack
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio

from webhook_guard.idempotency import AsyncRedisStore, Claim, ClaimState, RedisStore, StoreOptions
from webhook_guard.sansio.errors import ConfigurationError, IdempotencyError, Reason
from webhook_guard.testing import StoreConformance

from services import REDIS_URL, need_redis
from store_caller import StoreCaller
from support import free_port

#: Seconds after which a test has failed.
DEADLINE = 10.0
#: Seconds: the time-out of a store that is to run into it.
SHORT = 0.1

#: Seconds: what tests leave behind expires soon, and a machine that is busy fails none.
OPTIONS: Any = {"lease": 60, "retention": 60, "timeout": DEADLINE}

KINDS: dict[str, Any] = {"sync": RedisStore, "async": AsyncRedisStore}
CLIENTS: dict[str, Any] = {"sync": redis.Redis, "async": redis.asyncio.Redis}
CLUSTERS: dict[str, Any] = {"sync": redis.RedisCluster, "async": redis.asyncio.RedisCluster}


@pytest.fixture(scope="module")
def redis_url() -> str:
    """Return where Redis is."""
    return need_redis()


class TestContract(StoreConformance):
    """What every store promises."""

    @pytest.fixture(autouse=True, params=list(KINDS.values()), ids=list(KINDS))
    def _server(self, request: pytest.FixtureRequest, redis_url: str) -> None:
        self.kind: type[RedisStore | AsyncRedisStore] = request.param
        self.url = redis_url

    def make_store(self, **options: Unpack[StoreOptions]) -> RedisStore | AsyncRedisStore:
        """Return one with connections of its own."""
        return self.kind(self.url, **options)


class Caller(StoreCaller):
    """A Redis store of either kind."""

    def __init__(self, kind: str, url_or_client: Any, **options: Any) -> None:
        super().__init__(KINDS[kind](url_or_client, **{**OPTIONS, **options}))
        self._given = None if isinstance(url_or_client, str) else url_or_client

    def close(self) -> None:
        """Close all that is open, and the client that was given."""
        if self._given is not None:
            self.run(getattr(self._given, "aclose", self._given.close))
        super().close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store."""
    return str(request.param)


@pytest.fixture
def store_of(kind: str) -> Iterator[Callable[..., Caller]]:
    """What makes stores, which are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(closing(Caller(kind, *arguments, **options)))


class Kept:
    """What Redis keeps in a namespace of this test."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.namespace = f"test-{token_hex(8)}"

    def hash(self, key: str = "#wh_1") -> Any:
        """Return the hash of a key."""
        return self.client.hgetall(f"{self.namespace}:{key}")

    def milliseconds_left(self, key: str = "#wh_1") -> int:
        """Return in how many milliseconds a key expires."""
        return int(self.client.pttl(f"{self.namespace}:{key}"))

    def now(self) -> int:
        """Return the server's time, in Unix milliseconds."""
        seconds, microseconds = self.client.time()
        return int(seconds * 1000 + microseconds // 1000)

    def connections(self, name: str) -> list[str]:
        """Return the ids of the server's connections that have a name."""
        return [found["id"] for found in self.client.client_list() if found["name"] == name]


@pytest.fixture
def kept() -> Iterator[Kept]:
    """What Redis keeps of this test."""
    client: Any = redis.Redis.from_url(need_redis(), decode_responses=True)  # pyright: ignore[reportUnknownMemberType]  its options are untyped
    with closing(client):
        yield Kept(client)


class Server(socketserver.ThreadingTCPServer):
    """A server of the test's own, which hangs up when it ends.

    Args:
        talk: Talks to one client.
        port: Where to listen; 0 is any.
    """

    allow_reuse_address = True

    def __init__(self, talk: Callable[[socket.socket], object], port: int = 0) -> None:
        clients: list[socket.socket] = []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                clients.append(self.request)
                with suppress(OSError):  # the client may leave at any time
                    talk(self.request)

        super().__init__(("127.0.0.1", port), Handler)
        self.port: int = self.server_address[1]
        self._clients = clients
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Relay(Server):
    """Stands between a store and Redis: sees what the store sends, and may keep or lose the answers."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(self._relay, port)
        given = urlsplit(REDIS_URL)
        self._redis = (given.hostname or "localhost", given.port or 6379)
        user, at, _ = given.netloc.rpartition("@")
        self.url = f"{given.scheme}://{user}{at}127.0.0.1:{self.port}{given.path}"
        #: One for each time that the store sent something and waited.
        self.requests: list[bytes] = []
        self.loses_the_next_answer = False
        self.has_an_answer = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def _relay(self, store: socket.socket) -> None:
        with socket.create_connection(self._redis) as server:
            while True:
                for source in select.select([store, server], [], [])[0]:
                    data = source.recv(65_536)
                    if not data or (source is server and not self._may_pass()):
                        return
                    if source is store:
                        self.requests.append(data)
                    (server if source is store else store).sendall(data)

    def _may_pass(self) -> bool:
        self.has_an_answer.set()
        self.may_answer.wait(DEADLINE)
        lost, self.loses_the_next_answer = self.loses_the_next_answer, False
        return not lost


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay of this test."""
    need_redis()
    with Relay() as relay:
        yield relay


def answering(answer: bytes) -> Server:
    """Return a server that gives the same answer to whatever Redis would take for a command."""

    def talk(client: socket.socket) -> None:
        while data := client.recv(65_536):
            client.sendall(answer * len(re.findall(rb"^\*\d", data, re.MULTILINE)))

    return Server(talk)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that never answers, and has no room for many connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a server on this machine."""
    return f"redis://127.0.0.1:{listener.getsockname()[1]}"


def fill(listener: socket.socket, connections: ExitStack) -> None:
    """Connect until there is no room for more."""
    with suppress(TimeoutError):
        while True:
            connections.enter_context(socket.create_connection(listener.getsockname(), timeout=SHORT))


@contextmanager
def in_time() -> Generator[None, None, None]:
    """Assert that something takes a few short time-outs at the most."""
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < 10 * SHORT


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def failure(caller: Caller) -> IdempotencyError:
    """Return what a claim fails with."""
    with pytest.raises(IdempotencyError) as raised:
        caller.claim()
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    return raised.value


class TestKept:
    """What Redis keeps."""

    def test_in_progress(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """A claim is a hash with the token and the end of the lease by the server's time, and outlives the lease."""
        store = store_of(need_redis(), namespace=kept.namespace, lease=60, retention=600)
        before, token, after = kept.now(), store.claim().token, kept.now()
        found = kept.hash()
        assert before + 60_000 <= int(found.pop("lease_ends")) <= after + 60_000
        assert found == {"state": "in_progress", "token": token}
        assert 650_000 < kept.milliseconds_left() <= 660_000

    def test_token(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """A token is 128 random bits: nobody guesses another's."""
        store = store_of(need_redis(), namespace=kept.namespace)
        tokens = {store.claim(f"#wh_{number}").token for number in range(10)}
        assert [len(bytes.fromhex(token)) for token in tokens] == [16] * 10

    def test_completed(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """A completed delivery has no lease any more, and is kept for the retention."""
        store = store_of(need_redis(), namespace=kept.namespace, lease=60, retention=600)
        token = store.claim().token
        assert store.complete(token)
        assert kept.hash() == {"state": "completed", "token": token}
        assert 590_000 < kept.milliseconds_left() <= 600_000

    def test_completed_again(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """To complete again does not begin another retention."""
        store = store_of(need_redis(), namespace=kept.namespace, retention=600)
        token = store.claim().token
        store.complete(token)
        kept.client.expire(f"{kept.namespace}:#wh_1", 60)
        assert store.complete(token)
        assert kept.milliseconds_left() <= 60_000

    def test_released(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """Nothing is left of a claim that was released."""
        store = store_of(need_redis(), namespace=kept.namespace)
        assert store.release(store.claim().token)
        assert kept.hash() == {}

    @pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3}], ids=str)
    def test_given_client(self, kept: Kept, kind: str, store_of: Callable[..., Caller], options: Any) -> None:
        """A client is used whatever its answers are made of."""
        store = store_of(CLIENTS[kind].from_url(need_redis(), **options), namespace=kept.namespace)
        token = store.claim().token
        assert store.claim() == Claim(ClaimState.IN_PROGRESS)
        assert store.complete(token)
        assert store.claim() == Claim(ClaimState.COMPLETED)
        assert not store.release(token)

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (("SET", "claimed"), "WRONGTYPE"),
            (("HSET", "state", "done", "token", "t"), "something other than a claim"),
            (("HSET", "name", "value"), "something other than a claim"),
            (("HSET", "state", "in_progress", "token", "t"), "nil"),
        ],
        ids=["text", "unknown state", "no state", "no lease"],
    )
    def test_not_a_claim(self, kept: Kept, store_of: Callable[..., Caller], command: Any, said: str) -> None:
        """What is there under the key and is no claim is an error, not a new delivery."""
        kept.client.execute_command(command[0], f"{kept.namespace}:#wh_1", *command[1:])
        kept.client.expire(f"{kept.namespace}:#wh_1", 60)
        assert said in str(failure(store_of(need_redis(), namespace=kept.namespace)))


class TestConnection:
    """What is sent, and over which connection."""

    def test_one_round_trip(self, kept: Kept, relay: Relay, store_of: Callable[..., Caller]) -> None:
        """Each call sends once and waits once."""
        store = store_of(relay.url, namespace=kept.namespace)
        store.claim("#wh_connects")
        relay.requests.clear()
        first, second = store.claim("#wh_1"), store.claim("#wh_2")
        assert (store.complete(first.token, "#wh_1"), store.release(second.token, "#wh_2")) == (True, True)
        assert [request.count(b"EVAL") for request in relay.requests] == [1, 1, 1, 1]

    def test_no_time_is_sent(self, kept: Kept, relay: Relay, store_of: Callable[..., Caller]) -> None:
        """A claim sends the key, the token and durations: clocks of machines may differ."""
        store = store_of(relay.url, namespace=kept.namespace, lease=60, retention=600)
        token = store.claim().token
        arguments = relay.requests[-1].split(b"\r\n")[-8::2]
        assert arguments == [f"{kept.namespace}:#wh_1".encode(), token.encode(), b"60000", b"660000"]

    def test_lost_answer(self, kept: Kept, relay: Relay, store_of: Callable[..., Caller]) -> None:
        """A call whose answer is lost with the connection is repeated, and answers as the first time."""
        store = store_of(relay.url, namespace=kept.namespace)
        store.claim("#wh_connects")
        relay.loses_the_next_answer = True
        claim = store.claim()
        assert claim.state is ClaimState.NEW
        assert kept.hash()["token"] == claim.token
        relay.loses_the_next_answer = True
        assert store.complete(claim.token)

    def test_killed_connection(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """A connection that died while it was not used does not fail the next call."""
        store = store_of(f"{need_redis()}?client_name={kept.namespace}", namespace=kept.namespace)
        store.claim("#wh_connects")
        (connection,) = kept.connections(kept.namespace)
        kept.client.client_kill_filter(_id=connection)
        assert store.claim().state is ClaimState.NEW

    def test_close(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """A store closes its own connections, and opens another when it is called again."""
        store = store_of(f"{need_redis()}?client_name={kept.namespace}", namespace=kept.namespace)
        store.claim()
        store.close_store()
        until(lambda: kept.connections(kept.namespace) == [])
        assert store.claim().state is ClaimState.IN_PROGRESS

    def test_given_client_is_not_closed(self, kept: Kept, kind: str, store_of: Callable[..., Caller]) -> None:
        """A client that was given stays open."""
        client = CLIENTS[kind].from_url(need_redis(), client_name=kept.namespace)
        store = store_of(client, namespace=kept.namespace)
        store.claim()
        opened = kept.connections(kept.namespace)
        store.close_store()
        store.claim()
        assert kept.connections(kept.namespace) == opened

    def test_threads(self, kept: Kept) -> None:
        """Threads wait for a free connection, and each gets its own answers."""
        store = RedisStore(f"{need_redis()}?max_connections=2", namespace=kept.namespace, **OPTIONS)
        with closing(store), ThreadPoolExecutor(8) as threads:
            keys = list(map(str, range(40)))
            claims = list(threads.map(store.claim, keys))
            assert all(threads.map(store.complete, keys, [claim.token for claim in claims]))

    def test_tasks(self, kept: Kept) -> None:
        """Tasks wait for a free connection, and each gets its own answers."""

        async def main() -> None:
            store = AsyncRedisStore(f"{need_redis()}?max_connections=2", namespace=kept.namespace, **OPTIONS)
            claims = await asyncio.gather(*(store.claim(str(number)) for number in range(40)))
            done = await asyncio.gather(*(store.complete(str(key), claim.token) for key, claim in enumerate(claims)))
            await store.aclose()
            assert all(done)

        asyncio.run(main())

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_fork(self, kept: Kept) -> None:
        """A forked process has connections of its own: neither reads the other's answers."""
        with closing(RedisStore(need_redis(), namespace=kept.namespace, **OPTIONS)) as store:
            store.complete("#wh_1", store.claim("#wh_1").token)
            child = multiprocessing.get_context("fork").Process(target=claim_many, args=(store,))
            child.start()
            states = {store.claim("#wh_1").state for _ in range(200)}
            child.join(DEADLINE)
            assert (child.exitcode, states) == (0, {ClaimState.COMPLETED})

    def test_loops(self, kept: Kept) -> None:
        """An async store has connections of its own in each event loop."""
        store = AsyncRedisStore(need_redis(), namespace=kept.namespace, **OPTIONS)
        with asyncio.Runner() as one, asyncio.Runner() as other:
            token = one.run(store.claim("#wh_1")).token
            assert other.run(store.claim("#wh_1")).state is ClaimState.IN_PROGRESS
            assert one.run(store.complete("#wh_1", token))
            assert other.run(store.claim("#wh_1")).state is ClaimState.COMPLETED
            one.run(store.aclose())
            other.run(store.aclose())

    def test_cancelled(self, kept: Kept, relay: Relay) -> None:
        """The answer to a call that was cancelled is not taken for that to the next one."""

        async def main() -> None:
            store = AsyncRedisStore(relay.url, namespace=kept.namespace, **OPTIONS)
            await store.complete("#wh_1", (await store.claim("#wh_1")).token)
            relay.has_an_answer.clear()
            relay.may_answer.clear()
            call = asyncio.create_task(store.claim("#wh_2"))
            await asyncio.to_thread(relay.has_an_answer.wait, DEADLINE)
            while not call.done():
                call.cancel()  # asyncio.wait_for of Python 3.11 may swallow the first one
                await asyncio.sleep(0.01)
            assert call.cancelled()
            relay.may_answer.set()
            assert (await store.claim("#wh_1")).state is ClaimState.COMPLETED
            await store.aclose()

        asyncio.run(main())


def claim_many(store: RedisStore) -> None:
    """Claim what is new, in a process of its own."""
    assert all(store.claim(f"#wh_child_{number}").state is ClaimState.NEW for number in range(200))


class TestFailure:
    """Redis does not answer, or not as it should."""

    def test_down_and_back(self, kept: Kept, store_of: Callable[..., Caller]) -> None:
        """While nobody listens a call is an error, and when the server is back it works."""
        port = free_port()
        with Relay(port) as relay:
            store = store_of(relay.url, namespace=kept.namespace)
            token = store.claim().token
        error = failure(store)
        assert "ConnectionError: Error" in str(error)
        assert isinstance(error.__cause__, redis.ConnectionError)
        with Relay(port):
            assert store.complete(token)

    @pytest.mark.parametrize("options", ["", "?socket_timeout=60&socket_connect_timeout=60&retry_on_timeout=yes"])
    def test_silent(self, silent: socket.socket, store_of: Callable[..., Caller], options: str) -> None:
        """A server that never answers is an error after the time-out, whatever the URL says, and asked once."""
        store = store_of(url_of(silent) + options, timeout=SHORT)
        with in_time():
            assert "TimeoutError: Timeout reading from" in str(failure(store))
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()

    def test_no_connection(self, silent: socket.socket, store_of: Callable[..., Caller]) -> None:
        """A server that does not even accept connections is an error after the time-out."""
        store = store_of(url_of(silent), timeout=SHORT)
        with ExitStack() as others:
            fill(silent, others)
            with in_time():
                assert "TimeoutError: Timeout connecting" in str(failure(store))

    def test_busy_threads(self, silent: socket.socket) -> None:
        """Threads that wait for the same connection don't wait for one another's time-outs."""
        store = RedisStore(url_of(silent) + "?max_connections=1", timeout=SHORT)
        with closing(store), ThreadPoolExecutor(20) as threads, in_time():
            calls = [threads.submit(store.claim, "#wh_1") for _ in range(20)]
            assert all(isinstance(call.exception(), IdempotencyError) for call in calls)

    def test_busy_tasks(self, silent: socket.socket) -> None:
        """Tasks that wait for the same connection don't wait for one another's time-outs."""

        async def main() -> None:
            store = AsyncRedisStore(url_of(silent) + "?max_connections=1", timeout=SHORT)
            found = await asyncio.gather(*(store.claim("#wh_1") for _ in range(20)), return_exceptions=True)
            assert all(isinstance(error, IdempotencyError) for error in found)
            await store.aclose()

        with in_time():
            asyncio.run(main())

    def test_hangs_up(self, store_of: Callable[..., Caller]) -> None:
        """A server that hangs up is asked once more, and that is all."""
        seen: list[bytes] = []
        with Server(lambda client: seen.append(client.recv(1))) as server:
            assert "ConnectionError" in str(failure(store_of(f"redis://127.0.0.1:{server.port}")))
        assert 1 <= len(seen) <= 2

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "InvalidResponse: Protocol Error: b'HTTP"),
            (b"+OK\r\n", "Redis answered the script with bytes"),
            (b":3\r\n", "Redis answered the script with int, not with one of its 3 numbers"),
            (b"$-1\r\n", "Redis answered the script with NoneType"),
            (b"-READONLY You can't write against a read only replica.\r\n", "ReadOnlyError: You can't write"),
        ],
        ids=["HTTP", "text", "number", "nothing", "replica"],
    )
    def test_other_answers(self, store_of: Callable[..., Caller], answer: bytes, said: str) -> None:
        """An answer that is none of ours is an error, which says what it is."""
        with answering(answer) as server:
            store = store_of(f"redis://127.0.0.1:{server.port}")
            error = failure(store)
        assert said in str(error)

    def test_other_answers_to_the_end(self, store_of: Callable[..., Caller]) -> None:
        """A number that no end of a claim has is an error too."""
        with answering(b":2\r\n") as server:
            store = store_of(f"redis://127.0.0.1:{server.port}")
            with pytest.raises(IdempotencyError, match="not with one of its 2 numbers"):
                store.complete("token")

    def test_any_exception(self, kind: str, store_of: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a client raises is an outage, redis-py's or not."""

        def fail(*_: object) -> None:
            raise OSError(5, "no such luck")

        client = CLIENTS[kind].from_url("redis://localhost")
        monkeypatch.setattr(client, "eval", fail)
        assert str(failure(store_of(client))) == "the store failed with OSError: [Errno 5] no such luck"

    def test_wrong_password(self, store_of: Callable[..., Caller]) -> None:
        """A password that the server does not take is an error, and not shown."""
        given = urlsplit(need_redis())
        error = failure(store_of(f"redis://:hunter2@{given.hostname}:{given.port or 6379}"))
        assert "AuthenticationError" in str(error)
        assert "hunter2" not in "".join(traceback.format_exception(error))

    def test_quoted_password(self, store_of: Callable[..., Caller]) -> None:
        """A server that quotes the arguments of a command that it doesn't know does not bring the password out."""
        with answering(b"-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n") as server:
            store = store_of(f"redis://:hunter2@127.0.0.1:{server.port}")
            error = failure(store)
        assert str(error).endswith("unknown command 'AUTH'")
        assert "hunter2" not in "".join(traceback.format_exception(error))


class TestConfiguration:
    """What a store is made of."""

    @pytest.mark.parametrize(
        "url",
        [
            "redis://",
            "redis://localhost",
            "redis://user:p%40ss%2Fword@localhost:6379/1",
            "redis://[::1]:6379/0?db=3",
            "rediss://localhost/0/?ssl_cert_reqs=none",
            "unix:///run/redis.sock?db=3",
            "unix://user@/run/redis.sock?password=secret",
            "redis://localhost?client_name=shop&max_connections=5&protocol=3&health_check_interval=30",
        ],
    )
    def test_usable_url(self, store_of: Callable[..., Caller], url: str) -> None:
        """A store is made without a connection: that nobody listens is no mistake of the configuration."""
        assert store_of(url)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "localhost:6379/0?hunter2",
            "http://:hunter2@localhost:6379/0",
            " redis://:hunter2@localhost:6379/0",
            "redis://:hunter2@localhost:6379/0\n",
            "redis://:hunter2@localhost:hunter2/0",
            "redis://:hunter2@localhost:99999/0",
            "redis://:hunter2@localhost/hunter2",
            "redis://:hunter2@localhost?db=hunter2",
            "redis://:hunter2@localhost?hunter2=1",
            "redis://:hunter2@localhost?max_connections=-1",
            "redis://:hunter2@localhost?protocol=7",
            "redis://:hunter2@localhost?ssl_cert_reqs=none",
            "redis://:hunter2@[::1/0",
            "redis://:1/hunter2@localhost",
            "redis://1#hunter2@localhost",
            "redis://1?hunter2@localhost",
            "unix://?password=hunter2",
        ],
    )
    def test_unusable_url(self, kind: str, url: str) -> None:
        """A URL that redis-py can't use, or would misread, is refused, and none of it is shown."""
        with pytest.raises(ConfigurationError) as raised:
            KINDS[kind](url)
        assert str(raised.value) == (
            "url_or_client: must be redis://[user:password@]host[:port][/database], rediss://... for TLS, or"
            " unix:///path, and may end in ?option=value with redis-py's options; special characters of a password are"
            " percent-encoded (@ is %40)"
        )
        assert "hunter2" not in "".join(traceback.format_exception(raised.value))
        assert raised.value.__context__ is None

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            (None, "not NoneType; is the environment variable set?"),
            (b"redis://localhost", "not bytes"),
            (redis.Redis, "not the class Redis"),
            (redis.asyncio.Redis, "not the class Redis"),
        ],
        ids=["None", "bytes", "class", "async class"],
    )
    def test_neither_url_nor_client(self, kind: str, given: Any, found: str) -> None:
        """What is neither a URL nor a client is refused."""
        with pytest.raises(ConfigurationError) as raised:
            KINDS[kind](given)
        module = "redis" if kind == "sync" else "redis.asyncio"
        assert str(raised.value) == (
            f"url_or_client: must be a URL, or a Redis or RedisCluster of the module {module}, {found}"
        )

    def test_client_of_the_other_kind(self) -> None:
        """A client that has to be awaited is refused by the store that does not, and the other way round."""
        for kind, client, said in (
            ("sync", redis.asyncio.Redis(), "redis.asyncio is for AsyncRedisStore"),
            ("async", redis.Redis(), "redis is for RedisStore"),
        ):
            with pytest.raises(ConfigurationError) as raised:
                KINDS[kind](client)
            assert str(raised.value) == f"url_or_client: a client of the module {said}"

    def test_options(self, kind: str) -> None:
        """The options of all stores are checked."""
        with pytest.raises(ConfigurationError, match="retention"):
            KINDS[kind]("redis://localhost", retention=0)

    def test_without_the_extra(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without redis-py the store says what to install."""
        for name in ("redis", "redis.asyncio"):
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ConfigurationError) as raised:
            KINDS[kind]("redis://localhost")
        assert str(raised.value) == "redis-py is not installed: pip install 'webhook_guard[redis]'"

    def test_import_without_the_extra(self) -> None:
        """The stores can be imported where redis-py is not installed."""
        code = "import sys; sys.modules['redis'] = None; from webhook_guard.idempotency import RedisStore"
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  our own


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a cluster of one node."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("WEBHOOK_GUARD_REQUIRE_SERVICES") == "1":
            pytest.fail("no redis-server on the PATH")
        pytest.skip("no redis-server on the PATH")
    port, folder = free_port(), tmp_path_factory.mktemp("cluster")
    with Path(folder, "log").open("wb") as log, running_cluster(program, port, folder, log):
        client: Any = redis.Redis(port=port, decode_responses=True)
        with closing(client):
            until(lambda: answers(client))
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
            until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        yield port


def running_cluster(program: str, port: int, folder: Path, log: Any) -> ExitStack:
    """Start a server that ends with the context."""
    command = [program, "--port", str(port), "--cluster-port", str(free_port()), "--bind", "127.0.0.1"]
    settings = ["--cluster-enabled", "yes", "--save", "", "--dir", str(folder)]
    stack = ExitStack()
    process = stack.enter_context(subprocess.Popen([*command, *settings], stdout=log))  # noqa: S603  our own
    stack.callback(process.terminate)
    return stack


def answers(client: Any) -> bool:
    """Say whether a server answers."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_cluster(cluster: int, kind: str, store_of: Callable[..., Caller]) -> None:
    """A client of a cluster works as any other: a call concerns one key."""
    store = store_of(CLUSTERS[kind](host="127.0.0.1", port=cluster), namespace=kind)
    first, second = store.claim("#wh_1"), store.claim("#wh_2")
    assert store.claim("#wh_1").state is ClaimState.IN_PROGRESS
    assert store.complete(first.token, "#wh_1")
    assert store.claim("#wh_1").state is ClaimState.COMPLETED
    assert store.release(second.token, "#wh_2")
    assert store.claim("#wh_2").state is ClaimState.NEW
