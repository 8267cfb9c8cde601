"""The command `sign`."""

import io
import json
import shlex
import sys
import time
from pathlib import Path

import pytest

from webhook_guard import sign, verify_signature
from webhook_guard.cli import main

from support import BODY, OTHER_SECRET, SECRET


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret in the environment."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return the name of a file with a body."""
    tmp_path.joinpath("body.json").write_bytes(BODY)
    return str(tmp_path / "body.json")


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the command prints; it succeeds without complaint."""
    assert main(["sign", *arguments]) == 0
    output, complaint = capsys.readouterr()
    assert complaint == ""
    return output


def test_headers_of_a_file(capsys: pytest.CaptureFixture[str], file: str) -> None:
    """It prints the three headers of a delivery that is sent now; each time the id is new."""
    headers, again = (dict(line.split(": ") for line in output_of(capsys, file).splitlines()) for _ in range(2))
    assert list(headers) == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    verify_signature(BODY, headers, secret=SECRET)
    assert headers["webhook-id"] != again["webhook-id"]


def test_headers_of_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file it signs standard input, byte for byte."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\r\n")))
    headers = json.loads(output_of(capsys, "--json"))["headers"]
    verify_signature(b"\xff\r\n", headers, secret=SECRET)


def test_options(capsys: pytest.CaptureFixture[str], file: str) -> None:
    """The secret, the id and the timestamp are those that are given."""
    output = output_of(capsys, file, "--secret", OTHER_SECRET, "--id", "wh_1", "--timestamp", "12", "--json")
    assert json.loads(output)["headers"] == sign(BODY, OTHER_SECRET, webhook_id="wh_1", timestamp=12)


def test_curl_with_a_file(capsys: pytest.CaptureFixture[str], file: str) -> None:
    """With --curl it prints a line that posts the file, with headers that verify."""
    words = shlex.split(output_of(capsys, file, "--curl", "http://127.0.0.1:8000/x"))
    headers = dict(word.split(": ", 1) for word in words if ": " in word)
    assert words[-4:] == ["--data-binary", f"@{file}", "--", "http://127.0.0.1:8000/x"]
    assert headers["content-type"] == "application/json"
    verify_signature(BODY, headers, secret=SECRET, now=time.time())


def test_curl_with_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A body from standard input stands in the line."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))
    line = json.loads(output_of(capsys, "--curl", "http://127.0.0.1:8000/x", "--json"))["curl"]
    assert shlex.split(line)[-4:] == ["--data-raw", BODY.decode(), "--", "http://127.0.0.1:8000/x"]


def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str], file: str) -> None:
    """Nothing of a secret is in the output, however it is given."""
    for arguments in ([], ["--json"], ["--curl", "http://a/"], ["--secret", SECRET]):
        assert SECRET[6:] not in output_of(capsys, file, *arguments)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["missing.json"], "can't read missing.json", id="no file"),
        pytest.param(["--id", "a.b"], "webhook_id: must be 1 to 256", id="an id with a dot"),
        pytest.param(["--timestamp", "0"], "Invalid value for '--timestamp'", id="no time"),
        pytest.param(["--timestamp", "soon"], "'soon' is not a valid integer", id="no number"),
        pytest.param(["--secret", "short"], "secret: ", id="a secret that is none"),
        pytest.param(["a", "b"], "Got unexpected extra argument", id="two files"),
    ],
)
def test_misuse(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    """What can't be done is said in one line, and the status is 2."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))
    assert main(["sign", *arguments]) == 2
    output, complaint = capsys.readouterr()
    assert (output, complaint.count("\n")) == ("", 1)
    assert problem in complaint
