"""What became of what was sent, on the screen."""

import io
import sys

import pytest

from webhook_guard.cli.http import Answer
from webhook_guard.cli.posting import expectation
from webhook_guard.cli.send.result import Result
from webhook_guard.cli.send.summary import phrase, progress, show
from webhook_guard.sansio.errors import Reason

from cli.send.results import PROBLEM, result
from support import WEBHOOK_ID

ACCEPTED = Answer(204, "No Content", (), b"", 0.00151)
REFUSED = Answer(400, "Bad Request", PROBLEM, b'{"reason":"signature_mismatch"}', 0.0005)
OTHER = Answer(599, "", PROBLEM, b'{"reason":"from_tomorrow"}', 0.0005)
FOUND_NOTHING = Answer(404, "Not\x1b[2J Found", (), b'{"detail":\n  "Not Found\x1b"}\n', 1.2345)
SILENT = Answer(500, "Internal Server Error", (), b"\n", 0.0005)


class Terminal(io.StringIO):
    """A terminal, which keeps what it is sent."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        pytest.param(
            result([ACCEPTED]),
            [
                "accepted  204 No Content, 1.5 ms",
                "  type        batch.completed",
                "  event id    evt_1",
                f"  webhook id  {WEBHOOK_ID}",
            ],
            id="accepted",
        ),
        pytest.param(
            result([REFUSED], expectation(None, is_tampered=True)),
            [
                "refused  400 Bad Request, 0.5 ms",
                "  reason      signature_mismatch: No signature matches",
                "  type        batch.completed",
                "  event id    evt_1",
                f"  webhook id  {WEBHOOK_ID}",
            ],
            id="refused, as it should be",
        ),
        pytest.param(
            result([FOUND_NOTHING], body=b"{}"),
            [
                "failed  404 Not\\x1b[2J Found, 1,234.5 ms",
                "  reason      none: it was not the guard that answered",
                '  answer      {"detail": "Not Found\\x1b"}',
                "  type        none: the body is no event",
                f"  webhook id  {WEBHOOK_ID}",
                "  expected    2xx",
            ],
            id="answered by the app, and no event",
        ),
        pytest.param(
            result([SILENT]),
            [
                "failed  500 Internal Server Error, 0.5 ms",
                "  reason      none: it was not the guard that answered",
                "  answer      (no body)",
                "  type        batch.completed",
                "  event id    evt_1",
                f"  webhook id  {WEBHOOK_ID}",
                "  expected    2xx",
            ],
            id="answered without a word",
        ),
        pytest.param(
            result([OTHER], body=b'{"type":"a\\u001b"}'),
            [
                "refused  599, 0.5 ms",
                "  reason      from_tomorrow",
                "  type        a\\x1b",
                f"  webhook id  {WEBHOOK_ID}",
                "  expected    2xx",
            ],
            id="a reason that nobody knows",
        ),
    ],
)
def test_one(capsys: pytest.CaptureFixture[str], found: Result, lines: list[str]) -> None:
    """Of one request, it says what it was and how it was answered; what was expected only if that is not so."""
    show(found)
    assert capsys.readouterr() == ("\n".join([*lines, ""]), "")


def test_many(capsys: pytest.CaptureFixture[str]) -> None:
    """Of many, it counts the answers; all figures end in the same column."""
    show(result([ACCEPTED] * 1234 + [REFUSED] * 20 + [FOUND_NOTHING] * 3 + [OTHER]))
    assert capsys.readouterr().out.splitlines() == [
        "204 No Content            1,234",
        "400 signature_mismatch       20",
        "404 Not Found                 3",
        "599 from_tomorrow             1",
        "",
        "requests per second     5,032.0",
        "median latency              1.5 ms",
        "99th percentile             1.5 ms",
        "",
        "24 of 1,258 are not as expected: 2xx.",
    ]


def test_no_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Requests without an answer are counted, and it says why there is none, with how often."""
    show(result([ACCEPTED, *["it closed the connection"] * 1000, "x\x1b" * 150]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["204 No Content             1", "no answer              1,001"]
    assert lines[-3:] == [
        "1,000 without an answer: it closed the connection",
        "1 without an answer: " + "x\\x1b" * 100,
        "1,001 of 1,002 are not as expected: 2xx.",
    ]


def test_many_that_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    """If all is right, it says so; a status that HTTP does not know has no phrase."""
    show(result([Answer(299, "", (), b"", 0.001)] * 2))
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-1]) == ("299                    2", "All 2 are as expected: 2xx.")


def test_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal, what is right is green, and what is wrong is red."""
    screens = [Terminal(), Terminal()]
    for screen, answer in zip(screens, (ACCEPTED, REFUSED), strict=True):
        monkeypatch.setattr(sys, "stdout", screen)
        show(result([answer]))
    right, wrong = (screen.getvalue() for screen in screens)
    assert "\x1b[32maccepted" in right
    assert "\x1b[1;31mrefused" in wrong


@pytest.mark.parametrize("reason", Reason)
def test_phrases(reason: Reason) -> None:
    """Each of our reasons has a meaning."""
    assert phrase(reason.value) == reason.phrase != ""


def test_no_phrase() -> None:
    """A reason of another guard has none."""
    assert phrase("from_tomorrow") == ""


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal, a bar moves, and is gone at the end."""
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with progress(200) as watch:
        watch(50)
    shown = screen.getvalue()
    assert " 50/200" in shown
    assert shown.endswith("\x1b[2K")


def test_no_progress_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe, there is no bar, even if colours are asked for."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress(200) as watch:
        watch(50)
    assert capsys.readouterr() == ("", "")
