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
#: What to change where the signature is right all the same.
_FIXES = {Reason.METHOD_NOT_ALLOWED: "Send it with POST: a redirect on the way may have made another method of it."}

#: What happened, and what to change.
_TEXTS = {
    Cause.RESERIALIZED: (
        "The body was parsed as JSON and written again; the data are the same, the bytes are not.",
        "Verify the raw body: bytes(await request.body()) or request.get_data(), never json.dumps(request.json()).",
    ),
    Cause.NEWLINE: (
        "Line breaks of the body were changed.",
        "Pass the body on as bytes: text files, shells and editors change line breaks.",
    ),
    Cause.WHITESPACE: (
        "Blanks at an end of the body were changed.",
        "Pass the body on as it came: no strip(), no template.",
    ),
    Cause.BOM: (
        "The byte-order mark before the body was added or lost.",
        "Pass the body on as bytes: what reads or writes it as text, as utf-8-sig, changes it.",
    ),
    Cause.NUL_PADDING: (
        "The body was filled up with zero bytes.",
        "Pass on as many bytes as came, not a whole buffer.",
    ),
    Cause.COMPRESSED: (
        "The body was compressed after it was signed.",
        "Turn compression of requests off in the proxy, or decompress before the signature is verified.",
    ),
    Cause.BASE64_BODY: (
        "The body was encoded as base64, as gateways for serverless functions do.",
        "Decode it before it is verified: base64.b64decode(event['body']) where isBase64Encoded is true.",
    ),
    Cause.CHARSET: (
        "The body was read in one character set and written in another, which changed all letters beyond ASCII.",
        "Pass the body on as bytes; where it must be text, read and write it as UTF-8.",
    ),
    Cause.HTML_ESCAPED: (
        "The body was escaped as if it were HTML.",
        "Pass the body on without a template or a sanitizer.",
    ),
    Cause.FORM_ENCODED: (
        "The body was encoded as a form's.",
        "Send it on as application/json bytes, not as form data: with requests and httpx, data= or content= bytes.",
    ),
    Cause.QUOTED_BODY: (
        "The body was written as a JSON string: JSON within JSON.",
        "Send the text itself on: json.dumps was called once too often.",
    ),
    Cause.SECRET_FORMAT: (
        "The secret is right, but not written as it should be.",
        "Copy the secret again, whole: whsec_...",
    ),
    Cause.OTHER_SECRET: (
        "It was signed with another of the secrets given, not with the one that the app has.",
        "Give the app that secret, or a list of both: each verifies.",
    ),
    Cause.HEADER_FORMAT: (
        "The signature is right, but its headers are not written as they should be.",
        "Find what rewrites the headers: webhook-signature is v1,<base64>, with a blank between several.",
    ),
    Cause.SWAPPED_HEADERS: (
        "The webhook-id and the webhook-timestamp are exchanged.",
        "Look where the headers are copied or passed as arguments.",
    ),
    Cause.SVIX_HEADERS: (
        "The headers are those of another sender: their names are not webhook-id, -timestamp and -signature.",
        "Rename the headers before the guard, or let whoever sends use the standard names.",
    ),
    Cause.TIMESTAMP_UNIT: (
        "The timestamp is not written in whole seconds.",
        "Pass webhook-timestamp on as it came: Unix seconds, digits only.",
    ),
    Cause.SIGNED_CONTENT: (
        "The sender did not sign id.timestamp.body.",
        "This is no signature of OpenAI's: let the sender sign as Standard Webhooks says, id.timestamp.body.",
    ),
    Cause.RETRY_MIXED: (
        "The request mixes several attempts: its signature belongs to another id or timestamp in it.",
        "Look for what keeps headers of an earlier attempt, or adds its own to them.",
    ),
    Cause.CLOCK: (
        "The signature is right; only the time is not.",
        "Set this machine's clock (timedatectl shows it). If the capture is old, nothing is wrong: give --now SECONDS.",
    ),
}


class Facts(NamedTuple):
    """What is known about a refused request. Its repr does not show the body.

    Attributes:
        refusal: What a guard refuses it with.
        steps: What was found; None if nothing makes the signature match.
        body: The body as it came.
        declared: What Content-Length says, in bytes; None if it is not there, or no number.
        has_signature: Whether a header has anything that may be a signature.
        tried: How many ways were tried.
        is_complete: Whether all ways were, and not only what there was time for.
    """

    refusal: WebhookError
    steps: Sequence[Step] | None
    body: bytes
    declared: int | None
    has_signature: bool
    tried: int
    is_complete: bool

    def __repr__(self) -> str:
        return f"<{self.refusal.reason.value}, {len(self.body)} bytes>"


def explain(facts: Facts) -> tuple[str, str]:
    """Return what happened, and what to change."""
    refusal = _sentence(str(facts.refusal))
    if isinstance(facts.refusal, PayloadError):
        return (
            f"The signature is right, but the body is no event: {refusal}",
            "Look at what was sent: this is what the sender signed, so nothing on the way is wrong.",
        )
    if facts.steps is None:
        return _unexplained(facts, refusal)
    if not facts.steps:
        return f"{refusal} The signature is right.", _FIXES.get(facts.refusal.reason, "")
    texts = [_TEXTS[step.cause] for step in facts.steps]
    what = " ".join(what for what, _ in texts)
    fixes = " ".join(dict.fromkeys(fix for _, fix in texts))
    return what if facts.refusal.reason is Reason.SIGNATURE_MISMATCH else f"{refusal} {what}", fixes


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
    elif facts.declared is not None and facts.declared != len(body):
        yield f"Content-Length says {facts.declared} bytes, and {len(body)} are here."
    elif body.startswith(b"{") and not body.rstrip().endswith(b"}"):
        yield "The body begins as JSON and does not end so: a part is missing."
    if count := body.count("\N{REPLACEMENT CHARACTER}".encode()):
        yield f"It has {count} replacement characters (U+FFFD): there, bytes were lost for good."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
