"""What all tests share: the secrets, a clock that stands still, and genuine deliveries."""

import base64
import io
import json
import re
import socket
from typing import Any

from webhook_guard import Reason, sign
from webhook_guard.refused import OnRefused, RefusedRequest

SECRET = "whsec_" + base64.b64encode(b"the newer key of the two, 32 by.").decode()
OLDER_SECRET = "whsec_" + base64.b64encode(b"the older key of the two, 32 by.").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's key, of 32 byte.").decode()
NOW = 1_750_861_210
PATH = "/webhooks/openai"
WEBHOOK_ID = "wh_685c059ae39c8190af8c71ed1022a24d"

#: The vector that OpenAI's SDKs publish (openai-python, tests/lib/test_webhook_signature.py).
VECTOR_SECRET = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c="
VECTOR_BODY = (
    b'{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, '
    b'"type": "response.completed", "data": {"id": "resp_123"}}'
)
VECTOR_HEADERS = {
    "webhook-id": WEBHOOK_ID,
    "webhook-timestamp": "1750861210",
    "webhook-signature": "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=",
}

#: An event whose every member is known.
BODY = b'{"id":"evt_1","object":"event","created_at":1750861210,"type":"batch.completed","data":{"id":"batch_1"}}'


def signed(
    body: bytes = BODY, *, secret: str | bytes = SECRET, webhook_id: str = WEBHOOK_ID, timestamp: int = NOW
) -> dict[str, str]:
    """Return the three headers of a genuine attempt to deliver `body`."""
    return sign(body, secret, webhook_id=webhook_id, timestamp=timestamp)


def variable(name: str) -> str:
    """Return the key under which WSGI has the header `name` in the environ."""
    return "HTTP_" + name.upper().replace("-", "_")


def event_body(kind: str, data: Any, **members: Any) -> bytes:
    """Return the body of an event."""
    return json.dumps({"id": "evt_1", "created_at": NOW, "type": kind, "data": data, **members}).encode()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Terminal(io.StringIO):
    """A terminal, which keeps what it is sent."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True

    @property
    def lines(self) -> list[str]:
        """What it shows, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.getvalue()).splitlines()


#: What `on_refused` was called with.
Seen = list[tuple[Reason, RefusedRequest]]


def keep(seen: Seen) -> OnRefused:
    """Return an `on_refused` that keeps what it is told."""

    def on_refused(reason: Reason, request: RefusedRequest) -> None:
        seen.append((reason, request))

    return on_refused


def clock() -> float:
    """Return the time: it is always the same."""
    return NOW
