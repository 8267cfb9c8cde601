"""What the servers serve: three apps, each bare, behind the guard, and with the OpenAI SDK in its handler.

All answer 204. The handlers with the SDK are written as in OpenAI's documentation, and answer 400 to what is forged.
"""

import logging
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from fastapi import Response as FastAPIResponse
from flask import Flask
from flask import Response as FlaskResponse
from flask import request as flask_request
from openai import InvalidWebhookSignatureError, OpenAI
from werkzeug.datastructures import Headers as WerkzeugHeaders

from benchmarks.delivery import PATH, SECRET
from webhook_guard import ASGIWebhookMiddleware, WSGIWebhookMiddleware
from webhook_guard.asgi import Receive, Scope, Send

# Each contender is sent one forgery, and without a handler logging would print what the guard has to say of it.
logging.getLogger("webhook_guard").addHandler(logging.NullHandler())

_client = OpenAI(api_key="none", webhook_secret=SECRET)


def _status(body: bytes, headers: Mapping[str, str] | WerkzeugHeaders) -> int:
    try:
        _client.webhooks.unwrap(body, headers)
    except InvalidWebhookSignatureError:
        return 400
    return 204


# The raw ASGI app. It is empty: bare, it does not even read the body.


async def raw(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer."""
    await _answer(send, 204)


async def raw_reading(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer."""
    await _body(receive)
    await _answer(send, 204)


async def raw_with_sdk(scope: Scope, receive: Receive, send: Send) -> None:
    """Verify, and answer."""
    body = await _body(receive)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    await _answer(send, _status(body, headers))


async def _body(receive: Receive) -> bytes:
    body, more_body = b"", True
    while more_body:
        message = await receive()
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    return body


async def _answer(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


raw_guarded = ASGIWebhookMiddleware(raw, path=PATH, secret=SECRET)


# The FastAPI app.

fastapi, fastapi_with_sdk = FastAPI(), FastAPI()


@fastapi.post(PATH)
async def read_in_fastapi(request: FastAPIRequest) -> FastAPIResponse:
    """Read the body, and answer."""
    await request.body()
    return FastAPIResponse(status_code=204)


@fastapi_with_sdk.post(PATH)
async def verify_in_fastapi(request: FastAPIRequest) -> FastAPIResponse:
    """Verify, and answer."""
    return FastAPIResponse(status_code=_status(await request.body(), request.headers))


fastapi_guarded = ASGIWebhookMiddleware(fastapi, path=PATH, secret=SECRET)


# The Flask app.

flask, flask_with_sdk = Flask("bare"), Flask("with_sdk")


@flask.post(PATH)
def read_in_flask() -> FlaskResponse:
    """Read the body, and answer."""
    flask_request.get_data()
    return FlaskResponse(status=204)


@flask_with_sdk.post(PATH)
def verify_in_flask() -> FlaskResponse:
    """Verify, and answer."""
    return FlaskResponse(status=_status(flask_request.get_data(), flask_request.headers))


flask_guarded = WSGIWebhookMiddleware(flask, path=PATH, secret=SECRET)
