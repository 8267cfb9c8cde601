# pip install webhook_guard litestar granian && OPENAI_WEBHOOK_SECRET=whsec_... granian --interface asgi litestar_app:app --port 8000
"""OpenAI webhooks in Litestar: the guard stands in front, so the handler sees genuine deliveries only."""

from typing import Any

from litestar import Litestar, Request, post

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event


@post("/webhooks/openai", status_code=204)
async def receive(request: Request[Any, Any, Any]) -> None:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again


app = ASGIWebhookMiddleware(Litestar([receive]), path="/webhooks/openai")
