"""The files that commands read."""

import io
import os
import sys
from pathlib import Path

import pytest

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.files import LARGEST, read_file


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Bytes are bytes: no line break is changed, and no mark removed."""
    content = b"\xef\xbb\xbf\r\n\x00\xff\n"
    tmp_path.joinpath("body").write_bytes(content)
    assert read_file(str(tmp_path / "body")) == content


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name - is standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\r\n")))
    assert read_file("-") == b"\xff\r\n"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param("missing", "No such file or directory", id="not there"),
        pytest.param(".", "Is a directory", id="a folder"),
        pytest.param("a\0b", "null", id="no name"),
    ],
)
def test_what_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str) -> None:
    """What can't be read is named, with the reason."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misuse) as refused:
        read_file(name)
    assert refused.value.message.startswith(f"can't read {name}: ")
    assert problem in refused.value.message


def test_a_file_may_have_as_much_as_the_limit(tmp_path: Path) -> None:
    """A file with just as many bytes as the limit is read; with one more, it is refused with the figure."""
    file = tmp_path / "body"
    file.write_bytes(bytes(LARGEST))
    assert len(read_file(str(file))) == LARGEST
    file.write_bytes(bytes(LARGEST + 1))
    with pytest.raises(Misuse, match=f"body has more than {LARGEST} bytes"):
        read_file(str(file))


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may have been started without any."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(Misuse, match="standard input is closed"):
        read_file("-")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no device without an end")  # noqa: PTH110  the same
def test_a_device_without_an_end() -> None:
    """No more is read than the limit."""
    with pytest.raises(Misuse, match=f"/dev/zero has more than {LARGEST} bytes"):
        read_file("/dev/zero")
