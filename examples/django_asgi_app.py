# pip install webhook_guard django daphne && OPENAI_WEBHOOK_SECRET=whsec_... daphne django_asgi_app:app --port 8000
"""OpenAI webhooks in Django under ASGI: the guard stands in front, so the handler sees genuine deliveries only."""

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event


# Django's own protection would ask OpenAI for a CSRF token. The signature does what that would, and more.
@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    return HttpResponse(status=204)


# A project has these in urls.py and settings.py, the view in views.py, and the app in asgi.py.
urlpatterns = [path("webhooks/openai", receive)]
csrf = "django.middleware.csrf.CsrfViewMiddleware"
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1", "localhost"], MIDDLEWARE=[csrf])

app = ASGIWebhookMiddleware(get_asgi_application(), path="/webhooks/openai")
