"""Requests in files, as `replay` reads them."""

import os
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from webhook_guard import Delivery, parse_event
from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.listen.receiver import Received
from webhook_guard.cli.listen.save import Folder
from webhook_guard.cli.message import Request, from_wire
from webhook_guard.sansio.errors import Reason, VerificationError

from support import BODY, NOW, WEBHOOK_ID, signed

#: 2025-06-25 at 14:26:50.005, UTC, and a little more: a float has no 5 ms.
TIME = 1_750_861_610.0051
HOST = ("host", "test")
LENGTH = ("content-length", str(len(BODY)))
DELIVERY = Delivery(
    webhook_id=WEBHOOK_ID, timestamp=NOW, signature="", body=BODY, event=parse_event(BODY), secret_index=0
)
CHUNKED = ("transfer-encoding", "chunked")


def received(
    *headers: tuple[str, str], body: bytes = BODY, is_whole: bool = True, refusal: Reason | None = None
) -> Received:
    """Return a request with these headers."""
    request = Request("POST", "/webhooks?a=1", headers, body)
    if refusal is not None:
        return Received(TIME, request, is_whole, 400, None, VerificationError("...", refusal), None)
    return Received(TIME, request, is_whole, 204, DELIVERY, None, None)


def saved(folder: Path, request: Received) -> bytes:
    """Save a request, and return its file's content."""
    return (folder / Folder(folder).save(request)).read_bytes()


@contextmanager
def full_disk(size: int) -> Generator[None, None, None]:
    """Have no file grow over so many bytes."""
    import resource  # noqa: PLC0415  not on Windows

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_as_it_came(tmp_path: Path) -> None:
    """A request is saved to the byte: the request line, its headers in order, repeated ones too, and its body."""
    headers = (HOST, ("x-a", "1"), *signed().items(), ("x-a", "caf\xe9"), LENGTH)
    head = "\r\n".join(["POST /webhooks?a=1 HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""])
    assert saved(tmp_path, received(*headers)) == head.encode("latin-1") + BODY


def test_it_can_be_read_again(tmp_path: Path) -> None:
    """What is saved is read as it was."""
    request = received(HOST, *signed().items(), LENGTH)
    assert from_wire(saved(tmp_path, request)) == request.request


def test_chunks_are_not_saved(tmp_path: Path) -> None:
    """A body that came in chunks is saved with its length, in the place of its coding, and with no other length."""
    content = saved(tmp_path, received(HOST, ("content-length", "1"), CHUNKED, CHUNKED, ("x-a", "1")))
    head = f"POST /webhooks?a=1 HTTP/1.1\r\nhost: test\r\ncontent-length: {len(BODY)}\r\nx-a: 1\r\n\r\n"
    assert content == head.encode() + BODY


@pytest.mark.parametrize("body", [b"", BODY[:-1]], ids=["nothing", "a part"])
@pytest.mark.parametrize("framing", [LENGTH, CHUNKED], ids=["length", "chunks"])
def test_what_is_not_whole(tmp_path: Path, framing: tuple[str, str], body: bytes) -> None:
    """A body that was cut off is saved as far as it came, and can't be read as if it were whole."""
    content = saved(tmp_path, received(HOST, framing, body=body, is_whole=False))
    assert content.endswith(body)
    with pytest.raises(ValueError, match="is cut off"):
        from_wire(content)


@pytest.fixture
def _far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live nine hours before UTC."""
    monkeypatch.setenv("TZ", "XXX-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no time zone")
@pytest.mark.usefixtures("_far_east")
def test_names(tmp_path: Path) -> None:
    """A name has the time in UTC, a number and the verdict: it sorts by time, and no stranger chose anything in it."""
    folder = Folder(tmp_path)
    requests = (received(LENGTH), received(("webhook-id", "../evil"), LENGTH, refusal=Reason.MALFORMED_HEADER))
    assert [folder.save(request) for request in requests] == [
        "20250625T142650.005Z-0001-accepted.http",
        "20250625T142650.005Z-0002-malformed_header.http",
    ]
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Where another `listen` has saved a request at the same time under the same number, the next number is taken."""
    names = [Folder(tmp_path).save(received(LENGTH, body=body)) for body in (b"first", b"second")]
    assert [(tmp_path / name).read_bytes()[-6:] for name in names] == [b"\nfirst", b"second"]
    assert names[1] == "20250625T142650.005Z-0002-accepted.http"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_nobody_else_reads_it(tmp_path: Path) -> None:
    """Folder and file are their owner's: bodies and signatures are private."""
    path = tmp_path / "deep" / "folder"
    file = path / Folder(path).save(received(LENGTH))
    assert (path.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_folder_that_is_there(tmp_path: Path) -> None:
    """A folder that is there is used, and what is in it stays."""
    (tmp_path / "mine").write_text("mine")
    Folder(tmp_path).save(received(LENGTH))
    assert (tmp_path / "mine").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_file_for_a_folder(tmp_path: Path) -> None:
    """A file where the folder should be is named."""
    (tmp_path / "file").touch()
    with pytest.raises(Misuse, match=r"file is a file; give a folder$"):
        Folder(tmp_path / "file")


def test_folder_that_can_not_be_made(tmp_path: Path) -> None:
    """A folder that can't be written to is named, with the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(Misuse, match=r"can't write to the folder .*folder: .+; give another one$"):
        Folder(tmp_path / "file" / "folder")


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody makes files, not even root")
def test_folder_that_can_not_be_written_to() -> None:
    """A folder that is there, but takes no files, is named, with the reason."""
    with pytest.raises(Misuse, match=r"^can't write to the folder /proc: .+; give another one$"):
        Folder(Path("/proc"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_full_disk(tmp_path: Path) -> None:
    """Where a request does not fit, nothing is left of it, and the next one is saved."""
    folder = Folder(tmp_path)
    with full_disk(100), pytest.raises(OSError, match="large"):
        folder.save(received(LENGTH))
    assert list(tmp_path.iterdir()) == []
    assert folder.save(received(LENGTH)).endswith("-0002-accepted.http")


def test_folder_that_went_away(tmp_path: Path) -> None:
    """A folder that was removed meanwhile is an error of its own, and not made again."""
    folder = Folder(tmp_path / "folder")
    (tmp_path / "folder").rmdir()
    with pytest.raises(FileNotFoundError):
        folder.save(received(LENGTH))
