"""Stores under test: called in the same way whether they are sync or async, with what must come back.

What does not come back is an `AssertionError` that says which promise is broken, and by which call.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from inspect import iscoroutinefunction
from reprlib import repr as shortened
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

from webhook_guard.sansio.claims import Claim, ClaimState

#: pytest shows no line of this module in a failure, but the check's own, and the store's.
__tracebackhide__: bool = True

#: Seconds: a lease, or a retention, that does not end during a check, however slow the machine is. No longer, because
#: what checks leave behind stays that long.
LONG = 60.0
#: Seconds between two claims, while a check waits for NEW.
_PAUSE = 0.005
#: Seconds between switches of threads.
_SWITCH = 1e-6


def new_key() -> str:
    """Return a key like those of the fronts, which nobody has claimed."""
    return f"/webhooks/openai#wh_{token_hex(16)}"


class Stores:
    """The stores of one check. They have a namespace and an event loop of their own, and are closed when it ends.

    Args:
        make: Makes a store of the options `namespace`, `lease` and `retention`; may be a coroutine function.
        patience: Seconds that what must happen may be late.
        promise: What is checked, in a sentence.
    """

    def __init__(self, make: Callable[..., Any], patience: float, promise: str) -> None:
        self.namespace: str = f"conformance-{token_hex(8)}"
        self.patience: float = patience
        #: What else a failure says.
        self.hint: str = ""
        self._make = make
        self._promise = promise
        self._exits = ExitStack()
        # With a factory of its own, it leaves the thread's current event loop alone.
        self._runner = self._exits.enter_context(asyncio.Runner(loop_factory=asyncio.new_event_loop))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.__exit__(kind, error, traceback)

    def make(self, *, namespace: str | None = None, lease: float = LONG, retention: float = LONG) -> "DrivenStore":
        """Return a new store.

        Args:
            namespace: None takes the check's own.
            lease: Seconds.
            retention: Seconds.

        Raises:
            TypeError: It is no store.
        """
        store = self.run(partial(self._make, namespace=namespace or self.namespace, lease=lease, retention=retention))
        _check_store(store)
        close = getattr(store, "aclose", None) or getattr(store, "close", None)
        if close is not None:
            self._exits.callback(self.run, close)
        return DrivenStore(self, store)

    def run(self, call: Callable[[], Any]) -> Any:
        """Return what `call` returns, or gives when it is awaited."""
        return self._runner.run(call()) if iscoroutinefunction(call) else call()

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Return what each of `calls` returns, all made at the same moment: as tasks of the loop, or in threads."""
        try:
            if iscoroutinefunction(calls[0]):
                answers = self._runner.run(_as_tasks(calls, self.patience))
            else:
                answers = _in_threads(calls, self.patience)
        except TimeoutError:
            found = f"of {len(calls)} calls at once, some did not end within {self.patience} s"
            raise self.broken(found) from None
        for error in filter(_is_error, answers):
            raise error
        return answers

    def granted(self, answers: Iterable[Any]) -> list[str]:
        """Return the tokens of those answers to claims that are NEW."""
        claims = [self.checked(answer) for answer in answers]
        return [claim.token for claim in claims if claim.state is ClaimState.NEW]

    def checked(self, answer: object) -> Claim:
        """Return the answer to a claim, which must be a `Claim`, with a token if it is NEW."""
        match answer:
            case Claim(ClaimState() as state, str(token)) if bool(token) is (state is ClaimState.NEW):
                return answer
            case _:
                must = "a Claim with a ClaimState; NEW must have a token, the other states none"
                raise self.broken(f"claim returned {answer!r}. It must return {must}")

    def must(self, kept: object, found: str) -> None:
        """Fail with `found`, unless `kept`."""
        if not kept:
            raise self.broken(found)

    def broken(self, found: str) -> AssertionError:
        """Return the error that says that the promise is broken, and what was found."""
        return AssertionError(f"{self._promise}\nBut {found}.{self.hint}")


class DrivenStore:
    """A store under test.

    Args:
        stores: Those of the same check.
        store: Sync or async.
    """

    def __init__(self, stores: Stores, store: Any) -> None:
        self._stores = stores
        self._store = store

    def must_grant(self, key: str) -> str:
        """Claim `key`, which must be NEW, and return the token."""
        return self._must_be(ClaimState.NEW, key).token

    def must_be_in_progress(self, key: str) -> None:
        """Claim `key`, which must be IN_PROGRESS."""
        self._must_be(ClaimState.IN_PROGRESS, key)

    def must_be_completed(self, key: str) -> None:
        """Claim `key`, which must be COMPLETED."""
        self._must_be(ClaimState.COMPLETED, key)

    def must_complete(self, key: str, token: str) -> None:
        """Complete `key`, which must be True."""
        self._must_return("complete", self.completing(key, token), expected=True)

    def must_release(self, key: str, token: str) -> None:
        """Release `key`, which must be True."""
        self._must_return("release", self.releasing(key, token), expected=True)

    def must_not_complete(self, key: str, token: str) -> None:
        """Complete `key`, which must be False."""
        self._must_return("complete", self.completing(key, token), expected=False)

    def must_not_release(self, key: str, token: str) -> None:
        """Release `key`, which must be False."""
        self._must_return("release", self.releasing(key, token), expected=False)

    def must_become_new(
        self,
        key: str,
        *,
        after: ClaimState = ClaimState.IN_PROGRESS,
        not_before: float = 0.0,
        meanwhile: Callable[[], object] = bool,
    ) -> str:
        """Claim `key` until it is NEW, as it must soon be, and return the token.

        Args:
            key: Whose lease or retention ends.
            after: What it must be until then.
            not_before: When it ends at the earliest, by the monotonic clock.
            meanwhile: Called between the claims.
        """
        deadline = time.monotonic() + self._stores.patience
        while (claim := self._claim(key)).state is not ClaimState.NEW:
            self._stores.must(claim.state is after, f"claim returned {claim.state.name} instead of {after.name}")
            self._stores.must(time.monotonic() < deadline, f"claim still returned {after.name}, when it had to be NEW")
            meanwhile()
            time.sleep(_PAUSE)
        self._stores.must(time.monotonic() >= not_before, "claim returned NEW too early")
        return claim.token

    def outlast_lease(self) -> None:
        """Wait until each lease that has begun is over, without a claim of its key."""
        key = new_key()
        self.must_grant(key)
        self.must_become_new(key)

    def claiming(self, key: str) -> Callable[[], Any]:
        """Return the call that claims `key`, for `Stores.at_once`."""
        return partial(self._store.claim, key)

    def completing(self, key: str, token: str) -> Callable[[], Any]:
        """Return the call that completes `key`, for the same."""
        return partial(self._store.complete, key, token)

    def releasing(self, key: str, token: str) -> Callable[[], Any]:
        """Return the call that releases `key`, for the same."""
        return partial(self._store.release, key, token)

    def _claim(self, key: str) -> Claim:
        return self._stores.checked(self._stores.run(self.claiming(key)))

    def _must_be(self, state: ClaimState, key: str) -> Claim:
        claim = self._claim(key)
        found = f"claim({shortened(key)}) returned {claim.state.name}, not {state.name}"
        self._stores.must(claim.state is state, found)
        return claim

    def _must_return(self, name: str, call: Callable[[], Any], *, expected: bool) -> None:
        answer = self._stores.run(call)
        self._stores.must(answer is expected, f"{name} returned {answer!r}, not {expected}")


def _check_store(store: object) -> None:
    if store is None:
        raise TypeError("make_store returned None, not a store: is a `return` missing?")
    if isinstance(store, type):
        raise TypeError(f"make_store returned the class {store.__name__}, not a store: are the parentheses missing?")
    missing = [name for name in ("claim", "complete", "release") if not callable(getattr(store, name, None))]
    if missing:
        kind = type(store).__name__
        raise TypeError(f"make_store returned {kind}, not a store: it has no method {' and no '.join(missing)}")


def _in_threads(calls: Sequence[Callable[[], Any]], patience: float) -> list[Any]:
    """Return what `calls` return, or raise, when all have ended."""
    together = threading.Barrier(len(calls))
    answers: list[Future[Any]] = [Future() for _ in calls]

    def answer(call: Callable[[], Any], future: Future[Any]) -> None:
        together.wait()
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  it is raised where the answer is asked for
            future.set_result(error)

    with _switching_often():
        for call, future in zip(calls, answers, strict=True):
            # A daemon, so that a call that never ends does not keep the process.
            threading.Thread(target=answer, args=(call, future), daemon=True).start()
        if wait(answers, patience).not_done:
            raise TimeoutError
    return [future.result() for future in answers]


async def _as_tasks(calls: Sequence[Callable[[], Any]], patience: float) -> list[Any]:
    """Return the same of coroutine functions."""
    async with asyncio.timeout(patience):
        return await asyncio.gather(*(call() for call in calls), return_exceptions=True)


def _is_error(answer: object) -> bool:
    return isinstance(answer, BaseException)


@contextmanager
def _switching_often() -> Generator[None, None, None]:
    """Have Python switch threads as often as it can: what is not atomic in memory is rarely seen otherwise."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
