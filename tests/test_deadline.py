"""A deadline for a coroutine: who is cancelled, and what becomes of it."""

import asyncio
import weakref
from collections.abc import Coroutine
from typing import Any

import pytest

from webhook_guard.deadline import within

LONG, SHORT = 60.0, 0.01


async def forever() -> Any:
    """Wait for what never comes."""
    await asyncio.Event().wait()


async def give(*, after: int) -> str:
    """Return a text, after so many turns of the event loop."""
    for _ in range(after):
        await asyncio.sleep(0)
    return "given"


class TestInTime:
    """The coroutine ends before the deadline."""

    @pytest.mark.parametrize("turns", [0, 1, 5])
    def test_result(self, turns: int) -> None:
        """What it returns is returned."""
        assert asyncio.run(within(LONG, give(after=turns))) == "given"

    @pytest.mark.parametrize("turns", [0, 1])
    def test_error(self, turns: int) -> None:
        """What it raises is raised, its own TimeoutError too."""

        async def fail() -> None:
            await give(after=turns)
            raise TimeoutError("its own")

        with pytest.raises(TimeoutError, match="its own"):
            asyncio.run(within(LONG, fail()))

    def test_no_timer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """For what does not wait, no timer is armed."""
        assert _timers(monkeypatch, give(after=0)) == []

    def test_timer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The timer that is armed for what waits is gone when that has come."""
        (timer,) = _timers(monkeypatch, give(after=1))
        assert timer.cancelled()

    def test_holds_nothing_it_waited_for(self) -> None:
        """A future that was waited for is released while the next one is waited for: its result may be large."""

        async def wait_twice() -> bool:
            first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
            reference = weakref.ref(first)
            asyncio.get_running_loop().call_soon(first.set_result, None)
            await first
            del first
            asyncio.get_running_loop().call_soon(lambda: second.set_result(reference() is None))
            released: bool = await second
            return released

        assert asyncio.run(within(LONG, wait_twice()))

    def test_waits_in_the_callers_task(self) -> None:
        """It runs in the task and the context of its caller."""
        tasks: list[object] = []

        async def note() -> None:
            tasks.append(asyncio.current_task())
            await asyncio.sleep(0)
            tasks.append(asyncio.current_task())

        async def serve() -> None:
            await within(LONG, note())
            assert tasks == [asyncio.current_task()] * 2

        asyncio.run(serve())


class TestTooLate:
    """The time is up."""

    def test_cancelled(self) -> None:
        """The coroutine is cancelled, which is a TimeoutError to the caller, whose task goes on."""
        ended: list[bool] = []

        async def wait() -> None:
            try:
                await forever()
            finally:
                ended.append(True)

        async def serve() -> None:
            with pytest.raises(TimeoutError):
                await within(SHORT, wait())
            assert not _task().cancelling()
            assert await give(after=2) == "given"

        asyncio.run(serve())
        assert ended == [True]

    def test_many_steps(self) -> None:
        """The time is that of all its steps."""
        with pytest.raises(TimeoutError):
            asyncio.run(within(SHORT, give(after=10**9)))

    def test_goes_on(self) -> None:
        """A coroutine that makes something else of the cancellation has done so, and its task is not cancelled."""

        async def refuse() -> str:
            try:
                await forever()
            except asyncio.CancelledError:
                return await give(after=1)
            raise AssertionError

        async def serve() -> None:
            assert await within(SHORT, refuse()) == "given"
            assert not _task().cancelling()

        asyncio.run(serve())

    def test_other_error(self) -> None:
        """Another error that comes of the cancellation is that error."""

        async def fail() -> None:
            try:
                await forever()
            except asyncio.CancelledError:
                raise OSError from None

        async def serve() -> None:
            with pytest.raises(OSError):  # noqa: PT011  it has no text
                await within(SHORT, fail())
            assert not _task().cancelling()

        asyncio.run(serve())


class TestCancelled:
    """Somebody else cancels the task."""

    def test_before_the_deadline(self) -> None:
        """That is a cancellation, and no time-out."""
        assert asyncio.run(_cancelled(within(LONG, forever())))

    def test_at_the_deadline(self) -> None:
        """If both happen, it is a cancellation: who cancels a task waits for its end."""

        async def both() -> None:
            task = _task()

            async def cancelled_meanwhile() -> None:
                try:
                    await forever()
                except asyncio.CancelledError:  # the deadline's
                    task.cancel()
                    raise

            await within(SHORT, cancelled_meanwhile())

        async def serve() -> None:
            task = asyncio.ensure_future(both())
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()

        asyncio.run(serve())

    @pytest.mark.parametrize(("outer", "inner"), [(SHORT, LONG), (LONG, SHORT)], ids=["outer", "inner"])
    def test_within_another_one(self, outer: float, inner: float) -> None:
        """The shorter of two deadlines counts, whichever is around the other."""

        async def around() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(outer):
                    await within(inner, forever())
            assert not _task().cancelling()

        asyncio.run(around())

    def test_already(self) -> None:
        """A task that was cancelled before and goes on, to clean up, has its own deadlines."""

        async def clean_up() -> None:
            try:
                await forever()
            except asyncio.CancelledError:
                with pytest.raises(TimeoutError):
                    await within(SHORT, forever())
                raise

        assert asyncio.run(_cancelled(clean_up()))


def test_outside_of_a_task() -> None:
    """Outside of a task there is nothing to cancel: an ASGI app is not called there."""

    async def serve() -> None:
        coroutine = within(LONG, give(after=1))
        done = asyncio.get_running_loop().create_future()

        def step() -> None:
            with pytest.raises(RuntimeError, match=r"^an ASGI app is to be called in a task of asyncio$"):
                coroutine.send(None)
            done.set_result(None)

        asyncio.get_running_loop().call_soon(step)
        await done

    asyncio.run(serve())


def _timers(monkeypatch: pytest.MonkeyPatch, coroutine: Coroutine[Any, Any, Any]) -> list[asyncio.TimerHandle]:
    """Return the timers that are armed for a coroutine, when it has come to its end."""
    timers: list[asyncio.TimerHandle] = []

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def note(*call: Any, **context: Any) -> asyncio.TimerHandle:
            timers.append(call_at(*call, **context))
            return timers[-1]

        monkeypatch.setattr(loop, "call_at", note)
        await within(LONG, coroutine)

    asyncio.run(serve())
    return timers


async def _cancelled(coroutine: Coroutine[Any, Any, None]) -> bool:
    """Cancel a coroutine when it waits, and say whether it ended so."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return task.cancelled()


def _task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task is not None
    return task
