"""Proxy apps in Python: what they make of a body, and what is said about it."""

import pytest

from middleboxes.deliveries import FROM_JAVASCRIPT, FROM_PYTHON, TAKEN, id_of, push, refused
from middleboxes.explaining import Explain, Said
from middleboxes.processes import python
from middleboxes.receiver import Receiver


@pytest.mark.parametrize(("kind", "sent"), [("with_httpx", FROM_JAVASCRIPT), ("with_requests", FROM_PYTHON)], ids=id_of)
def test_same_bytes(kind: str, sent: bytes, asgi: Receiver) -> None:
    """What a proxy happens to write as it was is taken: it works until the sender writes otherwise."""
    with python(kind, asgi.port) as proxy:
        assert push(proxy, sent) == TAKEN
    assert asgi.taken == [sent]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("with_httpx", FROM_PYTHON),
        ("with_requests", FROM_JAVASCRIPT),
        ("sorted_and_indented", FROM_PYTHON),
        ("sorted_and_indented", FROM_JAVASCRIPT),
    ],
    ids=id_of,
)
def test_reserialized(kind: str, sent: bytes, asgi: Receiver, explain: Explain) -> None:
    """A body that was parsed and written again is named as such, and what was sent is found."""
    with python(kind, asgi.port) as proxy:
        assert push(proxy, sent) == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", ["reserialized"], sent)


def test_base64_body(wsgi: Receiver, explain: Explain) -> None:
    """A gateway's base64 that reaches a WSGI app is named."""
    with python("as_lambda_event", wsgi.port) as gateway:
        assert push(gateway, FROM_JAVASCRIPT) == refused("signature_mismatch")
    assert explain(wsgi.refused_message()) == Said("signature_mismatch", ["base64_body"], FROM_JAVASCRIPT)
