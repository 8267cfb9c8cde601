"""Stands in front of a web app, and lets only genuine OpenAI webhooks through to it.

    fronts       ASGIWebhookMiddleware, WSGIWebhookMiddleware     wrap the app
    in handlers  get_event, get_delivery                          from any framework's request
    functions    unwrap, verify_signature, parse_event, sign      for serverless handlers, scripts and tests
    values       Delivery, WebhookEvent, a class per event type   all frozen
    errors       WebhookError and below it, each with a Reason    the tree is in `webhook_guard.sansio.errors`

It is no client of OpenAI's API, no queue and no framework: handlers stay yours. Start with the README; the decisions
are in `webhook_guard.sansio`, which does no I/O, and the fronts carry them out.
"""

from webhook_guard import events
from webhook_guard.access import get_delivery, get_event
from webhook_guard.asgi import ASGIWebhookMiddleware
from webhook_guard.events import *  # noqa: F403  the event classes, listed in `events.__all__`
from webhook_guard.sansio.errors import (
    ConfigurationError,
    IdempotencyError,
    NotVerifiedError,
    PayloadError,
    Reason,
    VerificationError,
    WebhookError,
)
from webhook_guard.verify import Delivery, parse_event, sign, unwrap, verify_signature
from webhook_guard.wsgi import WSGIWebhookMiddleware

__all__: list[str] = [
    "ASGIWebhookMiddleware",
    "ConfigurationError",
    "Delivery",
    "IdempotencyError",
    "NotVerifiedError",
    "PayloadError",
    "Reason",
    "VerificationError",
    "WSGIWebhookMiddleware",
    "WebhookError",
    "get_delivery",
    "get_event",
    "parse_event",
    "sign",
    "unwrap",
    "verify_signature",
]
__all__ += events.__all__
