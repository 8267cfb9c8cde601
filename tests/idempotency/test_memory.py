"""The store in memory: the contract of stores, its bound, and its clock."""

from typing import Any, Unpack

import pytest

from webhook_guard import ConfigurationError, IdempotencyError
from webhook_guard.idempotency import ClaimState, MemoryStore, StoreOptions
from webhook_guard.testing import StoreConformance


class TestContract(StoreConformance):
    """What every store promises."""

    shared = False

    def make_store(self, **options: Unpack[StoreOptions]) -> MemoryStore:
        """Return one that knows of no other."""
        return MemoryStore(**options)


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def store_of(keys: str, *, completed: str = "", **options: Any) -> tuple[MemoryStore, dict[str, str], Clock]:
    """Return a store that is full of `keys`, claimed a second after each other, with their tokens and its clock."""
    clock = Clock()
    store = MemoryStore(max_entries=len(keys), clock=clock, **options)
    tokens: dict[str, str] = {}
    for key in keys:
        clock.now += 1
        tokens[key] = store.claim(key).token
        if key in completed:
            store.complete(key, tokens[key])
    return store, tokens, clock


def states(store: MemoryStore, keys: str) -> str:
    """Return what a store knows of each key, by its initial."""
    return "".join(store.claim(key).state.value[0] for key in keys)


class TestRoom:
    """What makes room when it is full."""

    def test_not_full(self) -> None:
        """As long as there is room, nothing goes."""
        store, _, _ = store_of("abc", completed="abc")
        assert states(store, "abc") == "ccc"

    def test_oldest_completed(self) -> None:
        """The oldest completed entry goes, which may then run again; what is in progress stays."""
        store, _, _ = store_of("abcd", completed="bc")
        store.claim("e")
        assert states(store, "acde") == "icii"
        assert states(store, "b") == "n"

    def test_expired_completed_first(self) -> None:
        """What has expired goes before what has not."""
        store, _, clock = store_of("ab", completed="ab", retention=10)
        clock.now = 1011.5
        store.claim("c")
        assert states(store, "bc") == "ci"

    def test_expired_in_progress_first(self) -> None:
        """A lease that has ended goes before what is completed."""
        store, tokens, clock = store_of("ab", completed="b", lease=10)
        clock.now = 1011.5
        store.claim("c")
        assert states(store, "bc") == "ci"
        assert not store.complete("a", tokens["a"])

    def test_all_in_progress(self) -> None:
        """When all are in progress, it is unavailable: none of them is forgotten."""
        store, tokens, _ = store_of("ab")
        with pytest.raises(IdempotencyError) as caught:
            store.claim("c")
        assert (caught.value.reason, str(caught.value)) == (
            "store_unavailable",
            "all 2 entries (max_entries) are in progress; make it larger",
        )
        assert [store.complete(key, tokens[key]) for key in "ab"] == [True, True]
        assert store.claim("c").state is ClaimState.NEW

    def test_released(self) -> None:
        """What is released makes room at once; what is completed, or somebody else's, does not."""
        store, tokens, _ = store_of("ab", completed="b")
        assert [store.release("a", "x"), store.release("b", tokens["b"]), store.release("a", tokens["a"])] == [
            False,
            False,
            True,
        ]
        assert states(store, "cb") == "nc"

    def test_known_key(self) -> None:
        """A key that it has needs no more room."""
        store, _, clock = store_of("ab", completed="b", lease=10)
        clock.now = 1011
        assert states(store, "a") == "n"
        assert states(store, "b") == "c"

    def test_order_of_claims(self) -> None:
        """A key that was claimed anew is the newest."""
        store, _, clock = store_of("ab", lease=10)
        clock.now = 1011
        store.claim("a")
        clock.now = 1012
        store.claim("c")
        assert states(store, "ac") == "ii"

    def test_order_of_claims_with_room(self) -> None:
        """So it is where nothing had to go for it: later, it is the other one that does."""
        clock = Clock()
        store = MemoryStore(max_entries=3, clock=clock, lease=10)
        for key, now in (("a", 1000), ("b", 1001), ("a", 1010), ("c", 1011), ("d", 1011)):
            clock.now = now
            assert store.claim(key).state is ClaimState.NEW

    def test_bounded(self) -> None:
        """It never holds more than it may: of many, the last ones are left."""
        store = MemoryStore(max_entries=10)
        tokens = {str(number): store.claim(str(number)).token for number in range(10)}
        for number in range(1000):
            store.complete(str(number), tokens.get(str(number)) or store.claim(str(number)).token)
        assert [store.claim(str(number)).state for number in range(990, 1000)] == [ClaimState.COMPLETED] * 10
        assert store.claim("989").state is ClaimState.NEW

    def test_default(self) -> None:
        """It holds 100,000."""
        assert MemoryStore().max_entries == 100_000

    @pytest.mark.parametrize("value", [0, -1, 1.5, True, "1", None])
    def test_option(self, value: Any) -> None:
        """How many is a whole number."""
        with pytest.raises(ConfigurationError, match=r"^max_entries: must be a whole number, at least 1, not [^ ]+$"):
            MemoryStore(max_entries=value)

    def test_range(self) -> None:
        """One is enough, and a thousand million the most."""
        assert [MemoryStore(max_entries=value).max_entries for value in (1, 10**9)] == [1, 10**9]
        with pytest.raises(ConfigurationError, match=r"^max_entries: "):
            MemoryStore(max_entries=10**9 + 1)


class TestClock:
    """Its clock."""

    def test_lease(self) -> None:
        """A lease ends when it is over, and not before."""
        store, _, clock = store_of("a", lease=10)
        clock.now += 9.9
        assert states(store, "a") == "i"
        clock.now += 0.1
        assert states(store, "a") == "n"

    def test_retention(self) -> None:
        """The retention begins with the completion."""
        store, tokens, clock = store_of("a", lease=10, retention=100)
        clock.now += 9
        store.complete("a", tokens["a"])
        clock.now += 99.9
        assert states(store, "a") == "c"
        clock.now += 0.1
        assert states(store, "a") == "n"

    def test_option(self) -> None:
        """It is called."""
        with pytest.raises(ConfigurationError, match=r"^clock: must be callable, not int$"):
            MemoryStore(clock=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  wrong, on purpose


def test_token() -> None:
    """A token is 128 random bits: nobody guesses another's."""
    tokens = {MemoryStore().claim("wh_1").token for _ in range(10)}
    assert [len(bytes.fromhex(token)) for token in tokens] == [16] * 10
