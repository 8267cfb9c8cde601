# pip install webhook_guard quart hypercorn && OPENAI_WEBHOOK_SECRET=whsec_... hypercorn quart_app:app --bind 127.0.0.1:8000
"""OpenAI webhooks in Quart: the guard stands in front, so the handler sees genuine deliveries only."""

from quart import Quart, Response, request

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event

app = Quart(__name__)
app.asgi_app = ASGIWebhookMiddleware(app.asgi_app, path="/webhooks/openai")  # type: ignore[method-assign]  # as in Quart's docs


@app.post("/webhooks/openai")
async def receive() -> Response:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    return Response(status=204)
