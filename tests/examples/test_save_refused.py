"""The example that saves requests whose signature does not match: which, where, how many, and for whom."""

import errno
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from webhook_guard.cli import main

from examples.relay import relay
from examples.running import FOLDER, Install, Running, running
from examples.test_examples import deliver
from support import BODY, OTHER_SECRET, SECRET, signed

#: How many it keeps.
KEPT = 20


@pytest.fixture
def example(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Run the example with a home directory of its own."""
    monkeypatch.delenv("REFUSED_WEBHOOKS", raising=False)
    with running(FOLDER / "save_refused.py", install, tmp_path) as process:
        yield process


@pytest.fixture
def port(example: Running) -> int:
    """Give the port of the example."""
    return example.port


def saved(home: Path) -> list[Path]:
    """Return the files that were saved, in the order of their names."""
    return sorted((home / "refused-webhooks").glob("*"))


def with_names_in_lower_case(message: bytes) -> bytes:
    """Return a message with its headers' names as ASGI servers give them."""
    head, end, body = message.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [line.partition(b":") for line in lines]
    return b"\r\n".join([first, *(name.lower() + colon + value for name, colon, value in pairs)]) + end + body


def forged(body: bytes = BODY) -> dict[str, str]:
    """Return the headers of a delivery that is signed now, with another secret."""
    return signed(body, secret=OTHER_SECRET, timestamp=int(time.time()))


def test_the_same_bytes(port: int, tmp_path: Path) -> None:
    """What is saved is what was sent, to the byte, and only its owner reads it."""
    with relay(port) as between:
        assert deliver(between.port, BODY, forged()).status == 400
    (file,) = saved(tmp_path)
    (sent,) = between.said
    assert file.read_bytes() == with_names_in_lower_case(sent)
    if os.name != "nt":
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_diagnosed(example: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is saved can be diagnosed by the command that it prints."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    assert deliver(example.port, BODY + b"\n", signed(timestamp=int(time.time()))).status == 400
    (line,) = re.findall(r": webhook-guard (diagnose .*)", example.output.read_text("utf-8"))
    assert main([*line.split(" ", 1), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["causes"] == ["newline"]


@pytest.mark.parametrize("folder", ["named", "of/many/parts"])
def test_another_folder(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """The environment says where else to save, as a container without a home directory needs it."""
    monkeypatch.setenv("REFUSED_WEBHOOKS", str(tmp_path / folder))
    with running(FOLDER / "save_refused.py", install, tmp_path) as example:
        assert deliver(example.port, BODY, forged()).status == 400
    assert saved(tmp_path) == []
    assert len(list((tmp_path / folder).iterdir())) == 1


def test_no_folder(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written, the answer is the same, and the log says what is wrong."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("REFUSED_WEBHOOKS", str(tmp_path / "file" / "folder"))
    with running(FOLDER / "save_refused.py", install, tmp_path) as example:
        assert deliver(example.port, BODY, forged()).status == 400
    output = example.output.read_text("utf-8")
    assert "on_refused failed, and the request is refused all the same" in output
    assert f"NotADirectoryError ({os.strerror(errno.ENOTDIR)}) in " in output


def test_nothing_else(port: int, tmp_path: Path) -> None:
    """Genuine deliveries are not saved, nor is what is refused for another reason."""
    assert deliver(port, BODY, signed(timestamp=int(time.time()))).status == 204
    assert deliver(port, BODY, {}).status == 400
    assert saved(tmp_path) == []


def test_the_last_ones(port: int, tmp_path: Path) -> None:
    """However many strangers send, the last ones are kept."""
    bodies = [b'{"number": %d}' % number for number in range(KEPT + 5)]
    for body in bodies:
        assert deliver(port, body, forged(body)).status == 400
    assert [file.read_bytes().partition(b"\r\n\r\n")[2] for file in saved(tmp_path)] == bodies[-KEPT:]
