"""The functions: body and headers in hand, and an event or nothing comes out."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

import standardwebhooks
from openai import OpenAI

import webhook_guard
from benchmarks.delivery import BODY, SECRET, signed
from benchmarks.results import Row, Target
from benchmarks.timing import calls, compare

Functions: TypeAlias = Mapping[str, Callable[..., object]]

_TIMES_AS_FAST = 8

_openai = OpenAI(api_key="none").webhooks
_standard = standardwebhooks.Webhook(SECRET)


def rows() -> Iterator[Row]:
    """Compare the functions."""
    yield _unwrap()
    yield _verify_signature()


def _unwrap() -> Row:
    functions: Functions = {
        "webhook_guard.unwrap": partial(webhook_guard.unwrap, secret=SECRET),
        "openai webhooks.unwrap": partial(_openai.unwrap, secret=SECRET),
        "standardwebhooks verify": _standard.verify,
    }
    seconds = _compare(functions)
    ours, theirs, _ = seconds.values()
    ratio = theirs / ours
    wanted = f"at least {_TIMES_AS_FAST} times as fast as openai's"
    return Row(
        "Core: verify, and read the event",
        seconds,
        targets=(Target(wanted, f"{ratio:.1f} times", met=ratio >= _TIMES_AS_FAST),),
    )


def _verify_signature() -> Row:
    functions: Functions = {
        "webhook_guard.verify_signature": partial(webhook_guard.verify_signature, secret=SECRET),
        "openai webhooks.verify_signature": partial(_openai.verify_signature, secret=SECRET),
        "standardwebhooks verify(json_parse=False)": partial(_standard.verify, json_parse=False),
    }
    seconds = _compare(functions)
    return Row("Core: verify only", seconds)


def _compare(functions: Functions) -> dict[str, float]:
    return compare({name: calls(partial(function, BODY, signed())) for name, function in functions.items()})
