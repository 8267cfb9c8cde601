"""The examples, run as their first lines say, on real servers."""

import http.client
import json
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from examples.running import DEADLINE, EXAMPLES, FOLDER, TESTS, Install, environment_of, first_line, running
from support import OTHER_SECRET, event_body, signed

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
def story(request: pytest.FixtureRequest, install: Install, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Run an example, deliver to it, and stop it."""
    home = tmp_path_factory.mktemp("home")
    with running(request.param, install, home) as example:
        answers = exchange(example.port)
    return Story(*answers, example.output.read_text().splitlines())


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
def test_tests_pass(test: Path, install: Install, tmp_path: Path) -> None:
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
