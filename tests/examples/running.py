"""The examples, run as their first lines say, each on its own port."""

import os
import re
import shlex
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import STDOUT, Popen, TimeoutExpired
from typing import NamedTuple

from support import SECRET, free_port

FOLDER = Path(__file__).parents[2] / "examples"
TESTS = sorted(FOLDER.glob("test_*.py"))
EXAMPLES = sorted({*FOLDER.glob("*.py")} - {*TESTS})
#: Seconds until an example that does not start, answer or end is given up.
DEADLINE = 30.0
#: Seconds between two looks at whether a server listens.
INTERVAL = 0.05

#: Returns the folder of the programs that were installed with pip, given its arguments.
Install = Callable[[list[str]], Path]


class Running(NamedTuple):
    """A running example."""

    port: int
    #: Where it prints to.
    output: Path


class Command(NamedTuple):
    """What the first line of an example says: to install, to set, and to run."""

    packages: list[str]
    variables: dict[str, str]
    arguments: list[str]


@contextmanager
def running(example: Path, install: Install, home: Path) -> Generator[Running, None, None]:
    """Run an example with a home directory of its own, and stop it."""
    port = free_port()
    packages, variables, arguments = command(example, port)
    environment = {**environment_of(install(packages), home), **variables}
    output = home / "output"
    with (
        output.open("w") as sink,
        Popen(arguments, env=environment, cwd=example.parent, stdout=sink, stderr=STDOUT) as server,  # noqa: S603  our own
    ):
        try:
            wait_for(server, port, output)
            yield Running(port, output)
        finally:
            stop(server)


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
