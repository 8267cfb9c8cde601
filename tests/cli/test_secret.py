"""The command `secret`."""

import json

import pytest

from webhook_guard import sign, verify_signature
from webhook_guard.cli import main


def test_it_is_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints one line, which signs and verifies."""
    assert main(["secret"]) == 0
    output, complaint = capsys.readouterr()
    secret = output.strip()
    headers = sign("{}", secret, webhook_id="wh_1", timestamp=1)
    verify_signature("{}", headers, secret=secret, now=1)
    assert (output, complaint) == (f"{secret}\n", "")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json it prints an object."""
    assert main(["secret", "--json"]) == 0
    (name,) = json.loads(capsys.readouterr().out).items()
    assert (name[0], name[1][:6], len(name[1])) == ("secret", "whsec_", 50)


def test_each_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    """No two are the same."""
    assert [main(["secret"]), main(["secret"])] == [0, 0]
    assert len(set(capsys.readouterr().out.split())) == 2
