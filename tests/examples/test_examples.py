"""The examples, run as their first lines say, on real servers."""

import http.client
import json
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import STDOUT, Popen, TimeoutExpired
from typing import NamedTuple

import pytest

from support import OTHER_SECRET, SECRET, event_body, free_port, signed

FOLDER = Path(__file__).parents[2] / "examples"
TESTS = sorted(FOLDER.glob("test_*.py"))
EXAMPLES = sorted({*FOLDER.glob("*.py")} - {*TESTS})
#: Seconds until an example that does not start, answer or end is given up.
DEADLINE = 30.0
#: Seconds between two looks at whether a server listens.
INTERVAL = 0.05

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


class Command(NamedTuple):
    """What the first line of an example says: to install, to set, and to run."""

    packages: list[str]
    variables: dict[str, str]
    arguments: list[str]


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def story(
    request: pytest.FixtureRequest, install: Callable[[list[str]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Story:
    """Run an example, deliver to it, and stop it."""
    example: Path = request.param
    port = free_port()
    packages, variables, arguments = command(example, port)
    home = tmp_path_factory.mktemp("home")
    environment = {**environment_of(install(packages), home), **variables}
    output = home / "output"
    with (
        output.open("w") as sink,
        Popen(arguments, env=environment, cwd=example.parent, stdout=sink, stderr=STDOUT) as server,  # noqa: S603  our own
    ):
        try:
            wait_for(server, port, output)
            answers = exchange(port)
        finally:
            stop(server)
    return Story(*answers, output.read_text().splitlines())


def command(example: Path, port: int) -> Command:
    """Return what the first line says, with a secret and another port."""
    install, _, run = first_line(example).removeprefix("# ").partition(" && ")
    pip, verb, *packages = install.split()
    assert (pip, verb, packages[0]) == ("pip", "install", "webhook_guard")
    assert run.count("8000") == 1
    words = shlex.split(run.replace("whsec_...", SECRET).replace("8000", str(port)))
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    return Command(packages, variables, words[len(variables) :])


def environment_of(programs: Path, home: Path) -> dict[str, str]:
    """Return the variables with which the programs in a folder run."""
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    # Some servers write into the home directory; a buffered line might never be printed.
    environment = {**os.environ, "PATH": path, "HOME": str(home), "PYTHONUNBUFFERED": "1"}
    # Of these, a fresh environment must not know.
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "VIRTUAL_ENV", "OPENAI_WEBHOOK_SECRET"):
        environment.pop(name, None)
    return environment


def first_line(example: Path) -> str:
    """Return the line that says how to run it."""
    return example.read_text(encoding="utf-8").splitlines()[0]


def wait_for(server: Popen[bytes], port: int, output: Path) -> None:
    """Wait until the server accepts connections; it must not end before that."""
    deadline = time.monotonic() + DEADLINE
    while not accepts(port):
        assert time.monotonic() < deadline, f"nobody listens after {DEADLINE} s: {output.read_text()}"
        try:
            server.wait(INTERVAL)
        except TimeoutExpired:
            continue
        raise AssertionError(f"the server ended: {output.read_text()}")


def accepts(port: int) -> bool:
    """Return whether a server accepts connections."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def stop(server: Popen[bytes]) -> None:
    """End the server, as gently as it lets us."""
    server.terminate()
    try:
        server.wait(DEADLINE)
    except TimeoutExpired:
        server.kill()
        raise


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


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_tests_pass(test: Path, install: Callable[[list[str]], Path], tmp_path: Path) -> None:
    """The tests of examples pass, run as their first lines say."""
    setup, _, run = first_line(test).removeprefix("# pip install ").partition(" && ")
    assert run == f"python -m pytest {test.name}"
    environment = environment_of(install(setup.split()), tmp_path)
    arguments = [*run.split(), "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603  our own
        arguments, env=environment, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 2 passed" in done.stdout


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_tests_are_short(test: Path) -> None:
    """A test of an example has at most 15 lines of code, imports included."""
    code = test.read_text(encoding="utf-8").partition('"""\n')[2].splitlines()
    assert len([line for line in code if line]) <= 15


def test_tested_examples() -> None:
    """FastAPI, Flask and Django have tests to learn from, each of an app that is an example too."""
    assert [test.stem for test in TESTS] == ["test_django_app", "test_fastapi_app", "test_flask_app"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short(example: Path) -> None:
    """An example has at most 45 lines, so that it can be read at a glance."""
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 45
