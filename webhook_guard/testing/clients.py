"""One way to send a request to an app: through the test client of any framework, or by calling the app itself.

    Django                         `generic`; its clients go around asgi.py and wsgi.py, where the guard stands
    Flask, Werkzeug, Quart         `open`
    Starlette, FastAPI, Litestar   `request`, with `content`; so has httpx
    requests                       `request`, with `data`
    an ASGI or WSGI app            called, with no server and no lifespan

Headers reach the app as they are given, repeated ones too, where the client can say so; Django's and requests take a
dict, so there they are joined with a comma, as WSGI servers do. Answers are the client's, and awaitable if it is async.
No redirect is followed, whatever the client's default is, because OpenAI follows none.
"""

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from io import BytesIO
from typing import Any, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

import msgspec

#: Names and values; the characters of a value are those of Latin-1.
Pairs: TypeAlias = Sequence[tuple[str, str]]
#: Takes the method, the path, the headers and the body, and returns the answer.
Send: TypeAlias = Callable[[str, str, Pairs, bytes], Any]

#: As Starlette's and Django's test clients have it, and as Django's test runner allows it.
_HOST = "testserver"


class Response(msgspec.Struct, frozen=True):
    """The answer of an app that was called itself.

    Attributes:
        status_code: The HTTP status.
        headers: By lower-case name; repeated ones are joined with a comma and a space.
        content: The body.
    """

    status_code: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the body, decoded.

        Raises:
            ValueError: It is no JSON.
        """
        return json.loads(self.content)


def sender(client: Any) -> Send:
    """Return what sends requests through `client`.

    Args:
        client: A test client, or an ASGI or WSGI app.

    Raises:
        TypeError: It is neither.
        RuntimeError: It is an ASGI app, and an event loop is running already.
    """
    for method, send in (("generic", _send_django), ("open", _send_werkzeug)):
        if hasattr(client, method):
            return partial(send, client)
    parameters = _parameters_of_request(client)
    no_redirects = {name: False for name in ("follow_redirects", "allow_redirects") if name in parameters}
    for parameter, send in (("content", _send_httpx), ("data", _send_requests)):
        if parameter in parameters:
            return partial(send, client, no_redirects)
    if not callable(client):
        raise TypeError(
            f"client: must be the test client of a framework, or an ASGI or WSGI app, not {type(client).__name__};"
            " with any other client, send signed_request(...).body and .headers yourself"
        )
    if not _is_asgi(client):
        return partial(_call_wsgi, client)
    _refuse_in_a_running_loop()
    return partial(_call_asgi, client)


def _is_asgi(app: Any) -> bool:
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)


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


def _send_django(client: Any, method: str, path: str, headers: Pairs, body: bytes) -> Any:
    joined = _joined(headers, ",")
    # Django's async client would have it twice, if it were among the headers.
    content_type = joined.pop("content-type", "")
    return client.generic(method, path, data=body, content_type=content_type, headers=joined)


def _send_werkzeug(client: Any, method: str, path: str, headers: Pairs, body: bytes) -> Any:
    return client.open(path, method=method, headers=list(headers), data=body)


def _send_httpx(client: Any, options: dict[str, bool], method: str, path: str, headers: Pairs, body: bytes) -> Any:
    # In bytes, because httpx takes text to be ASCII.
    return client.request(method, path, content=body, headers=_encoded(headers), **options)


def _send_requests(client: Any, options: dict[str, bool], method: str, path: str, headers: Pairs, body: bytes) -> Any:
    return client.request(method, path, data=body, headers=_joined(headers, ","), **options)


def _refuse_in_a_running_loop() -> None:
    import asyncio  # noqa: PLC0415  for ASGI apps only

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop is running, so the ASGI app can't be called in one of its own: make the test a plain function,"
        " or await webhook.post(client, ...) with client = httpx.AsyncClient(transport=httpx.ASGITransport(app),"
        f' base_url="http://{_HOST}")'
    )


def _call_asgi(app: Any, method: str, path: str, headers: Pairs, body: bytes) -> Response:
    import asyncio  # noqa: PLC0415  the same

    path, _, query = path.partition("?")
    headers = [("host", _HOST), ("content-length", str(len(body))), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in _encoded(headers)],
        "client": ("127.0.0.1", 50000),
        "server": (_HOST, 80),
    }
    # With a factory of its own, it leaves the thread's current event loop alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_exchange(app, scope, body))


async def _exchange(app: Any, scope: dict[str, Any], body: bytes) -> Response:
    import asyncio  # noqa: PLC0415  the same

    requests = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(scope, receive, send)
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        raise _no_answer()
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
    return Response(start["status"], _joined(fields), b"".join(message.get("body", b"") for message in sent))


def _call_wsgi(app: Any, method: str, path: str, headers: Pairs, body: bytes) -> Response:
    from wsgiref.util import setup_testing_defaults  # noqa: PLC0415  for WSGI apps only

    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        # As PEP 3333 has it: the bytes of the path as Latin-1 text.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": _HOST,
        "HTTP_HOST": _HOST,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    environ.update({_variable(name): value for name, value in _joined(headers, ",").items()})
    setup_testing_defaults(environ)
    return _answer_of(app, environ)


def _answer_of(app: Any, environ: dict[str, Any]) -> Response:
    started: list[tuple[str, Pairs]] = []
    parts: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return parts.append

    chunks = app(environ, start_response)
    try:
        parts.extend(chunks)
    finally:
        close: Callable[[], object] = getattr(chunks, "close", bool)
        close()
    if not started:
        raise _no_answer()
    status, headers = started[-1]  # the last one counts, where an error came after the first
    return Response(int(status.split()[0]), _joined(headers), b"".join(parts))


def _no_answer() -> RuntimeError:
    return RuntimeError("the app returned without an answer")


def _variable(name: str) -> str:
    """Return the key of a header in the environ."""
    variable = name.upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"


def _encoded(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


def _joined(headers: Iterable[tuple[str, str]], separator: str = ", ") -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]}{separator}{value}" if key in joined else value
    return joined
