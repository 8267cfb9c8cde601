"""The causes."""

import webhook_guard
from webhook_guard import diagnose
from webhook_guard.diagnose.causes import BodyUndone, Cause, Step


def test_codes() -> None:
    """The codes are their names in lower case: programs go by them."""
    assert [cause.value for cause in Cause] == [cause.name.lower() for cause in Cause]


def test_public_names() -> None:
    """The package has its own public names, and does not come with `webhook_guard`'s."""
    assert [getattr(diagnose, name).__name__ for name in diagnose.__all__] == diagnose.__all__
    assert not set(diagnose.__all__) & set(webhook_guard.__all__)


def test_repr() -> None:
    """A body is not shown."""
    undone = BodyUndone(Step(Cause.NEWLINE, "take it away"), b"private")
    assert repr(undone) == "<newline: take it away, 7 bytes>"
