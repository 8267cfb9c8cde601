# pip install webhook_guard starlette uvicorn && OPENAI_WEBHOOK_SECRET=whsec_... uvicorn starlette_app:app --port 8000
"""OpenAI webhooks in Starlette: the guard stands in front, so the handler sees genuine deliveries only."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event


async def receive(request: Request) -> Response:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    return Response(status_code=204)


routes = [Route("/webhooks/openai", receive, methods=["POST"])]
app = ASGIWebhookMiddleware(Starlette(routes=routes), path="/webhooks/openai")
