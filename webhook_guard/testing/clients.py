"""One way to send a request to an app: through the test client of any framework, or to the app itself.

    Django                         `generic`; its clients go around asgi.py and wsgi.py, where the guard stands
    Flask, Werkzeug, Quart         `open`
    Starlette, FastAPI, Litestar   `request`, with `content`; so has httpx
    requests                       `request`, with `data`
    an ASGI or WSGI app            called, as `direct.py` does it

Headers reach the app as they are given, repeated ones too, where the client can say so; Django's and requests take a
dict, so there they are joined with a comma, as WSGI servers do. Answers are the client's, and awaitable if it is async.
No redirect is followed, if `request` can be told so, whatever its default is: OpenAI follows none.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from webhook_guard.testing.direct import Send, caller, encoded, joined
from webhook_guard.testing.requests import HeaderPairs


def sender(client: Any) -> Send:
    """Return what sends requests through `client`.

    Args:
        client: A test client, or an ASGI or WSGI app.

    Raises:
        TypeError: It is neither.
        RuntimeError: It is an ASGI app, and an event loop is running already.
    """
    if hasattr(client, "generic"):
        return partial(_send_django, client)
    if hasattr(client, "open"):
        return partial(_send_werkzeug, client)
    parameters = _parameters_of_request(client)
    no_redirects: dict[str, Any] = {
        name: False for name in ("follow_redirects", "allow_redirects") if name in parameters
    }
    if "content" in parameters:
        return partial(_send_httpx, partial(client.request, **no_redirects))
    if "data" in parameters:
        return partial(_send_requests, partial(client.request, **no_redirects))
    if not callable(client):
        raise TypeError(
            f"client: must be the test client of a framework, or an ASGI or WSGI app, not {type(client).__name__};"
            " with any other client, send signed_request(...).body and .headers yourself"
        )
    return caller(client)


def _parameters_of_request(client: object) -> set[str]:
    """Return the names of what `request` takes; what it passes on by `**` to that of a base class, too."""
    names: set[str] = set()
    for base in type(client).__mro__:
        method = vars(base).get("request")
        if callable(method):
            parameters = inspect.signature(method).parameters
            names |= parameters.keys()
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
                break
    return names


def _send_django(client: Any, method: str, path: str, headers: HeaderPairs, body: bytes) -> Any:
    fields = joined(headers, ",")
    # Django's async client would have it twice, if it were among the headers.
    content_type = fields.pop("content-type", "")
    return client.generic(method, path, data=body, content_type=content_type, headers=fields)


def _send_werkzeug(client: Any, method: str, path: str, headers: HeaderPairs, body: bytes) -> Any:
    return client.open(path, method=method, headers=list(headers), data=body)


def _send_httpx(request: Callable[..., Any], method: str, path: str, headers: HeaderPairs, body: bytes) -> Any:
    # In bytes, because httpx takes text to be ASCII.
    return request(method, path, content=body, headers=encoded(headers))


def _send_requests(request: Callable[..., Any], method: str, path: str, headers: HeaderPairs, body: bytes) -> Any:
    return request(method, path, data=body, headers=joined(headers, ","))
