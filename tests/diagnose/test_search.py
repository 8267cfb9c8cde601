"""The search for what makes a signature match."""

import base64
import itertools
import json

import pytest

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.fields import find
from webhook_guard.diagnose.search import Found, Search
from webhook_guard.diagnose.secrets import readings

from support import BODY, OTHER_SECRET, SECRET, signed


def search(*secrets: str, headers: dict[str, str] | None = None) -> Search:
    """Return a search for what was signed."""
    return Search(readings(secrets or (SECRET,), 1), find(signed() if headers is None else headers))


def causes(found: Found | None) -> list[Cause] | None:
    """Return the causes that were found."""
    return None if found is None else [step.cause for step in found.steps]


def test_as_it_is() -> None:
    """What matches as it is has no steps, and one MAC was computed."""
    tried = search()
    found = tried.run(BODY)
    assert found is not None
    assert (found.steps, found.body, found.timestamp, found.secret_index) == ((), BODY, b"1750861210", 0)
    assert (tried.tried, tried.is_complete) == (1, True)


def test_fewest_causes_first() -> None:
    """One cause is found before two are tried: two spaces are not one and another one."""
    assert causes(search(headers=signed(BODY + b"  ")).run(BODY)) == [Cause.WHITESPACE]


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
    found = search().run(came)
    assert found is not None
    assert (causes(found), found.body) == (expected, BODY)


@pytest.mark.parametrize("first", [*range(0, 120, 7)])
def test_any_order_of_members(first: int) -> None:
    """An order of members that nobody expects is found too, also behind another step."""
    order = list(itertools.permutations(json.loads(BODY).items()))[first]
    original = json.dumps(dict(order), separators=(",", ":")).encode()
    expected = [] if original == BODY else [Cause.RESERIALIZED]
    assert causes(search(headers=signed(original)).run(BODY)) == expected
    assert causes(search(headers=signed(original)).run(BODY + b"\n")) == [Cause.NEWLINE, *expected]


def test_with_a_secret() -> None:
    """A step of the body, and one of the secret."""
    assert causes(search(OTHER_SECRET, SECRET).run(BODY + b"\n")) == [Cause.NEWLINE, Cause.OTHER_SECRET]
    assert causes(search(f"'{SECRET}'").run(BODY + b"\n")) == [Cause.NEWLINE, Cause.SECRET_FORMAT]


def test_one_step_for_each_cause() -> None:
    """What befell id and signature alike is one step, whose text has both."""
    headers = signed()
    mac = base64.b64decode(headers["webhook-signature"][3:])
    headers |= {"webhook-signature": mac.hex(), "webhook-id": f'"{headers["webhook-id"]}"'}
    found = search(headers=headers).run(BODY)
    assert found is not None
    assert causes(found) == [Cause.HEADER_FORMAT]
    assert found.steps[0].how.startswith(
        "write webhook-id once, with nothing around it; read the signature as hexadeci"
    )


def test_no_signature() -> None:
    """Without anything to compare with, nothing is tried."""
    tried = search(headers={**signed(), "webhook-signature": "v1,x"})
    assert (tried.run(BODY), tried.tried, tried.has_targets) == (None, 0, False)


def test_bounded() -> None:
    """A body that costs too much is not searched to the end, and it is said that it was not."""
    tried = search(headers={**signed(), "webhook-signature": base64.b64encode(bytes(32)).decode()})
    assert tried.run(b'{"a":["' + b'\xc3\xa9/","' * 200_000 + b'"]}') is None
    assert not tried.is_complete
    assert tried.tried > 10


def test_complete() -> None:
    """A usual body is searched to the end."""
    tried = search(headers={**signed(), "webhook-signature": base64.b64encode(bytes(32)).decode()})
    assert (tried.run(BODY), tried.is_complete) == (None, True)
    assert tried.tried > 500


def test_repr() -> None:
    """The body is not shown."""
    assert repr(search().run(BODY)) == "<found after 0 steps>"
