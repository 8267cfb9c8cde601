"""OpenAI meanwhile: signed deliveries at a steady rate, over connections that are kept, and how long each took.

They are sent when they are due, whether or not those before are answered: one that waits hides no other.

    python -m benchmarks.flood.genuine HOST PORT START END
"""

import asyncio
import json
import signal
import sys
import time
from collections import deque
from itertools import count
from typing import TypeAlias

from benchmarks.flood.messages import genuine

#: Per second.
RATE = 200

_Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    """Sends deliveries to one address."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        #: The one that was used longest ago first, so that the server closes none.
        self._idle: deque[_Connection] = deque()
        self.seconds: list[float] = []

    async def deliver(self) -> None:
        """Send one, and note how long its answer took."""
        connection = self._idle.popleft() if self._idle else await asyncio.open_connection(*self._address)
        reader, writer = connection
        request = genuine()
        start = time.perf_counter()
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        self.seconds.append(time.perf_counter() - start)
        if not answer.startswith(b"HTTP/1.1 204 "):
            raise RuntimeError(f"a genuine delivery was answered {answer!r}")
        self._idle.append(connection)


async def send(address: tuple[str, int], start: float, end: float) -> list[float]:
    """Send deliveries between two moments of the monotonic clock, and return the seconds that each took."""
    sender = Sender(address)
    async with asyncio.TaskGroup() as tasks:
        for number in count():
            due = start + number / RATE
            if due >= end:
                break
            await asyncio.sleep(due - time.monotonic())
            tasks.create_task(sender.deliver())
    return sender.seconds


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for who started this
    host, port, *times = sys.argv[1:]
    print(json.dumps(asyncio.run(send((host, int(port)), *map(float, times)))))
