"""Proxies in Node.js: what they make of a body, and what is said about it."""

import pytest

from middleboxes.deliveries import FROM_JAVASCRIPT, FROM_PYTHON, TAKEN, id_of, push, refused
from middleboxes.explaining import Explain, Said
from middleboxes.processes import node
from middleboxes.receiver import Receiver


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("untouched", FROM_PYTHON),
        ("untouched", FROM_JAVASCRIPT),
        ("stringified", FROM_JAVASCRIPT),
        ("concatenated", FROM_JAVASCRIPT),
        ("latin1", FROM_PYTHON),
    ],
    ids=id_of,
)
def test_same_bytes(kind: str, sent: bytes, asgi: Receiver) -> None:
    """What a proxy happens to write as it was is taken: it works until a body is another one."""
    with node(kind, asgi.port) as proxy:
        assert push(proxy, sent) == TAKEN
    assert asgi.taken == [sent]


@pytest.mark.parametrize(
    ("kind", "sent", "causes"),
    [
        ("stringified", FROM_PYTHON, ["reserialized"]),
        ("indented", FROM_PYTHON, ["reserialized"]),
        ("indented", FROM_JAVASCRIPT, ["reserialized"]),
        ("latin1", FROM_JAVASCRIPT, ["charset"]),
        ("gzipped", FROM_JAVASCRIPT, ["compressed"]),
        ("gzipped", FROM_PYTHON, ["compressed", "reserialized"]),
        ("quoted", FROM_JAVASCRIPT, ["quoted_body"]),
        ("quoted", FROM_PYTHON, ["quoted_body"]),
        ("form", FROM_JAVASCRIPT, ["form_encoded"]),
        ("form", FROM_PYTHON, ["form_encoded"]),
    ],
    ids=id_of,
)
def test_causes(kind: str, sent: bytes, causes: list[str], asgi: Receiver, explain: Explain) -> None:
    """What a proxy did is named, in the order to undo it, and what was sent is found."""
    with node(kind, asgi.port) as proxy:
        assert push(proxy, sent) == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", causes, sent)


def test_cut_characters(asgi: Receiver, explain: Explain) -> None:
    """A character that was cut in two, and each half read as text, is lost for good: no cause is invented."""
    cut = FROM_JAVASCRIPT.index("é".encode()) + 1
    with node("concatenated", asgi.port) as proxy:
        answer = push(proxy, FROM_JAVASCRIPT, pieces=[FROM_JAVASCRIPT[:cut], FROM_JAVASCRIPT[cut:]])
    assert answer == refused("signature_mismatch")
    spoilt = FROM_JAVASCRIPT.replace("é".encode(), "\ufffd\ufffd".encode())
    assert explain(asgi.refused_message()) == Said("signature_mismatch", [], spoilt)


def test_rounded_numbers(asgi: Receiver, explain: Explain) -> None:
    """So is the last digit of a number that is more than JavaScript can tell from the next one."""
    with node("stringified", asgi.port) as proxy:
        answer = push(proxy, FROM_JAVASCRIPT.replace(b"0.25", b"9007199254740993"))
    assert answer == refused("signature_mismatch")
    spoilt = FROM_JAVASCRIPT.replace(b"0.25", b"9007199254740992")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", [], spoilt)
