"""The screen."""

import io
import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.cli.output import console, is_terminal, print_json, print_nowhere, printable


class Terminal(io.StringIO):
    """What stands for a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain, ünïcode 日本 🙂", "plain, ünïcode 日本 🙂", id="what people write"),
        pytest.param("\x1b[31mred\x07", "\\x1b[31mred\\x07", id="what terminals obey"),
        pytest.param("\x9b2J", "\\x9b2J", id="the same in one character"),
        pytest.param("a\u202egpj", "a\\u202egpj", id="what turns the direction"),
        pytest.param("a\u200bb\ufeff", "a\\u200bb\\ufeff", id="what does not show"),
        pytest.param("a\r\n\tb\u2028c", "a\\r\\n\\tb\\u2028c", id="what breaks lines"),
        pytest.param("\ud800", "\\ud800", id="half a surrogate pair"),
        pytest.param("\U000e0041", "\\U000e0041", id="a tag"),
        pytest.param("\u3164\u2800\ufe0f", "\\u3164\\u2800\\ufe0f", id="what looks like nothing"),
        pytest.param("\U0001f3fb\U0001f1e9", "\\U0001f3fb\\U0001f1e9", id="what is wider here than there"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Text stays as it is, but for what a terminal would obey or not show."""
    assert printable(text) == shown


def test_printable_keeps() -> None:
    """Characters that are to stay do."""
    assert printable("a\n\tb\r", keep="\n\t") == "a\n\tb\\r"


@given(st.text())
def test_nothing_is_left_to_obey(text: str) -> None:
    """Whatever comes, no control, format or surrogate character is left."""
    assert {unicodedata.category(character) for character in printable(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


def test_json_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """A value is printed as one line, which has nothing that a terminal would obey."""
    value = {"text": "ü\x1b\u202e\n"}
    print_json(value)
    line = capsys.readouterr().out
    assert (json.loads(line), line.isascii(), line.count("\n"), line.isprintable()) == (value, True, 1, False)
    assert line.strip().isprintable()


def test_a_pipe_gets_plain_unwrapped_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the output is no terminal, it has no colours, and a long line stays whole."""
    console().print("x " * 500, style="bold red")
    assert capsys.readouterr().out == "x " * 500 + "\n"


def test_a_terminal_is_asked_for_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the output is a terminal, its width counts."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert console().width == 60


def test_no_output_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may have been started without any."""
    monkeypatch.setattr(sys, "stdout", None)
    console().print("nowhere")
    print_nowhere(sys.stdout)
    assert not is_terminal(sys.stdout)


def test_print_nowhere() -> None:
    """What is printed after that goes nowhere, and Python ends without complaint."""
    printing = "print('a', flush=True); print_nowhere(sys.stdout); print('b')"
    code = f"import sys; from webhook_guard.cli.output import print_nowhere; {printing}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603  our own
    assert (done.stdout, done.stderr) == (b"a\n", b"")


def test_print_nowhere_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the output is no file, as here, there is nothing to do."""
    print_nowhere(sys.stdout)
    print_json("still here")
    assert capsys.readouterr().out == '"still here"\n'


@pytest.mark.parametrize("text", ["[bold]x[/bold]", ":smile:", "12 'text' http://a"])
def test_nothing_is_guessed(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Markup, names of emoji and figures are printed as they are."""
    console(stderr=True).print(text)
    assert capsys.readouterr() == ("", f"{text}\n")
