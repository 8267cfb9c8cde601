"""What several commands take, and where the signing secret comes from."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from webhook_guard.cli.errors import Misuse
from webhook_guard.sansio.keys import VARIABLE, signing_key

_F = TypeVar("_F", bound=Callable[..., Any])


def secret_option(function: _F) -> _F:
    """Add `--secret`, which arrives as `secret`: str or None."""
    return click.option(
        "--secret",
        metavar="WHSEC",
        help=f"The signing secret. Without it, the first in {VARIABLE}, which no other user of the machine sees.",
    )(function)


def json_option(function: _F) -> _F:
    """Add `--json`, which arrives as `as_json`: bool."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def signing_secret(secret: str | None) -> str:
    """Return the secret to sign with: the given one, or else the first of the environment.

    Raises:
        Misuse: There is none.
        ConfigurationError: It can't be used.
    """
    found = secret if secret is not None else next(iter(os.environ.get(VARIABLE, "").split()), None)
    if found is None:
        raise Misuse(
            f"no signing secret: give --secret whsec_..., or set {VARIABLE}; `webhook-guard secret` makes a new one"
        )
    signing_key(found)
    return found
