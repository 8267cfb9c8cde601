"""The headers that may matter."""

from typing import Any

import pytest

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.fields import Field, find, renamed


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("webhook-id", Field("webhook-id", "webhook", "id", b"x")),
        ("Webhook-Timestamp", Field("webhook-timestamp", "webhook", "timestamp", b"x")),
        ("webhook_id", Field("webhook_id", "webhook_", "id", b"x")),
        ("webhook-signature-256", Field("webhook-signature-256", "webhook-", "signature", b"x")),
        (b"SVIX-SIGNATURE", Field("svix-signature", "svix-", "signature", b"x")),
        ("X-Hub-Signature-256", Field("x-hub-signature-256", "x-hub-", "signature", b"x")),
        ("signature", Field("signature", "", "signature", b"x")),
    ],
)
def test_found(name: str | bytes, field: Field) -> None:
    """A header that looks like one of the three is found, whoever its sender is."""
    assert find([(name, b"x")]) == [field]


@pytest.mark.parametrize(
    "name", ["content-type", "ident", "grid", "paid", "webhook-id-2", "w" * 100 + "-id", "webhook id"]
)
def test_not_found(name: str) -> None:
    """Other headers are left alone."""
    assert find([(name, "x")]) == []


@pytest.mark.parametrize(("value", "kind"), [("1750861210", "timestamp"), ("wh_685c059ae39c8190", "id")])
def test_found_by_value(value: str, kind: str) -> None:
    """What looks like an id or a timestamp is found under any name."""
    assert find([("X-First-Attempt", value)]) == [Field("x-first-attempt", "x-first-attempt", kind, value.encode())]


def test_standard_first() -> None:
    """The standard's own headers come first, then those with a telling name, then others."""
    headers = {"x-start": "1750861210", "svix-id": "1", "x-request-id": "2", "webhook-id": "3"}
    assert [field.value for field in find(headers.items())] == [b"3", b"1", b"2", b"1750861210"]


def test_blanks() -> None:
    """Blanks around a value do not count, as the guard has it."""
    assert find([("webhook-id", " \tx ")]) == [Field("webhook-id", "webhook", "id", b"x")]


def test_bounded() -> None:
    """Of very many headers, some are looked at, and of a long value, its beginning."""
    assert len(find([("svix-id", "x")] * 100_000)) == 32
    assert len(find([("webhook-id", "x" * 100_000)])[0].value) == 4096


def test_text_beyond_latin_1() -> None:
    """What no server makes of a header does not matter."""
    assert find([("webhook-id", "\N{SNOWMAN}")]) == [Field("webhook-id", "webhook", "id", b"?")]


def test_repr() -> None:
    """It does not show the value."""
    assert repr(Field("webhook-signature", "webhook", "signature", b"v1,secret")) == "<webhook-signature>"


@pytest.mark.parametrize("value", [None, 5, bytearray(b"x"), ["x"]])
def test_other_types(value: Any) -> None:
    """What is no text is not looked at: only the standard's own headers must be some."""
    assert find([("x-id", value)]) == []


@pytest.mark.parametrize("name", ["weBhoo\N{KELVIN SIGN}-id", "x" * 65, "a\x1b[2J-id"])
def test_other_names(name: str) -> None:
    """What is no name of a header is not looked at, and so never said."""
    assert find([(name, "1750861210")]) == []


@pytest.mark.parametrize(
    ("field", "how"),
    [
        (Field("svix-id", "svix-", "id", b"x"), "read the headers svix-* as webhook-*"),
        (Field("x-start", "x-start", "timestamp", b"1750861210"), "read x-start as webhook-timestamp"),
        (
            Field("webhook-signature-256", "webhook-", "signature", b"x"),
            "read webhook-signature-256 as webhook-signature",
        ),
    ],
)
def test_renamed(field: Field, how: str) -> None:
    """The step from other headers names them: those of a sender all at once."""
    assert renamed(field) == (Cause.SVIX_HEADERS, how)
