"""Broken subjects of the harnesses: each breaks one rule, which its harness must notice."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec

from webhook_guard import ASGIWebhookMiddleware, ConfigurationError, PayloadError, Reason, WSGIWebhookMiddleware
from webhook_guard.diagnose import Cause, Step
from webhook_guard.sansio import events, keys
from webhook_guard.sansio.keys import Keys

from fuzz.harnesses import diagnose, head, signature


def constant(value: Any) -> Callable[..., Any]:
    """Return what always gives the same."""

    def same(*_: Any) -> Any:
        return value

    return same


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    return list(headers.items() if hasattr(headers, "items") else headers)


def first_value_only(method: str | None, headers: Any, ends: bool) -> head.Taken | Reason:  # noqa: FBT001  a subject's
    """Hide that a header came twice."""
    return head.decide(method, dict(headers), ends)


def bytes_only(method: str | None, headers: Any, ends: bool) -> head.Taken | Reason:  # noqa: FBT001  a subject's
    """Read no header whose name is text."""
    return head.decide(method, [pair for pair in _pairs(headers) if isinstance(pair[0], bytes)], ends)


def lenient_digits(method: str | None, headers: Any, ends: bool) -> head.Taken | Reason:  # noqa: FBT001  a subject's
    """Take timestamps with signs, zeros and underscores, as `int` does."""
    pairs = [
        (name, b"%d" % int(value) if name == b"webhook-timestamp" and value.strip(b"+0_.").isdigit() else value)
        for name, value in _pairs(headers)
    ]
    return head.decide(method, pairs, ends)


def bare_only(value: bytes, over: bytes) -> int | Reason:
    """Drop a version as often as it comes."""
    return signature.verify(value.replace(b"v1,", b""), over)


def shown(configured: Any) -> Keys:
    """Show a secret in the message."""
    raise ConfigurationError(f"secret: {configured!r} can't be used")


def all_refused(configured: Any) -> Keys:
    """Refuse every secret."""
    raise ConfigurationError(f"secret: must be str, not {type(configured).__name__}")


def first_only(configured: Any) -> Keys:
    """Make keys of the first secret alone."""
    return keys.prepare(configured if isinstance(configured, str) else configured[0])


def anything_taken(configured: Any) -> Keys:
    """Take any secret, for its own bytes."""
    return Keys([[str(configured).encode()]])


def as_unknown(came: bytes) -> Any:
    """Make an unknown event of each event."""
    return events._unknown(json.loads(came))  # pyright: ignore[reportPrivateUsage]  as if its class were not there


def without_extra(came: bytes) -> Any:
    """Lose the unknown members."""
    return msgspec.structs.replace(events.parse(came), extra=events.Extra())


def without_data(came: bytes) -> Any:
    """Lose the data."""
    return msgspec.structs.replace(events.parse(came), data=None)


def body_in_message(came: bytes) -> Any:
    """Show a body in the message."""
    raise PayloadError(f"the body is authentic, but can't be decoded as JSON ({came!r})")


def dragging(came: bytes) -> Any:
    """Raise an error behind which the decoder's is, with the body."""
    try:
        return msgspec.json.decode(came)
    except msgspec.DecodeError:
        raise PayloadError("the body is authentic, but can't be decoded as JSON (DecodeError)") from None


def always_genuine(*came: Any) -> Any:
    """Say that every request is genuine."""
    return msgspec.structs.replace(diagnose.diagnosed(*came), verdict="genuine", reason=None, fix="")


def claiming(*came: Any) -> Any:
    """Name a cause without a proof."""
    step = Step(Cause.NEWLINE, "take the final line feed away (1 byte)")
    return msgspec.structs.replace(diagnose.diagnosed(*came), steps=(step,))


def no_guard(app: Any, **_: Any) -> Any:
    """Guard nothing."""
    return app


def failing_asgi(app: Any, **options: Any) -> Any:
    """Answer 500 where the guard refuses."""
    guarded = ASGIWebhookMiddleware(app, **options)

    async def call(scope: Any, receive: Any, send: Any) -> None:
        async def send_failure(message: Any) -> None:
            await send({**message, "status": 500} if "status" in message else message)

        await guarded(scope, receive, send_failure)

    return call


def failing_wsgi(app: Any, **options: Any) -> Any:
    """Answer 500 where the guard refuses."""
    guarded = WSGIWebhookMiddleware(app, **options)

    def call(environ: Any, start_response: Any) -> Any:
        def start_failure(_: str, headers: Any, exc_info: Any = None) -> Any:
            return start_response("500 Internal Server Error", headers, exc_info)

        return guarded(environ, start_failure)

    return call


def greedy_wsgi(app: Any, **options: Any) -> Any:
    """Ask the input for more than may come."""
    guarded = WSGIWebhookMiddleware(app, **options)

    def call(environ: Any, start_response: Any) -> Any:
        environ["wsgi.input"].read(100_000)
        return guarded(environ, start_response)

    return call


def eager_asgi(app: Any, **options: Any) -> Any:
    """Hand the app another `receive`, on every path."""
    guarded = ASGIWebhookMiddleware(app, **options)

    async def call(scope: Any, receive: Any, send: Any) -> None:
        first = await receive()
        messages = iter([first])

        async def receive_first() -> Any:
            await asyncio.sleep(0)
            return next(messages, None) or await receive()

        await guarded(scope, receive_first, send)

    return call
