"""The delivery that is measured, as OpenAI sends it, signed now; and the same as ASGI and WSGI have it."""

import time
from io import BytesIO
from typing import Any

import webhook_guard

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#: What forgeries are signed with.
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PATH = "/webhooks/openai"
BODY = (
    b'{"id":"evt_685c059ae3a481909bdc86819b066fb6","object":"event","created_at":1750861210,'
    b'"type":"response.completed","data":{"id":"resp_685c0598a4c48190"}}'
)
#: What a stranger sends to any address there is.
JUNK = {"host": "example.com", "user-agent": "scanner/1.0", "accept": "*/*", "content-length": str(len(BODY))}


def signed(secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    """Return the headers of a delivery that is sent now."""
    return {
        "host": "example.com",
        "user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        **webhook_guard.sign(
            body, secret, webhook_id="wh_685c059ae39c8190af8c71ed1022a24d", timestamp=int(time.time())
        ),
    }


def scope(headers: dict[str, str]) -> dict[str, Any]:
    """Return the ASGI scope of a request with `headers`."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": "POST",
        "root_path": "",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }


def environ(headers: dict[str, str]) -> dict[str, Any]:
    """Return the WSGI environ of a request with `headers`."""
    variables = {name.upper().replace("-", "_"): value for name, value in headers.items()}
    return {
        "CONTENT_TYPE": variables.pop("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": variables.pop("CONTENT_LENGTH", ""),
        **{f"HTTP_{name}": value for name, value in variables.items()},
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(BODY),
    }
