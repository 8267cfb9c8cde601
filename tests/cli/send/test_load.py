"""Many attempts at once: all are sent, what comes back is counted, and Ctrl-C ends it."""

import _thread
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice

import pytest

from webhook_guard.cli.http import Answer, Client, Headers
from webhook_guard.cli.send.attempts import Attempt, attempts
from webhook_guard.cli.send.load import Latency, Tally, latency, post_all

from cli.scripted import DEADLINE, NO_CONTENT, refusing, serving
from cli.send.results import PROBLEM
from cli.served import Served, guarded
from support import BODY, SECRET


def made(count: int) -> Iterator[Attempt]:
    """Return so many attempts."""
    return islice(attempts(lambda: BODY, SECRET), count)


def unwatched(_done: int) -> None:
    """Take no notice."""


@pytest.mark.parametrize(
    ("seconds", "median", "p99"),
    [
        pytest.param([0.5], 0.5, 0.5, id="one"),
        pytest.param([2.0, 1.0], 1.0, 2.0, id="two"),
        pytest.param([3.0, 1.0, 2.0], 2.0, 3.0, id="three"),
        pytest.param([float(each) for each in range(100, 0, -1)], 50.0, 99.0, id="a hundred"),
        pytest.param([float(each) for each in range(1, 102)], 51.0, 100.0, id="a hundred and one"),
        pytest.param([1.0] * 989 + [9.0] * 11, 1.0, 9.0, id="slow ones"),
    ],
)
def test_latency(seconds: list[float], median: float, p99: float) -> None:
    """The median and the 99th percentile are values that were measured."""
    assert latency(seconds) == Latency(median, p99)


def test_tally() -> None:
    """Answers are counted by status and reason, and those that did not come by why."""
    tally = Tally()
    tally.add(Answer(204, "", (), b"", 0.3))
    tally.add(Answer(204, "", (), b"", 0.1))
    tally.add(Answer(409, "", PROBLEM, b'{"reason":"in_progress"}', 0.2))
    tally.add("closed")
    assert tally.answers == {(204, None): 2, (409, "in_progress"): 1}
    assert tally.problems == {"closed": 1}
    assert (tally.no_answer, tally.total, tally.latency()) == (1, 4, Latency(0.2, 0.3))


class SlowStatus(int):
    """A status that takes its time when it is counted, so that another thread has its turn."""

    def __hash__(self) -> int:
        time.sleep(0.01)
        return super().__hash__()


def test_threads_do_not_miscount() -> None:
    """What several threads add at the same time is counted whole."""
    tally = Tally()
    answer = Answer(SlowStatus(204), "", (), b"", 0.1)
    threads = [threading.Thread(target=tally.add, args=(answer,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert tally.answers == {(204, None): 4}


@pytest.mark.parametrize("concurrency", [1, 4, 32])
def test_all_are_sent(concurrency: int) -> None:
    """Each attempt is sent once, whoever sends it."""
    tally = Tally()
    with guarded() as app:
        post_all(partial(Client, app.url), made(50), tally, concurrency=concurrency, watch=unwatched)
    assert tally.answers == {(204, None): 50}
    assert len({seen.delivery.webhook_id for seen in app.seen}) == 50


def test_attempts_are_made_one_at_a_time(app: Served) -> None:
    """However many senders ask, an attempt is made whole before the next one."""

    def slowly() -> Iterator[Attempt]:
        for attempt in made(20):
            time.sleep(0.005)  # during which others ask
            yield attempt

    tally = Tally()
    post_all(partial(Client, app.url), slowly(), tally, concurrency=4, watch=unwatched)
    assert tally.answers == {(204, None): 20}


def test_no_answer() -> None:
    """Requests that are not answered are counted, and do not end it."""
    tally = Tally()
    with refusing() as url:
        post_all(partial(Client, url), made(5), tally, concurrency=2, watch=unwatched)
    assert tally.problems == {"nothing listens there; start the app, or check the port": 5}
    assert tally.total == 5


def test_watching() -> None:
    """Who watches is told how many are done, also while one of them takes its time, and at last all."""
    seen: list[int] = []
    with serving([NO_CONTENT, None]) as server:
        post_all(partial(Client, server.url, 0.3), made(2), Tally(), concurrency=1, watch=seen.append)
    assert set(seen) == {1, 2}
    assert seen == sorted(seen)


def interrupting(at: int) -> Iterator[Attempt]:
    """Yield attempts without end; before one of them, there is Ctrl-C."""
    for number, attempt in enumerate(attempts(lambda: BODY, SECRET)):
        if number == at:
            _thread.interrupt_main()
        yield attempt


def test_ctrl_c() -> None:
    """Ctrl-C ends it, and all threads."""
    tally = Tally()
    with guarded() as app:
        before = set(threading.enumerate())
        with pytest.raises(KeyboardInterrupt):
            post_all(partial(Client, app.url), interrupting(10), tally, concurrency=4, watch=unwatched)
        for thread in set(threading.enumerate()) - before:
            thread.join(DEADLINE)
            assert not thread.is_alive()
    assert tally.total == len(app.seen) >= 10


class SlowClient(Client):
    """A client of an app that takes its time."""

    def post(self, headers: Headers, body: bytes) -> Answer:
        """Send a request, and return the answer, but not at once."""
        answer = super().post(headers, body)
        time.sleep(0.2)
        return answer


def test_ctrl_c_waits_for_answers(app: Served) -> None:
    """What was sent before Ctrl-C is still answered, and counted."""
    tally = Tally()
    with pytest.raises(KeyboardInterrupt):
        post_all(partial(SlowClient, app.url), interrupting(1), tally, concurrency=1, watch=unwatched)
    assert tally.total == len(app.seen) == 2


def test_ctrl_c_waits_for_no_server() -> None:
    """A sender that waits for a server that says nothing keeps neither Ctrl-C waiting, nor the end of the process."""
    with serving([NO_CONTENT, None]) as server:
        before = set(threading.enumerate())
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            post_all(partial(Client, server.url, 1.5), interrupting(1), Tally(), concurrency=1, watch=unwatched)
        assert time.monotonic() - start < 1.4
        assert [thread.daemon for thread in set(threading.enumerate()) - before] == [True]
