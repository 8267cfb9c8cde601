"""The command `diagnose`: what is printed of a diagnosis, and with what status it ends."""

import base64
import gzip
import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from webhook_guard.cli import main
from webhook_guard.diagnose import Cause

from diagnose.damage import BODY as EVENT
from diagnose.damage import DAMAGES, Captured, NotApplicable, sent
from support import BODY, NOW, OTHER_SECRET, SECRET, WEBHOOK_ID, Terminal, signed

#: Written again as Python does, and with a line feed.
REWRITTEN = json.dumps(json.loads(BODY)).encode() + b"\n"
MATCHES = "; the signature matches once this is undone"


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


def shown(
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    name: str,
    now: float = NOW + 5,
    secrets: Sequence[str | bytes] = (),
) -> list[str]:
    """Return the lines on a terminal about a request that is refused, without their colours."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", output := Terminal())
    diagnose(name, *(f"--secret={secret!s}" for secret in secrets), status=1, now=now)
    return output.lines


def captured_after(first: Cause, second: Cause) -> Iterator[Captured]:
    """Yield what comes after the damages of two causes, one of each."""
    one, other = (next(damage for damage in DAMAGES if damage.cause is cause) for cause in (first, second))
    with suppress(NotApplicable):
        yield other.do(one.do(sent(one.original(other.original(EVENT)))))


def saved_as_json(captured: Captured) -> str:
    """Save a request, and return the name of its file."""
    body = base64.b64encode(captured.body).decode()
    Path("request.json").write_text(json.dumps({"headers": captured.headers, "body_base64": body}), "utf-8")
    return "request.json"


def rows_of(output: str) -> list[tuple[str, str]]:
    """Return the verdict and the reason, and then each label with its text."""
    pairs = (line.strip().split("  ", 1) for line in output.splitlines())
    return [(pair[0], pair[-1].strip()) for pair in pairs]


class TestText:
    """What people read."""

    def test_genuine(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A genuine request is said to be so, with its id and its age."""
        diagnose(save(), status=0)
        verdict, *rows, (label, why) = rows_of(capsys.readouterr().out)
        assert verdict == ("genuine", "genuine")
        assert rows == [("webhook id", WEBHOOK_ID), ("age", "5 s")]
        assert (label, why.split(",")[0]) == ("why", "The signature is right")

    def test_one_cause(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What was undone is shown, with the first difference between the bodies, and the fix."""
        diagnose(save(REWRITTEN[:-1]), status=1)
        verdict, *rows = rows_of(capsys.readouterr().out)
        assert verdict == ("refused", f"signature_mismatch{MATCHES}")
        assert [label for label, _ in rows] == ["why", "undo", "received", "signed", "fix"]
        texts = dict(rows)
        assert texts["undo"].split(":")[0] == "reserialized"
        assert texts["received"] == '{"id": "evt_1", "object": "event", "created_at": 1...'
        assert texts["signed"] == '{"id":"evt_1","object":"event","created_at":175086...'

    def test_two_causes(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Several steps are numbered."""
        diagnose(save(REWRITTEN), status=1)
        steps = [row for row in rows_of(capsys.readouterr().out) if row[0].startswith("undo")]
        assert [(label, text.split(":")[0]) for label, text in steps] == [
            ("undo 1", "newline"),
            ("undo 2", "reserialized"),
        ]

    def test_clock(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A wrong time is the last to be undone."""
        diagnose(save(BODY + b"\n"), "--now", f"{NOW + 1000}", status=1)
        verdict, *rows = rows_of(capsys.readouterr().out)
        assert verdict == ("refused", f"timestamp_too_old{MATCHES}")
        assert [text.split(":")[0] for label, text in rows if label.startswith("undo")] == ["newline", "clock"]

    def test_clock_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where only the time is wrong, nothing makes the signature match: it does."""
        diagnose(save(), "--tolerance", "4", status=1)
        verdict, *rows = rows_of(capsys.readouterr().out)
        assert verdict == ("refused", "timestamp_too_old: The timestamp is too old")
        assert dict(rows)["undo"].startswith("clock: ")

    @pytest.mark.parametrize(
        ("received", "signed_body", "excerpts"),
        [
            pytest.param(BODY + b"\r\n", BODY, ['..."id":"batch_1"}}\\r\\n', '..."id":"batch_1"}}'], id="the end"),
            pytest.param(
                b"\xef\xbb\xbf" + BODY,
                BODY,
                [
                    '\\ufeff{"id":"evt_1","object":"event","created_at"...',
                    '{"id":"evt_1","object":"event","created_at":...',
                ],
                id="the start",
            ),
            pytest.param(gzip.compress(BODY), BODY, [], id="no text"),
        ],
    )
    def test_difference(
        self, capsys: pytest.CaptureFixture[str], received: bytes, signed_body: bytes, excerpts: list[str]
    ) -> None:
        """Of two texts, the first difference is shown, with what is before and after it."""
        diagnose(save(received, signed(signed_body)), status=1)
        rows = rows_of(capsys.readouterr().out)
        assert [text for label, text in rows if label in ("received", "signed")] == excerpts

    def test_no_cause(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where nothing makes the signature match, nothing is undone, and the bodies do not differ."""
        diagnose(save(), "--secret", OTHER_SECRET, status=1)
        assert [label for label, _ in rows_of(capsys.readouterr().out)] == ["refused", "why", "fix"]

    def test_note(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What does not fit together in the capture is said, but once."""
        note = "Content-Length says 7 bytes, and 105 are here"
        diagnose(save(BODY + b"\n", length=7), status=1)
        assert rows_of(capsys.readouterr().out)[1] == ("note", note)
        diagnose(save(BODY + b"\n", length=7), "--secret", OTHER_SECRET, status=1)
        assert capsys.readouterr().out.count(note) == 1

    def test_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In 80 columns, a note and two causes take 12 lines."""
        lines = shown(monkeypatch, 80, save(REWRITTEN, length=104))
        labels = dict.fromkeys(line[:12].strip() for line in lines[1:])
        assert list(labels) == ["note", "why", "", "undo 1", "undo 2", "received", "signed", "fix"]
        assert len(lines) <= 12
        assert max(map(len, lines)) <= 80

    @pytest.mark.parametrize(("columns", "longest"), [(200, 100), (10, 32)])
    def test_wide_and_narrow_terminals(self, monkeypatch: pytest.MonkeyPatch, columns: int, longest: int) -> None:
        """Lines are no longer than can be read, and no text is lost where there is little room."""
        lines = shown(monkeypatch, columns, save(REWRITTEN))
        assert longest - 20 < max(map(len, lines[1:])) <= longest
        assert lines[-1].endswith("JSON.")

    @pytest.mark.parametrize("first", list(Cause))
    def test_any_two_causes(self, monkeypatch: pytest.MonkeyPatch, first: Cause) -> None:
        """In 80 columns, any two causes take 12 lines."""
        long: list[str] = []
        for second in set(Cause) - {first}:
            for captured in captured_after(first, second):
                lines = shown(monkeypatch, 80, saved_as_json(captured), now=captured.now, secrets=captured.secrets)
                long += [f"{second}: {len(lines)}"] if len(lines) > 12 else []
        assert long == []

    def test_pipe(self, capsys: pytest.CaptureFixture[str]) -> None:
        """In a pipe, each text is one line."""
        diagnose(save(REWRITTEN), status=1)
        assert "" not in [label for label, _ in rows_of(capsys.readouterr().out)]


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
        assert values["note"] == f"Content-Length says 1 bytes, and {len(REWRITTEN)} are here"

    def test_members(self, capsys: pytest.CaptureFixture[str]) -> None:
        """These are all, where there is nothing to note."""
        diagnose(save(), "--json", status=0)
        names = ["verdict", "reason", "causes", "steps", "explanation", "fix", "tried"]
        assert list(json.loads(capsys.readouterr().out)) == names


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
        assert "undo  secret_format: " in output


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
        pytest.param(["--now", "soon"], "'soon' is not a valid float", id="no time"),
        pytest.param(["request.http", "--now", "nan"], "now: must be a number", id="not a number"),
        pytest.param(["--tolerance", "-1"], "Invalid value for '--tolerance'", id="a negative tolerance"),
        pytest.param(["request.http", "--tolerance", "9" * 20], "tolerance: must be a number", id="a large tolerance"),
        pytest.param(["--secret", " "], "no signing secret: give --secret whsec_..., or", id="a blank secret"),
        pytest.param(["a", "b"], "Got unexpected extra argument", id="two files"),
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
