"""A request as a command line: run by a shell and a program that takes its arguments as curl does."""

import shlex

import pytest

from webhook_guard.cli.curl import command_line
from webhook_guard.cli.errors import Misuse

HEADERS = [("content-type", "application/json"), ("webhook-id", "it's")]


def test_a_text_stands_in_the_line() -> None:
    """A shell reads the words back as they were, quotes, line breaks and what begins with @ included."""
    body = '@it\'s "$HOME" `x`\n'
    words = shlex.split(command_line("http://127.0.0.1:1/a?b", HEADERS, body.encode()))
    fields = ["-H", "content-type: application/json", "-H", "webhook-id: it's"]
    assert words == ["curl", "-i", "--globoff", *fields, "--data-raw", body, "--", "http://127.0.0.1:1/a?b"]


def test_a_file_is_named() -> None:
    """A body from a file is read by curl, as it is."""
    words = shlex.split(command_line("http://127.0.0.1:1/", [], b"\xff", file="a b.json"))
    assert words == ["curl", "-i", "--globoff", "--data-binary", "@a b.json", "--", "http://127.0.0.1:1/"]


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"a\0b", b"\x1b[2J", "\u202e".encode()],
    ids=["not UTF-8", "null", "an escape", "bidi"],
)
def test_what_no_argument_can_be(body: bytes) -> None:
    """A body that can't stand in a line is asked for as a file."""
    with pytest.raises(Misuse, match="put it into a file"):
        command_line("http://127.0.0.1:1/", [], body)
