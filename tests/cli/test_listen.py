"""The command `webhook-guard listen`, run whole."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from webhook_guard.cli import main
from webhook_guard.cli.message import from_wire

from cli.listening import raw_app, visited
from servers.client import TIMEOUT, Client, genuine, head
from support import BODY, OLDER_SECRET, OTHER_SECRET, SECRET, free_port, signed

COMMAND = """
import signal, sys
from webhook_guard.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell ignore it
sys.exit(main(["listen", "--port", "0", *sys.argv[1:]]))
"""
#: Seconds for a process to end, with a server in it that gives its last requests one.
SOON = 5.0
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def delivery(secret: str = SECRET, webhook_id: str = "wh_1") -> bytes:
    """Return a delivery that was signed just now."""
    now = int(time.time())
    return genuine(webhook_id, headers=signed(secret=secret, webhook_id=webhook_id, timestamp=now))


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what asks for colours where there is no terminal, and set the secret."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)


class Process(NamedTuple):
    """The command in a process of its own, and its port."""

    popen: "subprocess.Popen[str]"
    port: int

    def ended(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send it a signal; return its status, what it printed, and what it said after the first lines."""
        self.popen.send_signal(number)
        out, err = self.popen.communicate(timeout=SOON)
        return self.popen.returncode, out, err


@contextmanager
def process(*arguments: str) -> Generator[Process, None, None]:
    """Run the command, and give it when it listens."""
    command = [sys.executable, "-W", "error", "-c", COMMAND, *arguments]
    with subprocess.Popen(  # noqa: S603  ours
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as popen:
        watchdog = threading.Timer(TIMEOUT, popen.kill)
        watchdog.start()
        try:
            yield Process(popen, _port(popen.stderr))
        finally:
            popen.kill()
            watchdog.cancel()
            watchdog.join()


def _port(stderr: IO[str] | None) -> int:
    assert stderr is not None
    first = stderr.readline()
    found = re.search(r":(\d+),", first)
    assert found, first
    assert "\n" in iter(stderr.readline, "")  # after which the deliveries come
    return int(found[1])


@pytest.mark.skipif(os.name == "nt", reason="no process can send Ctrl-C to one other process there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end it soon, quietly and with 0, whatever hangs: a client, an open connection, the app."""
    with (
        raw_app() as app,
        process("--forward", app.url) as listen,
        Client(listen.port) as waiting,
        Client(listen.port) as hanging,
        Client(listen.port) as idle,
    ):
        assert listen.popen.stderr is not None
        idle.send(head({}, method="GET"))
        assert idle.answer().status == 405
        hanging.send(delivery()[:-1])
        waiting.send(delivery())
        app.request()
        status, out, err = listen.ended(number)
    assert (status, err) == (0, "1 accepted (1 of them failed in the app), 1 refused.\n")
    assert out.count("\n") == 2


def test_head_of_a_pipe() -> None:
    """When nobody reads any more, as behind `head -1`, it says so and ends, without a traceback."""
    with process() as listen:
        assert listen.popen.stdout is not None
        for _ in range(2):
            with Client(listen.port) as client:
                client.send(delivery())
                assert client.answer().status == 204
            listen.popen.stdout.close()
        assert listen.popen.wait(SOON) == 0
        assert listen.popen.stderr is not None
        last = listen.popen.stderr.read().splitlines()[-2:]
    assert last == ["Stopping: can't print (Broken pipe).", "2 accepted, 0 refused."]


def test_output_is_plain_in_a_pipe() -> None:
    """Into a pipe go lines without control characters, as they come: each is there before its sender is answered."""
    with process("-v") as listen:
        assert listen.popen.stdout is not None
        with Client(listen.port) as client:
            client.send(delivery())
            assert client.answer().status == 204
            line = listen.popen.stdout.readline()
        assert re.fullmatch(r"\d\d:\d\d:\d\d  accepted 204  batch.completed +evt_1 +wh_1\n", line)
        _, rest, _ = listen.ended(signal.SIGTERM)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", rest)


def test_several_secrets() -> None:
    """--secret may be given more than once; what the environment has does not count then."""
    arguments = ["--secret", OLDER_SECRET, "--secret", OTHER_SECRET]
    requests = [delivery(secret) for secret in (OLDER_SECRET, OTHER_SECRET, SECRET)]
    with visited(signal.SIGINT, *requests) as (port, err):
        assert main(["listen", "--port", str(port), *arguments]) == 0
    lines = err.getvalue().splitlines()
    assert lines[0].endswith("deliveries signed with 2 secrets.")
    assert lines[-1] == "2 accepted, 1 refused."


def test_options(tmp_path: Path) -> None:
    """What is verified is forwarded, and all is saved; what is older than the tolerance is refused."""
    old = genuine("wh_old", headers=signed(webhook_id="wh_old", timestamp=int(time.time()) - 100))
    arguments = ["--save", str(tmp_path), "--tolerance", "50", "--host", "localhost", "--json", "--secret", SECRET]
    with raw_app(OK) as app, visited(signal.SIGTERM, delivery(), old) as (port, err):
        assert main(["listen", "--port", str(port), "--forward", app.url, *arguments]) == 0
        assert app.request().endswith(BODY)
    assert err.getvalue().splitlines()[-1] == "1 accepted (0 of them failed in the app), 1 refused."
    files = sorted(tmp_path.iterdir())
    assert [file.name.partition("Z-")[2] for file in files] == ["0001-accepted.http", "0002-timestamp_too_old.http"]
    assert [from_wire(file.read_bytes()).body for file in files] == [BODY, BODY]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--port", "70000"], "not in the range 0<=x<=65535", id="a port out of range"),
        pytest.param(["--port", "http"], "'http' is not a valid integer", id="a port that is no number"),
        pytest.param(["--host", "nowhere.invalid"], "there is no host 'nowhere.invalid'; take 127.0.0.1", id="no host"),
        pytest.param(["--host", "192.0.2.1"], "192.0.2.1 is no address of this machine; take", id="another machine"),
        pytest.param(["--save", __file__], "test_listen.py is a file; give a folder", id="a file to save in"),
        pytest.param(["--save", f"{__file__}/x"], "can't write to the folder", id="a folder that can't be"),
        pytest.param(["--forward", "localhost"], "it is to be like http://127.0.0.1:8000", id="a URL that is none"),
        pytest.param(["--tolerance", "-1"], "tolerance: must be a number from 0", id="a negative tolerance"),
        pytest.param(["--secret", ""], "secret: it is empty or blank; set it", id="an empty secret"),
        pytest.param(["--secret", "whsec_not base64"], "secret: what follows whsec_ is not base64", id="a bad secret"),
        pytest.param(
            ["--secret", SECRET, "--secret", "short"], "secret[1]: the key has 5 bytes", id="a bad second one"
        ),
        pytest.param(["--verbose=yes"], "does not take a value", id="a value too many"),
    ],
)
def test_misuse(capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str) -> None:
    """Bad input is one line that says what to do, and status 2."""
    assert main(["listen", "--port", "0", *arguments]) == 2
    assert_complains(capsys, complaint)


def assert_complains(capsys: pytest.CaptureFixture[str], complaint: str) -> None:
    """Check that one line was said, with `complaint` in it, and no secret."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("webhook-guard: ")
    assert err.count("\n") == 1
    assert complaint in err
    assert SECRET not in err


def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that somebody listens on is named."""
    with raw_app() as app:
        port = app.url.split(":")[2].split("/")[0]
        assert main(["listen", "--port", port]) == 2
    assert_complains(capsys, f"port {port} is in use; stop what listens there")


def test_loop(capsys: pytest.CaptureFixture[str]) -> None:
    """A URL that leads back to the listener is refused."""
    port = free_port()
    assert main(["listen", "--port", str(port), "--forward", f"http://localhost:{port}/"]) == 2
    assert_complains(capsys, "leads back to this listener")


@pytest.mark.parametrize("value", [None, "", "  "], ids=["not set", "empty", "blank"])
def test_no_secret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Without a secret it says where one may come from."""
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
    if value is not None:
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", value)
    assert main(["listen", "--port", "0"]) == 2
    assert_complains(capsys, "no signing secret: give --secret whsec_..., or set OPENAI_WEBHOOK_SECRET")


def test_help_is_quick() -> None:
    """The help imports neither the server nor the screen."""
    code = "import sys; from webhook_guard.cli import main; main(['listen', '--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert not {"uvicorn", "asyncio", "rich", "h11"} & set(done.stdout.split())
