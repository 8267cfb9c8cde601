"""What a signature header may have been meant as."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.fields import Field
from webhook_guard.diagnose.signatures import match, targets

MAC = bytes(range(224, 256))
TEXT = base64.b64encode(MAC).decode()
SAFE = base64.urlsafe_b64encode(MAC).decode()
OTHER = base64.b64encode(bytes(32)).decode()


def causes(value: str, sender: str = "webhook") -> list[Cause] | None:
    """Return the causes with which `MAC` is found in a header; None if it is not."""
    target = match(MAC, targets([Field("a-signature", sender, "signature", value.encode("latin-1"))]))
    return None if target is None else [step.cause for step in target.steps]


@pytest.mark.parametrize("value", [f"v1,{TEXT}", TEXT, f"v1,{OTHER} v1,{TEXT}", f"v1a,x v1,{TEXT}"])
def test_standard(value: str) -> None:
    """What a guard reads needs no step."""
    assert causes(value) == []


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"v1,{TEXT.rstrip('=')}", id="padding lost"),
        pytest.param(f"v1,{SAFE}", id="url-safe"),
        pytest.param(SAFE.rstrip("="), id="url-safe, padding and version lost"),
        pytest.param(f"v1,{MAC.hex()}", id="hexadecimal"),
        pytest.param(f"sha256={MAC.hex().upper()}", id="hexadecimal, as others have it"),
        pytest.param(f"t=1750861210,v1={MAC.hex()}", id="hexadecimal, with a timestamp"),
        pytest.param(f"v1{TEXT}", id="comma lost"),
        pytest.param(f"V1:{TEXT}", id="colon for comma"),
        pytest.param(f'"v1,{TEXT}"', id="quotes"),
        pytest.param(f"v1,{OTHER},v1,{TEXT}", id="commas for blanks"),
        pytest.param(f"v1,{TEXT};v1,{OTHER}", id="semicolon for blank"),
        pytest.param("v1%2C" + TEXT.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D"), id="percent-encoded"),
        pytest.param("v1, " + TEXT.rstrip("="), id="blank after the comma"),
    ],
)
def test_other_formats(value: str) -> None:
    """A signature in another format is found, with a step."""
    assert causes(value) == [Cause.HEADER_FORMAT]


def test_blanks_for_plus() -> None:
    """A form's decoder makes blanks of the plus signs in base64."""
    mac = b"\xfb\xef\xbe" * 10 + b"\xfb\xef"
    value = f"v1,{base64.b64encode(mac).decode().replace('+', ' ')}".encode()
    (target,) = targets([Field("webhook-signature", "webhook", "signature", value)])
    assert (target.mac, target.steps[0].cause) == (mac, Cause.HEADER_FORMAT)


def test_other_sender() -> None:
    """A signature under another sender's name is found, with a step for that."""
    assert causes(f"v1,{TEXT}", "svix") == [Cause.SVIX_HEADERS]
    assert causes(MAC.hex(), "svix") == [Cause.SVIX_HEADERS, Cause.HEADER_FORMAT]


@pytest.mark.parametrize("value", ["", "v1,", "v1,abc", TEXT[:-2], MAC.hex()[:-1], "é" * 43, "=" * 44])
def test_none(value: str) -> None:
    """What does not have 32 bytes is no signature."""
    assert causes(value) is None


def test_each_once() -> None:
    """A signature that is there more than once is found once, in the plainest way."""
    found = targets(
        [
            Field("svix-signature", "svix-", "signature", TEXT.encode()),
            Field("webhook-signature", "webhook", "signature", f"v1,{TEXT} {SAFE}".encode()),
        ]
    )
    assert [(target.mac, target.steps) for target in found] == [(MAC, ())]


def test_repeated() -> None:
    """Of several signature headers, one may be right: it is to be there once."""
    found = targets([Field("webhook-signature", "webhook", "signature", text.encode()) for text in (OTHER, TEXT)])
    target = match(MAC, found)
    assert target is not None
    assert [step.cause for step in target.steps] == [Cause.HEADER_FORMAT]


def test_other_headers() -> None:
    """An id is no signature."""
    assert targets([Field("webhook-id", "webhook", "id", TEXT.encode())]) == []


@given(st.binary(max_size=4096))
def test_bounded(value: bytes) -> None:
    """Whatever a header has, it is some MACs of 32 bytes."""
    found = targets([Field("webhook-signature", "webhook", "signature", value)])
    assert len(found) <= 64
    assert all(len(target.mac) == 32 for target in found)


def test_repr() -> None:
    """It shows no MAC."""
    assert repr(targets([Field("webhook-signature", "webhook", "signature", TEXT.encode())])) == "[<target, 0 steps>]"
