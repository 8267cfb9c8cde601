# pip install webhook_guard bottle && OPENAI_WEBHOOK_SECRET=whsec_... bottle bottle_app:app --bind 127.0.0.1:8000
"""OpenAI webhooks in Bottle: the guard stands in front, so the handler sees genuine deliveries only."""

from bottle import Bottle, HTTPResponse, request

from webhook_guard import BatchCompleted, ResponseCompleted, WSGIWebhookMiddleware, get_event

api = Bottle()


@api.post("/webhooks/openai")
def receive() -> HTTPResponse:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    return HTTPResponse(status=204)


app = WSGIWebhookMiddleware(api, path="/webhooks/openai")
