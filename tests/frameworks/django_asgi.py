"""Django under ASGI."""

import asyncio
from collections.abc import Mapping
from typing import Any

from django.core.asgi import get_asgi_application
from django.test import AsyncClient

from webhook_guard import ASGIWebhookMiddleware

from frameworks import kit
from frameworks.django_urls import LIMITS
from frameworks.starlette import mount


def post(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Post to the view through `django.test.AsyncClient`."""

    async def answer() -> tuple[int, Any]:
        response = await AsyncClient().post(path, body, content_type="application/json", headers=dict(headers))
        return response.status_code, response.json()

    return asyncio.run(answer())


FRAMEWORK = kit.Framework(
    name="Django (ASGI)",
    interface="asgi",
    ways=kit.ways(ASGIWebhookMiddleware, get_asgi_application, mount=mount),
    post=post,
    limits=LIMITS,
)
