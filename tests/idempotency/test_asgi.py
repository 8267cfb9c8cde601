"""The ASGI front with a store: what it holds back, where it calls the store, and what a cancellation does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from webhook_guard import ASGIWebhookMiddleware, ConfigurationError, IdempotencyError, get_delivery
from webhook_guard.idempotency import Claim, ClaimState, MemoryStore

from support import BODY, PATH, SECRET, WEBHOOK_ID, clock, signed

KEY = f"{PATH}#{WEBHOOK_ID}"
START: Any = {"type": "http.response.start", "status": 200, "headers": []}
END: Any = {"type": "http.response.body", "body": b"done"}


class Server:
    """What a server does for one delivery: it gives the request, and takes the answer."""

    def __init__(self, app: Any, *, path: str = PATH, webhook_id: str = WEBHOOK_ID) -> None:
        self.app = app
        headers = [(name.encode(), value.encode()) for name, value in signed(webhook_id=webhook_id).items()]
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        self.sent: list[Any] = []
        self.fails_with: Exception | None = None

    async def receive(self) -> Any:
        """Give the body."""
        return {"type": "http.request", "body": BODY}

    async def send(self, message: Any) -> None:
        """Take a message."""
        if self.fails_with is not None:
            raise self.fails_with
        self.sent.append(message)

    async def run(self) -> list[Any]:
        """Serve the delivery, and return what was sent."""
        await self.app(self.scope, self.receive, self.send)
        return self.sent


def guarded(app: Any, store: Any, *, path: Any = PATH) -> ASGIWebhookMiddleware:
    """Return `app` behind a guard with `store`."""
    return ASGIWebhookMiddleware(app, path=path, secret=SECRET, idempotency=store, clock=clock)


def answering(*messages: Any, error: BaseException | None = None) -> Any:
    """Return an app that sends `messages`, and then may fail."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


def state(store: MemoryStore, key: str = KEY) -> ClaimState:
    """Return what a store knows of a key."""
    return store.claim(key).state


class Slow(MemoryStore):
    """A store whose calls wait until they are let go; each says when it has begun."""

    def __init__(self, *slow: str) -> None:
        super().__init__()
        self.slow = slow
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.claimed = asyncio.Event()
        self.ended = asyncio.Event()

    async def wait(self, name: str) -> None:
        """Wait, if the call of this name is slow."""
        if name in self.slow:
            self.begun.set()
            await self.go.wait()


class AsyncStore:
    """An async store over a slow one."""

    def __init__(self, *slow: str) -> None:
        self.kept = Slow(*slow)

    async def claim(self, key: str) -> Claim:
        """Claim."""
        await self.kept.wait("claim")
        self.kept.claimed.set()
        return self.kept.claim(key)

    async def complete(self, key: str, token: str) -> bool:
        """Complete."""
        await self.kept.wait("complete")
        self.kept.ended.set()
        return self.kept.complete(key, token)

    async def release(self, key: str, token: str) -> bool:
        """Release."""
        await self.kept.wait("release")
        self.kept.ended.set()
        return self.kept.release(key, token)


class TestOption:
    """The option `idempotency`."""

    @pytest.mark.parametrize(
        ("store", "found"),
        [("redis://localhost", "str"), (MemoryStore, "the class MemoryStore"), (object(), "object"), ({}, "dict")],
        ids=["url", "class", "object", "dict"],
    )
    def test_no_store(self, store: Any, found: str) -> None:
        """What is no store is refused when the guard is made."""
        with pytest.raises(ConfigurationError) as caught:
            guarded(answering(), store)
        assert str(caught.value) == f"idempotency: must be a store, such as MemoryStore(), not {found}"

    def test_own_key_of_another_type(self) -> None:
        """A store whose `key` can't be called is refused."""
        store = MemoryStore()
        store.key = "wh_1"  # type: ignore[assignment]  # wrong, on purpose
        with pytest.raises(ConfigurationError, match="key: must be callable, not str"):
            guarded(answering(), store)

    async def without(self) -> list[Any]:
        """Return what an app without a store is called with."""
        seen: list[Any] = []

        async def app(*arguments: Any) -> None:
            seen.extend(arguments)

        server = Server(guarded(app, None))
        await server.run()
        return [seen[2], server.send]

    def test_none(self) -> None:
        """Without a store nothing is held back or wrapped: the app gets the server's own `send`."""
        given, own = asyncio.run(self.without())
        assert given == own


class TestKey:
    """What a delivery is claimed under."""

    @pytest.mark.parametrize("path", [PATH, "//webhooks//openai/", PATH + "\n"])
    def test_spelling(self, path: str) -> None:
        """Each spelling of a path is one path."""
        store = MemoryStore()
        asyncio.run(Server(guarded(answering(START, END), store), path=path).run())
        assert state(store) is ClaimState.COMPLETED

    def test_everything_guarded(self) -> None:
        """Without a path, the key has none."""
        store = MemoryStore()
        asyncio.run(Server(guarded(answering(START, END), store, path=None), path="/any").run())
        assert state(store, f"#{WEBHOOK_ID}") is ClaimState.COMPLETED

    def test_several_paths(self) -> None:
        """Each path handles a delivery for itself."""
        store = MemoryStore()
        app = guarded(answering(START, END), store, path=["/a", "/b"])
        for path in ("/a", "/b"):
            assert asyncio.run(Server(app, path=path).run()) == [START, END]

    def test_below_a_root_path(self) -> None:
        """The configured path counts, however much stands before it."""
        store = MemoryStore()
        server = Server(guarded(answering(START, END), store), path="/api" + PATH)
        server.scope["root_path"] = "/api"
        asyncio.run(server.run())
        assert state(store) is ClaimState.COMPLETED

    def test_own_root_path(self) -> None:
        """The same with a root path that the app has itself."""

        class App:
            root_path = "/v1"
            __call__ = staticmethod(answering(START, END))

        store = MemoryStore()
        asyncio.run(Server(guarded(App(), store), path="/v1" + PATH).run())
        assert state(store) is ClaimState.COMPLETED

    def test_own_key(self) -> None:
        """A store's `key` may take something else than the webhook id."""
        store = MemoryStore(key=lambda delivery: delivery.event.id or "")
        asyncio.run(Server(guarded(answering(START, END), store)).run())
        assert state(store, f"{PATH}#evt_1") is ClaimState.COMPLETED

    def test_own_key_fails(self) -> None:
        """A `key` that fails is an outage: the sender comes again, and nothing is lost."""
        store = MemoryStore(key=lambda _: "")
        (start, _) = asyncio.run(Server(guarded(answering(START, END), store)).run())
        assert start["status"] == 503


class TestRefusal:
    """Deliveries that are not handed to the app."""

    def test_duplicate(self, records: list[Any]) -> None:
        """A second delivery of what was handled is answered without the app, and one record says so."""
        app = guarded(answering(START, END), MemoryStore())

        async def twice() -> list[Any]:
            return [(await Server(app).run())[-1]["body"] for _ in range(2)]

        assert asyncio.run(twice()) == [
            b"done",
            b'{"title":"This delivery was handled before","status":200,"reason":"duplicate"}',
        ]
        (record,) = records
        assert (record.levelname, record.reason, record.webhook_id) == ("INFO", "duplicate", WEBHOOK_ID)

    def test_store_down(self, records: list[Any]) -> None:
        """While the store is down, each is 503, the app is not called, and one record a minute is an error."""

        class Down(MemoryStore):
            def claim(self, key: str, /) -> Claim:
                raise ConnectionRefusedError(key)

        app = guarded(answering(START, END), Down())
        statuses = [asyncio.run(Server(app).run())[0]["status"] for _ in range(3)]
        assert statuses == [503, 503, 503]
        assert [record.levelname for record in records] == ["ERROR", "INFO", "INFO"]
        assert "the store failed with ConnectionRefusedError" in records[0].getMessage()

    def test_store_error(self, records: list[Any]) -> None:
        """What a store says of itself is said as it is."""

        class Full(MemoryStore):
            def claim(self, _key: str, /) -> Claim:
                raise IdempotencyError("it is full")

        asyncio.run(Server(guarded(answering(START, END), Full())).run())
        assert records[0].getMessage().startswith("webhook refused, store_unavailable: it is full; path ")

    def test_forged(self) -> None:
        """What was not verified makes no claim: a stranger can't keep a delivery from being handled."""
        store = MemoryStore()
        server = Server(guarded(answering(START, END), store))
        headers = {**signed(), "webhook-signature": "v1,forged"}
        server.scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
        asyncio.run(server.run())
        assert state(store) is ClaimState.NEW


class TestHolding:
    """What is held back, and until when."""

    @staticmethod
    def stepwise(*messages: Any) -> tuple[list[tuple[int, ClaimState]], list[Any]]:
        """Return, after each message of an app, how many the server has and what the store knows; and all it got."""
        store = MemoryStore()
        seen: list[tuple[int, ClaimState]] = []

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            for message in messages:
                await send(message)
                seen.append((len(server.sent), state(store)))

        server = Server(guarded(app, store))
        asyncio.run(server.run())
        return seen, server.sent

    @pytest.mark.parametrize(
        "body",
        [
            {"type": "http.response.body"},
            {"type": "http.response.body", "body": b"", "more_body": True},
            {"type": "http.response.pathsend", "path": "/file"},
            {"type": "http.response.zerocopysend", "file": 3},
        ],
        ids=["body", "empty part", "pathsend", "zerocopysend"],
    )
    def test_success(self, body: Any) -> None:
        """The start of a 2xx waits for the body, and the claim is completed before both go out."""
        steps = [(0, ClaimState.IN_PROGRESS), (2, ClaimState.COMPLETED)]
        assert self.stepwise(START, body) == (steps, [START, body])

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_anything_else(self, status: int) -> None:
        """Any other start goes out at once."""
        steps, _ = self.stepwise(START | {"status": status}, END)
        assert steps == [(1, ClaimState.IN_PROGRESS), (2, ClaimState.IN_PROGRESS)]

    @pytest.mark.parametrize("kind", ["debug", "early_hint", "push"])
    def test_no_part_of_the_answer(self, kind: str) -> None:
        """Debug information, early hints and pushes go out at once, before a start that is held back."""
        message = {"type": f"http.response.{kind}"}
        steps, sent = self.stepwise(message, START, message, END)
        assert [count for count, _ in steps] == [1, 1, 2, 4]
        assert sent == [message, message, START, END]

    def test_trailers(self) -> None:
        """Trailers keep their place: behind a start that is held back, or the body."""
        trailers: Any = {"type": "http.response.trailers", "headers": []}
        steps, sent = self.stepwise(START, trailers, END, trailers)
        assert [count for count, _ in steps] == [0, 0, 3, 4]
        assert sent == [START, trailers, END, trailers]

    def test_completed_once(self) -> None:
        """Parts that follow the first go out at once."""
        part = END | {"more_body": True}
        steps, _ = self.stepwise(START, part, part, END)
        assert [count for count, _ in steps] == [0, 2, 3, 4]

    def test_no_body(self) -> None:
        """An app that returns without a body has not handled it: its start goes out, and the claim is released."""
        store = MemoryStore()
        assert asyncio.run(Server(guarded(answering(START), store)).run()) == [START]
        assert state(store) is ClaimState.NEW

    def test_fails_before_the_body(self) -> None:
        """An app that fails before the body has not handled it: its start is dropped, so the server can answer 500."""
        store = MemoryStore()
        server = Server(guarded(answering(START, error=ZeroDivisionError()), store))
        with pytest.raises(ZeroDivisionError):
            asyncio.run(server.run())
        assert (server.sent, state(store)) == ([], ClaimState.NEW)

    def test_fails_after_the_body(self) -> None:
        """Work after the answer, as in background tasks, is not covered."""
        store = MemoryStore()
        server = Server(guarded(answering(START, END, error=ZeroDivisionError()), store))
        with pytest.raises(ZeroDivisionError):
            asyncio.run(server.run())
        assert (server.sent, state(store)) == ([START, END], ClaimState.COMPLETED)

    def test_second_start(self) -> None:
        """A second start is the server's to refuse, as it would without us, and completes nothing."""
        store = MemoryStore()
        other = START | {"status": 201}

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send(START)
            server.fails_with = RuntimeError("expected a body")
            with pytest.raises(RuntimeError):
                await send(other)
            raise server.fails_with

        server = Server(guarded(app, store))
        with pytest.raises(RuntimeError):
            asyncio.run(server.run())
        assert (server.sent, state(store)) == ([], ClaimState.NEW)

    def test_first_start_counts(self) -> None:
        """Of two starts the first is the answer, whatever the app makes of the server's refusal."""
        other = START | {"status": 500}
        steps, sent = self.stepwise(other, START, END)
        assert (steps[-1], sent) == ((3, ClaimState.IN_PROGRESS), [other, START, END])

    def test_no_status(self) -> None:
        """A start without a status is the server's to refuse."""
        start = {"type": "http.response.start"}
        assert self.stepwise(start) == ([(1, ClaimState.IN_PROGRESS)], [start])

    def test_client_gone(self) -> None:
        """A 2xx counts even if nobody is there to take it."""
        store = MemoryStore()
        server = Server(guarded(answering(START, END), store))
        server.fails_with = OSError("gone")
        with pytest.raises(OSError, match="gone"):
            asyncio.run(server.run())
        assert state(store) is ClaimState.COMPLETED


class TestFailingStore:
    """A store that fails once the claim was granted."""

    @staticmethod
    def failing(name: str, result: bool | Exception) -> MemoryStore:  # noqa: FBT001  what the call returns, or raises
        """Return a store one of whose calls fails."""

        def call(_key: str, _token: str) -> bool:
            if isinstance(result, Exception):
                raise result
            return result

        store = MemoryStore()
        setattr(store, name, call)
        return store

    @pytest.mark.parametrize(
        ("result", "level", "said"),
        [
            (OSError("down"), "ERROR", "the store failed with OSError: down; path "),
            (False, "WARNING", "the delivery is somebody else's by now"),
        ],
        ids=["fails", "lost"],
    )
    def test_complete(self, records: list[Any], result: Any, level: str, said: str) -> None:
        """The app's answer goes out all the same, and one record says that the delivery may be handled again."""
        store = self.failing("complete", result)
        assert asyncio.run(Server(guarded(answering(START, END), store)).run()) == [START, END]
        (record,) = records
        assert (record.levelname, record.webhook_id) == (level, WEBHOOK_ID)
        assert record.getMessage().startswith(f"webhook claim not completed: {said}")
        # Not released: the handler has done its work.
        assert state(store) is ClaimState.IN_PROGRESS

    @pytest.mark.parametrize(
        ("result", "level", "said"),
        [
            (OSError("down"), "ERROR", "the store failed with OSError: down; path "),
            (False, "WARNING", "the delivery is somebody else's by now"),
        ],
        ids=["fails", "lost"],
    )
    def test_release(self, records: list[Any], result: Any, level: str, said: str) -> None:
        """The app's exception goes on, and one record says what became of the claim."""
        server = Server(guarded(answering(error=ZeroDivisionError()), self.failing("release", result)))
        with pytest.raises(ZeroDivisionError):
            asyncio.run(server.run())
        (record,) = records
        assert (record.levelname, record.path) == (level, PATH)
        assert record.getMessage().startswith(f"webhook claim not released: {said}")


class TestThreads:
    """Where a store is called."""

    class Noting(MemoryStore):
        """A store that notes in which threads it is called."""

        def __init__(self) -> None:
            super().__init__()
            self.threads: list[int] = []

        def claim(self, key: str, /) -> Claim:
            """Claim."""
            self.threads.append(threading.get_ident())
            return super().claim(key)

        def complete(self, key: str, token: str, /) -> bool:
            """Complete."""
            self.threads.append(threading.get_ident())
            return super().complete(key, token)

    class Waiting:
        """A store that is no `MemoryStore`, and may block."""

        def __init__(self, kept: MemoryStore) -> None:
            self.claim: Callable[[str], Claim] = kept.claim
            self.complete: Callable[[str, str], bool] = kept.complete
            self.release: Callable[[str, str], bool] = kept.release

    def test_memory(self) -> None:
        """Memory does not block, so it is called where the app runs."""
        store = self.Noting()
        asyncio.run(Server(guarded(answering(START, END), store)).run())
        assert store.threads == [threading.get_ident()] * 2

    def test_sync(self) -> None:
        """Any other sync store is called in other threads: the event loop goes on meanwhile."""
        store = self.Noting()
        assert asyncio.run(Server(guarded(answering(START, END), self.Waiting(store))).run()) == [START, END]
        assert len(store.threads) == 2
        assert threading.get_ident() not in store.threads

    def test_at_once(self) -> None:
        """Several deliveries are claimed at the same moment: none waits for another one's call."""
        both = threading.Barrier(2)

        class Meeting(MemoryStore):
            def claim(self, key: str, /) -> Claim:
                both.wait(10)
                return super().claim(key)

        app = guarded(answering(START, END), self.Waiting(Meeting()))

        async def serve() -> list[Any]:
            servers = [Server(app, webhook_id=f"wh_{number}") for number in range(2)]
            await asyncio.gather(*(server.run() for server in servers))
            return [server.sent for server in servers]

        assert asyncio.run(serve()) == [[START, END]] * 2

    def test_nothing_is_kept(self) -> None:
        """Calls that have ended are forgotten."""

        async def serve() -> int:
            app = guarded(answering(START, END), AsyncStore())
            await Server(app).run()
            return len(app._claims._running)  # type: ignore[union-attr]  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]  nothing else shows it

        assert asyncio.run(serve()) == 0


async def cancelled(app: Any, begun: Callable[[], Awaitable[Any]]) -> Server:
    """Serve a delivery until something has begun, then cancel the request, and wait for that."""
    server = Server(app)
    request = asyncio.create_task(server.run())
    await begun()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    return server


class TestCancellation:
    """A request that is cancelled, as servers do when a client goes away or a time-out is over."""

    def test_in_the_handler(self) -> None:
        """The claim is released."""

        async def run() -> ClaimState:
            begun = asyncio.Event()
            store = AsyncStore()

            async def app(_scope: Any, _receive: Any, send: Any) -> None:
                await send(START)
                begun.set()
                await asyncio.Event().wait()

            server = await cancelled(guarded(app, store), begun.wait)
            assert server.sent == []
            return state(store.kept)

        assert asyncio.run(run()) is ClaimState.NEW

    def test_while_claiming(self) -> None:
        """A claim that comes back after that is released, and the app is never called."""

        async def run() -> ClaimState:
            store = AsyncStore("claim")
            server = await cancelled(guarded(answering(START, END), store), store.kept.begun.wait)
            store.kept.go.set()
            await store.kept.ended.wait()
            assert server.sent == []
            return state(store.kept)

        assert asyncio.run(run()) is ClaimState.NEW

    @pytest.mark.parametrize("turns", range(6))
    def test_when_claimed(self, turns: int) -> None:
        """However few turns of the event loop after the store's answer it comes, the claim is released."""

        async def run() -> ClaimState:
            store = AsyncStore()

            async def app(*_: Any) -> None:
                await asyncio.Event().wait()

            async def begun() -> None:
                await store.kept.claimed.wait()
                for _ in range(turns):
                    await asyncio.sleep(0)

            await cancelled(guarded(app, store), begun)
            await store.kept.ended.wait()
            return state(store.kept)

        assert asyncio.run(run()) is ClaimState.NEW

    @pytest.mark.parametrize("held", [Claim(ClaimState.COMPLETED), None], ids=["completed", "nonsense"])
    def test_while_claiming_in_vain(self, held: Any) -> None:
        """Nothing is released that was not granted."""

        async def run() -> bool:
            store = AsyncStore("claim")
            store.kept.claim = lambda _: held  # type: ignore[method-assign]  # what the store answers
            middleware: Any = guarded(answering(START, END), store)
            await cancelled(middleware, store.kept.begun.wait)
            store.kept.go.set()
            await asyncio.gather(*middleware._claims._running)
            return store.kept.ended.is_set()

        assert asyncio.run(run()) is False

    def test_while_completing(self) -> None:
        """The claim is completed: the handler has done its work."""

        async def run() -> ClaimState:
            store = AsyncStore("complete")
            server = await cancelled(guarded(answering(START, END), store), store.kept.begun.wait)
            store.kept.go.set()
            await store.kept.ended.wait()
            assert server.sent == []
            return state(store.kept)

        assert asyncio.run(run()) is ClaimState.COMPLETED

    def test_while_releasing(self) -> None:
        """The claim is released."""

        async def run() -> ClaimState:
            store = AsyncStore("release")
            await cancelled(guarded(answering(), store), store.kept.begun.wait)
            store.kept.go.set()
            await store.kept.ended.wait()
            return state(store.kept)

        assert asyncio.run(run()) is ClaimState.NEW

    def test_in_a_thread(self) -> None:
        """A sync store's claim that comes back late, from its thread, is released."""

        async def run() -> ClaimState:
            kept = MemoryStore()
            begun, go, released = threading.Event(), threading.Event(), threading.Event()

            class Store:
                complete = staticmethod(kept.complete)

                def claim(self, key: str) -> Claim:
                    begun.set()
                    go.wait()
                    return kept.claim(key)

                def release(self, key: str, token: str) -> bool:
                    result = kept.release(key, token)
                    released.set()
                    return result

            await cancelled(guarded(answering(START, END), Store()), lambda: asyncio.to_thread(begun.wait))
            go.set()
            await asyncio.to_thread(released.wait)
            return state(kept)

        assert asyncio.run(run()) is ClaimState.NEW


def test_delivery() -> None:
    """The app sees the delivery as it does without a store."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((get_delivery(scope).webhook_id, (await receive())["body"]))
        await send(START)
        await send(END)

    asyncio.run(Server(guarded(app, MemoryStore())).run())
    assert seen == [WEBHOOK_ID, BODY]
