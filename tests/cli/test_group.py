"""The commands by name: what the help shows, what is imported, and how misuse is answered."""

import io
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE
from typing import Any, NoReturn

import click
import pytest

from webhook_guard.cli import main
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.group import COMMANDS, group
from webhook_guard.sansio.errors import ConfigurationError

#: What takes long to import, and what some command needs it.
HEAVY = {"rich", "h11", "uvicorn", "asyncio", "http.client", "ssl", "flask", "sqlite3", "pytest", "starlette"}


#: Runs the command as its script does.
PROGRAM = "import sys; from webhook_guard.cli import main; sys.exit(main(sys.argv[1:]))"


def imported(*arguments: str) -> set[str]:
    """Return what of `HEAVY` the command imports, in a process of its own."""
    code = "import sys; from webhook_guard.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own
    return HEAVY & set(done.stderr.split())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes the command `secret` raise an exception."""

    def fail_with(error: BaseException) -> None:
        @click.command()
        def command() -> NoReturn:
            raise error

        monkeypatch.setattr("webhook_guard.cli.secret.command", command)

    return fail_with


def test_help_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The help has a line for each command, in order, whole within 80 columns."""
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("Commands:") + 1
    assert [line.split(maxsplit=1) for line in lines[start : start + len(COMMANDS)]] == [
        [name, text] for name, text in COMMANDS.items()
    ]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The help of each command says what it does, within 100 columns."""
    assert main([name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Usage: webhook-guard {name} [OPTIONS]")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        pytest.param(["--help"], set[str](), id="--help"),
        pytest.param(["secret"], set[str](), id="secret"),
        pytest.param(["demo", "--help"], set[str](), id="demo --help"),
        pytest.param(["events"], {"rich"}, id="events"),
    ],
)
def test_no_command_imports_what_it_does_not_need(arguments: list[str], needed: set[str]) -> None:
    """The help imports no command, and a command no more than it needs."""
    assert imported(*arguments) == needed


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """It tells its version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{version('webhook_guard')}\n"


def test_without_a_command_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command, the help is shown, and the status is 2."""
    assert main([]) == 2
    output, help_text = capsys.readouterr()
    assert output == ""
    assert "Commands:\n  events" in help_text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(["events", "--loud"], "No such option '--loud'; see webhook-guard events --help", id="an option"),
        pytest.param(["evil"], "No such command 'evil'; see webhook-guard --help", id="a command"),
        pytest.param(["e\x1b[2J"], "No such command 'e\\x1b[2J'; see webhook-guard --help", id="to be obeyed"),
    ],
)
def test_misuse(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    """What does not exist is named in one line, with where to look, and the status is 2."""
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"webhook-guard: {line}\n")


def test_a_command_that_can_not_work(capsys: pytest.CaptureFixture[str], failing: Any) -> None:
    """What a command can't work with is said in one line, with nothing that a terminal would obey."""
    failing(Misuse("no file \x1b; give one"))
    assert main(["secret"]) == 2
    assert capsys.readouterr().err == "webhook-guard: no file \\x1b; give one\n"


def test_what_is_not_configured_correctly(capsys: pytest.CaptureFixture[str], failing: Any) -> None:
    """A secret or a type that can't be used is said to be so in one line."""
    failing(ConfigurationError("secret: it is empty"))
    assert main(["secret"]) == 2
    assert capsys.readouterr().err == "webhook-guard: secret: it is empty\n"


def test_completion() -> None:
    """A shell that completes commands is told their names."""
    assert group.list_commands(click.Context(group)) == list(COMMANDS)


def test_ctrl_c(capsys: pytest.CaptureFixture[str], failing: Any) -> None:
    """Ctrl-C ends a command quietly, with the status that shells know."""
    failing(KeyboardInterrupt())
    assert main(["secret"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_any_character_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A character that the output's encoding does not have is escaped, and no traceback."""

    @click.command()
    def command() -> None:
        click.echo("caf\u00e9 \u20ac")

    monkeypatch.setattr("webhook_guard.cli.secret.command", command)
    output = io.BytesIO()
    for stdout in (io.TextIOWrapper(output, encoding="latin-1", newline="\n"), text := io.StringIO()):
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["secret"]) == 0
    assert (output.getvalue(), text.getvalue()) == (b"caf\xe9 \\u20ac\n", "caf\u00e9 \u20ac\n")


@pytest.mark.parametrize("command", ["events", "secret", "--help"])
def test_a_full_disk(command: str) -> None:
    """Output that can't be written is said in one line, and the status is 2."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", PROGRAM, command], stdout=full, stderr=PIPE, check=False)  # noqa: S603  our own
    complaint = b"webhook-guard: can't write the output: No space left on device; see where it goes\n"
    assert (done.returncode, done.stderr) == (2, complaint)


@pytest.mark.parametrize("command", ["events", "secret"])
def test_a_closed_pipe(command: str) -> None:
    """Where nobody reads the output, the command ends quietly, with the status that shells know."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", PROGRAM, command], stdout=writer, stderr=PIPE, check=False)  # noqa: S603  our own
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("command", ["events", "secret", "demo --json"])
def test_no_output_at_all(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was started without an output does its work."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(command.split()) == 0


def test_output_that_fails(capsys: pytest.CaptureFixture[str], failing: Any) -> None:
    """What the system says of the output is said on, in one line."""
    failing(OSError(28, "No space left on device"))
    assert main(["secret"]) == 2
    assert capsys.readouterr().err.startswith("webhook-guard: can't write the output: No space left on device; ")


def test_a_complaint_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be said changes nothing."""

    class Full(io.StringIO):
        def write(self, _: str) -> NoReturn:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    assert main(["nonsense"]) == 2


def test_the_end_of_a_pipe(failing: Any) -> None:
    """Libraries end the process where nobody reads; that is no wrong answer."""
    failing(SystemExit(1))
    assert main(["secret"]) == 141


def test_completion_script(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The script for a shell that completes commands is printed, with status 0."""
    monkeypatch.setenv("_WEBHOOK_GUARD_COMPLETE", "zsh_source")
    assert main([]) == 0
    assert "#compdef webhook-guard" in capsys.readouterr().out


@pytest.mark.parametrize("stream", ["full", "closed"])
def test_no_complaint_at_all(stream: str) -> None:
    """Where nobody can be told, the status tells."""
    redirect = "2>/dev/full" if stream == "full" else "2>&-"
    if stream == "full" and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    line = shlex.join([sys.executable, "-c", PROGRAM, "nonsense"])
    assert subprocess.run(f"{line} {redirect}", shell=True, check=False).returncode == 2  # noqa: S602  our own


def test_ctrl_c_while_importing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is quiet before the command runs, too."""

    def interrupted(_argv: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("webhook_guard.cli.group.run", interrupted)
    assert main(["secret"]) == 130


def test_a_bug_is_a_bug(failing: Any) -> None:
    """An exception that nobody foresaw has a traceback: it is to be reported."""
    failing(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        main(["secret"])


def test_the_arguments_of_the_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments given, those of the process are taken."""
    monkeypatch.setattr(sys, "argv", ["webhook-guard", "secret"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("whsec_")


@pytest.mark.parametrize(("name", "extra"), [("secret", "cli"), ("demo", "demo")])
@pytest.mark.parametrize("is_given", [True, False], ids=["given", "of the process"])
def test_a_missing_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, extra: str, *, is_given: bool
) -> None:
    """A command that can't be imported names its extra in one line, and the status is 2."""

    @click.command()
    def command() -> NoReturn:
        raise ImportError("No module named 'something'")

    monkeypatch.setattr(f"webhook_guard.cli.{name}.command", command)
    monkeypatch.setattr(sys, "argv", ["webhook-guard", name])
    assert main([name] if is_given else None) == 2
    complaint = f"webhook-guard: No module named 'something'; try: pip install 'webhook_guard[{extra}]'\n"
    assert capsys.readouterr() == ("", complaint)


@pytest.mark.parametrize(
    ("arguments", "missing"), [("events", "rich"), ("send --help", "h11"), ("listen --port 0", "uvicorn")]
)
def test_what_is_not_installed(arguments: str, missing: str) -> None:
    """Without a library of the extra, a command that needs it says so in one line, and the status is 2."""
    block = f"import sys; sys.modules[{missing!r}] = None"
    code = f"{block}; from webhook_guard.cli import main; sys.exit(main({arguments.split()}))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'webhook_guard[cli]'" in done.stderr


def test_without_any_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the command says so in one line, and the status is 2."""
    monkeypatch.delitem(sys.modules, "webhook_guard.cli.group")
    monkeypatch.setitem(sys.modules, "click", None)
    assert main(["--help"]) == 2
    output, complaint = capsys.readouterr()
    assert (output, complaint.count("\n")) == ("", 1)
    assert "pip install 'webhook_guard[cli]'" in complaint
