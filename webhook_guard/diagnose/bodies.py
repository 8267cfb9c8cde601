"""Bodies that were changed on their way: each way back, one step at a time, but for JSON that was written again.

Nothing is claimed here: a step is only what may have been undone, and the signature says whether it was. Steps are
yielded only where the bytes show that they may be some, one at a time, in bounded memory; and no body makes this raise.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator

from webhook_guard.diagnose.causes import BodyUndone, Cause, Step
from webhook_guard.diagnose.encodings import (
    COMMON_ENTITIES,
    JSON_STARTS,
    LARGEST,
    Way,
    base64_decoded,
    charset_restored,
    decompressed,
    form_decoded,
    html_unescaped,
    unquoted,
)
from webhook_guard.diagnose.work import Work

#: What these cost, in bytes that are hashed, measured: to copy a byte, and to undo an entity and a percent sign.
_COPYING, _AN_ENTITY, _A_PERCENT = 2, 2000, 100

_LINE_BREAKS = {b"\r\n": "CR LF", b"\n": "line feed", b"\r": "carriage return"}
_BLANKS = b" \t"
#: What is put before and after, the likelier first.
_PUT = (
    (Cause.NEWLINE, "a line feed at the end (1 byte)", b"", b"\n"),
    (Cause.NEWLINE, "a CR LF at the end (2 bytes)", b"", b"\r\n"),
    (Cause.NEWLINE, "two line feeds at the end (2 bytes)", b"", b"\n\n"),
    (Cause.WHITESPACE, "1 space at the end", b"", b" "),
    (Cause.WHITESPACE, "2 spaces at the end", b"", b"  "),
    (Cause.WHITESPACE, "4 spaces at the end", b"", b"    "),
    (Cause.WHITESPACE, "1 space at the start", b" ", b""),
    (Cause.WHITESPACE, "1 space at both ends", b" ", b" "),
    (Cause.BOM, "a UTF-8 byte-order mark at the start (3 bytes)", BOM_UTF8, b""),
)


def undone(body: bytes, work: Work | None = None) -> Iterator[BodyUndone]:
    """Yield the body after each step back: what is too much at its ends, then its encoding, then what is missing.

    So two steps are found in the order to take them: what happened last is undone first.

    No result is the body itself. None is over `LARGEST`, but for what is put at the ends; of a body that is over it,
    only line breaks and the ends are changed.

    Args:
        body: The body as it came, or after another step.
        work: What to take the work off; None limits one call as one search.

    Raises:
        OutOfWorkError: There is not enough left.

    >>> [undone.step.how for undone in undone(b"%7B%7D")][:2]
    ['decode the percent-encoding (6 -> 2 bytes)', 'put a line feed at the end (1 byte)']
    """
    work = Work() if work is None else work
    work.spend(len(body) * _COPYING * (len(_EDGES) + len(_PUT)))
    for cause, way in _EDGES:
        yield from (BodyUndone(Step(cause, how), was) for how, was in way(body))
    yield from _decoded(body, work)
    for cause, what, before, behind in _PUT:
        if not (cause is Cause.BOM and body.startswith(BOM_UTF8)):
            yield BodyUndone(Step(cause, f"put {what}"), b"".join((before, body, behind)))


def _decoded(body: bytes, work: Work) -> Iterator[BodyUndone]:
    if len(body) > LARGEST:
        work.leave_out()
        return
    work.spend(_decoding(body))
    for cause, way in _ENCODINGS:
        for how, was in way(body):
            if len(was) > LARGEST:
                work.leave_out()
            elif was != body:
                yield BodyUndone(Step(cause, how), was)


def _decoding(body: bytes) -> int:
    """Return what it costs to look for encodings: rare entities, and percent signs, are undone one by one."""
    entities = body.count(b"&") - sum(map(body.count, COMMON_ENTITIES)) if b"&" in body else 0
    return len(body) * _COPYING * len(_ENCODINGS) + entities * _AN_ENTITY + body.count(b"%") * _A_PERCENT


def _final_line_break(body: bytes) -> Iterator[tuple[str, bytes]]:
    final = next((line_break for line_break in _LINE_BREAKS if body.endswith(line_break)), b"")
    if final:
        yield f"take the final {_LINE_BREAKS[final]} away ({_bytes(len(final))})", body[: -len(final)]
    if final == b"\r\n":
        yield "take the final line feed away (1 byte)", body[:-1]
        yield "write the final CR LF as a line feed", body[:-2] + b"\n"
    elif final == b"\n":
        yield "write the final line feed as CR LF", body[:-1] + b"\r\n"
    stripped = body.rstrip(b"\r\n")
    if (count := len(body) - len(stripped)) > len(final):
        yield f"take all line breaks at the end away ({count} bytes)", stripped


def _all_line_breaks(body: bytes) -> Iterator[tuple[str, bytes]]:
    if count := body.count(b"\r\n"):
        yield f"write each CR LF as a line feed ({count} of them)", body.replace(b"\r\n", b"\n")
    if (bare := body.count(b"\n") - count) and len(body) + bare <= LARGEST:
        yield f"write each line feed as CR LF ({bare} of them)", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _blanks(body: bytes) -> Iterator[tuple[str, bytes]]:
    # A line break at the end is a newline's: two changes there are undone in their order.
    start, end = len(body) - len(body.lstrip(_BLANKS + b"\r\n")), len(body.rstrip(_BLANKS))
    if start:
        yield f"take the blanks at the start away ({_bytes(start)})", body[start:]
    if after := len(body) - end:
        yield f"take the blanks at the end away ({_bytes(after)})", body[:end]
        if start:
            yield f"take the blanks at both ends away ({start + after} bytes)", body[start:end]


def _byte_order_mark(body: bytes) -> Iterator[tuple[str, bytes]]:
    if body.startswith(BOM_UTF8):
        yield "take the byte-order mark away (3 bytes)", body[3:]


def _nul_padding(body: bytes) -> Iterator[tuple[str, bytes]]:
    if body.endswith(b"\0"):
        stripped = body.rstrip(b"\0")
        # What is compressed may end in NULs of its own: gzip's length has up to three.
        for own in range(1 if stripped.startswith(JSON_STARTS) else 4):
            count = len(body) - len(stripped) - own
            if count > 0:
                yield f"take the NULs at the end away ({_bytes(count)})", body[:-count]


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


#: What takes little more than a copy.
_EDGES: tuple[tuple[Cause, Way], ...] = (
    (Cause.NEWLINE, _final_line_break),
    (Cause.NEWLINE, _all_line_breaks),
    (Cause.WHITESPACE, _blanks),
    (Cause.BOM, _byte_order_mark),
    (Cause.NUL_PADDING, _nul_padding),
)
_ENCODINGS: tuple[tuple[Cause, Way], ...] = (
    (Cause.COMPRESSED, decompressed),
    (Cause.BASE64_BODY, base64_decoded),
    (Cause.CHARSET, charset_restored),
    (Cause.HTML_ESCAPED, html_unescaped),
    (Cause.FORM_ENCODED, form_decoded),
    (Cause.QUOTED_BODY, unquoted),
)
