r"""JSON that was written again: the original is among the texts, however it and what came were written.

What serializers of other languages write is here as text, because it does not change; Node.js is asked where it is.
"""

import json
import shutil
import subprocess
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, permutations, product
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.causes import BodyUndone, Cause
from webhook_guard.diagnose.encodings import LARGEST
from webhook_guard.diagnose.reserialized import (
    LARGEST_IN_ALL_STYLES,
    LARGEST_PERMUTED,
    reordered,
    undone,
)
from webhook_guard.diagnose.work import Work

from support import BODY, VECTOR_BODY

Ways: TypeAlias = Callable[[bytes], Iterator[BodyUndone]]

EVENT = json.loads(VECTOR_BODY)

_COMPACT = '{"id":"%s","type":"batch.completed","data":{"score":2.5,"none":{},"list":[],"all":[1,{"a":null}]}}'
_SPACED = (
    '{"id": "%s", "type": "batch.completed", "data": {"score": 2.5, "none": {}, "list": [], "all": [1, {"a": null}]}}'
)
_BY_2 = """{
  "id": "%s",
  "type": "batch.completed",
  "data": {
    "score": 2.5,
    "none": {},
    "list": [],
    "all": [
      1,
      {
        "a": null
      }
    ]
  }
}"""
_BY_4 = _BY_2.replace("  ", "    ")
_BY_TAB = _BY_2.replace("  ", "\t")
_BY_JACKSON = """{
  "id" : "%s",
  "type" : "batch.completed",
  "data" : {
    "score" : 2.5,
    "none" : { },
    "list" : [ ],
    "all" : [ 1, {
      "a" : null
    } ]
  }
}"""
_RAW = "\u00e9\U0001f600/<>&\u2028'=\\\"\\\\\\t"
_ASCII = "\\u00e9\\ud83d\\ude00/<>&\\u2028'=\\\"\\\\\\t"
_PHP = "\\u00e9\\ud83d\\ude00\\/<>&\\u2028'=\\\"\\\\\\t"
_GO = "\u00e9\U0001f600/\\u003c\\u003e\\u0026\\u2028'=\\\"\\\\\\t"
_GSON = '\u00e9\U0001f600/\\u003c\\u003e\\u0026\\u2028\\u0027\\u003d\\"\\\\\\t'

#: How it is called, and what it looks like.
WRITTEN = [
    ("compact, with raw non-ASCII, as JavaScript's JSON.stringify does", _COMPACT % _RAW),  # and Ruby's, Jackson's
    ("compact, with non-ASCII as \\u escapes, as Python's json.dumps does", _COMPACT % _ASCII),
    (
        "with a blank after each comma and colon, with non-ASCII as \\u escapes, as Python's json.dumps does",
        _SPACED % _ASCII,
    ),
    ("with a blank after each comma and colon, with raw non-ASCII, as Python's json.dumps does", _SPACED % _RAW),
    ("indented by 2, with raw non-ASCII, as JavaScript's JSON.stringify does", _BY_2 % _RAW),
    ("indented by 4, with non-ASCII as \\u escapes, as Python's json.dumps does", _BY_4 % _ASCII),
    ("compact, with slashes escaped and non-ASCII as \\u escapes, as PHP's json_encode does", _COMPACT % _PHP),
    ("indented by 4, with slashes escaped and non-ASCII as \\u escapes, as PHP's json_encode does", _BY_4 % _PHP),
    (
        (
            "compact, with slashes escaped and line separators as \\u escapes and raw non-ASCII, "
            "as PHP's json_encode does"
        ),
        _COMPACT % _RAW.replace("/", "\\/").replace("\u2028", "\\u2028"),
    ),
    (
        (
            "compact, with <, >, &, line separators as \\u escapes and raw non-ASCII, "
            "as Go's encoding/json or Rails' to_json does"
        ),
        _COMPACT % _GO,
    ),
    (
        (
            "indented by a tab, with <, >, &, line separators as \\u escapes and raw non-ASCII, "
            "as Go's encoding/json or Rails' to_json does"
        ),
        _BY_TAB % _GO,
    ),
    (
        "compact, with line separators as \\u escapes and raw non-ASCII, as Go's encoding/json does",
        _COMPACT % _RAW.replace("\u2028", "\\u2028"),
    ),
    (
        (
            "compact, with <, >, &, line separators, =, apostrophes as \\u escapes and raw non-ASCII, "
            "as Java's Gson does"
        ),
        _COMPACT % _GSON,
    ),
    (
        "indented by 2, with \" : \", with raw non-ASCII, as Java's Jackson's pretty printer does",
        _BY_JACKSON % _RAW,
    ),
]
#: How Python writes: all that it is asked for.
LAYOUTS: list[dict[str, Any]] = [
    {"separators": (",", ":")},
    {},
    {"indent": 2},
    {"indent": 4},
    {"indent": "\t"},
    {"separators": (",", ": ")},
    {"separators": (", ", ":")},
]
PLAIN = [json.dumps(EVENT, **layout).encode() for layout in LAYOUTS]


def how(received: bytes, original: bytes, ways: Ways = undone) -> str | None:
    """Return how the original is written, if it is among what a body may have been."""
    return next((each.step.how for each in ways(received) if each.body == original), None)


@pytest.mark.parametrize("received", [text for _, text in WRITTEN], ids=range(len(WRITTEN)))
def test_languages(received: str) -> None:
    """From what one language writes, what any other one does is found, and called by its name."""
    others = [(called, text) for called, text in WRITTEN if text != received]
    assert [f"write the JSON {called}" for called, _ in others] == [
        how(received.encode(), text.encode()) for _, text in others
    ]


@pytest.mark.parametrize(("received", "original"), [*permutations(PLAIN, 2)])
def test_plain(received: bytes, original: bytes) -> None:
    """A body of plain characters is found in every layout, before any other order is tried."""
    assert original in [each.body for each in undone(received)][: len(PLAIN)]


def test_likeliest() -> None:
    """The compact text comes first, and then that of Python."""
    first, second = list(undone(json.dumps(EVENT, indent=3).encode()))[:2]
    assert PLAIN[:2] == [first.body, second.body]
    assert {Cause.RESERIALIZED} == {first.step.cause, second.step.cause}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_node(indent: int | None) -> None:
    """What Python wrote is found from what Node.js makes of it."""
    original = json.dumps({**EVENT, "text": '\u00e9\U0001f600/<>&\u2028\\"\x07\x7f', "none": {}, "all": []}).encode()
    script = f"process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0)), null, {indent or 0}))"
    node = [str(shutil.which("node")), "-e", script]
    received = subprocess.run(node, input=original, capture_output=True, check=True, timeout=60).stdout  # noqa: S603  ours
    assert "Python's json.dumps" in str(how(received, original))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=10,
)
STYLES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{**layout, "ensure_ascii": is_ascii} for layout, is_ascii in product(LAYOUTS, [True, False])]
)


@given(value=st.lists(VALUES) | st.dictionaries(st.text(), VALUES), style=STYLES, other=STYLES)
def test_python(value: Any, style: dict[str, Any], other: dict[str, Any]) -> None:
    """Whatever the value is, what Python wrote in one style is found from any other."""
    original, received = json.dumps(value, **style).encode(), json.dumps(value, **other).encode()
    assert original == received or how(received, original)


@pytest.mark.parametrize("original", PLAIN[:4])
def test_sorted(original: bytes) -> None:
    """OpenAI's order is found from the sorted one, in every layout."""
    received = json.dumps(EVENT, sort_keys=True).encode()
    assert str(how(received, original)).endswith("in OpenAI's order")


@pytest.mark.parametrize("number", [b"1.75086121E9", b"1750861210.0"])
@pytest.mark.parametrize("sort_keys", [False, True])
def test_floats(number: bytes, *, sort_keys: bool) -> None:
    """A time that became a float is found as the integer that it was, sorted or not."""
    received = json.dumps(EVENT, sort_keys=sort_keys).encode().replace(b"1750861210", number)
    assert str(how(received, VECTOR_BODY)).endswith(", its whole numbers without a fraction or an exponent")


def test_all_orders() -> None:
    """An order that nobody knows is found where all are asked for, and only there."""
    names = ("data", "object", "id", "created_at", "type")
    original = json.dumps({name: EVENT[name] for name in names}).encode()
    assert how(BODY, original) is None
    assert how(VECTOR_BODY, original) is None
    assert str(how(VECTOR_BODY, original, reordered)).endswith(f", in the order {', '.join(names)}")


def test_all_orders_of_data() -> None:
    """The members of data are tried in all orders too."""
    received, original = (
        json.dumps({"id": "evt_1", "type": "model.retired", "data": data}).encode()
        for data in ({"d": 1, "b": 2, "a": 3}, {"b": 2, "d": 1, "a": 3})
    )
    assert how(received, original) is None
    assert str(how(received, original, reordered)).endswith(", data's members in another order")


def test_large_bodies_are_in_fewer_orders() -> None:
    """A large body is put in OpenAI's orders in a few layouts only, and only a small one in every order."""
    for size, all_layouts, any_order in ((100, 1, 1), (LARGEST_PERMUTED, 1, 0), (LARGEST_IN_ALL_STYLES, 0, 0)):
        received, original, other = (
            json.dumps(dict.fromkeys(names, 1) | {"x": "x" * size}).encode()
            for names in (("type", "object", "id"), ("id", "object", "type"), ("type", "id", "object"))
        )
        indented = json.dumps(json.loads(original), indent="\t").encode()
        assert how(received, original)
        assert bool(all_layouts) is bool(how(received, indented))
        assert bool(any_order) is bool(how(received, other, reordered))


@pytest.mark.parametrize(("more", "is_complete"), [(0, True), (LARGEST_IN_ALL_STYLES, False), (LARGEST, False)])
def test_left_out(more: int, *, is_complete: bool) -> None:
    """What is left out because a body is large is noted; of a body that is too large, all is."""
    work = Work(10**12)
    found = list(islice(undone(b'{"a": "' + b"x" * more + b'"}', work), 1))
    assert bool(found) is (more < LARGEST)
    assert work.is_complete is is_complete


def test_large_bodies_are_in_fewer_styles() -> None:
    """A large body is tried in all styles of strings where it is compact, and in the likely ones where it is not."""
    value = ["</", "\u00e9", "x" * LARGEST_IN_ALL_STYLES]
    compact, spaced = (json.dumps(value, separators=separators).encode() for separators in ((",", ":"), None))
    escaped = compact.replace(b"</", b"\\u003c/").replace(b"\\u00e9", "\u00e9".encode())
    assert how(spaced, escaped)
    assert how(escaped, spaced)
    assert how(escaped, spaced.replace(b"</", b"\\u003c/").replace(b"\\u00e9", "\u00e9".encode())) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"1", b'"{}"', b"{}\n", b" {}", b'\xef\xbb\xbf{"a": 1}', b'{"a": "\xe9"}', b'["\xed\xa0\x80"]', b"{", b"}"],
)
def test_other_bodies(body: bytes) -> None:
    """What is no object or list in UTF-8 from end to end is none of its business."""
    assert not list(undone(body))


def assert_each_once(body: bytes, ways: Ways = undone) -> None:
    """Assert that no text comes twice, and not the body."""
    texts = [each.body for each in ways(body)]
    assert len(texts) == len({*texts, body}) - 1


@given(st.binary(max_size=60) | st.text('\\"u0d8{}[],:1.eE \u00e9/<\u2028', max_size=60).map(str.encode))
def test_anything(inner: bytes) -> None:
    """Nothing raises, whatever the body is, and no text comes twice."""
    assert_each_once(inner)
    assert_each_once(b"[" + inner + b"]")
    assert_each_once(b'{"data":{' + inner + b"}")
    assert_each_once(b'{"data":{' + inner + b"}}", reordered)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nesting"),
        pytest.param(b'{"a":' * 10_000 + b"}", id="nesting in objects"),
        pytest.param(b'{"a":"' + b"\\" * 100_001 + b"}", id="backslashes"),
        pytest.param(b'["' * 50_000 + b"]", id="quotation marks"),
        pytest.param(b"[" + b"9" * 100_000 + b"e" + b"9" * 100_000 + b"]", id="numbers"),
        pytest.param(b"[" + b"\0" * 100_000 + b"]", id="NULs"),
        pytest.param(b"{" + b"," * 60_000 + b"}", id="commas"),
        pytest.param(BODY, id="an event"),
    ],
)
def test_hostile(body: bytes) -> None:
    """A body that is made to be costly is not, and raises nothing."""
    assert_each_once(body)
    assert_each_once(body, reordered)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" + b"1," * 524_287 + b"1]", id="numbers"),
        pytest.param(json.dumps([{"a": 1, "bc": "de"}] * 22_500).encode(), id="small objects"),
        pytest.param(json.dumps({f"key{number}": "value " * 32 for number in range(5_000)}).encode(), id="members"),
        pytest.param(json.dumps(["x" * 1_048_576]).encode(), id="a string"),
    ],
)
def test_memory(body: bytes) -> None:
    """No more than four times such a body is made at a time."""
    assert peak_of(body) < 4 * len(body)


def test_memory_of_deep_levels() -> None:
    """Where indentation is most of a text, no more than 4 MiB are made, as much as one indented text may take."""
    assert peak_of(b"[" * 60 + b"1," * 40_000 + b"1" + b"]" * 60) < 4 * 1_048_576


def peak_of(body: bytes) -> int:
    """Return the most bytes that are held while all of `undone` is gone through."""
    tracemalloc.start()
    try:
        deque(undone(body), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_shows_no_body() -> None:
    """How a text is written tells nothing of what is in it but OpenAI's own names."""
    received = b'{"my name":"my value","data":{"your name":1,"her name":2}}'
    for each in [*undone(received), *reordered(received)]:
        assert "name" not in each.step.how
        assert "value" not in repr(each)
