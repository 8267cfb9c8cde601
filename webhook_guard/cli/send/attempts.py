"""Attempts to deliver an event, built and signed when they are asked for, and on purpose spoilt after that."""

import base64
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, Union

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.http import Headers
from webhook_guard.sansio.errors import PayloadError
from webhook_guard.sansio.events import WebhookEvent, parse
from webhook_guard.sansio.signature import ID, SIGNATURE, TIMESTAMP
from webhook_guard.testing.events import new_id
from webhook_guard.testing.requests import SignedRequest, signed_request

#: What can be changed after signing.
PARTS = ("body", "signature", "id", "timestamp")
_USER_AGENT = ("user-agent", "webhook-guard")

#: In JSON, a letter or a digit behind a quotation mark is within a string. The last one that there is.
_IN_A_STRING = re.compile(rb'(.*"[0-9A-Za-z_-]*)([0-9A-Za-z])', re.DOTALL)

#: An object, by its members' names.
Members: TypeAlias = dict[str, Union[str, "Members"]]


class Attempt(NamedTuple):
    """A request that delivers an event. Its repr shows neither signature nor body."""

    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        return f"<attempt {self.webhook_id}, {len(self.body)} bytes>"

    @property
    def webhook_id(self) -> str:
        """The id of the delivery."""
        return dict(self.headers)[ID]

    @property
    def event(self) -> WebhookEvent | None:
        """What is in the body; None if that is no event."""
        try:
            return parse(self.body)
        except PayloadError:
            return None


def attempts(
    new_body: Callable[[], bytes], secret: str, *, age: int = 0, tamper: str | None = None, same_id: bool = False
) -> Iterator[Attempt]:
    """Yield attempts without end, each signed when it is asked for.

    Args:
        new_body: Makes the body of a delivery.
        secret: The signing secret.
        age: How long ago they are signed, in seconds; less than 0 is in the future.
        tamper: One of `PARTS`, which is changed after signing: what is sent is well-formed, but not genuine.
        same_id: Whether all of them are attempts of one delivery, with one body, or each is of its own.
    """
    webhook_id, body = new_id("wh_"), new_body()
    while True:
        signed = signed_request(body, secret, webhook_id=webhook_id, timestamp=int(time.time()) - age)
        sent = _tampered(signed, tamper)
        yield Attempt((_USER_AGENT, *sent.headers.items()), sent.body)
        if not same_id:
            webhook_id, body = new_id("wh_"), new_body()


def parse_data(pairs: Sequence[str]) -> Members:
    """Return the members of an event's `data`, from texts as `required_action.type=function_call`.

    Raises:
        Misuse: A text has no name or no value, or contradicts another one.
    """
    data: Members = {}
    for pair in pairs:
        key, is_pair, value = pair.partition("=")
        *objects, name = key.split(".")
        if not (is_pair and name and all(objects)):
            raise Misuse(f"--data {pair}: give KEY=VALUE, as id=resp_123 or required_action.type=function_call")
        inner = data
        for each in objects:
            inner = _object(inner.setdefault(each, {}), key)
        if name in inner:
            raise _contradiction(key)
        inner[name] = value
    return data


def _object(member: "str | Members", key: str) -> "Members":
    if isinstance(member, str):
        raise _contradiction(key)
    return member


def _contradiction(key: str) -> Misuse:
    return Misuse(f"--data {key}: it is given twice, or as a text and as an object; give it once")


def _tampered(signed: SignedRequest, part: str | None) -> SignedRequest:
    headers = signed.headers
    match part:
        case "body":
            return SignedRequest(headers, _other_body(signed.body))
        case "signature":
            return SignedRequest({**headers, SIGNATURE: _other_signature(headers[SIGNATURE])}, signed.body)
        case "id":
            return SignedRequest({**headers, ID: headers[ID][:-1] + _other(headers[ID][-1])}, signed.body)
        case "timestamp":
            return SignedRequest({**headers, TIMESTAMP: str(int(headers[TIMESTAMP]) + 1)}, signed.body)
        case _:
            return signed


def _other_body(body: bytes) -> bytes:
    """Return another body, which is JSON if this one is."""
    if (found := _IN_A_STRING.match(body)) is None:
        return body + b" "
    return body[: found.start(2)] + _other(found[2].decode()).encode() + body[found.end() :]


def _other_signature(signature: str) -> str:
    mac = base64.b64decode(signature.removeprefix("v1,"))
    return "v1," + base64.b64encode(bytes([mac[0] ^ 1]) + mac[1:]).decode()


def _other(character: str) -> str:
    return "0" if character != "0" else "1"
