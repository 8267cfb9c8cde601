"""Where they refuse what is genuine, and where we refuse what the specification leaves open."""

import json
from collections.abc import Callable
from typing import Any

from webhook_guard import Reason

from differential.compared import Difference, Kind
from differential.delivery import ID, SIGNATURE, TIMESTAMP
from differential.entry import BOTH, OPENAI, STANDARD, Entry, Predicate
from differential.statement import keys


def _refuses(name: str, libraries: tuple[str, ...], reason: str, example: str, is_so: Predicate) -> Entry:
    return Entry(name, Kind.REFUSES, libraries, "", reason, (example,), is_so)


def _has_text_secret(difference: Difference) -> bool:
    """Match a secret without its prefix; `openai` misses only the second of its readings."""
    least = 2 if difference.library == OPENAI else 1
    return any(len(keys(secret) or ()) >= least for secret in _bare(difference))


def _bare(difference: Difference) -> list[str]:
    texts = [secret for secret in difference.delivery.secrets if isinstance(secret, str)]
    return [text for text in texts if not text.strip().startswith("whsec_")]


def _has_blanks(difference: Difference) -> bool:
    return any(value != value.strip(" \t") for value in map(difference.delivery.value, (ID, TIMESTAMP)))


REFUSES = (
    _refuses(
        "a secret of base64 without the prefix, signed with what it decodes to",
        (OPENAI,),
        "It takes the text's own bytes only. We try both.",
        "a secret of base64 without the prefix, signed with what it decodes to",
        _has_text_secret,
    ),
    _refuses(
        "a secret of text without the prefix, signed with its own bytes",
        (STANDARD,),
        "It takes the base64 only, loosely: of other text, what is left of it. We try both.",
        "a secret of base64 without the prefix, signed with its own bytes",
        _has_text_secret,
    ),
    _refuses(
        "blanks around a secret",
        BOTH,
        "With them the prefix is none, and the text another key. We drop them.",
        "a secret with blanks around it",
        lambda difference: any(
            isinstance(secret, str) and secret.strip() != secret for secret in difference.delivery.secrets
        ),
    ),
    _refuses(
        "blanks around an id or a timestamp",
        BOTH,
        "They take them for a part of the value, where the server leaves them. RFC 9110 section 5.5 drops them.",
        "an id that was given blanks around it",
        _has_blanks,
    ),
)


def _stricter(
    name: str, libraries: tuple[str, ...], source: str, reason: str, is_so: Predicate, *, example: str
) -> Entry:
    return Entry(name, Kind.STRICTER, libraries, source, reason, (example,), is_so)


def _has(name: str, is_so: Callable[[str], bool]) -> Predicate:
    """Match a header whose value is so, refused for its form."""
    return lambda difference: (
        _is(difference, Reason.MALFORMED_HEADER) and is_so(difference.delivery.value(name).strip(" \t"))
    )


def _has_secret(is_so: Callable[[str], bool]) -> Predicate:
    return lambda difference: (
        _is(difference, Reason.CONFIGURATION) and any(is_so(text.strip()) for text in _bare(difference))
    )


def _is_mistake(text: str) -> bool:
    return text[0] == text[-1] == '"' or text.lower().startswith("sk-") or "whsec_" in text.lower()


def _has_json(is_so: Callable[[Any], bool]) -> Predicate:
    """Match a body whose JSON is so, refused for it; objects are given as lists of pairs, for names that come twice."""
    return lambda difference: (
        _is(difference, Reason.MALFORMED_PAYLOAD)
        and is_so(json.loads(difference.delivery.body, object_pairs_hook=_Pairs))
    )


class _Pairs(list[tuple[str, Any]]):
    """The members of an object."""


def _is(difference: Difference, reason: Reason) -> bool:
    return getattr(difference.ours.error, "reason", None) is reason


def _is_no_event(value: Any) -> bool:
    return not (isinstance(value, _Pairs) and isinstance(dict(value).get("type"), str))


def _has_infinity(value: Any) -> bool:
    return "Infinity" in json.dumps(value)


def _has_half_a_pair(value: Any) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in json.dumps(value, ensure_ascii=False))


_SIGNATURE_RULES = "`webhook_guard.sansio.signature`"
_EVENT_RULES = "`webhook_guard.sansio.events`"
STRICTER = (
    _stricter(
        "an id of more than 256 characters",
        BOTH,
        _SIGNATURE_RULES,
        "It goes into logs and is a key in stores. OpenAI's have about 40.",
        _has(ID, lambda text: len(text) > 256),
        example="an id of 257 characters",
    ),
    _stricter(
        "an id with a comma",
        BOTH,
        _SIGNATURE_RULES,
        "WSGI servers join repeated headers with one: two ids must not pass as one.",
        _has(ID, lambda text: "," in text),
        example="an id with a comma",
    ),
    _stricter(
        "an id with a blank in it",
        BOTH,
        _SIGNATURE_RULES,
        "It is one word, in logs and in commands.",
        _has(ID, lambda text: len(text.split()) > 1),
        example="an id with a blank in it",
    ),
    _stricter(
        "a timestamp with leading zeros",
        (OPENAI,),
        _SIGNATURE_RULES,
        "One time has one text.",
        _has(TIMESTAMP, lambda text: text.startswith("0")),
        example="a timestamp with a leading zero",
    ),
    _stricter(
        "more than 32 signatures",
        BOTH,
        _SIGNATURE_RULES,
        "A rotation needs two; more is somebody who wants us to work.",
        _has(SIGNATURE, lambda text: len(text.split()) > 32),
        example="the last of 33 signatures",
    ),
    _stricter(
        "a secret that is somebody's mistake",
        (OPENAI,),
        "`webhook_guard.sansio.keys`",
        "In quotes, with something before its prefix, with its prefix in capitals, or an API key: it takes the text"
        " as the key, which the sender has not.",
        _has_secret(_is_mistake),
        example="a secret in quotes, signed with all of it",
    ),
    _stricter(
        "JSON that is no event",
        BOTH,
        _EVENT_RULES,
        "No object, or without a text `type`. `standardwebhooks` knows no events; `openai` returns what is no event.",
        _has_json(_is_no_event),
        example="an event without a type",
    ),
    _stricter(
        "a number beyond the range of double precision",
        BOTH,
        _EVENT_RULES,
        "They make infinity of it; RFC 8259 section 6 leaves the range to the reader. We change no value.",
        _has_json(_has_infinity),
        example="a member beyond the range of numbers",
    ),
    _stricter(
        "an escaped half of a surrogate pair",
        BOTH,
        _EVENT_RULES,
        "It is text that can't be encoded again, so it fails later; RFC 8259 section 8.2 calls what happens"
        " unpredictable.",
        _has_json(_has_half_a_pair),
        example="a member with an escaped half of a surrogate pair",
    ),
)
