"""The examples, run as their first lines say, on real servers."""

import http.client
import json
import os
import re
import shlex
import sys
import time
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from threading import Timer
from typing import IO, NamedTuple, cast

import pytest

from support import OTHER_SECRET, SECRET, event_body, signed

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
#: Seconds until an example that does not start is given up.
DEADLINE = 30.0

NOTES = ["fetch response resp_1 and show its text", "fetch batch batch_1 and download its output file"]


class Answer(NamedTuple):
    """What an example's server answered."""

    status: int
    body: bytes


class Story(NamedTuple):
    """What came of a few deliveries to one example."""

    genuine: list[Answer]
    forged: Answer
    unsigned: Answer
    printed: list[str]


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def story(request: pytest.FixtureRequest) -> Story:
    """Run an example, deliver to it, and stop it."""
    example: Path = request.param
    arguments, variables = command(example)
    environment = {**os.environ, **variables, "PATH": executables(), "PYTHONUNBUFFERED": "1"}
    with Popen(arguments, env=environment, cwd=example.parent, stdout=PIPE, stderr=STDOUT, text=True) as server:  # noqa: S603  our own
        give_up = Timer(DEADLINE, server.kill)
        give_up.start()
        output = cast(IO[str], server.stdout)
        try:
            answers = exchange(port_in(output))
        finally:
            server.terminate()
            printed = [line.rstrip("\n") for line in output]
            give_up.cancel()
    return Story(*answers, printed)


def command(example: Path) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the variables of the command in the first line: with a secret, and any free port."""
    install, _, run = first_line(example).removeprefix("# ").partition(" && ")
    assert install.startswith("pip install webhook_guard ")
    words = shlex.split(run.replace("whsec_...", SECRET).replace("--port 8000", "--port 0"))
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    return words[len(variables) :], variables


def first_line(example: Path) -> str:
    """Return the line that says how to run it."""
    return example.read_text(encoding="utf-8").splitlines()[0]


def executables() -> str:
    """Return the PATH on which this interpreter's own programs come first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def port_in(output: IO[str]) -> int:
    """Return the port that the server says it runs on."""
    seen: list[str] = []
    for line in output:
        seen.append(line)
        if found := re.search(r"[Rr]unning on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise AssertionError(f"the server ended, or said nothing for {DEADLINE} s: {''.join(seen)}")


def exchange(port: int) -> tuple[list[Answer], Answer, Answer]:
    """Deliver three genuine events, a forged one and one without signature."""
    events = {"response.completed": "resp_1", "batch.completed": "batch_1", "video.completed": "video_1"}
    bodies = [event_body(kind, {"id": resource}) for kind, resource in events.items()]
    now = int(time.time())
    genuine = [deliver(port, body, signed(body, timestamp=now)) for body in bodies]
    forged = deliver(port, bodies[0], signed(bodies[0], secret=OTHER_SECRET, timestamp=now))
    return genuine, forged, deliver(port, bodies[0], {})


def deliver(port: int, body: bytes, headers: dict[str, str]) -> Answer:
    """Return the answer to a delivery over HTTP."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)) as connection:
        connection.request("POST", "/webhooks/openai", body, {"content-type": "application/json", **headers})
        response = connection.getresponse()
        return Answer(response.status, response.read())


def test_genuine_deliveries_are_taken(story: Story) -> None:
    """Genuine deliveries are answered 2xx, those that the app ignores too."""
    assert [answer.status for answer in story.genuine] == [204, 204, 204]


def test_a_forged_delivery_is_refused(story: Story) -> None:
    """A delivery that is signed with another secret is answered 400, with the reason."""
    assert (story.forged.status, json.loads(story.forged.body)["reason"]) == (400, "signature_mismatch")


def test_an_unsigned_delivery_is_refused(story: Story) -> None:
    """A request without the webhook headers is answered 400, with the reason."""
    assert (story.unsigned.status, json.loads(story.unsigned.body)["reason"]) == (400, "missing_header")


def test_the_app_prints_what_it_would_do(story: Story) -> None:
    """The app prints one line for each event it handles, and none for the others and the refused."""
    assert [line for line in story.printed if line.startswith("fetch ")] == NOTES


def test_there_is_an_example_for_each_front() -> None:
    """There is one example for ASGI and one for WSGI."""
    assert [path.name for path in EXAMPLES] == ["fastapi_app.py", "flask_app.py"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short(example: Path) -> None:
    """An example has at most 45 lines, so that it can be read at a glance."""
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 45
