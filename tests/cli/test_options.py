"""What several commands take."""

import click
import pytest

from webhook_guard import ConfigurationError
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.options import json_option, secret_option, signing_secret

from support import OTHER_SECRET, SECRET


@pytest.mark.parametrize(
    ("given", "variable", "found"),
    [
        pytest.param(SECRET, None, SECRET, id="given"),
        pytest.param(SECRET, OTHER_SECRET, SECRET, id="given, and in the environment"),
        pytest.param(None, SECRET, SECRET, id="in the environment"),
        pytest.param(None, f" {SECRET}\n{OTHER_SECRET} ", SECRET, id="the first of several"),
    ],
)
def test_signing_secret(monkeypatch: pytest.MonkeyPatch, given: str | None, variable: str | None, found: str) -> None:
    """The secret is the given one, else the first of the environment."""
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
    if variable is not None:
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", variable)
    assert signing_secret(given) == found


@pytest.mark.parametrize("variable", [None, "", "  "])
def test_no_signing_secret(monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
    """Where there is none, the message says what to do."""
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
    if variable is not None:
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", variable)
    with pytest.raises(Misuse, match=r"give --secret whsec_\.\.\., or set OPENAI_WEBHOOK_SECRET"):
        signing_secret(None)


@pytest.mark.parametrize("secret", ["", "whsec_short", "'whsec_x'", "sk-abc"])
def test_an_unusable_secret(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """A secret that can't be used is refused, also where the environment has a good one, and is not shown."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    with pytest.raises(ConfigurationError) as refused:
        signing_secret(secret)
    assert secret == "" or secret not in str(refused.value)


def test_options() -> None:
    """A command with both options gets a text or None, and a flag."""

    @click.command()
    @secret_option
    @json_option
    def command(**options: object) -> dict[str, object]:
        return options

    assert command.main([], standalone_mode=False) == {"secret": None, "as_json": False}
    options = command.main(["--secret", "x", "--json"], standalone_mode=False)
    assert options == {"secret": "x", "as_json": True}
