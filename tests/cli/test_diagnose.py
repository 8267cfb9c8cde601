"""The command `diagnose`: what it takes, what programs get, and with what status it ends."""

import io
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from webhook_guard.cli import main

from support import BODY, NOW, OTHER_SECRET, SECRET, WEBHOOK_ID, signed

#: Written again as Python does, and with a line feed.
REWRITTEN = json.dumps(json.loads(BODY)).encode() + b"\n"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the secret and the folder."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)


def save(body: bytes = BODY, headers: dict[str, str] | None = None, length: int | None = None) -> str:
    """Save a request, and return the name of its file."""
    fields = {
        **(signed() if headers is None else headers),
        "content-length": str(len(body) if length is None else length),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    Path("request.http").write_bytes(f"POST / HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
    return "request.http"


def diagnose(*arguments: str, status: int, now: float = NOW + 5) -> None:
    """Run the command, as if the request had come five seconds after it was signed, or at another time."""
    assert main(["diagnose", "--now", str(now), *arguments]) == status


class TestText:
    """What people read."""

    def test_genuine(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A genuine request is said to be so, with its id and its age."""
        diagnose(save(), status=0)
        lines = capsys.readouterr().out.splitlines()
        assert lines[:3] == ["genuine", f"  webhook id  {WEBHOOK_ID}", "  age         5 s"]

    def test_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A refused one comes with the note of its capture, and the cause that was found."""
        diagnose(save(REWRITTEN, length=1), status=1)
        output = capsys.readouterr().out
        assert output.startswith("refused  signature_mismatch; ")
        assert f"\n  note      Content-Length is 1, but {len(REWRITTEN) - 1} more bytes follow: all" in output
        assert "\n  proof 2   reserialized: " in output

    def test_tolerance(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The guard's tolerance may be another one."""
        diagnose(save(), "--tolerance", "4", status=1)
        assert capsys.readouterr().out.startswith("refused  timestamp_too_old: ")


class TestJSON:
    """What programs read."""

    def test_genuine(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A genuine request has neither a reason nor causes."""
        diagnose(save(), "--json", status=0)
        values = json.loads(capsys.readouterr().out)
        assert (values["verdict"], values["reason"], values["causes"]) == ("genuine", None, [])

    def test_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The causes stand in the order to undo them, each with how."""
        diagnose(save(REWRITTEN, length=1), "--json", status=1)
        values = json.loads(capsys.readouterr().out)
        assert (values["verdict"], values["reason"]) == ("refused", "signature_mismatch")
        assert (values["causes"], len(values["steps"])) == (["newline", "reserialized"], 2)
        note = f"Content-Length is 1, but {len(REWRITTEN) - 1} more bytes follow: all were taken"
        assert values["note"] == note

    def test_members(self, capsys: pytest.CaptureFixture[str]) -> None:
        """These are all, and always."""
        diagnose(save(), "--json", status=0)
        names = ["verdict", "reason", "causes", "steps", "explanation", "fix", "tried", "age", "note"]
        values = json.loads(capsys.readouterr().out)
        assert list(values) == names
        assert values["note"] is None

    @pytest.mark.parametrize(
        ("timestamp", "age"),
        [
            pytest.param(str(NOW), 5, id="past"),
            pytest.param(f" {NOW + 10} ", -5, id="future"),
            pytest.param("soon", None, id="no number"),
            pytest.param("1" * 5_000, None, id="many digits"),
            pytest.param(None, None, id="none"),
        ],
    )
    def test_age(self, capsys: pytest.CaptureFixture[str], timestamp: str | None, age: int | None) -> None:
        """The age is that of the timestamp in the request, in whole seconds, if it has one."""
        headers = signed() | {"webhook-timestamp": timestamp}
        name = save(headers={key: value for key, value in headers.items() if value is not None})
        diagnose(name, "--json", status=0 if timestamp == str(NOW) else 1, now=NOW + 5.4)
        assert json.loads(capsys.readouterr().out)["age"] == age


class TestInput:
    """What is diagnosed, and with what secrets."""

    def test_standard_input(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a file, the request is on standard input; it may be JSON."""
        capture = json.dumps({"headers": signed(), "body": BODY.decode()}).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(capture)))
        diagnose(status=0)
        assert capsys.readouterr().out.startswith("genuine\n")

    def test_method(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The method is that of the capture."""
        capture = {"method": "GET", "headers": signed(), "body": BODY.decode()}
        Path("request.json").write_text(json.dumps(capture))
        diagnose("request.json", status=1)
        assert capsys.readouterr().out.startswith("refused  method_not_allowed: ")

    def test_the_time_of_now(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Without --now, the request has just come."""
        assert main(["diagnose", save()]) == 1
        assert capsys.readouterr().out.startswith("refused  timestamp_too_old: ")

    @pytest.mark.skipif(os.name == "nt", reason="there are no named pipes")
    def test_a_file_that_is_gone(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where the file is gone once it is read, the request has just come."""
        os.mkfifo("request.pipe")
        with ThreadPoolExecutor() as threads:
            threads.submit(self.give_and_remove, Path("request.pipe"), Path(save()).read_bytes())
            assert main(["diagnose", "request.pipe"]) == 1
        assert capsys.readouterr().out.startswith("refused  timestamp_too_old: ")

    @staticmethod
    def give_and_remove(pipe: Path, content: bytes) -> None:
        """Write to a pipe that is gone before its reader is done."""
        with pipe.open("wb") as writer:
            pipe.unlink()
            writer.write(content)

    def test_several_secrets(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The first secret is the app's, and the others are tried."""
        diagnose(save(), "--secret", OTHER_SECRET, "--secret", SECRET, status=1)
        assert "other_secret: " in capsys.readouterr().out
        diagnose(save(), "--secret", SECRET, "--secret", OTHER_SECRET, status=0)

    def test_secrets_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All secrets of the environment are the app's."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", f"{OTHER_SECRET} {SECRET}")
        diagnose(save(), status=0)

    def test_a_secret_that_a_guard_refuses(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A secret may have what a guard refuses: that is diagnosed."""
        diagnose(save(), "--secret", f"'{SECRET}'", status=1)
        output = capsys.readouterr().out
        assert output.startswith("refused  configuration; ")
        assert "\n  proof  secret_format: " in output


@pytest.mark.parametrize("arguments", [[], ["--json"]])
@pytest.mark.parametrize("secrets", [[SECRET], [f"'{SECRET}'", OTHER_SECRET], [OTHER_SECRET]])
@pytest.mark.parametrize("body", [BODY, REWRITTEN, b"\xff"])
def test_nothing_secret_is_shown(
    capsys: pytest.CaptureFixture[str], arguments: list[str], secrets: list[str], body: bytes
) -> None:
    """Neither a secret nor a signature is in the output, whatever is found."""
    given = [argument for secret in secrets for argument in ("--secret", secret)]
    assert main(["diagnose", save(body), *arguments, *given]) == 1
    output = "".join(capsys.readouterr())
    for secret in (SECRET, OTHER_SECRET, signed()["webhook-signature"]):
        assert secret.removeprefix("whsec_").removeprefix("v1,")[:8] not in output


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_nothing_to_obey(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """No character that a stranger chose is one that a terminal would obey."""
    evil = '\x1b[2J\r\u202e\x9b{"\x07'.encode()
    diagnose(save(evil + b"\n", signed(evil)), *arguments, status=1)
    output = capsys.readouterr().out
    assert output.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["missing.http"], "can't read missing.http: No such file", id="no file"),
        pytest.param(["empty.http"], "empty.http is empty: give an HTTP request", id="an empty file"),
        pytest.param([], "standard input is no whole HTTP request", id="no request"),
        pytest.param(["--now", "soon"], "--now soon is no number: give Unix seconds, as webhook-", id="no time"),
        pytest.param(["--now", "1750861210684"], "1750861210684 looks like milliseconds: give Unix", id="milliseconds"),
        pytest.param(["request.http", "--now", "nan"], "now: must be a number", id="not a number"),
        pytest.param(["--tolerance", "-1"], "Invalid value for '--tolerance'", id="a negative tolerance"),
        pytest.param(["request.http", "--tolerance", "9" * 20], "tolerance: must be a number", id="a large tolerance"),
        pytest.param(["--secret", " "], "no signing secret: give --secret whsec_..., or", id="a blank secret"),
        pytest.param(["a", "b", "c"], "one request at a time, not 3: give one file", id="three files"),
        pytest.param(
            ["--secret", f"{SECRET} '{OTHER_SECRET}'"],
            "--secret has two secrets: repeat --secret for each",
            id="two secrets in one",
        ),
    ],
)
def test_misuse(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    """What can't be done is said in one line, and the status is 2."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello")))
    Path("empty.http").touch()
    save()
    assert main(["diagnose", *arguments]) == 2
    output, complaint = capsys.readouterr()
    assert (output, complaint.count("\n")) == ("", 1)
    assert problem in complaint


@pytest.mark.parametrize("value", [None, "", "  "], ids=["not set", "empty", "blank"])
def test_no_secret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Without any secret, one is asked for."""
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
    if value is not None:
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", value)
    assert main(["diagnose", save()]) == 2
    assert capsys.readouterr().err == (
        "webhook-guard: no signing secret: give --secret whsec_..., or set OPENAI_WEBHOOK_SECRET, to the one that the"
        " app has\n"
    )
