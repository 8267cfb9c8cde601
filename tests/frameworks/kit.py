"""What every framework's module gives: one app, without a guard and with it in each of the framework's ways."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from webhook_guard import NotVerifiedError, get_delivery, get_event

from support import PATH, SECRET, clock

#: The ways to read a body; each has a route of its own.
READINGS = ("json", "raw", "stream", "declared")
#: Where a guard can be.
GUARDED = ("outside", "own", "around_mount", "inside_mount")
PATHS = (PATH, *(f"/webhooks/{reading}" for reading in READINGS))
#: Those of handlers that ask the request for the body.
UNDECLARED = PATHS[:-1]
UPLOAD = "/upload"
MOUNT = "/mounted"

App: TypeAlias = Any  # an ASGI or a WSGI app: each framework has a type of its own for it
#: Posts a delivery to a guarded app through the framework's own test client: path, body, headers -> status, JSON.
Post: TypeAlias = Callable[[str, bytes, Mapping[str, str]], tuple[int, Any]]


@dataclass(frozen=True)
class Limit:
    """Why something does not work in a framework, or does not exist there."""

    reason: str
    #: The page that says so.
    source: str
    #: Whether a test shows it. What the framework does not have can't be tried.
    tried: bool = False


def asks_the_request(source: str) -> Limit:
    """Return the limit of a framework whose handlers declare no body."""
    return Limit("Handlers ask the request for the body; they can't declare it as a parameter.", source)


def middleware_of_its_own(source: str) -> Limit:
    """Return the limit of a framework that has no place for ASGI or WSGI middleware."""
    return Limit("What it takes as middleware is neither ASGI's nor WSGI's: wrap the app from outside.", source)


def no_framework(source: str) -> Limit:
    """Return the limit of an app that is written to the specification `source` alone."""
    return Limit("Not applicable: the specification has neither declared bodies nor a place for middleware.", source)


@dataclass(frozen=True)
class Framework:
    """A framework, as the tests need it."""

    #: As its makers write it.
    name: str
    interface: Literal["asgi", "wsgi"]
    #: Complete apps: "bare", "outside", and as far as the framework has them "own", "around_mount", "inside_mount".
    ways: Mapping[str, Callable[[], App]]
    post: Post
    #: By the column of the matrix.
    limits: Mapping[str, Limit] = field(default_factory=dict[str, Limit])


def options(mount: str = "") -> dict[str, Any]:
    """Return the options of a guard that sees the routes below `mount`."""
    return {"path": [mount + path for path in PATHS], "secret": SECRET, "clock": clock}


def ways(
    guard: Callable[..., App],
    app: Callable[[], App],
    *,
    own: Callable[[], App] | None = None,
    mount: Callable[[App], App] | None = None,
) -> dict[str, Callable[[], App]]:
    """Return the factories of `Framework.ways`.

    Args:
        guard: The middleware.
        app: Makes the app, without a guard.
        own: Makes the app with the guard in the place that the framework has for middleware.
        mount: Makes an app that has another one at MOUNT.
    """
    found = {"bare": app, "outside": lambda: guard(app(), **options())}
    if own:
        found["own"] = own
    if mount:
        found["around_mount"] = lambda: guard(mount(app()), **options(MOUNT))
        found["inside_mount"] = lambda: mount(guard(app(), path=None, secret=SECRET, clock=clock))
    return found


def seen(place: Mapping[str, Any], request: object) -> dict[str, Any]:
    """Return what a handler answers: the events that it finds in the scope or environ, and through the functions."""
    event = place.get("openai.event")
    return {"handler": "openai", "event": event and event.type, "get_event": _verified_type(request)}


def _verified_type(request: object) -> str | None:
    try:
        event, delivery = get_event(request), get_delivery(request)
    except NotVerifiedError:
        return None
    return event.type if delivery.event is event else None


def decoded(reading: str, value: object) -> dict[str, Any]:
    """Return what a handler answers that has the body decoded."""
    return {"handler": reading, "body": json.dumps(value, separators=(",", ":"))}


def read(reading: str, body: bytes) -> dict[str, Any]:
    """Return what a handler answers that has read the body."""
    return {"handler": reading, "body": body.decode()}


def uploaded(content: bytes) -> dict[str, Any]:
    """Return what a handler answers that has read an uploaded file."""
    return {"handler": "upload", "size": len(content), "sha256": sha256(content).hexdigest()}
