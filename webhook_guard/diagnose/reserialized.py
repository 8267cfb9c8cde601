"""JSON that was parsed and written again: the texts that it may have been before.

Nothing is claimed here: a text is only what may have been signed, and the signature says whether it was. The text is
never parsed, and but for the text that is yielded, hardly more than the body is kept.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import product
from typing import TypeAlias

from webhook_guard.diagnose.causes import BodyUndone, Cause, Step
from webhook_guard.diagnose.encodings import LARGEST, is_utf_8
from webhook_guard.diagnose.json_orders import Ordered, every_order, known_orders, openai_orders
from webhook_guard.diagnose.json_styles import LAYOUTS, Layout, Strings, said, strings_of, written
from webhook_guard.diagnose.json_text import compacted, with_integers
from webhook_guard.diagnose.work import Work

_Texts: TypeAlias = Callable[[bytes, Work], Iterator[tuple[str, bytes]]]

#: Bytes of compact text. A larger one is put in OpenAI's orders only, and in fewer styles; events have some hundred.
LARGEST_IN_ALL_STYLES = 65_536
#: Bytes of compact text. Of a larger one not all orders are tried, because there are hundreds.
LARGEST_PERMUTED = 4_096
#: So many are tried: layouts of a larger text in OpenAI's orders; layouts, and likely styles of strings, in all orders.
_LAYOUTS_ORDERED, _LAYOUTS_PERMUTED, _STRINGS_PERMUTED = 2, 6, 4
#: The layouts of a larger text that are tried before its orders are.
_LAYOUTS_AT_FIRST = 4

#: What a byte costs in bytes that are hashed, measured: of JSON that is read, put in orders, and written once.
_READING, _ORDERING, _WRITING = 60, 150, 40

_START = re.compile(rb'\{[ \t\n]*+["}]|\[[ \t\n]*+[-"0-9{\[\]tfn]')
_CLOSING = (b"}", b"]")


def undone(body: bytes, work: Work | None = None) -> Iterator[BodyUndone]:
    r"""Yield the body as other serializers would have written it, the likelier first.

    No text comes twice, and not the body itself; nothing comes unless it is UTF-8 with brackets around it. Each text
    is made when it is asked for.

    Args:
        body: The body as it came, or after another step.
        work: What to take the work off; None limits one call as one search.

    Raises:
        OutOfWorkError: There is not enough left.

    >>> for (_, how), text in list(undone(b'{"a": 1}'))[:2]:
    ...     print(how, text)
    write the JSON compact, as JavaScript's JSON.stringify does b'{"a":1}'
    write the JSON indented by 2, as JavaScript's JSON.stringify does b'{\n  "a": 1\n}'
    """
    return _each_once(body, _texts, Work() if work is None else work)


def reordered(body: bytes, work: Work | None = None) -> Iterator[BodyUndone]:
    """Yield the body with its members in orders that nobody expects: all of them, if it is small and they are few.

    Args:
        body: The body as it came, or after another step.
        work: What to take the work off; None limits one call as one search.

    Raises:
        OutOfWorkError: There is not enough left.
    """
    return _each_once(body, _reordered, Work() if work is None else work)


def _each_once(body: bytes, texts: _Texts, work: Work) -> Iterator[BodyUndone]:
    if not _is_json(body):
        return
    if len(body) > LARGEST:
        work.leave_out()
        return
    work.spend(len(body) * _READING)
    seen = {sha256(body).digest()}
    for how, text in texts(compacted(body), work):
        digest = sha256(text).digest()
        if digest not in seen:
            seen.add(digest)
            yield BodyUndone(Step(Cause.RESERIALIZED, how), text)
        del text  # or two would be in memory while the next one is made


def _is_json(body: bytes) -> bool:
    # No serializer writes CR LF: that is another change, which is undone first.
    return bool(_START.match(body)) and body.endswith(_CLOSING) and b"\r" not in body and is_utf_8(body)


def _texts(text: bytes, work: Work) -> Iterator[tuple[str, bytes]]:
    """Yield the ways to write a compact text, each with how; some come twice."""
    strings = list(strings_of(text))
    likely = [style for style in strings if style.is_likely]
    for numbers, base in _bases(text):
        writer = _Writer(numbers, base, work)
        if len(base) <= LARGEST_IN_ALL_STYLES:
            yield from writer.written(LAYOUTS, strings)
            yield from writer.in_orders(known_orders, LAYOUTS, strings if len(base) <= LARGEST_PERMUTED else likely)
        else:
            work.leave_out()
            yield from writer.written(LAYOUTS[:_LAYOUTS_AT_FIRST], likely)
            yield from writer.in_orders(openai_orders, LAYOUTS[:_LAYOUTS_ORDERED], likely)
            yield from writer.written(LAYOUTS, likely)
            yield from writer.written(LAYOUTS[:1], strings)


def _reordered(text: bytes, work: Work) -> Iterator[tuple[str, bytes]]:
    """Yield a compact text in all orders, in the likeliest ways to write it; some come twice."""
    if len(text) > LARGEST_PERMUTED:
        work.leave_out()
        return
    strings = list(strings_of(text))[:_STRINGS_PERMUTED]
    *_, (numbers, base) = _bases(text)
    yield from _Writer(numbers, base, work).in_orders(every_order, LAYOUTS[:_LAYOUTS_PERMUTED], strings)


def _bases(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the compact text, and what it is with whole numbers, if that is another."""
    yield "", text
    restored = with_integers(text)
    if restored != text:
        yield ", its whole numbers without a fraction or an exponent", restored


class _Writer:
    """Writes a compact text in orders, layouts and styles of strings, each text with how."""

    def __init__(self, how: str, text: bytes, work: Work) -> None:
        self._how = how
        self._text = text
        self._work = work

    def in_orders(
        self, orders: Callable[[bytes], Iterable[Ordered]], layouts: Sequence[Layout], strings: Sequence[Strings]
    ) -> Iterator[tuple[str, bytes]]:
        self._work.spend(len(self._text) * _ORDERING)
        seen = {sha256(self._text).digest()}
        for how, ordered in orders(self._text):
            digest = sha256(ordered).digest()
            if digest not in seen:
                seen.add(digest)
                yield from _Writer(how + self._how, ordered, self._work).written(layouts, strings)

    def written(self, layouts: Sequence[Layout], strings: Sequence[Strings]) -> Iterator[tuple[str, bytes]]:
        for layout, style in product(layouts, strings):
            self._work.spend(len(self._text) * _WRITING)
            if (made := written(self._text, layout, style)) is not None:
                yield said(layout, style) + self._how, made
            del made
