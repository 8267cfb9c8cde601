# pip install webhook_guard uvicorn && OPENAI_WEBHOOK_SECRET=whsec_... uvicorn plain_asgi_app:app --port 8000
"""OpenAI webhooks in plain ASGI: the guard stands in front, so the handler sees genuine deliveries only."""

from typing import Any

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event


async def receive(scope: Any, _receive: Any, send: Any) -> None:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])  # lifespan and websockets: servers take this as "not supported"
    match get_event(scope):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


app = ASGIWebhookMiddleware(receive)  # without path=, it guards every request
