"""The event of a request, whichever framework it is of."""

from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from flask import Flask, request
from starlette.requests import HTTPConnection, Request
from werkzeug.wrappers import Request as WerkzeugRequest

from webhook_guard import Delivery, NotVerifiedError, get_delivery, get_event, parse_event

from support import BODY, NOW, PATH, WEBHOOK_ID

EVENT = parse_event(BODY)
DELIVERY = Delivery(webhook_id=WEBHOOK_ID, timestamp=NOW, signature="v1,AAAA", body=BODY, event=EVENT, secret_index=0)
VERIFIED: dict[str, Any] = {"type": "http", "headers": [], "openai.event": EVENT, "openai.delivery": DELIVERY}
#: Both causes, and what to look at.
MESSAGE = (
    "no webhook guard verified this request: the app that runs is not the one wrapped in ASGIWebhookMiddleware or"
    " WSGIWebhookMiddleware, or the path= given there does not cover this route"
)


class FalconRequest:
    """Falcon's WSGI request keeps the environ in `env`."""

    def __init__(self, env: dict[str, Any]) -> None:
        self.env = env


def django_asgi_request(scope: dict[str, Any]) -> ASGIRequest:
    """Return Django's ASGI request."""
    return ASGIRequest({"path": PATH, "method": "POST", "query_string": b"", **scope}, BytesIO())


def django_wsgi_request(environ: dict[str, Any]) -> WSGIRequest:
    """Return Django's WSGI request."""
    return WSGIRequest({"PATH_INFO": PATH, "REQUEST_METHOD": "POST", "wsgi.input": BytesIO(), **environ})


FORMS = [
    pytest.param(dict, id="scope or environ"),
    pytest.param(Request, id="Starlette request"),
    pytest.param(HTTPConnection, id="Starlette connection"),
    pytest.param(WerkzeugRequest, id="Werkzeug request"),
    pytest.param(FalconRequest, id="Falcon request"),
    pytest.param(django_asgi_request, id="Django ASGI request"),
    pytest.param(django_wsgi_request, id="Django WSGI request"),
]


@pytest.mark.parametrize("form", FORMS)
class TestForms:
    """Every form of a request."""

    def test_verified(self, form: Any) -> None:
        """The event and the delivery are found."""
        assert get_event(form(VERIFIED)) is EVENT
        assert get_delivery(form(VERIFIED)) is DELIVERY

    def test_not_verified(self, form: Any) -> None:
        """Where the guard did not run, the handler fails closed."""
        for get in (get_event, get_delivery):
            with pytest.raises(NotVerifiedError) as caught:
                get(form({"type": "http", "headers": []}))
            assert str(caught.value) == MESSAGE


def test_flask() -> None:
    """Flask's request, which stands for the current one, is read like any other."""
    with Flask(__name__).test_request_context(environ_overrides=VERIFIED):
        assert get_event(request) is EVENT


@pytest.mark.parametrize("nothing", [None, 7, "openai.event", [], object(), {}], ids=lambda value: type(value).__name__)
def test_no_request(nothing: object) -> None:
    """What is no request was not verified."""
    with pytest.raises(NotVerifiedError):
        get_event(nothing)
