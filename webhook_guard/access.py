"""The event and the delivery of a request, from any framework's request object.

A handler that asks here fails closed: where no guard verified the request, it gets a `NotVerifiedError`, not None.
"""

from collections.abc import Mapping
from typing import Any, cast

from webhook_guard.sansio.errors import NotVerifiedError
from webhook_guard.sansio.events import WebhookEvent
from webhook_guard.verify import Delivery

#: Where frameworks keep the scope or the environ: Starlette and Quart; Flask, Django and Bottle; Falcon.
_ATTRIBUTES = ("scope", "environ", "env")


def get_event(request: object) -> WebhookEvent:
    """Return the verified event of `request`.

    Args:
        request: A request of any framework, an ASGI scope or a WSGI environ.

    Raises:
        NotVerifiedError: No guard verified this request.

    >>> from webhook_guard import get_event, parse_event
    >>> event = parse_event('{"id": "evt_1", "type": "batch.completed", "created_at": 1, "data": {"id": "batch_1"}}')
    >>> get_event({"type": "http", "openai.event": event}).data.id
    'batch_1'
    >>> get_event({"type": "http"})
    Traceback (most recent call last):
    ...
    webhook_guard.sansio.errors.NotVerifiedError: no webhook guard verified this request: ...
    """
    return cast("WebhookEvent", _look_up(request, "openai.event"))


def get_delivery(request: object) -> Delivery:
    """Return the verified delivery of `request`: the event with its ids, its body and its signature.

    Args:
        request: A request of any framework, an ASGI scope or a WSGI environ.

    Raises:
        NotVerifiedError: No guard verified this request.

    >>> from webhook_guard import get_delivery
    >>> get_delivery({"type": "http"})
    Traceback (most recent call last):
    ...
    webhook_guard.sansio.errors.NotVerifiedError: no webhook guard verified this request: ...
    """
    return cast("Delivery", _look_up(request, "openai.delivery"))


def _look_up(request: object, key: str) -> Any:
    for place in (request, *(getattr(request, name, None) for name in _ATTRIBUTES)):
        if isinstance(place, Mapping) and key in place:
            return cast("Mapping[str, Any]", place)[key]
    raise NotVerifiedError(
        "no webhook guard verified this request: the app that runs is not the one wrapped in ASGIWebhookMiddleware or"
        " WSGIWebhookMiddleware, or the path= given there does not cover this route"
    )
