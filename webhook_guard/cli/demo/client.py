"""One request over a socket of its own, byte for byte as it is meant: nothing is added, joined or checked."""

import json
import socket
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple

from webhook_guard.cli.message import Request, to_wire

HOST = "127.0.0.1"

#: Seconds to wait for an answer. The guard needs microseconds; this is for a machine that does other things too.
_PATIENCE = 10.0


class Answer(NamedTuple):
    """What came back."""

    #: The HTTP status; 0 if there was no answer.
    status: int
    #: Why the request was not accepted; None if it was.
    reason: str | None


def send(port: int, request: Request) -> Answer:
    """Send `request` to a port of this machine, and return the answer."""
    try:
        with socket.create_connection((HOST, port), timeout=_PATIENCE) as connection:
            # At once: a server may answer the head and close before a body that comes later is there.
            connection.sendall(to_wire(request._replace(headers=(("host", HOST), *request.headers))))
            with HTTPResponse(connection, method=request.method) as response:
                response.begin()
                return Answer(response.status, _reason(response))
    except (OSError, HTTPException):
        return Answer(0, "no answer")


def _reason(response: HTTPResponse) -> str | None:
    body = response.read()
    if response.headers.get_content_type() == "application/problem+json":
        return str(json.loads(body)["reason"])
    return None if response.status == HTTPStatus.OK else response.reason
