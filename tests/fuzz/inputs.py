r"""What harnesses are fed: bytes that read as text, so that a fuzzer can mutate them and people can write seeds.

A request is written so; any bytes are one, because what is missing is empty:

    said beside it                       each harness says what
    METHOD PATH ROOT_PATH                as on the wire: percent-encoded
    name:value                           a header; `\n` in a value is a line feed
                                         an empty line
    the body

In a signature header, ``<mac>`` stands for the right signature of what the rest has become, so that what is mutated
gets beyond the signature; ``<older>`` for the one under the older of both secrets, ``<other>`` for a stranger's.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from support import NOW, OLDER_SECRET, OTHER_SECRET, SECRET, WEBHOOK_ID

#: The secrets of all harnesses, and their keys.
SECRETS = [SECRET, OLDER_SECRET]
KEYS = [base64.b64decode(secret.removeprefix("whsec_")) for secret in SECRETS]
_STRANGER = base64.b64decode(OTHER_SECRET.removeprefix("whsec_"))
_PLACEHOLDERS = {b"<mac>": KEYS[0], b"<older>": KEYS[1], b"<other>": _STRANGER}

_ID, _TIMESTAMP, _SIGNATURE = b"webhook-id", b"webhook-timestamp", b"webhook-signature"
_BLANKS = b" \t"


class Request(NamedTuple):
    """A request, as it is written in an input.

    Attributes:
        beside: What is said beside it.
        method: The method.
        target: The path, as on the wire.
        root_path: Where the app is mounted, decoded.
        headers: Names and values, in their order.
        body: The body.
    """

    beside: bytes
    method: str
    target: bytes
    root_path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def path(self) -> bytes:
        """The path, decoded."""
        return unquote_to_bytes(self.target)


def mac(key: bytes, webhook_id: bytes, timestamp: bytes, body: bytes) -> bytes:
    """Return a signature without its version, by the standard library's HMAC."""
    return base64.b64encode(hmac.new(key, b"%b.%b.%b" % (webhook_id, timestamp, body), hashlib.sha256).digest())


def filled(
    value: bytes, body: bytes, *, webhook_id: bytes = WEBHOOK_ID.encode(), timestamp: bytes = b"%d" % NOW
) -> bytes:
    """Return the value of a signature header with signatures in the place of what stands for them."""
    for placeholder, key in _PLACEHOLDERS.items():
        if placeholder in value:
            value = value.replace(placeholder, mac(key, webhook_id, timestamp, body))
    return value


def request(data: bytes) -> Request:
    """Return the request that an input stands for."""
    head, _, body = data.partition(b"\n\n")
    beside, line, *lines = [*head.split(b"\n"), b""]
    method, target, root_path = ([*line.split(b" ", 2), b"", b""])[:3]
    headers = _filled(list(map(_header, filter(None, lines))), body)
    return Request(beside, method.decode("latin-1"), target, text(unquote_to_bytes(root_path)), headers, body)


def text(raw: bytes) -> str:
    """Return bytes as a server that is generous with paths decodes them: every byte is kept."""
    return raw.decode("utf-8", "surrogateescape")


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.replace(b"\\n", b"\n")


def _filled(headers: list[tuple[bytes, bytes]], body: bytes) -> list[tuple[bytes, bytes]]:
    webhook_id, timestamp = (_first(headers, name).strip(_BLANKS) for name in (_ID, _TIMESTAMP))
    return [
        (name, filled(value, body, webhook_id=webhook_id, timestamp=timestamp) if name.lower() == _SIGNATURE else value)
        for name, value in headers
    ]


def _first(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    return next((value for name, value in headers if name.lower() == wanted), b"")
