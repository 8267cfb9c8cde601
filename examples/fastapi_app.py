# pip install webhook_guard fastapi uvicorn && OPENAI_WEBHOOK_SECRET=whsec_... uvicorn fastapi_app:app --port 8000
"""OpenAI webhooks in FastAPI: the guard stands in front, so the handler sees genuine deliveries only."""

from fastapi import FastAPI, Request

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event

api = FastAPI()


@api.post("/webhooks/openai", status_code=204)
async def receive(request: Request) -> None:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again


app = ASGIWebhookMiddleware(api, path="/webhooks/openai")
