"""The fixture `webhook`: makes an event, signs it and posts it, in one call.

It works without pytest, too: ``Webhook(secret).post(client, "/webhooks/openai", "batch.completed")``.
"""

from typing import Any

from webhook_guard.events import WebhookEvent
from webhook_guard.testing.clients import sender
from webhook_guard.testing.clock import Clock
from webhook_guard.testing.events import make_event
from webhook_guard.testing.requests import SignedRequest, signed_request


class Webhook:
    """Delivers events to an app under test, as OpenAI would.

    Args:
        secret: The app's signing secret.
        clock: Says when attempts are made; None is a new one, which runs.

    Attributes:
        secret: The signing secret.
        clock: The clock.

    >>> from secrets import token_bytes
    >>> from webhook_guard import WSGIWebhookMiddleware, get_event
    >>> from webhook_guard.testing import Webhook
    >>> def app(environ, start_response):
    ...     start_response("200 OK", [])
    ...     return [get_event(environ).type.encode()]
    >>> secret = token_bytes(32)
    >>> guarded = WSGIWebhookMiddleware(app, path="/webhooks/openai", secret=secret)
    >>> Webhook(secret).post(guarded, "/webhooks/openai", "batch.completed").content
    b'batch.completed'
    """

    def __init__(self, secret: str | bytes, clock: Clock | None = None) -> None:
        self.secret: str | bytes = secret
        self.clock: Clock = Clock() if clock is None else clock

    def post(
        self,
        client: Any,
        path: str,
        event: str | WebhookEvent | bytes | bytearray | memoryview,
        /,
        *,
        webhook_id: str | None = None,
        **data: Any,
    ) -> Any:
        """Post an event, signed now, and return the answer. A redirect is one: like OpenAI, it follows none.

        Args:
            client: A test client of Django, Flask, Werkzeug, Quart, Starlette, FastAPI, Litestar, httpx or requests; or
                the ASGI or WSGI app itself.
            path: Where the app receives webhooks.
            event: The type of an event, as "batch.completed"; or an event, or the bytes of a body.
            webhook_id: The id of the delivery; None makes one up. A retry has that of the first attempt.
            data: Members of the event's `data`, as `make_event` takes them; for a type only.

        Returns:
            What the client returns, to be awaited if it is async; or, of an app, a `Response`.

        Raises:
            ConfigurationError: There is no such type, or the event can't be made or signed.
            TypeError: The client, or the event, is none.
        """
        request = self.request(event, webhook_id=webhook_id, **data)
        return sender(client)("POST", path, [*request.headers.items()], request.body)

    def request(
        self,
        event: str | WebhookEvent | bytes | bytearray | memoryview,
        /,
        *,
        webhook_id: str | None = None,
        **data: Any,
    ) -> SignedRequest:
        """Return the request alone, for any other client: see `post`."""
        if isinstance(event, str):
            event = make_event(event, **data)
        elif data:
            raise TypeError(f"{', '.join(data)}: members go with the type of an event, not with an event or a body")
        return signed_request(event, self.secret, webhook_id=webhook_id, timestamp=int(self.clock()))
