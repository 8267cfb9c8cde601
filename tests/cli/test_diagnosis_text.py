"""A diagnosis on the screen: its rows, how they fit on terminals, and what stands out."""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from webhook_guard.cli.captured import Captured
from webhook_guard.cli.diagnosis_text import show
from webhook_guard.diagnose import Cause, diagnose

from diagnose import damage
from support import BODY, NOW, OTHER_SECRET, SECRET, WEBHOOK_ID, Terminal, signed

#: Written again as Python does, and with a line feed.
REWRITTEN = json.dumps(json.loads(BODY)).encode() + b"\n"
MATCHES = "; the signature matches once this is undone"
NOTE = "Content-Length is 104, but 15 more bytes follow: all were taken"


def captured(body: bytes = BODY, headers: dict[str, str] | None = None, note: str | None = None) -> Captured:
    """Return a request."""
    return Captured("POST", tuple((signed() if headers is None else headers).items()), body, note)


def diagnosed(request: Captured, secrets: Sequence[str | bytes] = (SECRET,), now: float = NOW + 5) -> None:
    """Show the diagnosis of a request, as if it had come five seconds after it was signed, or at another time."""
    show(diagnose(request.body, request.headers, secrets, now=now), request, round(now) - NOW)


def terminal_of(monkeypatch: pytest.MonkeyPatch, columns: int) -> Terminal:
    """Return a terminal of so many columns, which standard output is from now on."""
    monkeypatch.setenv("COLUMNS", str(columns))
    for name, value in (("TERM", "xterm"), ("COLORTERM", "")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    return terminal


def rows_of(output: str) -> list[tuple[str, str]]:
    """Return the verdict and the reason, and then each label with its text."""
    pairs = (line.strip().split("  ", 1) for line in output.splitlines())
    return [(pair[0], pair[-1].strip()) for pair in pairs]


class TestRows:
    """What is shown of a diagnosis."""

    def test_genuine(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A genuine request is said to be so, with its id and its age."""
        diagnosed(captured(), now=NOW + 290)
        verdict, *rows, (label, why) = rows_of(capsys.readouterr().out)
        assert verdict == ("genuine", "genuine")
        assert rows == [("webhook id", WEBHOOK_ID), ("age", "290 s")]
        assert (label, why.split(",")[0]) == ("why", "The signature is right")

    def test_one_cause(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What was undone is the proof; the first difference between the bodies is shown, and the fix."""
        diagnosed(captured(REWRITTEN[:-1]))
        verdict, *rows = rows_of(capsys.readouterr().out)
        assert verdict == ("refused", f"signature_mismatch{MATCHES}")
        assert [label for label, _ in rows] == ["why", "proof", "received", "signed", "fix"]
        assert dict(rows)["proof"].startswith("reserialized: ")

    def test_two_causes(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Several steps are numbered."""
        diagnosed(captured(REWRITTEN))
        steps = [row for row in rows_of(capsys.readouterr().out) if row[0].startswith("proof")]
        assert [(label, text.split(":")[0]) for label, text in steps] == [
            ("proof 1", "newline"),
            ("proof 2", "reserialized"),
        ]

    def test_clock(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A wrong time is the last to be undone."""
        diagnosed(captured(BODY + b"\n"), now=NOW + 1000)
        verdict, *rows = rows_of(capsys.readouterr().out)
        assert verdict == ("refused", f"timestamp_too_old{MATCHES}")
        assert [text.split(":")[0] for label, text in rows if label.startswith("proof")] == ["newline", "clock"]

    def test_clock_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where only the time is wrong, nothing makes the signature match: it does."""
        diagnosed(captured(), now=NOW + 301)
        verdict, *rows = rows_of(capsys.readouterr().out)
        assert verdict == ("refused", "timestamp_too_old: The timestamp is too old")
        assert dict(rows)["proof"].startswith("clock: ")

    def test_no_cause(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where nothing makes the signature match, nothing is undone, and the bodies do not differ."""
        diagnosed(captured(), [OTHER_SECRET])
        assert [label for label, _ in rows_of(capsys.readouterr().out)] == ["refused", "why", "fix"]

    def test_note(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What does not fit together in the capture is said first."""
        diagnosed(captured(REWRITTEN, note=NOTE))
        assert rows_of(capsys.readouterr().out)[1] == ("note", NOTE)


class TestDifference:
    """Where two bodies differ first."""

    @pytest.mark.parametrize(
        ("received", "excerpts"),
        [
            pytest.param(BODY + b"\r\n", ['..."id":"batch_1"}}\\r\\n', '..."id":"batch_1"}}'], id="the end"),
            pytest.param(BODY + b" ", ['..."id":"batch_1"}}', '..."id":"batch_1"}}'], id="a blank at the end"),
            pytest.param(
                b"\xef\xbb\xbf" + BODY,
                [
                    '\\ufeff{"id":"evt_1","object":"event","created_at":1750861210,"typ...',
                    '{"id":"evt_1","object":"event","created_at":1750861210,"type":"ba...',
                ],
                id="the start",
            ),
            pytest.param(gzip.compress(BODY), [], id="no text"),
        ],
    )
    def test_in_a_pipe(self, capsys: pytest.CaptureFixture[str], received: bytes, excerpts: list[str]) -> None:
        """Of two texts, the first difference is shown, with what is before and after it, in a line that can be read."""
        diagnosed(captured(received))
        rows = rows_of(capsys.readouterr().out)
        assert [text for label, text in rows if label in ("received", "signed")] == excerpts

    @pytest.mark.parametrize("columns", [80, 120, 300])
    def test_in_a_terminal(self, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
        """It takes the columns that there are."""
        event = json.loads(BODY) | {"data": {"id": "batch_" + "\u65e5" * 500}}
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        output = terminal_of(monkeypatch, columns)
        diagnosed(captured(json.dumps(event, ensure_ascii=False).encode(), signed(body)))
        (line,) = (line for line in output.lines if line.startswith("  signed "))
        assert columns - 1 <= len(line) + line.count("\u65e5") <= columns
        assert line.endswith("...")

    def test_what_is_longer_than_any_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It ends with dots wherever a text goes on."""
        output = terminal_of(monkeypatch, 2_000)
        body = b'{"type":"batch.completed","data":{"id":"%b"}}' % (b"x" * 1_000)
        diagnosed(captured(body + b"\n" + body, signed(b"{}")))
        diagnosed(captured(b"\xef\xbb\xbf" + body, signed(body)))
        assert [line[-4:] for line in output.lines if line.startswith("  signed ")] == ["x..."]

    def test_what_stands_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first characters that differ stand out, blanks too, and the fix does."""
        output = terminal_of(monkeypatch, 80)
        diagnosed(captured(REWRITTEN[:-1]))
        text = output.getvalue()
        assert re.findall(r"\x1b\[7m(.*?)\x1b\[0m", text) == [' "e', '"ev']
        assert "\x1b[1mfix\x1b[0m" in text


class TestTerminals:
    """How it fits."""

    def test_eighty_columns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In 80 columns, a note and two causes take 12 lines."""
        output = terminal_of(monkeypatch, 80)
        diagnosed(captured(REWRITTEN, note=NOTE))
        labels = dict.fromkeys(line[:12].strip() for line in output.lines[1:])
        assert [label for label in labels if label] == [
            "note",
            "why",
            "proof 1",
            "proof 2",
            "received",
            "signed",
            "fix",
        ]
        assert len(output.lines) <= 12
        assert max(map(len, output.lines)) <= 80

    @pytest.mark.parametrize(("columns", "is_shown"), [(80, False), (100, True)])
    def test_no_room(self, monkeypatch: pytest.MonkeyPatch, columns: int, *, is_shown: bool) -> None:
        """Where all that is found takes more than 12 lines, the difference between the bodies is left out."""
        output = terminal_of(monkeypatch, columns)
        diagnosed(captured(REWRITTEN, note="; ".join([NOTE] * 3)))
        labels = {label for label, _ in rows_of("\n".join(output.lines))}
        assert ({"received", "signed"} <= labels, "proof 2" in labels, "fix" in labels) == (is_shown, True, True)
        assert len(output.lines) <= 12

    @pytest.mark.parametrize(("columns", "longest"), [(200, 100), (10, 32)])
    def test_wide_and_narrow(self, monkeypatch: pytest.MonkeyPatch, columns: int, longest: int) -> None:
        """Lines are no longer than can be read, and no text is lost where there is little room."""
        output = terminal_of(monkeypatch, columns)
        diagnosed(captured(REWRITTEN))
        diagnosis = diagnose(REWRITTEN, signed(), SECRET, now=NOW)
        lines = [line for line in output.lines[1:] if not line.startswith(("  received ", "  signed "))]
        assert longest - 20 < max(map(len, lines)) <= longest
        assert diagnosis.fix.split() == " ".join(lines).split("  fix ")[1].split()

    @pytest.mark.parametrize("first", list(Cause))
    def test_any_two_causes(self, monkeypatch: pytest.MonkeyPatch, first: Cause) -> None:
        """In 80 columns, any two causes take 12 lines."""
        long: list[str] = []
        for second in set(Cause) - {first}:
            for request in damaged(first, second):
                output = terminal_of(monkeypatch, 80)
                diagnosed(captured(request.body, dict(request.headers)), request.secrets, request.now)
                long += [f"{second}: {len(output.lines)}"] if len(output.lines) > 12 else []
        assert long == []

    def test_pipe(self, capsys: pytest.CaptureFixture[str]) -> None:
        """In a pipe, each text is one line."""
        diagnosed(captured(REWRITTEN))
        assert all(label for label, _ in rows_of(capsys.readouterr().out))


def damaged(first: Cause, second: Cause) -> Iterator[damage.Captured]:
    """Yield what comes after the damages of two causes, one of each."""
    one, other = (next(each for each in damage.DAMAGES if each.cause is cause) for cause in (first, second))
    with suppress(damage.NotApplicable):
        yield other.do(one.do(damage.sent(one.original(other.original(damage.BODY)))))
