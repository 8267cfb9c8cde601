"""The command `webhook-guard demo`, run whole: on real servers, over real sockets."""

import argparse
import io
import json
import logging
import os
import re
import shlex
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from secrets import token_hex
from subprocess import PIPE, Popen
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from webhook_guard.cli import main
from webhook_guard.cli.demo.client import send
from webhook_guard.cli.demo.report import Result, show
from webhook_guard.cli.demo.runner import run
from webhook_guard.cli.demo.scenarios import GROUPS, REPEATED, Outcome, Scenario, Secrets, genuine
from webhook_guard.cli.message import Request
from webhook_guard.idempotency import SQLiteStore

SCENARIOS = [scenario for group in GROUPS.values() for scenario in group]
DEADLINE = 30.0
ACCEPTED = Outcome(200, "accepted, secret 0", "ResponseCompleted resp_demo")
REFUSED = Outcome(400, "signature_mismatch", "nothing")
COMMAND = """
import signal, sys
from webhook_guard.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell ignore it
sys.exit(main(["demo", "--keep"]))
"""


class NeverReleasing(SQLiteStore):
    """A store that keeps what failed to itself."""

    def release(self, key: str, token: str, /) -> bool:
        """Release nothing, as for somebody else's token."""
        return super().release(key, f"not {token}")


class Curl(NamedTuple):
    """What a command line asks curl to do."""

    url: str
    headers: dict[str, str]
    body: str

    @classmethod
    def parsed(cls, line: str) -> "Curl":
        """Take a command line apart."""
        parser = argparse.ArgumentParser()
        parser.add_argument("curl", choices=["curl"])
        parser.add_argument("url")
        parser.add_argument("-i", action="store_true", required=True)
        parser.add_argument("--globoff", action="store_true", required=True)
        parser.add_argument("-H", action="append", type=lambda field: field.split(": ", 1))
        parser.add_argument("--data-raw")
        options = parser.parse_args(shlex.split(line))
        return cls(options.url, dict(options.H), options.data_raw)

    def sent(self) -> tuple[int, bytes]:
        """Send it, and return the status and the body of the answer."""
        url = urlsplit(self.url)
        with closing(HTTPConnection(url.netloc, timeout=DEADLINE)) as connection:
            connection.request("POST", url.path, self.body, self.headers)
            response = connection.getresponse()
            return response.status, response.read()


def curls(output: str) -> list[Curl]:
    """Return the curl lines in `output`, taken apart."""
    return [Curl.parsed(line) for line in output.splitlines() if line.startswith("curl ")]


def only(build: Callable[[Secrets], Request], designed: Outcome) -> dict[str, list[Scenario]]:
    """Return the table of a single scenario."""
    return {"Only": [Scenario("the only one", build, (designed, designed))]}


def utf_8() -> dict[str, str]:
    """Return the environment for a process that writes UTF-8."""
    return {**os.environ, "PYTHONIOENCODING": "utf-8"}


def unguarded(keys: Secrets) -> Request:
    """Return a request to a path that is not guarded."""
    return genuine(keys)._replace(target="/elsewhere")


def not_http(keys: Secrets) -> Request:
    """Return a request that a server refuses on its own."""
    return genuine(keys)._replace(headers=(("content-length", "-1"),), method="P(ST")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Run the demo as a process of its own, into a pipe; return the lines that it printed."""
    code = "import sys; from webhook_guard.cli import main; sys.exit(main(['demo']))"
    command = [sys.executable, "-W", "error", "-c", code]
    with Popen(command, stdout=PIPE, stderr=PIPE, encoding="utf-8", env=utf_8()) as process:  # noqa: S603  ours
        output, complaints = process.communicate(timeout=DEADLINE)
    assert (process.returncode, complaints) == (0, "")
    return output.splitlines()


def test_everything_is_answered_as_designed(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo ends with 0, a count of all answers as designed, and no word on stderr."""
    status = main(["demo"])
    output, complaints = capsys.readouterr()
    assert (status, complaints) == (0, "")
    assert output.splitlines()[-1] == "44 of 44 as designed: 14 accepted, 2 failed in the app, 28 answered without it."


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.label)
def test_every_scenario_has_its_row(lines: list[str], scenario: Scenario) -> None:
    """A row has the label, a status for each server, the answer and what the app saw, whole."""
    uvicorn, flask = scenario.designed
    same = [str(flask.status)] if uvicorn == flask else []
    expected = [[scenario.label, str(uvicorn.status), *same, uvicorn.verdict, uvicorn.saw]]
    if not same:
        expected.append([str(flask.status), flask.verdict, flask.saw])
    row = next(index for index, line in enumerate(lines) if line.startswith(f"  {scenario.label}  "))
    assert [re.split(" {2,}", line.strip()) for line in lines[row : row + len(expected)]] == expected


def test_nothing_is_wrapped_or_cut(lines: list[str]) -> None:
    """The output has a line for each thing, and none is over 100 columns or cut with an ellipsis."""
    outcomes = sum(len(set(scenario.designed)) for scenario in SCENARIOS)
    introduction, groups = ["servers", "stores", ""], ["genuine", "", "forged", "", "repeated", ""]
    others = [*introduction, "head", "rule", *groups, "note", "summary"]
    assert len(lines) == len(others) + outcomes
    assert max(map(len, lines)) <= 100
    assert "…" not in "".join(lines)


def test_a_narrow_terminal() -> None:
    """In 80 columns, no row is wrapped either: the classes of events are left out, and wrong rows are still marked."""
    results = {heading: [Result(each, each.designed) for each in group] for heading, group in GROUPS.items()}
    wrong = Result(SCENARIOS[0]._replace(designed=(REFUSED, REFUSED)), SCENARIOS[0].designed)
    show(Console(file=(screen := io.StringIO()), width=80), {**results, "Wrong": [wrong]})
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    rows = [re.split(" {2,}", line.strip()) for line in lines]
    assert ["genuine", "200", "200", "accepted, secret 0", "resp_demo"] in rows
    assert ["forged: /webhooks//openai", "400", "400", "signature_mismatch", "nothing"] in rows
    assert ["^ WRONG; as designed:", "400", "400", "signature_mismatch", "nothing"] in rows
    assert len([row for row in rows if len(row) >= 4]) == len(SCENARIOS) + 3


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, each row is an object that says whether it is right, and what came of it on each server."""
    assert main(["demo", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["sent"] for row in rows] == [scenario.label for scenario in SCENARIOS]
    assert [row["right"] for row in rows] == [True] * len(rows)
    assert rows[0] == {
        "group": "Genuine: accepted",
        "sent": "genuine",
        "right": True,
        "uvicorn": ACCEPTED._asdict(),
        "Flask": ACCEPTED._asdict(),
    }


def test_json_is_not_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """What programs read invites nobody."""
    assert main(["demo", "--json", "--keep"]) == 2
    assert "--keep invites people" in capsys.readouterr().err


def test_nothing_is_left_behind(capsys: pytest.CaptureFixture[str]) -> None:
    """Threads and the filters of loggers are the same after the demo as before it."""

    def state() -> tuple[Any, ...]:
        names = ("webhook_guard", "webhook_guard.cli.demo.servers", "uvicorn.error", "uvicorn.access", "werkzeug")
        loggers = [logging.getLogger(name) for name in names]
        return threading.enumerate(), [(each.level, each.handlers[:], each.filters[:]) for each in loggers]

    before = state()
    main(["demo"])
    assert state() == before
    assert capsys.readouterr().err == ""


def test_the_stores_are_gone_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each server has a file in a temporary folder, which is removed at the end, after the stores are closed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found: set[str] = set()
    closed: list[bool] = []

    class Closing(SQLiteStore):
        def close(self) -> None:
            super().close()
            closed.append(self.path.exists())

    monkeypatch.setattr("webhook_guard.cli.demo.servers.SQLiteStore", Closing)
    assert run(wait=lambda: found.update(file.name for file in tmp_path.glob("webhook-guard-*/*.sqlite3"))) == 0
    assert found == {"asgi.sqlite3", "wsgi.sqlite3"}
    assert closed == [True, True]
    assert list(tmp_path.iterdir()) == []


def test_refusals_are_not_logged_meanwhile(records: list[Any]) -> None:
    """No log record of a refusal stands in the table, and the logger speaks again afterwards."""
    run()
    assert records == []
    logging.getLogger("webhook_guard").info("again")
    assert [record.getMessage() for record in records] == ["again"]


@pytest.mark.parametrize(
    ("build", "designed", "found"),
    [
        pytest.param(genuine, ACCEPTED._replace(status=204), ACCEPTED, id="another status"),
        pytest.param(genuine, REFUSED, ACCEPTED, id="accepted for refused"),
        pytest.param(genuine, ACCEPTED._replace(saw="nothing"), ACCEPTED, id="the app saw something"),
        pytest.param(
            unguarded, REFUSED, Outcome(200, "accepted, unverified", "an unverified request"), id="no guard in front"
        ),
    ],
)
def test_what_is_not_as_designed_is_marked(
    capsys: pytest.CaptureFixture[str], build: Callable[[Secrets], Request], designed: Outcome, found: Outcome
) -> None:
    """Another answer, or another sight of it, makes the status 1; what was found stands above what was expected."""
    assert run(groups=only(build, designed)) == 1
    lines = capsys.readouterr().out.splitlines()
    row = next(index for index, line in enumerate(lines) if "the only one" in line)
    assert lines[row].split() == ["the", "only", "one", *[str(found.status)] * 2, *f"{found[1]} {found[2]}".split()]
    assert lines[row + 1].strip().startswith(f"^ WRONG; as designed:  {designed.status}")
    assert lines[row + 1].split()[-len(designed.saw.split()) :] == designed.saw.split()
    assert lines[-1] == "0 of 2 as designed, 2 NOT: see the marked rows."


def test_a_wrong_answer_of_one_server_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    """If one of the servers answers as designed, the other one counts."""
    assert run(groups={"Only": [Scenario("half", genuine, (ACCEPTED, REFUSED))]}) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 as designed, 1 NOT: see the marked rows."


@pytest.mark.parametrize(
    ("store", "wrong"),
    [
        pytest.param(
            # Its key is another one for each attempt.
            partial(SQLiteStore, key=lambda _: token_hex(16)),
            {"the same again": "accepted, secret 0", "the same after that": "accepted, secret 0"},
            id="nothing is remembered",
        ),
        pytest.param(
            NeverReleasing,
            {"its retry": "in_progress", "the same after that": "in_progress"},
            id="nothing is released",
        ),
    ],
)
def test_a_store_that_does_not_work_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    store: Callable[[Path], SQLiteStore],
    wrong: dict[str, str],
) -> None:
    """Where a duplicate reaches the app, as without a store, or a retry does not, its row is marked."""
    monkeypatch.setattr("webhook_guard.cli.demo.servers.SQLiteStore", store)
    assert run(groups={"Repeated": REPEATED}) == 1
    lines = capsys.readouterr().out.splitlines()
    marked = [lines[index - 1] for index, line in enumerate(lines) if "^ WRONG" in line]
    cells = [re.split(" {2,}", line.strip()) for line in marked]
    assert {label: answer for label, _, _, answer, _ in cells} == wrong
    assert lines[-1] == "6 of 10 as designed, 4 NOT: see the marked rows."


def test_an_answer_of_the_server_itself_is_none_of_the_guard(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal that is no problem document is shown with the server's phrase, and is not as designed."""
    assert run(groups=only(not_http, REFUSED)) == 1
    assert "Bad Request" in capsys.readouterr().out


def test_no_answer_is_an_outcome() -> None:
    """Where nobody answers, that is the outcome, and no exception."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert send(port, Request("POST", "/", (), b"")) == (0, "no answer")


def test_kept_servers_answer_the_printed_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """With --keep, both servers take the curl line printed for them once, refuse it changed, and end with Ctrl-C."""
    kept: list[Curl] = []

    def try_and_interrupt() -> None:
        output = capsys.readouterr().out
        kept.extend(curls(output))
        assert "valid for five minutes" in output
        assert output.endswith("\nCtrl-C stops both servers.\n")
        assert [curl.sent() for curl in kept] == [(200, b"received\n")] * 2
        again = [curl.sent() for curl in kept]
        assert [(status, json.loads(body)["reason"]) for status, body in again] == [(200, "duplicate")] * 2
        changed = [curl._replace(body=curl.body.replace("demo", "evil")) for curl in kept]
        assert [curl.sent()[0] for curl in changed] == [400, 400]
        raise KeyboardInterrupt

    assert run(groups=only(genuine, ACCEPTED), wait=try_and_interrupt) == 0
    assert capsys.readouterr() == ("", "")
    for curl in kept:
        with pytest.raises(ConnectionRefusedError):
            curl.sent()


def test_keeping_does_not_hide_what_is_wrong() -> None:
    """The servers are kept after a wrong answer too, and the status is still 1."""
    assert run(groups=only(genuine, REFUSED), wait=lambda: None) == 1


@pytest.mark.skipif(os.name == "nt", reason="no process can send Ctrl-C to one other process there")
def test_ctrl_c_ends_it_quietly() -> None:
    """`webhook-guard demo --keep` answers its curl lines until Ctrl-C, and ends with 0 and without a word."""
    command = [sys.executable, "-c", COMMAND]
    with Popen(command, stdout=PIPE, stderr=PIPE, encoding="utf-8", env=utf_8()) as process:  # noqa: S603  ours
        watchdog = threading.Timer(DEADLINE, process.kill)
        watchdog.start()
        assert process.stdout is not None
        output = "".join(iter(process.stdout.readline, "Ctrl-C stops both servers.\n"))
        answers = [curl.sent() for curl in curls(output)]
        process.send_signal(signal.SIGINT)
        rest = process.communicate()
        watchdog.cancel()
        watchdog.join()
    assert answers == [(200, b"received\n")] * 2
    assert (process.returncode, *rest) == (0, "", "")


@pytest.mark.parametrize("module", ["uvicorn", "flask", "rich.console"])
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    """Without the extra, the command says in one line how to install it, and ends with 2."""
    for name in ("runner", "servers", "report"):
        monkeypatch.delitem(sys.modules, f"webhook_guard.cli.demo.{name}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)  # which makes its import fail
    assert main(["demo"]) == 2
    output, complaint = capsys.readouterr()
    assert output == ""
    assert complaint.count("\n") == 1
    assert module in complaint
    assert "pip install 'webhook_guard[demo]'" in complaint
