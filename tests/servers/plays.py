"""How a client behaves towards a server, and what it is told: each play returns an outcome.

An outcome is what the server said, in order: a status, with the reason if it was the guard that refused, or "closed"
or "waits".
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

from servers.apps import IMPATIENT_PATH
from servers.client import Client
from servers.conversation import CLOSED, SILENCE, WAITS, Talk
from servers.launch import Running
from servers.raw import EXPECTATION, Raw, genuine, unsigned

Build = Callable[[], Raw]
Part = Callable[[Raw], bytes]


class Stage:
    """A server on which a play is given, and the connections that are open meanwhile."""

    def __init__(self, server: Running, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack

    def connect(self) -> Talk:
        """Open a connection, until the play is over."""
        return Talk(self._stack.enter_context(self._server.connect()))

    def noted(self, webhook_id: str, patience: float = 0.0) -> str:
        """Return what became of a request; "nothing" if nobody has heard of it in `patience` seconds."""
        deadline = time.monotonic() + patience
        while webhook_id not in (entries := self._server.journal()) and time.monotonic() < deadline:
            pass
        return " + ".join(entries.get(webhook_id, ["nothing"]))


Play = Callable[[Stage], str]


def one(build: Build) -> Play:
    """Send one request, and a genuine one after it: the connection must be in step still, or closed."""

    def play(stage: Stage) -> str:
        talk, request = stage.connect(), build()
        method = request.line.partition(b" ")[0].decode("latin-1")
        told = talk.send(request.whole).next(method=method)
        return told + _aftermath(talk, told)

    return play


def _aftermath(talk: Talk, told: str) -> str:
    """Return what is wrong with a connection after an answer; "" if it is closed, or serves another delivery."""
    after = CLOSED if told in (CLOSED, WAITS) else talk.send(genuine().whole).next()
    return "" if after in ("200", CLOSED) else f", then {after}"


def in_parts(cut: Callable[[Raw], list[bytes]], build: Build = genuine) -> Play:
    """Send a request in several packets, of which the last ones may be missing."""
    return lambda stage: stage.connect().send(*cut(build())).next(silence=2 * SILENCE)


def each_byte(request: Raw) -> list[bytes]:
    """Cut a request into its bytes."""
    whole = request.whole
    return [whole[index : index + 1] for index in range(len(whole))]


def head_and_body(request: Raw) -> list[bytes]:
    """Cut a request in two."""
    return [request.head, request.body]


def head_only(request: Raw) -> list[bytes]:
    """Keep the body back."""
    return [request.head]


def in_a_row(*builds: Build) -> Play:
    """Send requests on one connection, each when the one before is answered."""

    def play(stage: Stage) -> str:
        talk = stage.connect()
        return ", ".join(talk.send(build().whole).next() for build in builds)

    return play


def pipelined(*builds: Build) -> Play:
    """Send requests in one packet."""
    return lambda stage: stage.connect().send(b"".join(build().whole for build in builds)).all(len(builds))


def cut_off(build: Build) -> Play:
    """Send a request and no more, and listen on."""
    return lambda stage: stage.connect().send(build().whole).half_close().next()


def expecting(build: Build) -> Play:
    """Wait a while for the server to ask for the body, and send it all the same."""

    def play(stage: Stage) -> str:
        talk, request = stage.connect(), build().plus(EXPECTATION)
        told = talk.send(request.head).next(silence=SILENCE)
        return f"{told}, {talk.send(request.body).next()}" if told in ("100", WAITS) else told

    return play


def stalling(part: Part) -> Play:
    """Stop in the middle of a request, let another client have its turn, and go on."""

    def play(stage: Stage) -> str:
        slow, other, request = stage.connect(), stage.connect(), genuine()
        slow.send(part(request))
        meanwhile = other.send(genuine().whole).next(silence=SILENCE)
        return f"{meanwhile}, {slow.send(request.whole.removeprefix(part(request))).next()}"

    return play


def too_slow(stage: Stage) -> str:
    """Keep the last byte of a body back for longer than the guard waits."""
    request = genuine().to(IMPATIENT_PATH.encode())
    return stage.connect().send(request.whole[:-1]).next(silence=SILENCE)


def leaving_early(how: Callable[[Client], None]) -> Play:
    """Leave after half a head; the outcome is what became of it on the other side."""

    def play(stage: Stage) -> str:
        talk, request = stage.connect(), genuine()
        talk.send(half_a_head(request)).leave(how)
        return _outcome_of_leaving(stage, request, patience=0)

    return play


def leaving(part: Part, how: Callable[[Client], None]) -> Play:
    """Leave after a part of the body; the outcome is what became of the request on the other side."""

    def play(stage: Stage) -> str:
        talk, request = stage.connect(), genuine().plus(EXPECTATION)
        talk.send(request.head).next(silence=SILENCE)  # when the server asks for the body, it has read the head
        talk.send(part(request)).leave(how)
        return _outcome_of_leaving(stage, request, patience=SILENCE)

    return play


def _outcome_of_leaving(stage: Stage, request: Raw, patience: float) -> str:
    after = stage.connect().send(genuine().whole).next()
    noted = stage.noted(request.webhook_id, patience)
    return noted if after == "200" else f"{noted}, then {after}"


def half_a_head(request: Raw) -> bytes:
    """Return the first half of the head."""
    return request.head[: len(request.head) // 2]


def half_a_body(request: Raw) -> bytes:
    """Return the first half of the body."""
    return request.body[: len(request.body) // 2]


def whole_body(request: Raw) -> bytes:
    """Return the body."""
    return request.body


def no_body(_request: Raw) -> bytes:
    """Return nothing."""
    return b""


def head_and_half_a_body(request: Raw) -> bytes:
    """Return all but the second half of the body."""
    return request.head + half_a_body(request)


def smuggling(stage: Stage) -> str:
    """Send a request that is refused by its head, and whose body is a genuine request: that must not be served."""
    inner, talk = genuine(), stage.connect()
    outer = unsigned().carrying(inner.whole).having(b"Content-Length", b"%d" % len(inner.whole))
    told = talk.send(outer.whole).next()
    after = _aftermath(talk, told)  # if the inner one were served, it would be by now
    return f"{told}, {stage.noted(inner.webhook_id)}{after}"


def more_than_declared(stage: Stage) -> str:
    """Send a body with one byte more than declared, and another request after it."""
    request, talk = genuine(), stage.connect()
    return talk.send(request.whole + b"x" + genuine().whole).next()
