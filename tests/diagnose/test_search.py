"""The search for what makes a signature match."""

import base64
import itertools
import json

import pytest

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.fields import find
from webhook_guard.diagnose.search import Result, search
from webhook_guard.diagnose.secrets import readings

from support import BODY, OTHER_SECRET, SECRET, signed


def searched(body: bytes, *secrets: str, headers: dict[str, str] | None = None) -> Result:
    """Return what comes of a search."""
    return search(body, readings(secrets or (SECRET,), 1), find((signed() if headers is None else headers).items()))


def causes(result: Result) -> list[Cause] | None:
    """Return the causes that were found."""
    return None if result.found is None else [step.cause for step in result.found.steps]


#: What nothing explains.
HOPELESS = {**signed(), "webhook-signature": base64.b64encode(bytes(32)).decode()}


def test_as_it_is() -> None:
    """What matches as it is has no steps, and one MAC was computed."""
    result = searched(BODY)
    assert result.found is not None
    assert (result.found.steps, result.found.body, result.found.timestamp) == ((), BODY, b"1750861210")
    assert (result.tried, result.has_signature, result.is_complete) == (1, True, True)


def test_fewest_causes_first() -> None:
    """One change of blanks is found before two are tried: two spaces are not one and another one."""
    assert causes(searched(BODY, headers=signed(BODY + b"  "))) == [Cause.WHITESPACE]


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        pytest.param(BODY + b"\r\n", [Cause.NEWLINE], id="body"),
        pytest.param(BODY + b"\n\0", [Cause.NUL_PADDING, Cause.NEWLINE], id="body twice"),
        pytest.param(json.dumps(json.loads(BODY)).encode(), [Cause.RESERIALIZED], id="JSON"),
        pytest.param(json.dumps(json.loads(BODY)).encode() + b"\n", [Cause.NEWLINE, Cause.RESERIALIZED], id="both"),
        pytest.param(json.dumps(json.loads(BODY), sort_keys=True).encode(), [Cause.RESERIALIZED], id="sorted"),
    ],
)
def test_bodies(came: bytes, expected: list[Cause]) -> None:
    """One step back and two are found, in their order, with the body that was signed."""
    result = searched(came)
    assert causes(result) == expected
    assert result.found is not None
    assert result.found.body == BODY


#: Some of the orders of its five members.
ORDERS = [dict(order) for order in itertools.permutations(json.loads(BODY).items())][1::7]


@pytest.mark.parametrize("members", ORDERS, ids="-".join)
@pytest.mark.parametrize(("added", "before"), [(b"", []), (b"\n", [Cause.NEWLINE])], ids=["alone", "behind a step"])
def test_any_order_of_members(members: dict[str, str], added: bytes, before: list[Cause]) -> None:
    """An order of members that nobody expects is found, too."""
    original = json.dumps(members, separators=(",", ":")).encode()
    assert causes(searched(BODY + added, headers=signed(original))) == [*before, Cause.RESERIALIZED]


@pytest.mark.parametrize(
    ("secrets", "cause"), [((OTHER_SECRET, SECRET), Cause.OTHER_SECRET), ((f"'{SECRET}'",), Cause.SECRET_FORMAT)]
)
def test_with_a_secret(secrets: tuple[str, ...], cause: Cause) -> None:
    """A step of the body, and one of the secret."""
    assert causes(searched(BODY + b"\n", *secrets)) == [Cause.NEWLINE, cause]


def test_one_step_for_each_cause() -> None:
    """What befell id and signature alike is one step, whose text has both."""
    headers = signed()
    mac = base64.b64decode(headers["webhook-signature"][3:])
    headers |= {"webhook-signature": mac.hex(), "webhook-id": f'"{headers["webhook-id"]}"'}
    result = searched(BODY, headers=headers)
    assert causes(result) == [Cause.HEADER_FORMAT]
    assert result.found is not None
    assert result.found.steps[0].how.startswith(
        "write webhook-id once, with nothing around it; read the signature as hex"
    )


@pytest.mark.parametrize("prefix", ["wh_1.1750861210.", "1750861210."], ids=["id and timestamp", "timestamp"])
def test_moved_borders(prefix: str) -> None:
    """Who knows a delivery can post what was signed as a body: that is not called what its sender signed."""
    headers = signed(webhook_id="wh_1")
    headers |= {"webhook-id": "wh_2"} if prefix.startswith("wh") else {"webhook-timestamp": "wh_1"}
    assert causes(searched(prefix.encode() + BODY, headers=headers)) is None


def test_no_signature() -> None:
    """Without anything to compare with, nothing is tried."""
    assert searched(BODY, headers={}) == Result(None, has_signature=False, tried=0, is_complete=True)


def test_bounded() -> None:
    """A body that costs too much is not searched to the end, and it is said that it was not."""
    result = searched(b'{"a":["' + b'\xc3\xa9/","' * 200_000 + b'"]}', headers=HOPELESS)
    assert (result.found, result.is_complete) == (None, False)
    assert 10 < result.tried < 2_500_000_000 / 1_000_000


def test_complete() -> None:
    """A usual body is searched to the end."""
    result = searched(BODY, headers=HOPELESS)
    assert (result.found, result.is_complete) == (None, True)
    assert result.tried > 500


def test_repr() -> None:
    """The body is not shown."""
    assert repr(searched(BODY).found) == "<found after 0 steps>"
