"""A path: every spelling of what is configured is guarded, wherever the app is mounted, and no other path is."""

from collections.abc import Callable
from typing import TypeAlias

from webhook_guard import ConfigurationError
from webhook_guard.sansio import keys
from webhook_guard.sansio.guard import Guard

from fuzz import inputs, reference

#: What is checked: configured path, path of a request and root path -> the path that guards it, or None.
Subject: TypeAlias = Callable[[str, str, str], str | None]

_KEYS = keys.prepare(inputs.SECRETS)


def match(configured: str, path: str, root_path: str) -> str | None:
    """Return the path that guards a request, as the package sees it."""
    guard = Guard(path=configured, keys=_KEYS, tolerance=reference.TOLERANCE, max_body_size=reference.LIMIT)
    return guard.match(path, root_path)


def check(data: bytes, subject: Subject = match) -> None:
    """Check one request: the lines are the configured path, the root path, and the path of the request."""
    configured, root_path, path = (*map(inputs.text, data.split(b"\n", 2)), "", "")[:3]
    found, is_path = None, True
    try:
        found = subject(configured, path, root_path)
    except ConfigurationError:
        is_path = False
    assert is_path == reference.is_path(configured), "a path was refused, or what is none taken for one"
    if not is_path:
        return
    expected = reference.is_guarded(configured, path, root_path)
    assert found in (None, reference.normalised(configured)), f"guarded by {found}, which is not what was configured"
    assert expected is not True or found is not None, "a spelling of the configured path is not guarded"
    assert expected is not False or found is None, "another path is guarded"
