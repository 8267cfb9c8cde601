"""Django under WSGI."""

from collections.abc import Mapping
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.test import Client

from webhook_guard import WSGIWebhookMiddleware

from frameworks import kit
from frameworks.django_urls import LIMITS
from frameworks.flask import mount


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the view through `django.test.Client`."""
    response = Client().post(path, body, content_type="application/json", headers=dict(headers))
    return response.status_code, response.json()


FRAMEWORK = kit.Framework(
    name="Django (WSGI)",
    interface="wsgi",
    ways=kit.ways(WSGIWebhookMiddleware, get_wsgi_application, mount=mount),
    post=post,
    limits=LIMITS,
)
