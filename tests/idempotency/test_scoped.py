"""One for each process or event loop."""

import asyncio
import gc
import multiprocessing
import threading
import weakref

from webhook_guard.idempotency.scoped import PerLoop, PerProcess


class TestPerProcess:
    """One for each process."""

    def test_kept(self) -> None:
        """All threads of a process have the same one, and it is made when it is first asked for."""
        made: list[object] = []

        def make() -> object:
            made.append(object())
            return made[-1]

        own = PerProcess(make)
        assert made == []
        got: list[object] = [own.get()]
        threads = [threading.Thread(target=lambda: got.append(own.get())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == made * 5

    def test_made_by_two_at_once(self) -> None:
        """Of two threads that come first, both get the same one."""
        both = threading.Barrier(2)

        def make() -> object:
            both.wait(10)
            return object()

        own = PerProcess(make)
        got: list[object] = []
        threads = [threading.Thread(target=lambda: got.append(own.get())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got[0] is got[1]

    def test_fork(self) -> None:
        """A child makes one of its own, and keeps it; the parent's stays the parent's."""
        own = PerProcess(threading.Event)
        own.get().set()
        context = multiprocessing.get_context("fork")
        receiving, sending = context.Pipe(duplex=False)

        def child() -> None:
            before = own.get().is_set()
            own.get().set()
            sending.send([before, own.get().is_set()])

        process = context.Process(target=child)
        process.start()
        assert receiving.poll(10)
        assert receiving.recv() == [False, True]
        process.join()
        assert own.get().is_set()


class TestPerLoop:
    """One for each event loop."""

    def test_kept(self) -> None:
        """A loop has one, and the next loop another."""
        own = PerLoop(object)

        async def get() -> list[object]:
            return [own.get(), own.get()]

        first, second = asyncio.run(get()), asyncio.run(get())
        assert first[0] is first[1]
        assert second[0] is second[1]
        assert first[0] is not second[0]

    def test_forgotten(self) -> None:
        """What a closed loop had is forgotten when the next one asks, even if it refers to its loop."""
        own = PerLoop(lambda: [asyncio.get_running_loop()])
        with asyncio.Runner() as runner:

            async def get() -> int:
                return id(own.get())

            kept = runner.run(get())
            closed = weakref.ref(asyncio.run(self.loop(own)))
            asyncio.run(get())
            gc.collect()
            assert closed() is None
            assert runner.run(get()) == kept

    def test_forgotten_by_two_at_once(self) -> None:
        """Of two threads that forget what a closed loop had, neither fails."""
        own = PerLoop(object)

        async def get() -> object:
            return own.get()

        class Closing(asyncio.SelectorEventLoop):
            """A loop that another thread forgets while this one looks at it."""

            is_watched = False

            def is_closed(self) -> bool:
                if self.is_watched:
                    self.is_watched = False
                    other = threading.Thread(target=asyncio.run, args=(get(),))
                    other.start()
                    other.join()
                return super().is_closed()

        loop = Closing()
        loop.run_until_complete(get())
        loop.close()
        loop.is_watched = True
        assert asyncio.run(get())
        assert not loop.is_watched

    @staticmethod
    async def loop(own: PerLoop[list[asyncio.AbstractEventLoop]]) -> asyncio.AbstractEventLoop:
        """Return the loop that is in what it has."""
        return own.get()[0]
