"""No spelling of a guarded path leads past the guard, in any framework on any server."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import product

import pytest

from frameworks.catalogue import FRAMEWORKS
from frameworks.kit import MOUNT
from servers.apps import PREFIX
from servers.client import Client
from servers.launch import SERVERS, Running, Server, running
from servers.raw import Raw, forged, genuine
from servers.spellings import spellings
from support import PATH

_SETTINGS = {
    f"{server.name} below a prefix" if below else server.name: (server, below)
    for server, below in product(SERVERS.values(), (False, True))
    if server.prefix or not below
}

#: Where the guard's own reading of the path matters; for the other ways, a server of each interface is enough.
_EVERYWHERE = ("outside", "around_mount", "own_around_mount")
_FASTEST = ("uvicorn httptools", "granian WSGI")

#: Headers in which some server takes a root path from whoever sends one, and what somebody may send in them.
_BELIEVERS = {"daphne": b"Daphne-Root-Path", "gunicorn sync": b"SCRIPT_NAME", "gunicorn gthread": b"SCRIPT_NAME"}
_ROOT_PATHS = ("/webhooks", "/mounted", "/x", "x", "/", "/webhooks/openai", "//", "/%2F", "/mounted/webhooks")


@pytest.fixture(scope="module", params=_SETTINGS.values(), ids=list(_SETTINGS))
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A server, which may be told to serve its app below a prefix."""
    setting: tuple[Server, bool] = request.param
    with running(setting[0], below_prefix=setting[1]) as server:
        yield server


class Guarded:
    """A framework's app on a server, guarded in one of its ways."""

    def __init__(self, server: Running, name: str, way: str) -> None:
        self._server = server
        self.name = name
        self.way = way
        self.mount = MOUNT if "mount" in way else ""

    @property
    def bases(self) -> list[str]:
        """What may stand before the path where the route is: some servers add the prefix, others take it off."""
        return [self.mount, PREFIX + self.mount] if self._server.below_prefix else [self.mount]

    def answer_to(self, request: Raw, way: str = "") -> bytes:
        """Return all that the server sends in answer; nothing if it hangs up."""
        choice = (b"X-App", f"frameworks:{self.name}:{way or self.way}".encode())
        answer = b""
        with Client(self._server.port) as client, suppress(BrokenPipeError, ConnectionResetError):
            client.send(request.plus(choice, (b"Connection", b"close")).whole)
            while received := client.socket.recv(65_536):
                answer += received  # a server that left something unread may reset the connection after its answer
        return answer

    def has_route(self) -> bool:
        """Say whether a genuine delivery reaches the handler."""
        answers = (self.answer_to(genuine().to((base + PATH).encode())) for base in self.bases)
        return any(b'"event":"batch.completed"' in answer.replace(b" ", b"") for answer in answers)

    def wrong_answers(self, requests: Iterable[Raw]) -> Iterator[tuple[str, str, bytes, bytes]]:
        """Yield the answers that are a handler's, or a 5xx that the app without the guard does not give."""
        for request in requests:
            answer = self.answer_to(request)
            failed = answer[9:10] == b"5" and answer[9:12] != self.answer_to(request, "bare")[9:12]
            if failed or b'"handler"' in answer:
                yield self.name, self.way, request.line, answer


def guarded_apps(server: Running) -> Iterator[Guarded]:
    """Yield each framework's app, in each of the ways to guard it."""
    for name, framework in FRAMEWORKS.items():
        if framework.interface == server.server.interface:
            ways = framework.ways.keys() - {"bare"}
            tried = ways if server.server.name in _FASTEST else ways & set(_EVERYWHERE)
            yield from (Guarded(server, name, way) for way in sorted(tried))


def test_routes(server: Running) -> None:
    """Each app takes a genuine delivery, unless the framework is known not to find its routes below a prefix."""
    lost = {app.name for app in guarded_apps(server) if not app.has_route()}
    limited = {name for name, framework in FRAMEWORKS.items() if "prefix" in framework.limits}
    assert lost <= (limited if server.below_prefix else set())


def test_spellings(server: Running) -> None:
    """However the path is spelled, a forged delivery reaches no handler, and nothing breaks because of the guard."""
    found: list[object] = []
    for app in guarded_apps(server):
        targets = dict.fromkeys(target for base in app.bases for target in spellings(base))
        found += app.wrong_answers(forged().to(target.encode("latin-1")) for target in targets)
    assert found == []


def test_root_paths_in_headers(server: Running) -> None:
    """Whatever root path a client claims to be below, a forged delivery reaches no handler."""
    header = _BELIEVERS.get(server.server.name, b"X-Forwarded-Prefix")
    found: list[object] = []
    for app in guarded_apps(server):
        below = app.mount + PATH
        targets = (
            (root, start)
            for root in _ROOT_PATHS
            for start in (below, root + below, f"/x{root}{below}", f"{app.mount}{root}{PATH}")
        )
        found += app.wrong_answers(
            forged().to(target.encode()).plus((header, root.encode())) for root, target in targets
        )
    assert found == []
