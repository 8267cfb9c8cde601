"""What a search found, in plain words: what happened, where to look, and what to change. No part of a body or a secret.

A reader need not know what a MAC is. The texts are short, because two causes and more must fit on a small screen.
"""

from collections.abc import Sequence
from typing import NamedTuple

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.secrets import TEXT_AS_KEY
from webhook_guard.sansio.errors import PayloadError, Reason, WebhookError

#: What to change where nothing makes the signature match, and the body shows nothing.
_LIKELY = (
    "Most likely another endpoint's secret signed it: compare it with the dashboard, and give others with --secret. Or"
    " bytes of the body were lost for good, or it is not from OpenAI: anybody can post."
)
_TRIED = (
    "JSON written again, line breaks, blanks, byte-order mark, zero bytes, compression, base64, charsets, HTML, forms,"
    " JSON strings; the secret's format and the other secrets; the headers' formats, names, units and order"
)
#: What to change where the signature is right as it is.
_FIXES = {
    Reason.CONFIGURATION: "Mend that secret: no guard starts with it.",
    Reason.METHOD_NOT_ALLOWED: "Send it with POST: a redirect on the way may have made another method of it.",
    Reason.DUPLICATE_HEADER: "Find what repeats the header before the app.",
}
_SENDER = "Look at what was sent: the sender signed this, so nothing on the way is wrong."
_OTHER = "Find what makes the headers so before the app."

#: What happened, and what to change.
_TEXTS = {
    Cause.RESERIALIZED: (
        "The JSON was parsed and written again: same data, other bytes.",
        "Find what does it, before the app (proxy, gateway) or in it; verify the raw body.",
    ),
    Cause.NEWLINE: (
        "Line breaks of the body were changed.",
        "Find what passes it on as text, as shells, editors and templates do: pass bytes.",
    ),
    Cause.WHITESPACE: (
        "Blanks around the body were changed.",
        "Find what trims or pads it before it is verified, such as strip() or a template.",
    ),
    Cause.BOM: (
        "The body's byte-order mark was added or lost.",
        "Find what reads or writes it as text (utf-8-sig) before it is verified: pass bytes.",
    ),
    Cause.NUL_PADDING: (
        "The body was filled up with zero bytes.",
        "Find what passes a whole buffer on: it must pass as many bytes as came.",
    ),
    Cause.COMPRESSED: (
        "The body is still compressed.",
        "Find what compresses it before the app, and turn that off; or decompress it first.",
    ),
    Cause.BASE64_BODY: (
        "The body is still in base64, as gateways pass it to functions.",
        "Decode it before it is verified: such an event says isBase64Encoded.",
    ),
    Cause.CHARSET: (
        "The body was read in one charset and written in another.",
        "Find what decodes it before it is verified: pass bytes, or use UTF-8 both ways.",
    ),
    Cause.HTML_ESCAPED: (
        "The body was escaped as if it were HTML.",
        "Find the template, filter or sanitizer that it passes.",
    ),
    Cause.FORM_ENCODED: (
        "The body was encoded as a form is.",
        "Find what posts it on as a form: it must post the JSON bytes as they came.",
    ),
    Cause.QUOTED_BODY: (
        "The body was written as a JSON string: JSON within JSON.",
        "Find what encodes the text once more, such as json= of a client: pass the text itself.",
    ),
    Cause.SECRET_FORMAT: (
        "The secret given is not written as it should be.",
        "Copy the whole secret (whsec_...) from the dashboard, and nothing around it.",
    ),
    Cause.OTHER_SECRET: (
        "Another one of the secrets signed it, not the first, which the app has.",
        "Give the app that secret, or both in a list.",
    ),
    Cause.HEADER_FORMAT: (
        "A webhook header is not written as the guard reads it.",
        "Find what rewrites the headers before the app.",
    ),
    Cause.SWAPPED_HEADERS: (
        "webhook-id and webhook-timestamp are exchanged.",
        "Find where headers are copied one by one.",
    ),
    Cause.SVIX_HEADERS: (
        "The webhook headers have other names.",
        "Find what renames them before the app. If it is the sender, that is not OpenAI.",
    ),
    Cause.TIMESTAMP_UNIT: (
        "The timestamp is not in whole Unix seconds.",
        "Find what rewrites webhook-timestamp before the app.",
    ),
    Cause.SIGNED_CONTENT: (
        "The signature does not cover id, timestamp and body: OpenAI's does.",
        "It is from a sender or script that signs otherwise: mend that.",
    ),
    Cause.RETRY_MIXED: (
        "The request mixes attempts: its signature belongs to another id or timestamp.",
        "Find what mixes headers of attempts; or somebody replays one, and refusing it was right.",
    ),
}
#: In place of the above where the secret is right, and the sender is not.
_TEXT_AS_KEY = (
    "The sender used the text of the secret as the key, which OpenAI does not.",
    "Mend the sender, such as a test script: what follows whsec_ is base64.",
)


class Facts(NamedTuple):
    """What is known about a refused request. Its repr does not show the body.

    Attributes:
        refusal: What a guard refuses it with.
        steps: What was found; None if nothing makes the signature match.
        body: The body as it came.
        has_signature: Whether a header has anything that may be a signature.
        tried: How many ways were tried.
        is_complete: Whether all ways were, and not only what there was time for.
        age: How old the timestamp is, in seconds; negative if it is ahead.
        tolerance: How far from now it may be, in seconds.
    """

    refusal: WebhookError
    steps: Sequence[Step] | None
    body: bytes
    has_signature: bool
    tried: int
    is_complete: bool
    age: float
    tolerance: float

    def __repr__(self) -> str:
        return f"<{self.refusal.reason.value}, {len(self.body)} bytes>"


def explain(facts: Facts) -> tuple[str, str]:
    """Return what happened, and what to change."""
    refusal = _sentence(str(facts.refusal))
    if isinstance(facts.refusal, PayloadError):
        return f"The signature is right, but this is no event: {refusal}", _SENDER
    if facts.steps is None:
        return _unexplained(facts, refusal)
    if not facts.steps:
        return f"{refusal} The signature is right.", _FIXES.get(facts.refusal.reason, _OTHER)
    texts = [_texts(step, facts) for step in facts.steps]
    if [step.cause for step in facts.steps] == [Cause.CLOCK]:
        texts.insert(0, ("The signature is right.", ""))
    if _is_beside(facts):
        texts.insert(0, (refusal, _FIXES[facts.refusal.reason]))
    return " ".join(what for what, _ in texts), " ".join(fix for _, fix in texts).lstrip()


def _is_beside(facts: Facts) -> bool:
    """Say whether the request would still be refused for its reason if all steps were undone."""
    causes = {step.cause for step in facts.steps or ()}
    if facts.refusal.reason is Reason.CONFIGURATION:
        return Cause.SECRET_FORMAT not in causes
    return facts.refusal.reason is Reason.METHOD_NOT_ALLOWED


def _texts(step: Step, facts: Facts) -> tuple[str, str]:
    if step.cause is Cause.CLOCK:
        return _clock(facts)
    return _TEXT_AS_KEY if step.how == TEXT_AS_KEY else _TEXTS[step.cause]


def _clock(facts: Facts) -> tuple[str, str]:
    seconds, beyond = abs(facts.age), abs(facts.age) - facts.tolerance
    if facts.age < 0:
        what = f"{beyond:.0f} s newer than the tolerance of {facts.tolerance:g} s: the clock here is"
        return f"The timestamp is {what} {seconds:.0f} s behind.", "Set the clock."
    what = f"{beyond:.0f} s older than the tolerance of {facts.tolerance:g} s: the capture is {seconds:.0f} s old"
    return (
        f"The timestamp is {what}, or the clock here is as far ahead.",
        "Say with --now when it came. If that late, it was delayed or replayed, or the clock is wrong.",
    )


def _unexplained(facts: Facts, refusal: str) -> tuple[str, str]:
    """Return what is known, and what the body or the headers show by themselves: that proves nothing."""
    tried = f"Tried, one and two at a time, {_TRIED}: {facts.tried:,} ways." if facts.tried else ""
    left = "" if facts.is_complete else "It was too large to try all of them."
    said = [] if facts.refusal.reason is Reason.SIGNATURE_MISMATCH else [refusal]
    shown, fix = _shown_by_the_head(facts) or _shown_by_the_body(facts.body)
    nothing = "Nothing that is known to happen makes the signature match."
    return " ".join(text for text in [*said, nothing, tried, left, *shown] if text), fix


def _shown_by_the_head(facts: Facts) -> tuple[list[str], str] | None:
    if facts.refusal.reason is Reason.CONFIGURATION:
        return [], "Put the right secret there first, and run this again."
    if facts.refusal.reason is Reason.MISSING_HEADER:
        return [], "Find what drops the header before the app: without it, nothing can be checked."
    if not facts.has_signature:
        return ["The header has nothing like a signature."], "It was cut, or the capture hides it: capture it anew."
    return None


def _shown_by_the_body(body: bytes) -> tuple[list[str], str]:
    if not body:
        return ["There is no body."], "If it is missing in the capture only, capture it too, as with capture=True."
    if replaced := body.count("\N{REPLACEMENT CHARACTER}".encode()):
        return [f"The body has {replaced} replacement characters (U+FFFD)."], (
            "Bytes were lost there for good: find what decodes the body before it is verified, and pass bytes."
        )
    if body.startswith(b"{") and not body.rstrip().endswith(b"}"):
        return ["The body begins as JSON and does not end so."], (
            "Its end is lost: look for a limit of size, before the app or where it was captured."
        )
    return [], _LIKELY


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
