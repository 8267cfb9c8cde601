# pip install webhook_guard && OPENAI_WEBHOOK_SECRET=whsec_... python plain_wsgi_app.py 8000
"""OpenAI webhooks in plain WSGI: the guard stands in front, so the handler sees genuine deliveries only."""

import sys
from typing import TYPE_CHECKING
from wsgiref.simple_server import make_server

from webhook_guard import BatchCompleted, ResponseCompleted, WSGIWebhookMiddleware, get_event

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def receive(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Take note of what is finished, and answer at once: OpenAI sends again what takes too long."""
    match get_event(environ):
        case ResponseCompleted(data=response):
            print(f"fetch response {response.id} and show its text")
        case BatchCompleted(data=batch):
            print(f"fetch batch {batch.id} and download its output file")
        case _:
            pass  # 2xx all the same: anything else would have it sent again
    start_response("204 No Content", [])
    return []


app = WSGIWebhookMiddleware(receive)  # without path=, it guards every request

if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app).serve_forever()
