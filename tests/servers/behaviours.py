"""How the catalogues of handlers are written down: what each one does, and what it is meant to give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

#: Stands in `Behaviour.says` for the body that was delivered.
DELIVERED = b"{delivered}"
#: The deliveries for handlers that do not read: they arrive at once. A server that closes a connection with bytes
#: unread resets it, and what it had not sent yet is lost: a matter of time, which the guard, who reads, takes out.
UNREAD = ("small", "smallest")
#: The deliveries that are enough where a server takes a second for its answer.
FEW = ("small", "large in chunks")
#: The path at which a watched handler tells what it noted; no guard guards it.
NOTES = "/notes"

#: Parts of a long answer: each differs from its neighbours, together they are 4 MiB.
PARTS = [bytes([number % 251]) * 16_384 for number in range(256)]
LONG = b"".join(PARTS)

_App = TypeVar("_App", bound=Callable[..., Any])


@dataclass(frozen=True)
class Behaviour(Generic[_App]):
    """A handler, and what a client gets from it.

    Attributes:
        app: The handler.
        gives: What comes of it, as `servers.test_handlers.parse` has it; several where servers differ.
        says: The body of the answer; several where servers differ, none where the outcome says all.
        last: The note that it ends with (WSGI), because nothing else says when all is over.
        framing: How the request's body comes; None if it may come in any way.
        bodies: The names of the deliveries that it gets; None if all.
        client_leaves: Whether it ends only when the client hangs up, which has its answer by then.
        left_open: The servers that leave the connection open when it has ended, so that the client hangs up then.
        parts_vary: Whether the answer's parts are as the body's, which arrive as the network has it.
        left_out: By server, or server and delivery, why bare and guarded can't be compared there.
    """

    app: _App
    gives: tuple[str, ...]
    says: tuple[bytes, ...] = ()
    last: str | None = None
    framing: Literal["length", "chunked"] | None = None
    bodies: tuple[str, ...] | None = None
    client_leaves: bool = False
    left_open: tuple[str, ...] = ()
    parts_vary: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])


class Catalogue(dict[str, Behaviour[_App]]):
    """Behaviours by name; called, it puts the function below into itself."""

    def __call__(self, *gives: str, **more: Any) -> Callable[[_App], _App]:
        """Return a decorator for a handler."""

        def put(app: _App) -> _App:
            self[app.__name__] = Behaviour(app, gives, **more)
            return app

        return put
