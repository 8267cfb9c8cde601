"""10,000 strangers, a connection each, who send at times of their own, whatever is answered.

Each comes at its moment of the first 12 seconds, and from then on does something every 3 seconds:

- junk: a delivery without the headers of a webhook, on one connection;
- forged: a delivery that another secret has signed, on one connection;
- slow: the head of a body of 16 KiB and 4 KiB of it, then three times 1 KiB; after 12 seconds it breaks off and comes
  back;
- oversized: a body of 320 KiB in four parts, on one connection; half of them declare its length, the rest send chunks.

So every server gets the same bytes at the same moments over the same connections. Who is refused early sends on, which
is no less work for the server. Only one whose connection the server closes waits until its next request is due.

    python -m benchmarks.flood.strangers HOST PORT START END
"""

import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapreplace

from benchmarks.flood import messages

STRANGERS = 10_000
#: Seconds.
STEP, CYCLE = 3.0, 12.0

_KIB = 1024
_SLOW, _FIRST, _DRIP = 16 * _KIB, 4 * _KIB, _KIB
_OVERSIZED, _PART = 320 * _KIB, 80 * _KIB
#: Bytes. It takes a part whole, though the server has not read the one before.
_SEND_BUFFER = 256 * _KIB
#: Seconds. Later, it is not this flood: uvicorn closes what was idle for 5 s, and a step is 3.
_LATEST = 1.5
_PATIENCE = 5.0
#: So that the genuine deliveries, which are sent from the same core, go first.
_NICENESS = 10

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True)
class Kind:
    """What strangers of one kind send: a part at each step, and then from the first again."""

    name: str
    parts: tuple[bytes, ...]
    #: Whether they break off after the last part.
    leaves: bool = False


@dataclass
class Tally:
    """What came of the strangers of one kind."""

    requests: int = 0
    #: Requests without an answer when the next one was due.
    unanswered: int = 0
    #: Answers, by status.
    statuses: Counter[str] = field(default_factory=Counter[str])
    #: Connections that the server closed.
    closed: int = 0


def kinds() -> Sequence[Kind]:
    """Return the kinds, as they come one after the other."""
    junk, forged = Kind("junk", (messages.junk(),)), Kind("forged", (messages.forged(),))
    slow = Kind("slow", (messages.declared(_SLOW) + bytes(_FIRST), *[bytes(_DRIP)] * 3), leaves=True)
    part, chunk = bytes(_PART), messages.chunk(bytes(_PART))
    declared = Kind("oversized, declared", (messages.declared(_OVERSIZED) + part, part, part, part))
    chunked = Kind("oversized, in chunks", (messages.chunked() + chunk, chunk, chunk, chunk + messages.chunk(b"")))
    return junk, forged, slow, declared, junk, forged, slow, chunked


class Stranger:
    """One of them."""

    def __init__(self, kind: Kind, address: tuple[str, int], tally: Tally) -> None:
        self._kind = kind
        self._address = address
        self._tally = tally
        self._connection: socket.socket | None = None
        self._steps = self._forever()

    def act(self) -> None:
        """Do what is due."""
        next(self._steps)

    def _forever(self) -> Iterator[None]:
        while True:
            connection = self._connection or self._come()
            self._tally.requests += 1
            answers = 0
            for part in self._kind.parts:
                self._send(connection, part)
                yield
                answers += self._read(connection)
            self._tally.unanswered += not answers
            if self._kind.leaves:
                connection.close()
                self._connection = None

    def _come(self) -> socket.socket:
        self._connection = connection = socket.create_connection(self._address, _PATIENCE)
        connection.settimeout(0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        return connection

    def _send(self, connection: socket.socket, part: bytes) -> None:
        if self._connection is None:
            return
        try:
            sent = connection.send(part)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            return  # closed by the server, which `_read` finds
        if sent < len(part):
            raise RuntimeError(f"{self._kind.name}: the server does not read what it is sent")

    def _read(self, connection: socket.socket) -> int:
        """Return how many answers have come."""
        if self._connection is None:
            return 0
        came, closed = b"", False
        try:
            while part := connection.recv(65_536):
                came += part
            closed = True
        except BlockingIOError:
            pass
        except ConnectionError:
            closed = True
        if closed:
            connection.close()
            self._connection = None
            self._tally.closed += 1
        statuses = _STATUS.findall(came)
        self._tally.statuses.update(status.decode() for status in statuses)
        return len(statuses)


def flood(address: tuple[str, int], start: float, end: float) -> dict[str, Tally]:
    """Let them come, and return what came of them, by kind.

    Args:
        address: The server's.
        start: When the first one comes, by the monotonic clock, in seconds.
        end: When they stop.

    Raises:
        RuntimeError: They were late, or the server did not read: this is not the flood that it should be.
    """
    shares = kinds()
    tallies = {kind.name: Tally() for kind in shares}
    of_each = [shares[number % len(shares)] for number in range(STRANGERS)]
    strangers = [Stranger(kind, address, tallies[kind.name]) for kind in of_each]
    due = [(start + CYCLE * number / STRANGERS, number) for number in range(STRANGERS)]  # sorted, and so a heap
    while due[0][0] < end:
        at, number = due[0]
        _wait_until(at)
        strangers[number].act()
        heapreplace(due, (at + STEP, number))
    return tallies


def _wait_until(moment: float) -> None:
    early = moment - time.monotonic()
    if early < -_LATEST:
        raise RuntimeError(
            f"the strangers are {-early:.1f} s late: the machine is too slow for this flood, or too busy"
        )
    if early > 0:
        time.sleep(early)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for who started this
    os.nice(_NICENESS)
    host, port, *times = sys.argv[1:]
    came = flood((host, int(port)), *map(float, times))
    print(json.dumps({name: vars(tally) for name, tally in came.items()}))
