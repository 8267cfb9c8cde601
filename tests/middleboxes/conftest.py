"""The guarded apps behind the middleboxes, and what is said about the requests that they refuse."""

from collections.abc import Generator
from pathlib import Path

import pytest

from middleboxes import explaining
from middleboxes.explaining import Explain, Said
from middleboxes.receiver import Receiver, asgi_receiver, wsgi_receiver


@pytest.fixture
def asgi() -> Generator[Receiver]:
    """An ASGI app."""
    with asgi_receiver() as receiver:
        yield receiver


@pytest.fixture
def wsgi() -> Generator[Receiver]:
    """A WSGI app."""
    with wsgi_receiver() as receiver:
        yield receiver


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """What the command and the function say about a message."""

    def explain(message: bytes) -> Said:
        return explaining.explain(message, tmp_path / "refused.http", capsys)

    return explain
