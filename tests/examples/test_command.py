"""The command `webhook-guard` and the examples: every event type, every forgery, and the way through `listen`."""

import json
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from webhook_guard.cli import main
from webhook_guard.cli.message import Request, from_wire
from webhook_guard.testing import EVENT_TYPES

from examples.relay import relay
from examples.running import DEADLINE, EXAMPLES, Install, Running, running
from support import SECRET

PATH = "/webhooks/openai"
PROGRAM = Path(sys.executable).with_name("webhook-guard")


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def example(
    request: pytest.FixtureRequest, install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Running, None, None]:
    """Run an example."""
    with running(request.param, install, tmp_path_factory.mktemp("home")) as example:
        yield example


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret of the examples, for this process and those that it starts."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)


@contextmanager
def listening(forward: str) -> Generator[int, None, None]:
    """Run `listen`, and give its port; at the end, Ctrl-C ends it with 0."""
    command = [str(PROGRAM), "listen", "--port", "0", "--forward", forward, "--json"]
    with Popen(command, stdout=PIPE, stderr=PIPE, text=True) as listener:  # noqa: S603  our own
        assert listener.stderr is not None
        first_line = listener.stderr.readline()
        try:
            yield int(first_line.partition("http://127.0.0.1:")[2].partition(",")[0])
        finally:
            listener.send_signal(signal.SIGINT)
            output, _ = listener.communicate(timeout=DEADLINE)
    assert listener.returncode == 0
    (delivery,) = map(json.loads, output.splitlines())
    assert (delivery["verdict"], delivery["status"]) == ("accepted", 204)


def url(port: int) -> str:
    """Return where an example, or what stands in front of it, receives webhooks."""
    return f"http://127.0.0.1:{port}{PATH}"


def statuses(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Send something, which is answered as it should be, and return the statuses of the answers."""
    assert main(["send", *arguments, "--json"]) == 0
    return list(json.loads(capsys.readouterr().out)["statuses"])


def without_host(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request but the host, which is another one for each that receives it."""
    return tuple((name.lower(), value) for name, value in request.headers if name.lower() != "host")


def test_every_type_is_accepted(example: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the 34 types is accepted."""
    answers = {kind: statuses(capsys, url(example.port), kind) for kind in EVENT_TYPES}
    assert set(map(tuple, answers.values())) == {("204",)}
    assert len(answers) == 34


@pytest.mark.parametrize("part", ["body", "signature", "id", "timestamp"])
def test_what_was_tampered_with_is_refused(example: Running, capsys: pytest.CaptureFixture[str], part: str) -> None:
    """A delivery of which something was changed after it was signed is refused."""
    assert statuses(capsys, url(example.port), "--tamper", part) == ["400"]


def test_listen_passes_on_the_same(example: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Through `listen`, the same bytes and headers arrive as were sent, and the answer comes back."""
    with (
        relay(example.port) as behind,
        listening(url(behind.port)) as port,
        relay(port) as before,
    ):
        assert statuses(capsys, url(before.port), "agent.session.created") == ["204"]
    (sent,), (arrived,) = (list(map(from_wire, each.said)) for each in (before, behind))
    assert arrived.body == sent.body
    assert without_host(arrived) == without_host(sent)
    assert {"content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"} <= dict(
        without_host(arrived)
    ).keys()
