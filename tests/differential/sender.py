"""What a sender may do before it signs: odd ids, timestamps, secrets and bodies, each by a name that says what it is.

Whoever signs these has the secret; whether they are well-formed is for `statement` to say.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from differential.delivery import KEY, OTHER_KEY, Draft, whsec

Change: TypeAlias = Callable[[Draft], Draft]

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


def _id(text: str) -> Change:
    return lambda draft: draft.with_id(text)


def _spelled(template: str) -> Change:
    return lambda draft: draft.with_spelling(template.format)


def _in_digits(zero: str) -> Change:
    digits = {ord("0") + value: ord(zero) + value for value in range(10)}
    return lambda draft: draft.with_spelling(lambda time: str(time).translate(digits))


def _aged(age: int, tolerance: int = 300) -> Change:
    return lambda draft: replace(draft.with_arrived(tolerance=tolerance), age=age)


def _secret(*secrets: str | bytes, key: bytes, chosen: bool = False) -> Change:
    return lambda draft: draft.with_secret(*secrets, key=key, chosen=chosen)


def _own_bytes(text: str, *, chosen: bool = False) -> Change:
    """Sign with the text's own bytes."""
    return _secret(text, key=text.strip().encode(), chosen=chosen)


def _body(change: Callable[[bytes], bytes]) -> Change:
    return lambda draft: replace(draft, body=change(draft.body))


def _exactly(text: str) -> Change:
    return _body(lambda _: text.encode())


def _first_member(text: str) -> Change:
    return _body(lambda body: body.replace(b"{", b"{" + text.encode() + b",", 1))


def _parsed(change: Callable[[dict[str, Any]], Any]) -> Change:
    return _body(lambda body: json.dumps(change(json.loads(body))).encode())


def _with(**members: Any) -> Change:
    return _parsed(lambda event: {**event, **members})


def _without(name: str) -> Change:
    return _parsed(lambda event: {found: value for found, value in event.items() if found != name})


IDS: dict[str, Change] = {
    "an id with a dot": _id("wh_1.2"),
    "an id of one dot": _id("."),
    "an id with a comma": _id("wh_1,wh_2"),
    "an id with a blank in it": _id("wh 1"),
    "an id with a tab in it": _id("wh\t1"),
    "an id with a line break": _id("wh_1\nwh_2"),
    "an id that ends with a line break": _id("wh_1\n"),
    "an id with a control character": _id("wh_\x01"),
    "an id with a NUL": _id("wh_\0"),
    "an id of 8-bit letters": _id("wh_é"),
    "an id of letters beyond 8 bits": _id("wh_喂"),
    "an id with half a surrogate pair": _id("wh_\ud800"),
    "an id with signed blanks around it": _id(" wh_1 "),
    "an empty id": _id(""),
    "an id of a blank": _id(" "),
    "an id of one character": _id("x"),
    "an id of all visible ASCII but comma and dot": _id(_VISIBLE.replace(",", "").replace(".", "")),
    "an id of 256 characters": _id("x" * 256),
    "an id of 257 characters": _id("x" * 257),
    "an id of 10,000 characters": _id("x" * 10_000),
}

TIMESTAMPS: dict[str, Change] = {
    "a timestamp with a plus sign": _spelled("+{}"),
    "a timestamp with a minus sign": _spelled("-{}"),
    "a timestamp with a leading zero": _spelled("0{}"),
    "a timestamp of 12 digits with leading zeros": _spelled("{:012}"),
    "a timestamp with a fraction of zero": _spelled("{}.0"),
    "a timestamp with a fraction": _spelled("{}.9"),
    "a timestamp with an exponent": _spelled("{}e0"),
    "a timestamp with digits in groups": _spelled("{:_}"),
    "a timestamp with a signed blank before it": _spelled(" {}"),
    "a timestamp with a signed blank after it": _spelled("{} "),
    "a timestamp with a line break after it": _spelled("{}\n"),
    "a timestamp with a no-break space after it": _spelled("{}\xa0"),
    "a timestamp in full-width digits": _in_digits("\N{FULLWIDTH DIGIT ZERO}"),
    "a timestamp in Arabic digits": _in_digits("\N{ARABIC-INDIC DIGIT ZERO}"),
    "a timestamp in hexadecimal": _spelled("{:#x}"),
    "a timestamp in milliseconds": _spelled("{}000"),
    "a timestamp of 400 digits": _spelled("{:0400}"),
    "a timestamp of 5,000 digits": _spelled("{:05000}"),
    "a timestamp twice, joined with a comma": _spelled("{0}, {0}"),
    "a timestamp that is no number": _spelled("nan"),
    "a timestamp that is infinite": _spelled("inf"),
    "a timestamp in ISO 8601": _spelled("2026-11-22T00:00:00Z"),
    "an empty timestamp": _spelled(""),
}

#: Ten seconds from the borders: the clocks of the other two can't be given.
AGES: dict[str, Change] = {
    "290 seconds old": _aged(290),
    "290 seconds ahead": _aged(-290),
    "310 seconds old": _aged(310),
    "310 seconds ahead": _aged(-310),
    "a day old": _aged(86_400),
    "a day ahead": _aged(-86_400),
    "590 seconds old, with a tolerance of 600": _aged(590, 600),
    "610 seconds old, with a tolerance of 600": _aged(610, 600),
    "590 seconds ahead, with a tolerance of 600": _aged(-590, 600),
    "610 seconds ahead, with a tolerance of 600": _aged(-610, 600),
    "290 seconds old, with a tolerance of 60": _aged(290, 60),
}

_TEXT = "raw text as a secret: it is no base64!"
SECRETS: dict[str, Change] = {
    "a secret without its padding": _secret(whsec(KEY).rstrip("="), key=KEY),
    "a secret of base64 without the prefix, signed with what it decodes to": _secret(whsec(KEY)[6:], key=KEY),
    "a secret of base64 without the prefix, signed with its own bytes": _own_bytes(whsec(KEY)[6:]),
    "a secret of raw text": _own_bytes(_TEXT),
    "a secret of raw text in 8-bit letters": _own_bytes("ein Geheimnis für Webhooks, länger"),
    "a secret of raw bytes": _secret(KEY, key=KEY),
    "two secrets, signed with the newer": _secret(whsec(KEY), whsec(OTHER_KEY), key=KEY),
    "two secrets, signed with the older": _secret(whsec(KEY), whsec(OTHER_KEY), key=OTHER_KEY),
    "a secret of another endpoint": _secret(whsec(OTHER_KEY), key=KEY),
    "a secret with blanks around it": _secret(f" {whsec(KEY)}\n", key=KEY),
    "a secret in quotes, signed with all of it": _own_bytes(f'"{whsec(KEY)}"'),
    "a secret in quotes, signed with what it stands for": _secret(f'"{whsec(KEY)}"', key=KEY),
    "a secret that looks like an API key": _own_bytes("sk-proj-0123456789abcdefABCDEF"),
    "a secret with something before its prefix": _own_bytes(f"SECRET={whsec(KEY)}"),
    "a secret whose prefix is in capitals": _own_bytes(f"WHSEC_{whsec(KEY)[6:]}"),
    "a public key as a secret": _own_bytes(whsec(KEY).replace("whsec", "whpk")),
    "a private key as a secret": _own_bytes(whsec(KEY).replace("whsec", "whsk")),
    "a secret of another alphabet of base64": _secret(
        "whsec_" + urlsafe_b64encode(b"\xff\xfe\xfd" * 9).decode(), key=b"\xff\xfe\xfd" * 9
    ),
    "a secret with another character in its base64": _secret(f"{whsec(KEY)[:12]}!{whsec(KEY)[12:]}", key=KEY),
    "a secret with a character of base64 too few": _secret(f"whsec_{b64encode(KEY[:30]).decode()}x", key=KEY[:30]),
    "an empty secret": _secret("", key=b"", chosen=True),
    "a secret that is only the prefix": _secret("whsec_", key=b"", chosen=True),
    "a secret of blanks": _secret("   ", key=b"   ", chosen=True),
    "a secret of padding": _secret("whsec_====", key=b"", chosen=True),
    "a placeholder": _own_bytes("your_webhook_signing_secret_here", chosen=True),
    "a placeholder with the prefix": _secret("whsec_" + "x" * 44, key=b"\xc7\x1c\x71" * 11, chosen=True),
    "a secret of zeros": _secret(whsec(bytes(32)), key=bytes(32), chosen=True),
    **{f"a secret of {size} bytes": _secret(whsec(KEY * 4)[:6] + b64encode((KEY * 4)[:size]).decode(),
                                           key=(KEY * 4)[:size]) for size in (1, 15, 16, 23, 24, 64, 65, 128)},
}  # fmt: skip

_DEEP = 100_000
BODIES: dict[str, Change] = {
    "a body that is not UTF-8": _body(lambda body: body.replace(b'"', b'"\xff', 1)),
    "a body in UTF-16": _body(lambda body: json.dumps(json.loads(body)).encode("utf-16-le")),
    "a body in UTF-16 with a byte order mark": _body(lambda body: json.dumps(json.loads(body)).encode("utf-16")),
    "a body in Latin-1": _body(lambda body: body.replace(b"{", '{"x":"é",'.encode("latin-1"), 1)),
    "a body with a byte order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "a body with half a surrogate pair in UTF-8": _body(lambda body: body.replace(b'"', b'"\xed\xa0\x80', 1)),
    "a body of text with half a surrogate pair": lambda draft: replace(
        draft, body=draft.body.replace(b'"', b'"\xed\xa0\x80', 1)
    ).with_arrived(as_text=True),
    "an empty body": _exactly(""),
    "a body of blanks": _exactly(" \n"),
    "a body that is no JSON": _exactly("type=batch.completed"),
    "a body cut short": _body(lambda body: body.rstrip()[:-1]),
    "a body with more after it": _body(lambda body: body + b"}"),
    "a body with blanks around it": _body(lambda body: b"\r\n\t " + body + b"\n"),
    "a body with a form feed before it": _body(lambda body: b"\f" + body),
    "a body with a no-break space before it": _body(lambda body: "\xa0".encode() + body),
    "a body with a comma too many": _body(lambda body: body.rstrip()[:-1] + b",}"),
    "a body in single quotes": _body(lambda body: body.replace(b'"', b"'")),
    "a body with a comment": _body(lambda body: body + b"// end"),
    "a member that is NaN": _first_member('"x":NaN'),
    "a member that is Infinity": _first_member('"x":[-Infinity]'),
    "a member beyond the range of numbers": _first_member('"x":1e999'),
    "a member below the range of numbers": _first_member('"x":1e-999'),
    "a member that is minus zero": _first_member('"x":[-0.0,-0]'),
    "a member of 40 digits": _first_member('"x":' + "9" * 40),
    "a member of 5,000 digits": _first_member('"x":' + "9" * 5000),
    "a member of many decimals": _first_member('"x":0.1000000000000000055511151231257827'),
    "a member with a leading zero": _first_member('"x":01'),
    "a member with no decimals": _first_member('"x":1.'),
    "a member with an escaped half of a surrogate pair": _first_member(r'"x":"\ud800"'),
    "a member with an escaped surrogate pair": _first_member(r'"x":"\ud83d\ude00"'),
    "a member with a NUL": _first_member(r'"x":"\u0000"'),
    "a member with a raw line break": _first_member('"x":"a\nb"'),
    "a member nested 200 levels": _first_member('"x":' + "[" * 200 + "]" * 200),
    "a member nested 100,000 levels": _first_member('"x":' + "[" * _DEEP + "]" * _DEEP),
    "a member twice": _first_member('"id":"evt_0"'),
    "an unknown member twice": _first_member('"x":1,"x":{"y":2}'),
    "an unknown member called extra": _with(extra={"a": [1]}, model_extra=2, model_dump=3, self=4),
    "a member called _fields_set": _with(_fields_set=1),
    "a member called _fields_set, and an id that is no text": _with(_fields_set=1, id=1),
    "a member called _BaseModel__cls, and an id that is no text": _with(_BaseModel__cls=1, id=1),
    "a type of video": _with(type="video.completed"),
    "a type nobody knows": _with(type="from.tomorrow"),
    "a type nobody knows, and no more": _exactly('{"type": "from.tomorrow"}'),
    "a type nobody knows, and a list of data": _with(type="from.tomorrow", data=[{"id": 1}, 2]),
    "a type nobody knows, and a member called _fields_set": _with(type="from.tomorrow", _fields_set=1),
    "a type in another case": _parsed(lambda event: {**event, "type": str(event["type"]).upper()}),
    "a type that is no text": _with(type=1),
    "a type that is null": _with(type=None),
    "an event without a type": _without("type"),
    "an empty type": _with(type=""),
    "an event without an id": _without("id"),
    "an event without a time": _without("created_at"),
    "an event without data": _without("data"),
    "an id in the event that is no text": _with(id=1),
    "a time that is text": _with(created_at="1750861210"),
    "a time that is a bool": _with(created_at=True),
    "a time with a fraction": _with(created_at=1750861210.5),
    "a time with a fraction of zero": _with(created_at=1750861210.0),
    "a time that is null": _with(created_at=None),
    "a time of 40 digits": _with(created_at=10**39),
    "a time before 1970": _with(created_at=-1),
    "an object that is another": _with(object="thing"),
    "an object that is null": _with(object=None),
    "data that is null": _with(data=None),
    "data that is text": _with(data="batch_1"),
    "data that is empty": _with(data={}),
    "data that is a list": _parsed(lambda event: {**event, "data": [event["data"]]}),
    "data whose members are no text": _parsed(lambda event: {**event, "data": dict.fromkeys(event["data"], 1)}),
    "data whose members are null": _parsed(lambda event: {**event, "data": dict.fromkeys(event["data"])}),
    "a list of events": _parsed(lambda event: [event]),
    "a body that is an empty object": _exactly("{}"),
    **{f"a body that is `{text}`": _exactly(text) for text in ("[]", '"x"', "1", "true", "null")},
}

CHANGES: dict[str, Change] = {**IDS, **TIMESTAMPS, **AGES, **SECRETS, **BODIES}
