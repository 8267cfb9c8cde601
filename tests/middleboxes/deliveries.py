"""What is sent through the middleboxes, and how: pushed through one, or fetched through one from an inbox."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import NamedTuple

from webhook_guard.asgi import Receive, Scope, Send

from servers.client import TIMEOUT
from servers.uvicorn_server import running
from support import NOW, PATH, signed

_EVENT = {
    "id": "evt_1",
    "object": "event",
    "created_at": NOW,
    "type": "realtime.call.incoming",
    "data": {
        "call_id": "rtc_1",
        "sip_headers": [{"name": "From", "value": 'Zoë 😀 "Z" <sip:+1@example.com>'}],
        "page": "http://example.com/café/1",
        "quality": 0.25,
    },
}
#: The same event as Python and JavaScript write it by default.
FROM_PYTHON = json.dumps(_EVENT).encode()
FROM_JAVASCRIPT = json.dumps(_EVENT, separators=(",", ":"), ensure_ascii=False).encode()


class Answer(NamedTuple):
    """What the sender is answered, with the guard's reason if it refuses."""

    status: int
    reason: str | None


TAKEN = Answer(204, None)


def id_of(value: bytes | list[str] | str) -> str | None:
    """Return the id of a test's argument: which body, or the causes."""
    if isinstance(value, bytes):
        return {FROM_PYTHON: "Python", FROM_JAVASCRIPT: "JavaScript"}[value]
    return "+".join(value) if isinstance(value, list) else None


def refused(reason: str) -> Answer:
    """Return the answer to a request that is refused."""
    return Answer(400, reason)


def push(port: int, body: bytes, *, pieces: Sequence[bytes] = (), hyphen: str = "-") -> Answer:
    """Send a genuine delivery to a port.

    Args:
        port: Where to.
        body: What is signed.
        pieces: The chunks to send it in; none sends it whole, with its length.
        hyphen: What the names of its headers have for one.
    """
    headers = {name.replace("-", hyphen): value for name, value in signed(body).items()}
    return _post(port, pieces or body, headers)


def fetch(inbox: int, port: int) -> Answer:
    """Fetch the delivery that waits behind one port, and post it to another as it came, without a look inside."""
    connection = HTTPConnection("127.0.0.1", inbox, timeout=TIMEOUT)
    connection.request("GET", PATH, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    headers = {name: value for name, value in answer.getheaders() if name.startswith("webhook-")}
    return _post(port, body, headers)


@contextmanager
def inbox(body: bytes) -> Generator[int]:
    """Serve a genuine delivery to whoever fetches it."""
    headers = [(name.encode(), value.encode()) for name, value in signed(body).items()]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        kind = (b"content-type", b"application/json")
        await send({"type": "http.response.start", "status": 200, "headers": [kind, *headers]})
        await send({"type": "http.response.body", "body": body})

    with running(app, "h11", "off") as port:
        yield port


def _post(port: int, body: bytes | Sequence[bytes], headers: dict[str, str]) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    chunked = not isinstance(body, bytes)
    headers = headers | {"Content-Type": "application/json"} | ({"Transfer-Encoding": "chunked"} if chunked else {})
    connection.request("POST", PATH, body, headers, encode_chunked=chunked)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return Answer(answer.status, json.loads(content)["reason"] if content else None)
