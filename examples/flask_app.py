# pip install webhook_guard flask && OPENAI_WEBHOOK_SECRET=whsec_... flask --app flask_app run --port 8000
"""OpenAI webhooks in Flask: the guard stands in front, so the handler sees genuine deliveries only."""

from flask import Flask, Response, request

from webhook_guard import BatchCompleted, ResponseCompleted, WSGIWebhookMiddleware, get_event

app = Flask(__name__)
app.wsgi_app = WSGIWebhookMiddleware(app.wsgi_app, path="/webhooks/openai")  # type: ignore[method-assign]  # as in Flask's docs


@app.post("/webhooks/openai")
def receive() -> Response:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(request):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    return Response(status=204)
