"""What can be between the request that was signed and the one that came, and how a step back is written."""

from enum import StrEnum
from typing import NamedTuple


class Cause(StrEnum):
    """Why a signature does not match: a code that is also a `str`. Steps of secret, headers and time are in this order.

    >>> Cause.NEWLINE == "newline"
    True
    """

    # The body.
    RESERIALIZED = "reserialized"
    NEWLINE = "newline"
    WHITESPACE = "whitespace"
    BOM = "bom"
    NUL_PADDING = "nul_padding"
    COMPRESSED = "compressed"
    BASE64_BODY = "base64_body"
    CHARSET = "charset"
    HTML_ESCAPED = "html_escaped"
    FORM_ENCODED = "form_encoded"
    QUOTED_BODY = "quoted_body"
    # The secret.
    SECRET_FORMAT = "secret_format"  # noqa: S105  a code
    OTHER_SECRET = "other_secret"  # noqa: S105  the same
    # The headers.
    HEADER_FORMAT = "header_format"
    SWAPPED_HEADERS = "swapped_headers"
    SVIX_HEADERS = "svix_headers"
    TIMESTAMP_UNIT = "timestamp_unit"
    SIGNED_CONTENT = "signed_content"
    RETRY_MIXED = "retry_mixed"
    # The time.
    CLOCK = "clock"


class Step(NamedTuple):
    """One step back.

    Attributes:
        cause: What it undoes.
        how: What to do, in the imperative, as "take the line feed at the end away"; no part of a body or a secret.
    """

    cause: Cause
    how: str


class BodyUndone(NamedTuple):
    """A body after one step back. Its repr does not show the body."""

    step: Step
    body: bytes

    def __repr__(self) -> str:
        return f"<{self.step.cause}: {self.step.how}, {len(self.body)} bytes>"
