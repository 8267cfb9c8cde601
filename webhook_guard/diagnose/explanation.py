"""What a search found, in plain words: what happened, where to look, and what to change. No part of a body or a secret.

A reader need not know what a MAC is. The texts are short, because two causes and more must fit on a small screen.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.sansio.errors import PayloadError, Reason, WebhookError

_PROXY = "Look for what stands before the app and drops or cuts headers: a proxy, a gateway, a queue."
_LIKELY = (
    "Most likely it was signed with another secret: compare it with that endpoint's in the dashboard, and give others"
    " with --secret. Else bytes of the body were lost for good: capture it where it arrives first."
)
_SENDER = "Look at what was sent: the sender signed this, so nothing on the way is wrong."
#: What to change where the signature is right all the same.
_FIXES = {Reason.METHOD_NOT_ALLOWED: "Send it with POST: a redirect on the way may have made another method of it."}

#: What happened, and what to change.
_TEXTS = {
    Cause.RESERIALIZED: (
        "The body was parsed as JSON and written again: the same data, other bytes.",
        "Verify the raw body (request.body(), request.get_data()), not parsed JSON.",
    ),
    Cause.NEWLINE: (
        "Line breaks of the body were changed.",
        "Pass the body on as bytes: shells and editors change line breaks.",
    ),
    Cause.WHITESPACE: (
        "Blanks around the body were changed.",
        "Pass the body on as it came, without strip() or a template.",
    ),
    Cause.BOM: (
        "The body's byte-order mark was added or lost.",
        "Pass the body on as bytes, not as text in utf-8-sig.",
    ),
    Cause.NUL_PADDING: (
        "The body was filled up with zero bytes.",
        "Pass on as many bytes as came, not the whole buffer.",
    ),
    Cause.COMPRESSED: (
        "The body was compressed on its way.",
        "Decompress it before it is verified, or don't compress it.",
    ),
    Cause.BASE64_BODY: (
        "The body was encoded as base64, as gateways do.",
        "Decode it first, as where an event of API Gateway has isBase64Encoded.",
    ),
    Cause.CHARSET: (
        "The body was read in one charset and written in another.",
        "Pass the body on as bytes, or read and write it as UTF-8.",
    ),
    Cause.HTML_ESCAPED: (
        "The body was escaped as if it were HTML.",
        "Pass the body on without a template or sanitizer.",
    ),
    Cause.FORM_ENCODED: ("The body was encoded as a form is.", "Pass the body on as JSON bytes, not as form data."),
    Cause.QUOTED_BODY: (
        "The body was written as a JSON string.",
        "Pass the text itself on: json.dumps came once too often.",
    ),
    Cause.SECRET_FORMAT: ("The secret is not written as it should be.", "Copy the secret again, whole: whsec_..."),
    Cause.OTHER_SECRET: (
        "The request was signed with another secret than the first one given.",
        "Give the app that secret, or both.",
    ),
    Cause.HEADER_FORMAT: (
        "A header is not written as it should be.",
        "Find what rewrites the headers on the way.",
    ),
    Cause.SWAPPED_HEADERS: (
        "The webhook-id and the webhook-timestamp are exchanged.",
        "Look where the headers are copied one by one.",
    ),
    Cause.SVIX_HEADERS: (
        "The headers have another sender's names.",
        "Rename them before the guard, or where they are sent.",
    ),
    Cause.TIMESTAMP_UNIT: (
        "The timestamp is not in whole seconds.",
        "Pass webhook-timestamp on as it came: Unix seconds.",
    ),
    Cause.SIGNED_CONTENT: (
        "The sender does not sign id.timestamp.body.",
        "OpenAI does: another sender sent it, and must sign as Standard Webhooks says.",
    ),
    Cause.RETRY_MIXED: (
        "The request mixes attempts: its signature belongs to another id or timestamp.",
        "Look for what keeps headers of an earlier attempt.",
    ),
}


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
        return f"The signature is right, but the body is no event: {refusal}", _SENDER
    if facts.steps is None:
        return _unexplained(facts, refusal)
    if not facts.steps:
        return f"{refusal} The signature is right.", _FIXES.get(facts.refusal.reason, _SENDER)
    texts = [_clock(facts) if step.cause is Cause.CLOCK else _TEXTS[step.cause] for step in facts.steps]
    if [step.cause for step in facts.steps] == [Cause.CLOCK]:
        texts.insert(0, ("The signature is right.", ""))
    return " ".join(what for what, _ in texts), " ".join(fix for _, fix in texts).lstrip()


def _clock(facts: Facts) -> tuple[str, str]:
    seconds, beyond = abs(facts.age), abs(facts.age) - facts.tolerance
    if facts.age < 0:
        what = f"{beyond:.0f} s newer than the tolerance of {facts.tolerance:g} s: this machine's clock is"
        return f"The timestamp is {what} {seconds:.0f} s behind.", "Set this machine's clock."
    what = f"{beyond:.0f} s older than the tolerance of {facts.tolerance:g} s: the capture is {seconds:.0f} s old"
    return (
        f"The timestamp is {what}, or this machine's clock as far ahead.",
        "If it was captured then, say so with --now. Else set this machine's clock.",
    )


def _unexplained(facts: Facts, refusal: str) -> tuple[str, str]:
    if not facts.has_signature:
        return f"{refusal} No header has a signature to compare with.", _PROXY
    left = "" if facts.is_complete else ", and gave up"
    tried = f"Tried {facts.tried:,} ways to undo changes of body, headers and secret, one and two at a time{left}."
    mismatch = facts.refusal.reason is Reason.SIGNATURE_MISMATCH
    what = "Nothing that is known to happen makes the signature match."
    return " ".join([*([] if mismatch else [refusal]), what, tried, *_signs(facts)]), _LIKELY


def _signs(facts: Facts) -> Iterator[str]:
    """Yield what the body shows by itself. It proves nothing, but tells where to look."""
    body = facts.body
    if not body:
        yield "The body is empty: something may have read it before."
    elif body.startswith(b"{") and not body.rstrip().endswith(b"}"):
        yield "The body begins as JSON and does not end so: a part is missing."
    if count := body.count("\N{REPLACEMENT CHARACTER}".encode()):
        yield f"It has {count} replacement characters (U+FFFD): there, bytes were lost for good."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
