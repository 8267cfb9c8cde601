"""What may happen to a delivery after it was signed, each by a name that says what it is."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from differential.delivery import ID, OTHER_KEY, SIGNATURE, TIMESTAMP, Delivery, mac

Change: TypeAlias = Callable[[Delivery], Delivery]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = f"v1,{b64encode(b'the MAC under a key of elsewhere').decode()}"


def _value(name: str, change: Callable[[str], str]) -> Change:
    return lambda delivery: delivery.with_value(name, change(delivery.value(name)))


def _signature(template: str) -> Change:
    """Write the signature in another way: `{0}` is all of it, `{1}` its base64."""
    return _value(SIGNATURE, lambda value: template.format(value, value.removeprefix("v1,")))


def _text(change: Callable[[str], str]) -> Change:
    """Write the base64 in another way."""
    return _value(SIGNATURE, lambda value: "v1," + change(value.removeprefix("v1,")))


def _time(template: str) -> Change:
    return _value(TIMESTAMP, template.format)


def _without(name: str) -> Change:
    return lambda delivery: delivery.with_headers(*(pair for pair in delivery.headers if pair[0] != name))


def _renamed(name: str, other: str) -> Change:
    return lambda delivery: delivery.with_headers(
        *((other if found == name else found, value) for found, value in delivery.headers)
    )


def _with(name: str, value: str, *, first: bool = False) -> Change:
    def change(delivery: Delivery) -> Delivery:
        more, own = [(name, value)], delivery.headers
        return delivery.with_headers(*(more if first else ()), *own, *(() if first else more))

    return change


def _repeated(name: str) -> Change:
    return lambda delivery: _with(name.title(), delivery.value(name))(delivery)


def _body(change: Callable[[bytes], bytes]) -> Change:
    return lambda delivery: replace(delivery, body=change(delivery.body))


def _flipped(position: int) -> Change:
    def change(body: bytes) -> bytes:
        index = position % len(body) if body else 0
        return body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :] if body else b"x"

    return _body(change)


def _pad_bits(text: str) -> str:
    """Set the two bits of the last character that stand for nothing."""
    return text[:42] + _ALPHABET[_ALPHABET.index(text[42]) | 3] + "="


def _other_character(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def _signed_otherwise(delivery: Delivery) -> Delivery:
    own = mac(OTHER_KEY[::-1], delivery.value(ID), delivery.value(TIMESTAMP), delivery.body)
    return delivery.with_value(SIGNATURE, f"v1,{own}")


def _cut_anew(delivery: Delivery) -> Delivery:
    """Move the first dot: the id takes the timestamp along, and a time in the body becomes the timestamp."""
    signed = replace(delivery, body=b"%d.%b" % (delivery.now, delivery.body))
    own = mac(_first_key(delivery), signed.value(ID), signed.value(TIMESTAMP), signed.body)
    moved = f"{signed.value(ID)}.{signed.value(TIMESTAMP)}"
    return delivery.with_headers((ID, moved), (TIMESTAMP, str(delivery.now)), (SIGNATURE, f"v1,{own}"))


def _first_key(delivery: Delivery) -> bytes:
    secret = delivery.secrets[0]
    if isinstance(secret, bytes):
        return secret
    return b64decode(secret[6:] + "==") if secret.startswith("whsec_") else secret.encode()


SIGNATURES: dict[str, Change] = {
    "a signature without its version": _signature("{1}"),
    "a signature between those of other keys": _signature(f"{_FOREIGN} {{0}} {_FOREIGN}"),
    "a signature after one of another version": _signature("v1a,{1} v2,{1} {0}"),
    "a signature of another version": _signature("v2,{1}"),
    "a signature whose version is in capitals": _signature("V1,{1}"),
    "a signature after an entry without a comma": _signature("v1 {0}"),
    "a signature after an entry with two commas": _signature("v1,x,y {0}"),
    "a signature before an entry without a comma": _signature("{0} v1"),
    "a signature after an entry of 8-bit letters": _signature("v1,é {0}"),
    "a signature after an entry that is no base64": _signature("v1,abcde {0}"),
    "a signature after an empty one": _signature("v1, {0}"),
    "a signature of the wrong length after the right one": _signature("{0} v1,abcd"),
    "two blanks before the signature": _signature("  {0}"),
    "two blanks between signatures": _signature(f"{_FOREIGN}  {{0}}"),
    "a blank after the signature": _signature("{0} "),
    "a tab between signatures": _signature(f"{_FOREIGN}\t{{0}}"),
    "a line break between signatures": _signature(f"{_FOREIGN}\n{{0}}"),
    "a no-break space between signatures": _signature(f"{_FOREIGN}\xa0{{0}}"),
    "a comma between signatures, as WSGI joins them": _signature(f"{_FOREIGN},{{0}}"),
    "a blank after the version": _signature("v1, {1}"),
    "a version without base64": _signature("v1,"),
    "the version twice": _signature("v1,{0}"),
    "the first of 32 signatures": _signature("{0}" + f" {_FOREIGN}" * 31),
    "the last of 32 signatures": _signature(f"{_FOREIGN} " * 31 + "{0}"),
    "the last of 33 signatures": _signature(f"{_FOREIGN} " * 32 + "{0}"),
    "the first of 1,000 signatures": _signature("{0}" + f" {_FOREIGN}" * 999),
    "a signature without its padding": _text(lambda text: text.rstrip("=")),
    "a signature with padding too much": _text(lambda text: text + "="),
    "a signature with pad bits that are not zero": _text(_pad_bits),
    "a signature with another character in its base64": _text(lambda text: f"{text[:9]}!{text[9:]}"),
    "a signature with a line break in its base64": _text(lambda text: f"{text[:9]}\n{text[9:]}"),
    "a signature with something after its padding": _text(lambda text: text + "AAAA"),
    "a signature cut short": _text(lambda text: text[:-4]),
    "a signature cut to a length that base64 has not": _text(lambda text: text[:41]),
    "a signature with one character changed": _text(_other_character),
    "a signature in hexadecimal": _text(lambda text: b64decode(text).hex()),
    "a signature in 8-bit letters": _text(lambda text: "é" + text[1:]),
    "a signature beyond 8 bits": _text(lambda text: "喂" + text[1:]),
    "a signature of zeros": _text(lambda _: b64encode(bytes(32)).decode()),
    "a signature of another key": _signed_otherwise,
    "an empty signature": _value(SIGNATURE, lambda _: ""),
    "a signature of a blank": _value(SIGNATURE, lambda _: " "),
}

TIMESTAMPS: dict[str, Change] = {
    "another timestamp": _value(TIMESTAMP, lambda value: value[:-1] + str((int(value[-1]) + 1) % 10)),
    "a timestamp that was given a plus sign": _time("+{}"),
    "a timestamp that was given a leading zero": _time("0{}"),
    "a timestamp that was given a fraction": _time("{}.5"),
    "a timestamp that was given an exponent": _time("{}e0"),
    "a timestamp that was given a line break": _time("{}\n"),
    "a timestamp that was given blanks around it": _time(" {}\t"),
    "a timestamp that was given a NUL": _time("{}\0"),
    "a timestamp that was given 5,000 zeros": _time("0" * 5000 + "{}"),
}

HEADERS: dict[str, Change] = {
    **{f"no {name}": _without(name) for name in (ID, TIMESTAMP, SIGNATURE)},
    **{f"an empty {name}": _value(name, lambda _: "") for name in (ID, TIMESTAMP)},
    **{f"{name} twice, the same": _repeated(name) for name in (ID, TIMESTAMP, SIGNATURE)},
    **{f"{name} twice, first another": _with(name.title(), "1", first=True) for name in (ID, TIMESTAMP, SIGNATURE)},
    **{f"{name} twice, then another": _with(name.title(), "1") for name in (ID, TIMESTAMP, SIGNATURE)},
    "a header of another name": _with("webhook-extra", "1"),
    "headers of Svix": lambda delivery: delivery.with_headers(
        *((name.replace("webhook", "svix"), value) for name, value in delivery.headers)
    ),
    "a header with an underscore": _renamed(ID, "webhook_id"),
    "a header whose name has blanks around it": _renamed(ID, " webhook-id "),
    "a header whose name is spelled with a Kelvin sign": _renamed(ID, "webhoo\u212a-id"),
    "another id": _value(ID, lambda value: value + "2"),
    "an id in another case": _value(ID, str.swapcase),
    "an id that was given blanks around it": _value(ID, lambda value: f" {value}\t"),
    "an id that was given a line break": _value(ID, lambda value: f"{value}\n"),
    "an id and a timestamp that were cut anew": _cut_anew,
}

BODIES: dict[str, Change] = {
    "a bit of the body's first byte": _flipped(0),
    "a bit in the body's middle": _flipped(-30),
    "a bit of the body's last byte": _flipped(-1),
    "a body that was given a line break": _body(lambda body: body + b"\n"),
    "a body that was given a NUL": _body(lambda body: body + b"\0"),
    "a body that was given a byte order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "a body that lost its last byte": _body(lambda body: body[:-1]),
    "a body that was serialised again": _body(
        lambda body: json.dumps(json.loads(body), separators=(" ,", " :"), sort_keys=True).encode()
    ),
    "a body that was lost": _body(lambda _: b""),
    "a body that is no longer UTF-8": _body(lambda body: body + b"\xff"),
    "a body of another delivery": _body(lambda _: b'{"id":"evt_2","type":"batch.completed"}'),
}

CHANGES: dict[str, Change] = {**SIGNATURES, **TIMESTAMPS, **HEADERS, **BODIES}
