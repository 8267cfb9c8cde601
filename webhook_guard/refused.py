"""What `on_refused` is called with: each request that a guard refuses, and why.

A refused request is told before it is answered, and telling it changes nothing about the answer, whatever `on_refused`
does with what it is given, returns or raises, but for what ends the process. The body is in it only if the guard was
told to capture, and then it is what had arrived: never more than the guard takes. Who keeps it keeps nothing of the
server's or the guard's. No repr shows headers or body.
"""

from collections.abc import Callable, Coroutine
from copy import copy
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, NamedTuple, TypeAlias

import msgspec

from webhook_guard.log import RefusalLog
from webhook_guard.sansio.errors import ConfigurationError, Reason, WebhookError
from webhook_guard.sansio.guard import Incoming, check_callable
from webhook_guard.wire import Headers, to_http

#: What is refused at the end of the body or after it, by the decision table: the body is all there.
_WHOLE = frozenset(
    {
        *(Reason.SIGNATURE_MISMATCH, Reason.MALFORMED_PAYLOAD),
        *(Reason.DUPLICATE, Reason.IN_PROGRESS, Reason.STORE_UNAVAILABLE),
    }
)


class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    r"""A request that was refused. Its repr shows neither headers nor body.

    Attributes:
        error: Why it was refused; its text says so with figures. It is a copy without a traceback.
        method: The method; "GET" for a websocket.
        target: The path with the query, as on the wire, or as near as the server tells.
        headers: Pairs of name and value, in lower case and Latin-1.
        body: What had arrived of the body, in bytes; None if the guard does not capture.
        is_whole: Whether `body` is known to be all of it: a head that is refused leaves it unread.

    >>> from webhook_guard import VerificationError
    >>> request = RefusedRequest(
    ...     error=VerificationError("...", Reason.SIGNATURE_MISMATCH),
    ...     method="POST", target="/webhooks", headers=(("content-length", "2"),), body=b"{}", is_whole=True,
    ... )
    >>> request.to_http()
    b'POST /webhooks HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}'
    """

    error: WebhookError
    method: str
    target: str
    headers: Headers
    body: bytes | None
    is_whole: bool

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field, the headers and the body too.
        return [(name, getattr(self, name)) for name in ("error", "method", "target", "is_whole")]

    def to_http(self) -> bytes:
        """Return the HTTP/1.1 message: written to a file, it is what ``webhook-guard diagnose FILE`` reads.

        A body that came in chunks is written whole, with its length. One that is not whole ends too early.
        """
        return to_http(self.method, self.target, self.headers, self.body or b"", is_whole=self.is_whole)


#: An option of both fronts: a function, which is called while the request waits.
OnRefused: TypeAlias = Callable[[Reason, RefusedRequest], object]


class Head(NamedTuple):
    """What a front knows of a request before its body."""

    method: str
    target: str
    headers: Headers

    def __repr__(self) -> str:
        return f"<{self.method!r}, {len(self.headers)} headers>"


class Refusals:
    """What becomes of the requests that one guard refuses, before they are answered; safe to share between threads.

    Args:
        on_refused: Called with the reason and the request; None if nobody wants to know.
        capture: Whether the request has its body.

    Raises:
        ConfigurationError: An option can't be used; the message names it and the fix.
    """

    def __init__(self, on_refused: OnRefused | None, *, capture: bool) -> None:
        self._on_refused = None if on_refused is None else _check_plain(check_callable("on_refused", on_refused))
        self._capture = _check_capture(capture, on_refused)
        self._log = RefusalLog(captures=capture)

    def tell(self, error: WebhookError, incoming: Incoming, *, path: str, now: float, head: Callable[[], Head]) -> None:
        """Log that a request was refused, and call `on_refused`.

        Args:
            error: What the core refused it with.
            incoming: The request, as far as it has come.
            path: Its path.
            now: The time by the guard's clock, in Unix seconds.
            head: Returns its head; called only if somebody wants to know.
        """
        self._log.refused(error, path=path, webhook_id=incoming.webhook_id, now=now)
        if self._on_refused is None:
            return
        try:
            returned = self._on_refused(error.reason, self._request(error, incoming, head()))
            problem: BaseException | str | None = _closed(returned) if iscoroutine(returned) else None
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # noqa: BLE001  whatever it is, the sender gets the answer
            # A CancelledError is another task's, too: nobody awaits anything here.
            problem = failure
        if problem is not None:
            self._log.not_told(problem, error.reason, path=path, webhook_id=incoming.webhook_id, now=now)

    def _request(self, error: WebhookError, incoming: Incoming, head: Head) -> RefusedRequest:
        return RefusedRequest(
            error=copy(error),  # without its frames: who keeps it would keep all that these calls held
            method=head.method,
            target=head.target,
            headers=head.headers,
            body=incoming.body if self._capture else None,
            is_whole=self._capture and error.reason in _WHOLE,
        )


def _closed(coroutine: Coroutine[Any, Any, Any]) -> str:
    """Close what would never run, and return what is wrong with it."""
    coroutine.close()
    return "it must be a plain function, and returned a coroutine, which nobody awaits"


def _check_plain(value: OnRefused) -> OnRefused:
    if iscoroutinefunction(value) or iscoroutinefunction(type(value).__call__):
        raise ConfigurationError(
            "on_refused: must be a plain function: it is called while the request waits; "
            "have it start a task or a thread for what takes longer"
        )
    return value


def _check_capture(value: object, on_refused: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"capture: must be True or False, not {type(value).__name__}")
    if value and on_refused is None:
        raise ConfigurationError("capture: there is no on_refused to give the body to")
    return value
