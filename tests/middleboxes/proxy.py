"""Proxy apps that people write in Python, one for each way to spoil a body: ``python proxy.py KIND PORT UPSTREAM``.

Each hands a delivery on to the URL UPSTREAM, with its webhook headers, and gives back the answer.
"""

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

#: What httpx2 is to send.
Sent = dict[str, Any]

#: Seconds until an upstream that does not answer is given up.
PATIENCE = 30.0


async def with_httpx(request: Request) -> Sent:
    """Have the client serialise what was parsed."""
    return {"json": await request.json()}


async def with_requests(request: Request) -> Sent:
    """Serialise with the defaults of json.dumps, as requests does."""
    return {"content": json.dumps(await request.json())}


async def sorted_and_indented(request: Request) -> Sent:
    """Serialise for people to read."""
    return {"content": json.dumps(await request.json(), sort_keys=True, indent=2)}


async def as_lambda_event(request: Request) -> Sent:
    """Wrap the body as API Gateway does, which has binary bodies in base64, and unwrap it without a look at that."""
    event = {"body": base64.b64encode(await request.body()).decode(), "isBase64Encoded": True}
    return {"content": event["body"]}


KINDS = {function.__name__: function for function in (with_httpx, with_requests, sorted_and_indented, as_lambda_event)}


def app(sent: Callable[[Request], Any], upstream: str) -> Starlette:
    """Return a proxy app."""

    async def forward(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name.startswith("webhook-")}
        async with httpx2.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.post(upstream, headers=headers, **await sent(request))
        return Response(answer.content, answer.status_code)

    return Starlette(routes=[Route("/{path:path}", forward, methods=["POST"])])


if __name__ == "__main__":
    _, kind, port, upstream = sys.argv
    uvicorn.run(app(KINDS[kind], upstream), port=int(port), lifespan="off", access_log=False)
