"""Apps that answer with what came, and a request to send them."""

import json
from collections.abc import Iterable
from typing import Any

HEADERS = [("content-type", "application/json"), ("webhook-id", "wh_1"), ("x-twice", "a"), ("x-twice", "b")]
BODY = b'{"text": "\xff"}'


async def echo_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what came, in two parts."""
    assert scope["type"] == "http"
    body = (await receive())["body"]
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": [(name.decode(), value.decode("latin-1")) for name, value in headers],
        "body": body.decode("latin-1"),
    }
    answer = json.dumps(seen).encode()
    twice = [(b"X-Answer", b"1"), (b"X-Answer", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": twice})
    await send({"type": "http.response.body", "body": answer[:9], "more_body": True})
    await send({"type": "http.response.body", "body": answer[9:]})


def echo_wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with what came."""
    write = start_response("201 Created", [("X-Answer", "1"), ("X-Answer", "2")])
    answer = json.dumps(seen_in(environ)).encode()
    write(answer[:9])
    return [answer[9:]]


def seen_in(environ: dict[str, Any]) -> dict[str, Any]:
    """Return what came, of an environ."""
    names = {name: name.removeprefix("HTTP_").replace("_", "-").lower() for name in environ}
    headers = [(names[name], value) for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))]
    return {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "headers": headers,
        "body": environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode("latin-1"),
    }
