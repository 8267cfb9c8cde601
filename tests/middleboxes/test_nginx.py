"""nginx, with settings that people have: what it makes of a delivery, and what is said about it."""

import pytest

from examples.relay import relay
from middleboxes.deliveries import FROM_JAVASCRIPT, FROM_PYTHON, TAKEN, Answer, fetch, id_of, inbox, push, refused
from middleboxes.explaining import Explain, Said
from middleboxes.processes import nginx
from middleboxes.receiver import Receiver

_GZIP = "gzip on; gzip_types application/json; gzip_min_length 1;"
_HTTPS = "sub_filter http:// https://; sub_filter_once off; sub_filter_types application/json;"
#: For apps that still write Latin-1: each byte beyond ASCII, and its character in UTF-8.
_FROM_LATIN_1 = "charset_map iso-8859-1 utf-8 {{ {} }}".format(
    " ".join(f"{byte:X} {chr(byte).encode().hex()};" for byte in range(0x80, 0x100))
)
_TO_UTF_8 = "source_charset iso-8859-1; charset utf-8; charset_types application/json;"
#: As documentation has it for requests that only ask whether somebody may do something.
_NO_BODY = 'proxy_pass_request_body off; proxy_set_header Content-Length "";'
_AS_SVIX = """
    proxy_set_header svix-id $http_webhook_id; proxy_set_header webhook-id "";
    proxy_set_header svix-timestamp $http_webhook_timestamp; proxy_set_header webhook-timestamp "";
    proxy_set_header svix-signature $http_webhook_signature; proxy_set_header webhook-signature "";
"""


def fetch_through(receiver: Receiver, sent: bytes, settings: str, outside: str = "") -> Answer:
    """Fetch a delivery through an nginx, and hand it on."""
    with inbox(sent) as waiting, nginx(waiting, settings, outside) as proxy:
        return fetch(proxy, receiver.port)


@pytest.mark.parametrize("settings", ["", _GZIP, _HTTPS], ids=["plain", "gzip", "sub_filter"])
@pytest.mark.parametrize("sent", [FROM_PYTHON, FROM_JAVASCRIPT], ids=id_of)
def test_requests(settings: str, sent: bytes, asgi: Receiver) -> None:
    """A reverse proxy leaves a request's body alone, whatever it does to answers."""
    with nginx(asgi.port, settings) as proxy:
        assert push(proxy, sent) == TAKEN
    assert asgi.taken == [sent]


def test_answers(asgi: Receiver) -> None:
    """Nor does it change a delivery that is fetched through it, if it is not told to."""
    assert fetch_through(asgi, FROM_JAVASCRIPT, "") == TAKEN


@pytest.mark.parametrize("sent", [FROM_PYTHON, FROM_JAVASCRIPT], ids=id_of)
def test_compressed(sent: bytes, asgi: Receiver, explain: Explain) -> None:
    """A delivery that nginx compressed when it was fetched, and that nobody decompressed, is named so."""
    assert fetch_through(asgi, sent, _GZIP) == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", ["compressed"], sent)


def test_charset(asgi: Receiver, explain: Explain) -> None:
    """UTF-8 that nginx takes for Latin-1 is named as such."""
    assert fetch_through(asgi, FROM_JAVASCRIPT, _TO_UTF_8, _FROM_LATIN_1) == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", ["charset"], FROM_JAVASCRIPT)


def test_charset_and_compressed(asgi: Receiver, explain: Explain) -> None:
    """Two changes are named in the order to undo them."""
    answer = fetch_through(asgi, FROM_JAVASCRIPT, _TO_UTF_8 + _GZIP, _FROM_LATIN_1)
    assert answer == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", ["compressed", "charset"], FROM_JAVASCRIPT)


def test_other_text(asgi: Receiver, explain: Explain) -> None:
    """Text that nginx replaced is another text: no cause is invented."""
    assert fetch_through(asgi, FROM_JAVASCRIPT, _HTTPS) == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said(
        "signature_mismatch", [], FROM_JAVASCRIPT.replace(b"http:", b"https:")
    )


def test_lost_body(asgi: Receiver, explain: Explain) -> None:
    """A body that nginx was told to leave out can't be found."""
    with nginx(asgi.port, _NO_BODY) as proxy:
        assert push(proxy, FROM_JAVASCRIPT) == refused("signature_mismatch")
    assert explain(asgi.refused_message()) == Said("signature_mismatch", [], b"")


@pytest.mark.parametrize(
    ("settings", "hyphen", "causes"),
    [
        pytest.param("proxy_pass_request_headers off;", "-", [], id="none is passed on"),
        # It drops them unless `underscores_in_headers` is on.
        pytest.param("", "_", [], id="underscores"),
        pytest.param(_AS_SVIX, "-", ["svix_headers"], id="renamed"),
    ],
)
def test_headers(settings: str, hyphen: str, causes: list[str], asgi: Receiver, explain: Explain) -> None:
    """Of headers, only other names can be undone; the guard does not read the body, but somebody between may."""
    with relay(asgi.port) as between, nginx(between.port, settings) as proxy:
        assert push(proxy, FROM_JAVASCRIPT, hyphen=hyphen) == refused("missing_header")
    (message,) = between.said
    assert explain(message) == Said("missing_header", causes, FROM_JAVASCRIPT)
