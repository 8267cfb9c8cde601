"""What the guard costs on real servers: requests per second of one worker, loaded by wrk on the same machine.

The contenders of a row run at the same time. In each round every one has a turn, in any order, so that other load on
the machine meets them alike; a figure is the median.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks.delivery import OTHER_SECRET, signed
from benchmarks.results import Row, Target, Unit, at_least
from benchmarks.servers import cores, wrk
from benchmarks.servers.launch import Server, running, status
from benchmarks.servers.wrk import Turn
from benchmarks.tables import duration, version

ROUNDS = 5

_UVICORN = Server(
    "uvicorn",
    "uvloop, httptools",  # what `uvicorn[standard]` brings
    "--host {host} --port {port} --loop uvloop --http httptools --lifespan off --no-access-log --log-level warning",
)
_GRANIAN_OPTIONS = "--host {host} --port {port} --log-level warning"
_GRANIAN = Server("granian", "uvloop", f"{_GRANIAN_OPTIONS} --interface asginl --loop uvloop")
_GRANIAN_WSGI = Server("granian", "one blocking thread", f"{_GRANIAN_OPTIONS} --interface wsgi --blocking-threads 1")
_GUNICORN_OPTIONS = "--bind {address} --http-parser python --no-control-socket --log-level warning"
_GUNICORN = Server(
    "gunicorn",
    "worker class asgi, uvloop",
    f"{_GUNICORN_OPTIONS} --worker-class asgi --asgi-loop uvloop --asgi-lifespan off",
)
_GUNICORN_WSGI = Server(
    "gunicorn",
    "worker class gthread, one thread",  # the default one, sync, closes each connection after its first answer
    f"{_GUNICORN_OPTIONS} --worker-class gthread --threads 1",
)

_BARE, _READING, _GUARDED, _WITH_SDK = "bare", "bare, but reads the body", "guarded", "SDK in the handler"
#: Of what an empty app answers, of what a framework's app answers, and of what the SDK in an empty app's handler does.
_RAW_SHARE, _FRAMEWORK_SHARE, _TIMES_THE_SDK = 0.75, 0.9, 3.0


@dataclass(frozen=True)
class _App:
    """An app of `apps`, and what serves it."""

    title: str
    contenders: Mapping[str, str]
    servers: Sequence[Server]
    share: float


_APPS = (
    _App(
        "Empty raw ASGI app",
        {_BARE: "raw", _READING: "raw_reading", _GUARDED: "raw_guarded", _WITH_SDK: "raw_with_sdk"},
        (_UVICORN, _GRANIAN, _GUNICORN),
        _RAW_SHARE,
    ),
    _App(
        "FastAPI app that reads its body",
        {_BARE: "fastapi", _GUARDED: "fastapi_guarded", _WITH_SDK: "fastapi_with_sdk"},
        (_UVICORN, _GRANIAN, _GUNICORN),
        _FRAMEWORK_SHARE,
    ),
    _App(
        "Flask app that reads its body",
        {_BARE: "flask", _GUARDED: "flask_guarded", _WITH_SDK: "flask_with_sdk"},
        (_GRANIAN_WSGI, _GUNICORN_WSGI),
        _FRAMEWORK_SHARE,
    ),
)


def rows() -> Iterator[Row]:
    """Compare the contenders of each app, on each server that can serve it."""
    wrk.require()
    for app in _APPS:
        for server in app.servers:
            yield _row(app, server)


def _row(app: _App, server: Server) -> Row:
    turns = _turns(app, server)
    rates = {name: median(turn.rate for turn in turns[name]) for name in app.contenders}
    seconds = {name: 1 / rate for name, rate in rates.items()}
    targets = [_share_target(seconds, app.share)]
    if _READING in seconds:
        targets.append(_sdk_target(seconds))
    title = f"{app.title}, {version(server.package)} ({server.uses})"
    return Row(title, rates, Unit.RATE, tuple(targets), _notes(seconds, turns))


def _turns(app: _App, server: Server) -> Mapping[str, Sequence[Turn]]:
    """Return what wrk saw of each contender."""
    turns: defaultdict[str, list[Turn]] = defaultdict(list)
    with ExitStack() as stack:
        ports = {name: stack.enter_context(running(server, served)) for name, served in app.contenders.items()}
        for name, port in ports.items():
            _check(name, port)
            wrk.load(port)  # warms up
        for _ in range(ROUNDS):
            for name in random.sample([*ports], len(ports)):
                turns[name].append(wrk.load(ports[name]))
    return turns


def _check(name: str, port: int) -> None:
    """See to it that a contender takes what is genuine and, if it should verify, refuses what is forged."""
    expected = (204, 400 if name in (_GUARDED, _WITH_SDK) else 204)
    found = (status(port, signed()), status(port, signed(OTHER_SECRET)))
    if found != expected:
        raise RuntimeError(f"{name} answered {found}, and not {expected}: its figure would mean nothing")


def _share_target(seconds: Mapping[str, float], share: float) -> Target:
    bare, guarded = seconds[_BARE], seconds[_GUARDED]
    allowed, added = bare / share - bare, guarded - bare
    reason = f"to the {duration(bare)} of a bare request it may add {duration(allowed)}, and adds {duration(added)}"
    if _READING in seconds:
        reason += f"; an app that only reads the body reaches {bare / seconds[_READING]:.3g}"
    return at_least("guarded / bare", bare / guarded, share, reason)


def _sdk_target(seconds: Mapping[str, float]) -> Target:
    bare, with_sdk = seconds[_BARE], seconds[_WITH_SDK]
    reason = f"an app that does not verify at all, and does not even read the body, reaches {with_sdk / bare:.3g}"
    return at_least("guarded / SDK in the handler", with_sdk / seconds[_GUARDED], _TIMES_THE_SDK, reason)


def _notes(seconds: Mapping[str, float], turns: Mapping[str, Sequence[Turn]]) -> dict[str, str]:
    bare, *others = seconds
    added = (f"{duration(seconds[name] - seconds[bare])} {name}" for name in others)
    p99 = (f"{duration(median(turn.p99 for turn in turns[name]))} {name}" for name in seconds)
    return {
        "added to a request": "; ".join(added),
        f"99th percentile with {wrk.CONNECTIONS} connections": "; ".join(p99),
        "cores": f"{cores.shown(cores.SERVERS)} for the server, {cores.shown(cores.LOAD)} for wrk",
    }
