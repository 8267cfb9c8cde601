"""The functions: body and headers in hand, and an event or nothing comes out."""

import hmac
import tracemalloc
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec
import standardwebhooks
import svix
from openai import OpenAI

import webhook_guard
from benchmarks.delivery import BODY, SECRET, signed
from benchmarks.results import Row, Unit, at_least, at_most
from benchmarks.timing import ROUNDS, calls, compare

#: Takes a body and the headers that came with it.
Function: TypeAlias = Callable[[bytes, dict[str, str]], object]
Functions: TypeAlias = Mapping[str, Function]

_LARGEST = 262_144
_SIZES = {"2 KiB": 2_048, "16 KiB": 16_384, "256 KiB": _LARGEST}
#: A round takes longer, the larger the body is.
_FEWER_ROUNDS = 30
_KEY = b64decode(SECRET.removeprefix("whsec_"))

_openai = OpenAI(api_key="none").webhooks
_standard = standardwebhooks.Webhook(SECRET)
_svix = svix.Webhook(SECRET)


def rows() -> Iterator[Row]:
    """Compare the functions."""
    yield _unwrap()
    for name, size in _SIZES.items():
        yield Row(f"Verify, and read an event of {name}", _compare(_UNWRAP, _body(size), _FEWER_ROUNDS))
    yield _verify()
    yield _memory()


def _unwrap() -> Row:
    seconds = _compare(_UNWRAP, BODY, ROUNDS)
    ours, theirs, standard, floor = seconds.values()
    left = f"{floor / ours:.0%} of `unwrap` are one MAC and one decoding; most of the rest reads and checks headers"
    return Row(
        f"Verify, and read an event of {len(BODY)} bytes",
        seconds,
        targets=(
            at_least("openai's time, in that of `unwrap`", theirs / ours, 10, left),
            at_least("standardwebhooks' time, in that of `unwrap`", standard / ours, 1.6, left),
        ),
    )


def _verify() -> Row:
    seconds = _compare(_VERIFY, _body(_LARGEST), _FEWER_ROUNDS)
    ratio = seconds["webhook_guard.verify_signature"] / seconds["hmac.digest alone"]
    return Row("Only verify 256 KiB", seconds, targets=(at_most("`verify_signature`, in bare HMACs", ratio, 1.1),))


def _memory() -> Row:
    body = _body(_LARGEST)
    headers = signed(body=body)
    held = {name: float(_peak(partial(function, body, headers))) for name, function in _VERIFY.items()}
    copies = held["webhook_guard.verify_signature"] / len(body)
    return Row(
        "Only verify 256 KiB: memory, beside the body",
        held,
        Unit.SIZE,
        targets=(at_most("copies that `verify_signature` makes of the body", copies, 0.05),),
    )


def _compare(functions: Functions, body: bytes, rounds: int) -> dict[str, float]:
    headers = signed(body=body)
    return compare({name: calls(partial(function, body, headers)) for name, function in functions.items()}, rounds)


def _peak(function: Callable[[], object]) -> int:
    """Return the most bytes that were held while `function` ran."""
    function()  # fills caches
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _body(size: int) -> bytes:
    """Return an event of so many bytes, each of which its class knows: a call with many headers."""
    header = {"name": "X-Header", "value": "0123456789abcdef"}
    call = {"call_id": "rtc_1", "sip_headers": [header] * (size // 60)}
    event = {"id": "evt_1", "object": "event", "created_at": 1_750_861_210, "type": "realtime.call.incoming"}
    # White space after it, up to the very size.
    return msgspec.json.encode(event | {"data": call}).ljust(size)


def _floor(body: bytes, headers: dict[str, str]) -> Any:
    """Do what nobody can do without: one MAC, and one decoding."""
    _mac(body, headers)
    return msgspec.json.decode(body)


def _mac(body: bytes, _headers: dict[str, str]) -> bytes:
    return hmac.digest(_KEY, body, "sha256")


_UNWRAP: Functions = {
    "webhook_guard.unwrap": partial(webhook_guard.unwrap, secret=SECRET),
    "openai webhooks.unwrap": partial(_openai.unwrap, secret=SECRET),
    "standardwebhooks verify": _standard.verify,
    "floor: hmac.digest and msgspec.json.decode": _floor,
}
_VERIFY: Functions = {
    "webhook_guard.verify_signature": partial(webhook_guard.verify_signature, secret=SECRET),
    "openai webhooks.verify_signature": partial(_openai.verify_signature, secret=SECRET),
    "standardwebhooks verify(json_parse=False)": partial(_standard.verify, json_parse=False),
    "svix verify": _svix.verify,
    "hmac.digest alone": _mac,
}
