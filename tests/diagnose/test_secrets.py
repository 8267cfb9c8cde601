"""The keys that a secret may have been meant as."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.secrets import readings
from webhook_guard.sansio.keys import Mac

KEY = bytes(range(200, 232))
TEXT = base64.b64encode(KEY).decode()
SECRET = f"whsec_{TEXT}"
SAFE = base64.urlsafe_b64encode(KEY).decode()
OTHER = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def causes(*secrets: str | bytes, key: bytes = KEY, in_use: int = 1) -> list[Cause] | None:
    """Return the causes with which a key is found; None if it is not."""
    wanted = Mac(key).digest(b"", b"x")
    found = (reading for reading in readings(secrets, in_use) if reading.mac.digest(b"", b"x") == wanted)
    return next(([step.cause for step in reading.steps] for reading in found), None)


@pytest.mark.parametrize("secret", [SECRET, TEXT, KEY, f" {SECRET}\n", SECRET.rstrip("=")])
def test_taken(secret: str | bytes) -> None:
    """What a guard takes needs no step."""
    assert causes(secret) == []


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(f'"{SECRET}"', id="quotes"),
        pytest.param(f"\u201c{SECRET}\u201d", id="typographic quotes"),
        pytest.param(f"'{TEXT}'", id="quotes, without prefix"),
        pytest.param(f"OPENAI_WEBHOOK_SECRET={SECRET}", id="with its name"),
        pytest.param(f"export SECRET='{SECRET}'", id="with its name and quotes"),
        pytest.param(f"{SECRET},", id="comma"),
        pytest.param(f"whsec_{SECRET}", id="prefix doubled"),
        pytest.param(SECRET.replace("whsec", "WHSEC"), id="prefix in capitals"),
        pytest.param(f"whsec-{TEXT}", id="dash in the prefix"),
        pytest.param(f'whsec_"{TEXT}"', id="quotes behind the prefix"),
        pytest.param(f"whsec_ {TEXT}", id="blank after the prefix"),
        pytest.param(f"{SECRET[:20]}\n{SECRET[20:]}", id="line break within"),
        pytest.param(f"whsec_{SAFE}", id="url-safe"),
        pytest.param(SAFE, id="url-safe, without prefix"),
        pytest.param(SECRET.encode(), id="text as bytes"),
        pytest.param(KEY.hex(), id="hexadecimal"),
        pytest.param(base64.b64encode(TEXT.encode()).decode(), id="encoded twice"),
    ],
)
def test_mistaken(secret: str | bytes) -> None:
    """A secret that is written otherwise is found, with a step."""
    assert causes(secret) == [Cause.SECRET_FORMAT]


@pytest.mark.parametrize("key", [TEXT.encode(), SECRET.encode()], ids=["without prefix", "with prefix"])
@pytest.mark.parametrize("secret", [SECRET, KEY], ids=["text", "bytes"])
def test_signed_with_the_text(secret: str | bytes, key: bytes) -> None:
    """A sender may sign with the text of a secret that it should decode."""
    assert causes(secret, key=key) == [Cause.SECRET_FORMAT]


def test_no_base64() -> None:
    """What follows the prefix may be the key as it is, where it is no base64."""
    assert causes("whsec_correct horse battery staple", key=b"correct horse battery staple") == [Cause.SECRET_FORMAT]


def test_other_secret() -> None:
    """A secret that the app does not have is a step, and its format another."""
    assert causes(OTHER, SECRET) == [Cause.OTHER_SECRET]
    assert causes(OTHER, f'"{SECRET}"') == [Cause.SECRET_FORMAT, Cause.OTHER_SECRET]
    assert causes(OTHER, SECRET, in_use=2) == []


@pytest.mark.parametrize("secret", ["", '""', "whsec_", "whsec_AAAA", base64.b64encode(bytes(32)).decode(), b"\0" * 32])
@pytest.mark.parametrize("key", [b"", b"\0" * 32, b"\0\0\0"], ids=["empty", "zeros", "three"])
def test_weak_keys(secret: str | bytes, key: bytes) -> None:
    """A key that anybody could have signed with is not tried."""
    assert causes(secret, key=key) is None


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_your_secret_here",
        "your-webhook-signing-secret",
        "$OPENAI_WEBHOOK_SECRET",
        "OPENAI_WEBHOOK_SECRET=",
        "whsec_" + "x" * 24,
        "whsec_" + "A" * 43 + "=",
        bytes(16),
        b"password",
        "whpk_" + TEXT,
    ],
)
def test_public_texts(secret: str | bytes) -> None:
    """What everybody knows is no secret, however it is read: nobody is told that it signed."""
    assert readings([secret], 1) == []


@given(st.lists(st.text() | st.binary(), min_size=1, max_size=3))
def test_never_fails(secrets: list[Any]) -> None:
    """Whatever the secrets are, each has some readings, and no step shows a part of one."""
    found = readings(secrets, 1)
    hows = " ".join(step.how for reading in found for step in reading.steps)
    assert len(found) <= 20 * len(secrets)
    assert not [text for text in secrets if isinstance(text, str) and len(text) > 12 and text in hows]


def test_long_secret() -> None:
    """Of a text that is no secret, the beginning is read."""
    assert causes("A" * 1_000_000, key=b"A" * 1024) == [Cause.SECRET_FORMAT]


def test_repr() -> None:
    """It shows nothing of the secret."""
    assert repr(readings([SECRET], 1)[0]) == "<reading, 0 steps>"
