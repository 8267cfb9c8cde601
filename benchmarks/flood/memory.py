"""What a connection takes on which a body is awaited: 10,000 heads of forged deliveries, and as much of each body.

The guard's time-out is an hour, so that all of them wait. They send no more meanwhile.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from benchmarks.flood import messages
from benchmarks.flood.apps import BARE, FASTAPI, GUARDED
from benchmarks.flood.processes import Server
from benchmarks.results import Row, Unit, at_most

CONNECTIONS = 10_000
_BODY_TIMEOUT = 3600.0
_DECLARED = 65_536
_PART, _PARTS = bytes(4096), 4
#: As many as a server has room for, before it accepts them.
_AT_ONCE = 500
_CONTENDERS = (BARE, GUARDED, FASTAPI)


def rows() -> Iterator[Row]:
    """Compare what a waiting connection takes, with nothing and with some of the body arrived."""
    yield _row("nothing of the body has arrived", parts=0)
    yield _row(f"{len(_PART) * _PARTS // 1024} KiB of the body have arrived", parts=_PARTS)


def _row(title: str, parts: int) -> Row:
    taken = {contender: _taken(contender, parts) for contender in _CONTENDERS}
    return Row(
        f"A waiting connection: {title}",
        taken,
        Unit.SIZE,
        targets=(at_most("guard to bare app", taken[GUARDED] / taken[BARE], 1.0, _reason(taken)),),
        notes=_notes(taken, len(_PART) * parts),
    )


def _reason(taken: Mapping[str, float]) -> str:
    return (
        "the guard has a timer, a checked head, and more coroutines than a bare app between the server and the body; "
        f"FastAPI's, which only read it, reach {taken[FASTAPI] / taken[BARE]:.3g}"
    )


def _notes(taken: Mapping[str, float], arrived: int) -> dict[str, str]:
    return {f"{name}, without what arrived": f"{(each - arrived) / 1024:.1f} KiB" for name, each in taken.items()}


def _taken(contender: str, parts: int) -> float:
    """Return the bytes by which memory grows for each connection."""
    # The server ends before the connections do, so that no app has to cope with that.
    with ExitStack() as stack, Server(contender, _BODY_TIMEOUT) as server:
        _wait(server, stack, _AT_ONCE, parts)  # what is there once, and what connections leave behind
        before = server.memory()
        _wait(server, stack, CONNECTIONS, parts)
        if (waiting := server.seen().waiting) != _AT_ONCE + CONNECTIONS:
            raise RuntimeError(f"{contender}: {waiting:,} requests wait, and not {_AT_ONCE + CONNECTIONS:,}")
        return (server.memory() - before) / CONNECTIONS


def _wait(server: Server, stack: ExitStack, count: int, parts: int) -> None:
    """Open connections on which a body is awaited."""
    head = messages.declared(_DECLARED)
    connections: list[socket.socket] = []
    for number in range(1, count + 1):
        connection = stack.enter_context(socket.create_connection(server.address))
        connection.sendall(head)
        connections.append(connection)
        if number % _AT_ONCE == 0:
            server.seen()
    for _ in range(parts):
        for connection in connections:
            connection.sendall(_PART)
        # Whoever is answered came after all of them; what they sent is read by then, or in the same turn of the loop.
        server.seen()
    server.seen()
