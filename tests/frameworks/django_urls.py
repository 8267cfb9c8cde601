"""The views of the Django app, ASGI and WSGI, and the settings that they need."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from frameworks import kit

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"])
if not hasattr(settings, "ROOT_URLCONF"):
    settings.ROOT_URLCONF = __name__


@csrf_exempt
def openai(request: HttpRequest) -> JsonResponse:
    """Answer with the event."""
    # Only the requests that ASGI brings have a scope; those have no environ.
    place = getattr(request, "scope", None) or getattr(request, "environ", {})
    return JsonResponse(kit.seen(place, request))


@csrf_exempt
def decode(request: HttpRequest) -> JsonResponse:
    """Answer with the body, decoded as Django's documentation does it."""
    return JsonResponse(kit.decoded("json", json.loads(request.body)))


@csrf_exempt
def raw(request: HttpRequest) -> JsonResponse:
    """Answer with the body."""
    return JsonResponse(kit.read("raw", request.body))


@csrf_exempt
def stream(request: HttpRequest) -> JsonResponse:
    """Answer with the body, read in pieces."""
    return JsonResponse(kit.read("stream", b"".join(iter(lambda: request.read(100), b""))))


@csrf_exempt
def upload(request: HttpRequest) -> JsonResponse:
    """Answer with the size of the uploaded file."""
    file: Any = request.FILES["file"]
    return JsonResponse(kit.uploaded(file.read()))


urlpatterns = [
    path("webhooks/openai", openai),
    path("webhooks/json", decode),
    path("webhooks/raw", raw),
    path("webhooks/stream", stream),
    path("upload", upload),
]

LIMITS = {
    "declared": kit.asks_the_request("https://docs.djangoproject.com/en/stable/topics/http/views/"),
    "own": kit.middleware_of_its_own("https://docs.djangoproject.com/en/stable/topics/http/middleware/"),
    "client": kit.Limit(
        "Its test client never loads `asgi.py` or `wsgi.py`, so the guard is not there. Test the wrapped app"
        " itself, as [docs/testing.md](docs/testing.md) shows.",
        "https://docs.djangoproject.com/en/stable/topics/testing/tools/#overview-and-a-quick-example",
        tried=True,
    ),
}
