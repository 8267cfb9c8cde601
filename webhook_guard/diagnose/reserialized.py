"""JSON that was parsed and written again: the texts that it may have been before.

Nothing is claimed here: a text is only what may have been signed, and the signature says whether it was. The text is
never parsed, and but for the text that is yielded, hardly more than the body is kept.
"""

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import product

from webhook_guard.diagnose.causes import BodyUndone, Cause, Step
from webhook_guard.diagnose.json_orders import Ordered, every_order, known_orders, openai_orders
from webhook_guard.diagnose.json_styles import LARGEST, LAYOUTS, Layout, Strings, said, strings_of, written
from webhook_guard.diagnose.json_text import compacted, with_integers

#: Bytes of compact text. A larger one is put in OpenAI's orders only, and in fewer styles; events have some hundred.
LARGEST_IN_ALL_STYLES = 65_536
#: Bytes of compact text. Of a larger one not all orders are tried, because there are hundreds.
LARGEST_PERMUTED = 4_096
#: So many are tried: layouts of a larger text in OpenAI's orders; layouts, and likely styles of strings, in all orders.
_LAYOUTS_ORDERED, _LAYOUTS_PERMUTED, _STRINGS_PERMUTED = 2, 3, 2

#: Bytes that are checked at a time to be UTF-8.
_CHUNK = 65_536
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")


def undone(body: bytes) -> Iterator[BodyUndone]:
    r"""Yield the body as other serializers would have written it, the likelier first.

    No text comes twice, and not the body itself; nothing comes unless it is UTF-8 with brackets around it. Each text
    is made when it is asked for.

    Args:
        body: The body as it came, or after another step.

    >>> for (_, how), text in list(undone(b'{"a": 1}'))[:2]:
    ...     print(how, text)
    write the JSON compact, as JavaScript's JSON.stringify does b'{"a":1}'
    write the JSON indented by 2, as JavaScript's JSON.stringify does b'{\n  "a": 1\n}'
    """
    return _each_once(body, _texts)


def reordered(body: bytes) -> Iterator[BodyUndone]:
    """Yield the body with its members in orders that nobody expects: all of them, if it is small and they are few.

    Args:
        body: The body as it came, or after another step.
    """
    return _each_once(body, _reordered)


def _each_once(body: bytes, texts: Callable[[bytes], Iterable[tuple[str, bytes]]]) -> Iterator[BodyUndone]:
    if len(body) > LARGEST or not _is_json(body):
        return
    seen = {sha256(body).digest()}
    for how, text in texts(compacted(body)):
        digest = sha256(text).digest()
        if digest not in seen:
            seen.add(digest)
            yield BodyUndone(Step(Cause.RESERIALIZED, how), text)
        del text  # or two would be in memory while the next one is made


def _is_json(body: bytes) -> bool:
    # No serializer writes CR LF: that is another change, which is undone first.
    return body.startswith(_OPENING) and body.endswith(_CLOSING) and b"\r" not in body and _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), _CHUNK):
            decoder.decode(body[start : start + _CHUNK])
    except UnicodeDecodeError:
        return False
    return True


def _texts(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the ways to write a compact text, each with how; some come twice."""
    strings = list(strings_of(text))
    likely = [style for style in strings if style.is_likely]
    for numbers, base in _bases(text):
        if len(base) <= LARGEST_IN_ALL_STYLES:
            yield from _written(base, numbers, LAYOUTS, strings)
            yield from _in_orders(base, numbers, known_orders(base), LAYOUTS, likely)
        else:
            yield from _written(base, numbers, LAYOUTS, likely)
            yield from _in_orders(base, numbers, openai_orders(base), LAYOUTS[:_LAYOUTS_ORDERED], likely)
            yield from _written(base, numbers, LAYOUTS[:1], strings)


def _in_orders(
    base: bytes, numbers: str, orders: Iterable[Ordered], layouts: Sequence[Layout], strings: Sequence[Strings]
) -> Iterator[tuple[str, bytes]]:
    for order, ordered in _distinct(orders, base):
        yield from _written(ordered, order + numbers, layouts, strings)


def _reordered(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a compact text in all orders, in the likeliest ways to write it; some come twice."""
    if len(text) > LARGEST_PERMUTED:
        return
    strings = [style for style in strings_of(text) if style.is_likely][:_STRINGS_PERMUTED]
    *_, (numbers, base) = _bases(text)
    yield from _in_orders(base, numbers, every_order(base), LAYOUTS[:_LAYOUTS_PERMUTED], strings)


def _bases(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the compact text, and what it is with whole numbers, if that is another."""
    yield "", text
    restored = with_integers(text)
    if restored != text:
        yield ", its whole numbers without a fraction or an exponent", restored


def _distinct(orders: Iterable[Ordered], base: bytes) -> Iterator[Ordered]:
    """Yield the orders that differ from each other and from that of the text itself, before each is written often."""
    seen = {sha256(base).digest()}
    for ordered in orders:
        digest = sha256(ordered.text).digest()
        if digest not in seen:
            seen.add(digest)
            yield ordered


def _written(
    text: bytes, order: str, layouts: Sequence[Layout], strings: Sequence[Strings]
) -> Iterator[tuple[str, bytes]]:
    for layout, style in product(layouts, strings):
        if (made := written(text, layout, style)) is not None:
            yield said(layout, style) + order, made
        del made
