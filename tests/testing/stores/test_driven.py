"""Stores under test: how they are made, called and closed, and what is said of what they return."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from webhook_guard.idempotency import Claim, ClaimState, MemoryStore
from webhook_guard.testing.stores.driven import Stores, new_key

from testing.stores.kit import AsyncMemoryStore

CALLS = ("claim", "complete", "release")


class HalfAStore:
    """Has two of the three methods; the third is none."""

    claim = complete = print
    release = True


class Closing(MemoryStore):
    """A store that is closed."""

    closed = False

    def close(self) -> None:
        """Close it."""
        self.closed = True


class AsyncClosing(AsyncMemoryStore):
    """An async store, which notes the event loop of each call; it has a `close` that is not to be called."""

    close = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.loops: list[asyncio.AbstractEventLoop] = []

    async def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        self.loops.append(asyncio.get_running_loop())
        return await super().claim(key)

    async def aclose(self) -> None:
        """Close it."""
        self.loops.append(asyncio.get_running_loop())


class Made(list[Any]):
    """Makes stores, and keeps them."""

    def __init__(self, make: Callable[..., Any]) -> None:
        super().__init__()
        self.make = make

    def __call__(self, **options: Any) -> Any:
        """Return a new store."""
        self.append(self.make(**options))
        return self[-1]


@pytest.fixture
def stores() -> Iterator[Stores]:
    """Return the stores of a check."""
    with Stores(MemoryStore, 5, "A promise.") as stores:
        yield stores


class TestStores:
    """The stores of a check."""

    def test_options(self) -> None:
        """They are made with the options that are given, in a namespace that no other check has."""
        made = Made(MemoryStore)
        for _ in range(2):
            with Stores(made, 5, "") as stores:
                stores.make(lease=1, retention=2)
                stores.make(namespace="other")
        assert [(store.namespace, store.lease, store.retention) for store in made[:2]] == [
            (made[0].namespace, 1, 2),
            ("other", 60, 60),
        ]
        assert made[0].namespace != made[2].namespace

    @pytest.mark.parametrize(
        ("made", "found"),
        [
            (None, "None, not a store: is a `return` missing?"),
            (MemoryStore, "the class MemoryStore, not a store: are the parentheses missing?"),
            ({}, "dict, not a store: it has no method claim and no complete and no release"),
            (HalfAStore(), "HalfAStore, not a store: it has no method release"),
        ],
    )
    def test_no_store(self, made: object, found: str) -> None:
        """What is made must be a store."""

        def make(**_: Any) -> object:
            return made

        with Stores(make, 5, "") as stores, pytest.raises(TypeError) as raised:
            stores.make()
        assert str(raised.value) == f"make_store returned {found}"

    def test_hint(self, stores: Stores) -> None:
        """A failure ends with the hint, if there is one."""
        stores.hint = " (Look there.)"
        with pytest.raises(AssertionError, match=r"^A promise\.\nBut it is not\. \(Look there\.\)$"):
            stores.must([], "it is not")

    def test_closed(self) -> None:
        """Each is closed in the end, also of a check that fails."""
        made = Made(Closing)
        stores = Stores(made, 5, "")
        with pytest.raises(AssertionError), stores:
            stores.must([stores.make(), stores.make()] == [], "they are")
        assert [store.closed for store in made] == [True, True]

    def test_one_loop(self) -> None:
        """All calls of async stores, the last one included, run in one loop, which is no other check's."""
        made = Made(AsyncClosing)
        for _ in range(2):
            with Stores(made, 5, "") as stores:
                store = stores.make()
                store.must_grant(new_key())
                store.must_grant(new_key())
        first, second = (set(store.loops) for store in made)
        assert (len(made[0].loops), len(first), len(first | second)) == (3, 1, 2)

    def test_no_trace(self) -> None:
        """The thread's current loop, and how often Python switches threads, are as before."""
        loop, interval = asyncio.new_event_loop(), sys.getswitchinterval()
        asyncio.set_event_loop(loop)
        for make in (AsyncMemoryStore, MemoryStore):
            with Stores(make, 5, "") as stores:
                stores.at_once([stores.make().claiming("a key")])
        assert (asyncio.get_event_loop(), sys.getswitchinterval()) == (loop, interval)
        asyncio.set_event_loop(None)
        loop.close()


class TestAtOnce:
    """Calls at the same moment."""

    def test_answers(self, stores: Stores) -> None:
        """What they return comes in their order."""
        assert stores.at_once([lambda: 1, lambda: 2]) == [1, 2]

    def test_threads(self, stores: Stores) -> None:
        """Those of sync stores are made in threads, none of which waits for another."""
        together = threading.Barrier(16)
        assert sorted(stores.at_once([lambda: together.wait(5)] * 16)) == list(range(16))

    def test_tasks(self, stores: Stores) -> None:
        """Those of async stores are made in tasks, none of which waits for another."""
        answers: list[int] = []

        async def come_and_wait() -> int:
            answers.append(1)
            await asyncio.sleep(0)
            return len(answers)

        assert stores.at_once([come_and_wait] * 16) == [16] * 16

    def test_errors(self, stores: Stores) -> None:
        """What one raises is raised, but not before all have ended."""
        ended = threading.Event()

        def end_late() -> None:
            threading.Event().wait(0.02)
            ended.set()

        with pytest.raises(ZeroDivisionError):
            stores.at_once([lambda: 1 // 0, end_late])
        assert ended.is_set()

    def test_errors_of_tasks(self, stores: Stores) -> None:
        """The same holds for async stores."""
        ended: list[bool] = []

        async def end_late() -> None:
            await asyncio.sleep(0.02)
            ended.append(True)

        async def fail() -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            stores.at_once([fail, end_late])
        assert ended

    def test_no_end(self) -> None:
        """One that does not end breaks the promise."""
        ended = threading.Event()
        with Stores(MemoryStore, 0.01, "A promise.") as stores, pytest.raises(AssertionError) as raised:
            stores.at_once([ended.wait, bool])
        ended.set()
        assert str(raised.value) == "A promise.\nBut of 2 calls at once, some did not end within 0.01 s."


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ClaimState.NEW,
        (ClaimState.NEW, "token"),
        Claim(ClaimState.NEW),
        Claim(ClaimState.NEW, b"token"),  # type: ignore[arg-type]  # what a bad store returns
        Claim("new", "token"),  # type: ignore[arg-type]  # what a bad store returns
        Claim(ClaimState.IN_PROGRESS, "token"),
        Claim(ClaimState.COMPLETED, "token"),
    ],
    ids=repr,
)
def test_no_claim(stores: Stores, answer: object) -> None:
    """What is no claim, or has a token too many or too few, breaks the promise."""
    with pytest.raises(AssertionError) as raised:
        stores.granted([answer])
    assert str(raised.value) == (
        f"A promise.\nBut claim returned {answer!r}. "
        "It must return a Claim with a ClaimState; NEW must have a token, the other states none."
    )


def test_traceback(stores: Stores) -> None:
    """Pytest shows none of its own lines: only who called, and what the store did."""
    driven = stores.make()
    with pytest.raises(AssertionError) as raised:
        driven.must_be_completed("a key")
    assert [entry.name for entry in raised.traceback.filter(raised)] == ["test_traceback"]


def test_granted(stores: Stores) -> None:
    """Of many claims, the tokens of those that are NEW are taken."""
    claims = [Claim(ClaimState.NEW, "one"), Claim(ClaimState.IN_PROGRESS), Claim(ClaimState.NEW, "two")]
    assert stores.granted(claims) == ["one", "two"]


class TestDrivenStore:
    """One store."""

    def test_as_promised(self, stores: Stores) -> None:
        """What comes back as it must is no failure."""
        store = stores.make()
        token = store.must_grant("a key")
        store.must_be_in_progress("a key")
        store.must_not_complete("a key", "")
        store.must_not_release("a key", "")
        store.must_release("a key", token)
        store.must_complete("a key", store.must_grant("a key"))
        store.must_be_completed("a key")

    def test_not_as_promised(self, stores: Stores) -> None:
        """What does not is one that names the call; a long key is shortened."""
        store, key = stores.make(), "key " * 250
        token = store.must_grant(key)
        with pytest.raises(
            AssertionError, match=r"A promise\.\nBut claim\('key .*'\) returned IN_PROGRESS, not NEW"
        ) as raised:
            store.must_grant(key)
        assert len(str(raised.value)) < 100
        with pytest.raises(AssertionError, match="But release returned True, not False"):
            store.must_not_release(key, token)

    def test_outlast_lease(self, stores: Stores) -> None:
        """Leases that have begun are over afterwards."""
        store = stores.make(lease=0.02)
        began = time.monotonic()
        token = store.must_grant("a key")
        store.outlast_lease()
        assert time.monotonic() - began >= 0.02
        assert store.must_grant("a key") != token

    def test_becomes_new(self, stores: Stores) -> None:
        """Until a key is NEW, it is claimed, and whatever else is wanted is done; then its token is returned."""
        store = stores.make(lease=0.02)
        store.must_grant("a key")
        meanwhile: list[int] = []
        token = store.must_become_new("a key", meanwhile=lambda: meanwhile.append(1))
        assert meanwhile
        store.must_complete("a key", token)

    def test_becomes_something_else(self, stores: Stores) -> None:
        """It must not be anything else meanwhile."""
        store = stores.make()
        store.must_grant("a key")
        with pytest.raises(AssertionError, match="claim returned IN_PROGRESS instead of COMPLETED"):
            store.must_become_new("a key", after=ClaimState.COMPLETED)

    def test_becomes_new_too_late(self) -> None:
        """It must not be so for ever."""
        with Stores(MemoryStore, 0.01, "") as stores:
            store = stores.make()
            store.must_grant("a key")
            with pytest.raises(AssertionError, match="claim still returned IN_PROGRESS, when it had to be NEW"):
                store.must_become_new("a key")

    def test_becomes_new_too_early(self, stores: Stores) -> None:
        """It must be so not before it may."""
        with pytest.raises(AssertionError, match="claim returned NEW too early"):
            stores.make().must_become_new("a key", not_before=time.monotonic() + 60)
