# pip install webhook_guard falcon waitress && OPENAI_WEBHOOK_SECRET=whsec_... waitress-serve --listen 127.0.0.1:8000 falcon_wsgi_app:app
"""OpenAI webhooks in Falcon under WSGI: the guard stands in front, so the handler sees genuine deliveries only."""

from falcon import App, Request, Response

from webhook_guard import BatchCompleted, ResponseCompleted, WSGIWebhookMiddleware, get_event


class Webhook:
    """Receives deliveries."""

    def on_post(self, req: Request, resp: Response) -> None:
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
app = WSGIWebhookMiddleware(api, path="/webhooks/openai")
