"""The listener whole: real sockets, a real app behind it, and strangers in front."""

import io
import json
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.listen.address import bind
from webhook_guard.cli.listen.forward import Forwarded, Forwarder
from webhook_guard.cli.listen.listener import Listener, run
from webhook_guard.cli.listen.receiver import Received
from webhook_guard.cli.listen.save import Folder
from webhook_guard.cli.message import Request, from_wire

from cli.listening import Lines, raw_app, visited
from servers.client import TIMEOUT, Answer, Client, chunk, chunked_head, genuine, head
from support import BODY, OTHER_SECRET, SECRET, clock, free_port, signed

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
FORGED = genuine("wh_forged", headers=signed(secret=OTHER_SECRET, webhook_id="wh_forged"))
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what asks for colours where there is no terminal."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Running:
    """A listener that serves, its port, and what it prints, line by line."""

    listener: Listener
    port: int
    thread: threading.Thread
    out: Lines
    err: Lines

    def connect(self) -> Client:
        """Open a connection."""
        return Client(self.port)

    def ask(self, request: bytes) -> Answer:
        """Return the answer to a request on a connection of its own."""
        with self.connect() as client:
            client.send(request)
            return client.answer()


@contextmanager
def listening(**options: Any) -> Generator[Running, None, None]:
    """Run a listener in a thread, and stop it at the end."""
    with closing(bind("127.0.0.1", 0)) as listening, redirect_stdout(Lines()) as out, redirect_stderr(Lines()) as err:
        port = listening.getsockname()[1]
        listener = Listener(listening, secret=SECRET, clock=clock, **options)
        thread = threading.Thread(target=listener.serve)
        thread.start()
        try:
            yield Running(listener, port, thread, out, err)
        finally:
            listener.stop()
            thread.join(TIMEOUT)
            assert not thread.is_alive()


def test_a_line_for_each() -> None:
    """Each request has its line on standard output before it has its answer; nothing but a hint is on the other one."""
    with listening() as running:
        assert running.ask(genuine("wh_1")).status == 204
        assert running.out.next().split()[1:] == ["accepted", "204", "batch.completed", "evt_1", "wh_1"]
        assert running.ask(head({}, method="GET")).refusal == (405, "method_not_allowed")
        assert running.out.next().split()[1:] == ["refused", "405", "method_not_allowed", "-", "-"]
    assert running.out.getvalue().count("\n") == 2
    assert running.err.getvalue() == ""
    counts = (running.listener.accepted, running.listener.refused, running.listener.failed)
    assert counts == (1, 1, 0)


def test_hint() -> None:
    """The first signature that does not match comes with what to check; further ones don't."""
    with listening() as running:
        for _ in range(3):
            assert running.ask(FORGED).refusal == (400, "signature_mismatch")
    assert running.out.getvalue().count("signature_mismatch") == 3
    assert running.err.getvalue().count("Hint: no signature matches.") == running.err.getvalue().count("Hint") == 1


def test_hint_names_the_next_step() -> None:
    """The hint says how to find out why, where nothing is saved yet."""
    with listening() as running:
        running.ask(FORGED)
    end = "To find out why, have the next one saved,\nwith --save DIR, and run: webhook-guard diagnose FILE\n"
    assert running.err.getvalue().endswith(end)


def test_hint_names_the_file(tmp_path: Path) -> None:
    """Where the request was saved, the hint is a line to run, whatever the folder is called."""
    folder = tmp_path / "my deliveries"
    with listening(folder=Folder(folder)) as running:
        running.ask(FORGED)
    (file,) = folder.iterdir()
    assert running.err.getvalue().endswith(f"To find out why:\n    webhook-guard diagnose '{file}'\n")


def test_the_log_is_quiet_meanwhile(records: list[Any]) -> None:
    """What the guard has to log is not said twice; afterwards, its log speaks again."""
    with listening() as running:
        assert running.ask(FORGED).status == 400
    assert records == []
    logging.getLogger("webhook_guard").warning("again")
    assert [record.getMessage() for record in records] == ["again"]


def test_json() -> None:
    """With --json, each request is one object in one line."""
    with listening(as_json=True) as running:
        running.ask(genuine("wh_1"))
        running.ask(FORGED)
    verdicts = [json.loads(line)["verdict"] for line in running.out.getvalue().splitlines()]
    assert verdicts == ["accepted", "refused"]
    assert "headers" not in json.loads(running.out.next())


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_verbose(as_json: bool) -> None:  # noqa: FBT001  a column of the table
    """With --verbose, head and body are shown; no secret and no signature ever is."""
    with listening(verbose=True, as_json=as_json) as running:
        running.ask(genuine("wh_1"))
        running.ask(FORGED)
    shown = running.out.getvalue() + running.err.getvalue()
    assert shown.count("webhook-timestamp") == 2
    assert "batch_1" in shown
    for hidden in (SECRET, signed(webhook_id="wh_1")["webhook-signature"], FORGED.split(b"v1,")[1][:40].decode()):
        assert hidden not in shown


def test_saved(tmp_path: Path) -> None:
    """With --save, each request is in the file that its line names when its sender has the answer."""
    with listening(folder=Folder(tmp_path)) as running:
        for request in (genuine("wh_1"), FORGED):
            running.ask(request)
            file = tmp_path / running.out.next().rpartition("saved: ")[2]
            assert from_wire(file.read_bytes()).body == BODY
    assert len(list(tmp_path.iterdir())) == 2


def test_folder_that_went_away(tmp_path: Path) -> None:
    """A request that can't be saved is answered and shown all the same, and why is said."""
    folder = Folder(tmp_path / "folder")
    (tmp_path / "folder").rmdir()
    with listening(folder=folder) as running:
        assert running.ask(genuine("wh_1")).status == 204
    assert "saved" not in running.out.next()
    assert running.err.next() == "Not saved: No such file or directory."


class BrokenFolder(Folder):
    """A folder that fails as none should."""

    def save(self, received: Received) -> str:
        """Fail."""
        raise ValueError(received.request.body)


def test_failure_to_save(tmp_path: Path) -> None:
    """Whatever fails while a request is saved, it is answered and shown, and one line says what failed where."""
    with listening(folder=BrokenFolder(tmp_path)) as running:
        assert running.ask(genuine("wh_1")).status == 204
        assert running.out.next().endswith("wh_1")
    said = running.err.getvalue()
    assert re.fullmatch(r"Not saved, but answered: ValueError in test_listener.py, line \d+\.\n", said)


def test_failure_to_show() -> None:
    """Whatever fails while a request is shown, it is answered and counted, and one line says what failed where."""
    closed = io.StringIO()
    closed.close()
    with listening() as running:
        with redirect_stdout(closed):
            assert running.ask(genuine("wh_1")).status == 204
        assert re.fullmatch(r"Not shown, but answered: ValueError in \w+\.py, line \d+\.", running.err.next())
        assert running.ask(genuine("wh_2")).status == 204
        assert running.out.next().endswith("wh_2")
    assert running.listener.accepted == 2


def test_nowhere_to_say_it() -> None:
    """Where standard error is closed, too, requests are answered."""
    closed = io.StringIO()
    closed.close()
    with listening() as running, redirect_stdout(closed), redirect_stderr(closed):
        assert running.ask(FORGED).refusal == (400, "signature_mismatch")
    assert running.listener.refused == 1


class BrokenForwarder(Forwarder):
    """A forwarder that fails as none should."""

    async def forward(self, request: Request) -> Forwarded:
        """Fail."""
        raise {"/os": OSError}.get(request.target, ValueError)


def test_faults_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the receiver reaches the screen by the server's log; what the system or a client causes does not."""
    with BrokenForwarder("http://127.0.0.1:1") as forwarder, listening(forwarder=forwarder) as running:
        assert running.ask(genuine("wh_1")).status == 500
        assert running.ask(genuine("wh_2", path="/os")).status == 500
        assert running.ask(b"no HTTP\r\n\r\n").status == 400
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ValueError]


def test_forwarded() -> None:
    """With --forward, the app gets what was sent, the sender the app's answer, and the line its status and time."""
    failure = b"HTTP/1.1 500 No\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbad"
    with (
        raw_app(OK, failure) as app,
        Forwarder(app.url) as forwarder,
        listening(forwarder=forwarder) as running,
    ):
        assert [running.ask(genuine(f"wh_{number}")).body for number in (1, 2)] == [b"ok", b"bad"]
        assert running.ask(FORGED).status == 400
        assert [app.request().partition(b"\r\n\r\n")[2] for _ in range(2)] == [BODY, BODY]
        assert not app.has_more()
    assert re.fullmatch(r"\S+  accepted 200 +[\d.]+ms  batch.completed +evt_1 +wh_1", running.out.next())
    assert re.fullmatch(r"\S+  accepted 500 +[\d.]+ms  batch.completed +evt_1 +wh_2", running.out.next())
    assert (running.listener.accepted, running.listener.failed, running.listener.refused) == (2, 1, 1)


def test_nobody_reads_any_more() -> None:
    """Where standard output ends, as before `head`, the request is still answered, and the listener ends."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as broken, listening() as running:  # noqa: PTH123  a descriptor
        with redirect_stdout(broken):
            assert running.ask(genuine("wh_1")).status == 204
            assert running.err.next() == "Stopping: can't print (Broken pipe)."
            running.thread.join(TIMEOUT)
        assert not running.thread.is_alive()
        broken.write("what is still to be printed goes nowhere, and raises nothing")


#: What strangers do who never get to the end; the listener is not to wait for any of them.
HANGING = {
    "nothing sent": b"",
    "half a head": b"POST / HTTP/1.1\r\nhost: x\r\nwebhook-",
    "a body that does not come": genuine("wh_hanging")[: -len(BODY)],
    "a body that ends early": genuine("wh_hanging")[:-1],
    "a refused body that does not come": head({"content-length": 10}),
    "a chunk that does not end": chunked_head("wh_hanging") + b"ffff\r\nabc",
    "a length beyond all bounds": head({**signed(), "content-length": 10**18}) + b"abc",
}
#: What strangers send whole, or what is no HTTP at all.
HOSTILE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "escapes in a header": head({"webhook-id": "\x1b[2J\x1b]0;pwned\x07", "x-a": "\x9b31m", "content-length": 0}),
    "8-bit bytes": head({"webhook-id": "".join(map(chr, range(0x80, 0x100))), "content-length": 0}),
    "escapes in the path": head({"content-length": 0}, path="/%1b%5b2J%0a%0d?%1b"),
    "escapes in the body": head({"content-length": 12}) + b"\x1b[2J\x07\x9b\x00\r\n31",
    "a line of ours in the body": head({"content-length": 24}) + b"\n20:00:00  accepted 204\n",
    "a bad chunk": chunked_head("wh_1") + b"no size\r\n",
    "a websocket": head({"connection": "upgrade", "upgrade": "websocket"}, method="GET"),
    "many headers": head({f"x-{number}": "a" for number in range(500)}),
    "a head without end": b"POST / HTTP/1.1\r\nx: " + b"a" * 100_000,
    "a negative length": head({"content-length": -1}),
    "a length and chunks": head({**signed(), "content-length": 3, "transfer-encoding": "chunked"})
    + chunk(BODY)
    + chunk(b""),
}


def test_hanging_strangers() -> None:
    """Strangers who hang make nobody else wait, nor the end."""
    with ExitStack() as stack, listening() as running:
        for request in HANGING.values():
            client = stack.enter_context(running.connect())
            client.send(request)
        assert running.ask(genuine("wh_1")).status == 204
    assert running.out.next().split()[-1] == "wh_1"


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["closed", "reset"])
def test_strangers_who_leave(leave: Callable[[Client], None]) -> None:
    """Strangers who leave in the middle harm nobody."""
    with listening() as running:
        for request in HANGING.values():
            with running.connect() as client:
                client.send(request)
                leave(client)
        assert running.ask(genuine("wh_1")).status == 204
    assert any(line.endswith("wh_1") for line in running.out.getvalue().splitlines())


def test_hostile_requests(tmp_path: Path) -> None:
    """No request makes a line of its own or reaches the terminal as it is, stops the listener or escapes the folder."""
    with listening(verbose=True, folder=Folder(tmp_path / "folder")) as running:
        for request in HOSTILE.values():
            with running.connect() as client:
                client.send(request)
                client.end_sending()
                client.rest()
            assert running.ask(genuine("wh_1")).status == 204
    shown = running.out.getvalue()
    assert not CONTROL.search(shown + running.err.getvalue())
    count = running.listener.accepted + running.listener.refused
    assert len(re.findall(r"^\d\d:", shown, re.MULTILINE)) == count
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
    names = [each.name for each in tmp_path.glob("folder/*")]
    assert len(names) == count
    assert all(re.fullmatch(r"[\dTZ.]+-\d{4}-[a-z_]+\.http", name) for name in names)


def test_too_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the limit of connections, the server refuses by itself, until some have gone."""
    monkeypatch.setattr("webhook_guard.cli.listen.listener.MOST_CONNECTIONS", 3)
    with listening() as running:
        with ExitStack() as stack:
            for _ in range(2):
                client = stack.enter_context(running.connect())
                client.send(head({}, method="GET"))
                client.answer()
            assert running.ask(genuine("wh_1")).status == 503
        assert running.ask(genuine("wh_1")).status == 204


def test_it_ends_while_the_app_hangs(tmp_path: Path) -> None:
    """The end waits for no app that hangs, nor for an open connection; but what the app has is shown and saved."""
    with (
        raw_app() as app,
        Forwarder(app.url) as forwarder,
        ExitStack() as stack,
        listening(forwarder=forwarder, folder=Folder(tmp_path)) as running,
    ):
        idle, waiting = (stack.enter_context(running.connect()) for _ in range(2))
        idle.send(head({}, method="GET"))
        assert idle.answer().status == 405
        waiting.send(genuine("wh_1"))
        app.request()
        running.listener.stop()
        running.thread.join(TIMEOUT)
        assert not running.thread.is_alive()
        assert idle.rest() == b""
        answer = waiting.answer()
    assert (answer.status, answer.json()) == (503, {"title": "The listener was stopped", "status": 503})
    assert "  accepted 503 " in running.out.getvalue()
    assert "  app: it had not answered when you stopped; the sender is told to try again" in running.out.getvalue()
    assert running.err.getvalue() == ""
    assert len(list(tmp_path.glob("*-accepted.http"))) == 1
    counts = (running.listener.accepted, running.listener.failed, running.listener.refused)
    assert counts == (1, 1, 1)


def run_on(
    port: int,
    *,
    secret: str | list[str] = SECRET,
    forward: str | None = None,
    save: Path | None = None,
    verbose: bool = False,
    as_json: bool = False,
) -> int:
    """Run it as the command does."""
    return run(
        host="127.0.0.1",
        port=port,
        secret=secret,
        tolerance=300,
        forward=forward,
        save=save,
        verbose=verbose,
        as_json=as_json,
    )


class TestRun:
    """`run`, from the first line to the summary."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
    def test_from_start_to_end(self, number: signal.Signals) -> None:
        """It says where it listens and for what; a signal ends it with a summary, and with 0."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.getsignal(each) for each in numbers]
        with visited(number, FORGED) as (port, err):
            assert run_on(port) == 0
        assert err.getvalue() == (
            f"Listening on http://127.0.0.1:{port}, for deliveries signed with the secret.\n"
            "Ctrl-C stops it.\n\n0 accepted, 1 refused.\n"
        )
        assert [signal.getsignal(each) for each in numbers] == before

    def test_with_everything(self, tmp_path: Path) -> None:
        """It says where requests go to, and what the app made of them."""
        save = tmp_path / "saved"
        with raw_app() as app, visited(signal.SIGTERM, FORGED) as (port, err):
            assert run_on(port, secret=[SECRET, OTHER_SECRET], forward=app.url, save=save) == 0
        assert err.getvalue().splitlines() == [
            f"Listening on http://127.0.0.1:{port}, for deliveries signed with 2 secrets.",
            f"What is verified is forwarded to {app.url}",
            f"All requests are saved in {save}",
            "Ctrl-C stops it.",
            "",
            "0 accepted (0 of them failed in the app), 1 refused.",
        ]
        assert [file.name[-22:] for file in save.iterdir()] == ["timestamp_too_old.http"]

    def test_in_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The summary does not stand behind the ^C that a terminal writes."""
        with visited(signal.SIGINT, FORGED) as (port, err):
            monkeypatch.setattr(err, "isatty", lambda: True)
            assert run_on(port) == 0
        assert err.getvalue().endswith("\n\n\n0 accepted, 1 refused.\n")

    @pytest.mark.skipif(os.name == "nt", reason="Windows can't send a signal to a thread")
    def test_nobody_reads(self) -> None:
        """Where nobody reads what it prints, it waits for that, and a second signal ends it all the same."""
        port, size = free_port(), 200_000  # more than a pipe takes
        reading, writing = os.pipe()
        main_thread = threading.get_ident()
        answers = SimpleQueue[Answer]()

        def visit() -> None:
            while err.next() != "Ctrl-C stops it.":
                pass
            with open(reading, "rb") as pipe, Client(port) as client:  # noqa: PTH123  a descriptor
                client.send(head({"content-length": size}) + bytes(size))
                pipe.read(1)
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.pthread_kill(main_thread, number)
                answers.put(client.answer())

        visitor = threading.Thread(target=visit)
        with redirect_stderr(Lines()) as err, open(writing, "w", encoding="ascii") as pipe:  # noqa: PTH123  the same
            with redirect_stdout(pipe):
                visitor.start()
                assert run_on(port, as_json=True, verbose=True) == 0
            visitor.join(TIMEOUT)
        assert answers.get(timeout=TIMEOUT).refusal == (400, "missing_header")
        assert err.getvalue().endswith("\n0 accepted, 1 refused.\n")

    def test_loop(self) -> None:
        """A URL that leads back to the listener is refused, and its port is free again."""
        port = free_port()
        with pytest.raises(Misuse, match="leads back to this listener; give the URL of your app"):
            run_on(port, forward=f"http://localhost:{port}/webhooks")
        socket.create_server(("127.0.0.1", port)).close()
