# pip install webhook_guard falcon uvicorn && OPENAI_WEBHOOK_SECRET=whsec_... uvicorn falcon_asgi_app:app --port 8000
"""OpenAI webhooks in Falcon under ASGI: the guard stands in front, so the handler sees genuine deliveries only."""

from falcon.asgi import App, Request, Response

from webhook_guard import ASGIWebhookMiddleware, BatchCompleted, ResponseCompleted, get_event


class Webhook:
    """Receives deliveries."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
        match get_event(req):
            case ResponseCompleted(data=response):
                print(f"fetch response {response.id} and show its text")
            case BatchCompleted(data=batch):
                print(f"fetch batch {batch.id} and download its output file")
            case _:
                pass  # 2xx all the same: anything else would have it sent again
        resp.status = 204


api = App()
api.add_route("/webhooks/openai", Webhook())
app = ASGIWebhookMiddleware(api, path="/webhooks/openai")
