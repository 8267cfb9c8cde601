"""The orders of members: which are known, which are tried, and what is left alone."""

from collections.abc import Iterable
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.json_orders import (
    DEEPEST,
    Ordered,
    every_order,
    known_orders,
    openai_orders,
    sorted_throughout,
)

BLOCKED = (
    b'{"type":"safety_identifier.blocked","id":"evt_1","object":"event","data":'
    b'{"model":"m","safety_identifier":"s","safety_category":"c"},"created_at":1}'
)
DATA = b'{"safety_category":"c","safety_identifier":"s","model":"m"}'


def how(orders: Iterable[Ordered], text: bytes) -> str:
    """Return how a text is called, the first time that it comes."""
    return next(each.how for each in orders if each.text == text)


@pytest.mark.parametrize(
    ("text", "called"),
    [
        pytest.param(
            b'{"id":"evt_1","object":"event","created_at":1,"type":"safety_identifier.blocked","data":' + DATA + b"}",
            ", in OpenAI's order, data's members in OpenAI's order",
            id="as the vector",
        ),
        pytest.param(
            b'{"object":"event","id":"evt_1","type":"safety_identifier.blocked","created_at":1,"data":' + DATA + b"}",
            ", in the order of OpenAI's documentation, data's members in OpenAI's order",
            id="as documented",
        ),
        pytest.param(
            b'{"created_at":1,"data":{"model":"m","safety_category":"c","safety_identifier":"s"},"id":"evt_1",'
            b'"object":"event","type":"safety_identifier.blocked"}',
            ", with its members sorted, data's members sorted",
            id="sorted",
        ),
    ],
)
def test_known(text: bytes, called: str) -> None:
    """OpenAI's orders are found from any other, and the sorted one."""
    assert called == how(known_orders(BLOCKED), text)


@pytest.mark.parametrize(
    ("received", "text"),
    [
        pytest.param(
            b'{"type":"batch.new","data":{"b":1,"a":2},"id":"e"}',
            b'{"id":"e","type":"batch.new","data":{"b":1,"a":2}}',
            id="of an unknown type, without object",
        ),
        pytest.param(b'{"z":1,"type":2,"y":3,"id":4}', b'{"id":4,"type":2,"z":1,"y":3}', id="with unknown members"),
        pytest.param(b'{"data":1,"id":[2,3],"id":4}', b'{"id":[2,3],"id":4,"data":1}', id="with duplicates"),
        pytest.param(
            b'{"data":{"a":{"c":1,"b":2}},"id":"e"}', b'{"id":"e","data":{"a":{"c":1,"b":2}}}', id="with more below"
        ),
    ],
)
def test_other_bodies(received: bytes, text: bytes) -> None:
    """What is not known stays as it came, behind what is."""
    assert how(known_orders(received), text).startswith(", in OpenAI's order")


def test_throughout() -> None:
    """All objects are sorted at last, at every level, and lists keep their order."""
    text = b'{"b":[{"d":"},{","c":1},[],{}],"a":""}'
    assert (
        Ordered(", with all members sorted", b'{"a":"","b":[{"c":1,"d":"},{"},[],{}]}') == list(known_orders(text))[-1]
    )


@pytest.mark.parametrize("text", [b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), b"[]]", b"[{]"])
def test_not_sorted(text: bytes) -> None:
    """What is nested too deeply is left alone, and what is no whole JSON."""
    assert sorted_throughout(text) is None


@pytest.mark.parametrize("text", [b"[1,2]", b"[]", b"{}"])
def test_no_members(text: bytes) -> None:
    """A list has no members, and an empty object has none."""
    assert {text} == {each.text for each in known_orders(text)}
    assert not list(every_order(text))


def test_openai_orders() -> None:
    """Only OpenAI's orders are tried, with the data as it is and as the catalogue has it."""
    texts = [each.text for each in openai_orders(BLOCKED)]
    assert len(texts) == 4
    assert {*texts} < {each.text for each in known_orders(BLOCKED)}
    assert DATA in texts[1]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"id":1,"data":{"a":2|}', id="a bracket lost"),
        pytest.param(b'{"id":1,"data":2]', id="another bracket"),
        pytest.param(b'{"id":1}{"id":2}', id="two objects"),
        pytest.param(b"{%b}" % b",".join(b'"%d":1' % number for number in range(100)), id="too many members"),
    ],
)
def test_no_object(text: bytes) -> None:
    """What is no whole object, or has very many members, keeps its order."""
    assert not list(openai_orders(text))


def test_every_order() -> None:
    """All orders of five members are tried, with two of their data's; and all of the data's, with four of theirs."""
    every = list(every_order(BLOCKED))
    assert factorial(5) * 2 + factorial(3) * 4 == len(every)
    texts = {each.text for each in every}
    assert len(texts) > factorial(5) * 2
    assert {bytes(sorted(BLOCKED))} == {bytes(sorted(text)) for text in texts}


def test_names_are_told() -> None:
    """The order is told where the names are OpenAI's own, and not where they are a part of the body."""
    assert how(every_order(b'{"type":1,"id":2}'), b'{"id":2,"type":1}') == ", in the order id, type"
    assert how(every_order(b'{"key":1,"id":2}'), b'{"id":2,"key":1}') == ", in another order"
    data = every_order(b'{"data":{"b":1,"a":2},"x":0}')
    assert how(data, b'{"data":{"a":2,"b":1},"x":0}') == ", data's members in another order"


def test_too_many() -> None:
    """Of more members not all orders are tried."""
    members = b",".join(b'"%d":1' % number for number in range(6))
    assert not list(every_order(b"{%b}" % members))
    assert [b'{"data":{%b}}' % members] * 2 == [text for _, text in every_order(b'{"data":{%b}}' % members)]


@given(st.text('\\"u{}[],:1a', max_size=40).map(lambda text: f'{{"data":{{{text}}}}}'.encode()))
def test_anything(text: bytes) -> None:
    """Nothing raises, whatever the text is."""
    assert all(each.how.startswith(",") or not each.how for each in known_orders(text))
    assert all(each.how for each in every_order(text))
