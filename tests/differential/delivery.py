"""A delivery, before it is signed and after, with what the receiver is configured with: made without the package."""

import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeAlias

from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
KEY = b"a signing key, of 32 bytes here."
OTHER_KEY = b"another key, 32 bytes long, too."

Pairs: TypeAlias = tuple[tuple[str, str], ...]


def whsec(key: bytes) -> str:
    """Return the secret that stands for `key`, in the form of the specification."""
    return "whsec_" + b64encode(key).decode()


@dataclass(frozen=True)
class Container:
    """What header fields are handed over in: the same to all, where they take it, else a dict."""

    ours: Callable[[Pairs], Any]
    theirs: Callable[[Pairs], Any] = dict


def _capitals(pairs: Pairs) -> dict[str, str]:
    return {name.upper(): value for name, value in pairs}


def _titles(pairs: Pairs) -> dict[str, str]:
    return {name.title(): value for name, value in pairs}


def _octets(pairs: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _starlette(pairs: Pairs) -> StarletteHeaders:
    return StarletteHeaders(raw=_octets(pairs))


CONTAINERS = {
    "dict": Container(dict),
    "dict in capitals": Container(_capitals, _capitals),
    "dict in title case": Container(_titles, _titles),
    "Starlette": Container(_starlette, _starlette),
    "Werkzeug": Container(WerkzeugHeaders, WerkzeugHeaders),
    "list of pairs": Container(list),
    "ASGI": Container(_octets),
}


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt as it arrives, and the receiver's secrets.

    Attributes:
        headers: The header fields; the same name may come twice, in another case.
        body: The body, as it arrives.
        now: The receiver's clock, in Unix seconds.
        tolerance: In seconds.
        secrets: The receiver's.
        chosen: Whether somebody chose the key, or nobody did: then it is not random.
        as_text: Whether the receiver hands over the body as text, if it is text.
        container: What the receiver hands over the headers in.
    """

    headers: Pairs
    body: bytes
    now: int
    tolerance: int = 300
    secrets: tuple[str | bytes, ...] = (whsec(KEY),)
    chosen: bool = False
    as_text: bool = False
    container: str = "dict"

    @property
    def payload(self) -> str | bytes:
        """The body as the receiver hands it over."""
        try:
            return self.body.decode("utf-8", "surrogatepass") if self.as_text else self.body
        except UnicodeDecodeError:
            return self.body

    def values(self, name: str) -> list[str]:
        """Return the values of a header field, as they came."""
        return [value for found, value in self.headers if found.isascii() and found.lower() == name]

    def value(self, name: str) -> str:
        """Return the first value of a header field, or nothing."""
        return next(iter(self.values(name)), "")

    def with_headers(self, *headers: tuple[str, str]) -> "Delivery":
        """Return the delivery with other header fields: in a dict, which takes any."""
        return replace(self, headers=headers, container="dict")

    def with_value(self, name: str, value: str) -> "Delivery":
        """Return the delivery with another value of a header field."""
        return self.with_headers(*((found, value if found == name else old) for found, old in self.headers))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a sender signs, and the receiver's side of it.

    Attributes:
        body: The body.
        webhook_id: The id.
        age: How many seconds ago the attempt is made.
        spelling: How the timestamp is written.
        key: What it is signed with.
        arrived: The rest, as in the delivery.
    """

    body: bytes
    webhook_id: str = "wh_685c059ae39c8190af8c71ed1022a24d"
    age: int = 0
    spelling: Callable[[int], str] = str
    key: bytes = KEY
    arrived: Delivery = Delivery(headers=(), body=b"", now=0)

    def signed(self, now: int) -> Delivery:
        """Return the delivery, signed as the specification says: the id, the timestamp's text, the body."""
        timestamp = self.spelling(now - self.age)
        signature = f"v1,{mac(self.key, self.webhook_id, timestamp, self.body)}"
        headers = ((ID, self.webhook_id), (TIMESTAMP, timestamp), (SIGNATURE, signature))
        return replace(self.arrived, headers=headers, body=self.body, now=now)

    def with_secret(self, *secrets: str | bytes, key: bytes, chosen: bool = False) -> "Draft":
        """Return the draft signed with `key`, for a receiver who has `secrets`."""
        return replace(self, key=key, arrived=replace(self.arrived, secrets=secrets, chosen=chosen))

    def with_id(self, webhook_id: str) -> "Draft":
        """Return the draft with another id: its headers in a dict, which takes any."""
        return replace(self, webhook_id=webhook_id, arrived=replace(self.arrived, container="dict"))

    def with_spelling(self, spelling: Callable[[int], str]) -> "Draft":
        """Return the draft with its timestamp written in another way: its headers in a dict, which takes any."""
        return replace(self, spelling=spelling, arrived=replace(self.arrived, container="dict"))

    def with_arrived(self, **changes: Any) -> "Draft":
        """Return the draft with another receiver's side."""
        return replace(self, arrived=replace(self.arrived, **changes))


def mac(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature's base64, by Python's own `hmac`."""
    content = f"{webhook_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return b64encode(hmac.new(key, content, sha256).digest()).decode()
