"""What `send` and `replay` share: which answers are right, and which end it all."""

import click
import pytest

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.http import Client
from webhook_guard.cli.posting import (
    Expected,
    expect_option,
    expectation,
    first_answer,
    later_answer,
    timeout_option,
)

from cli.scripted import NO_CONTENT, answer, refusing, serving

ACCEPTED = expectation(None)


@pytest.mark.parametrize(
    ("expected", "text", "right", "wrong"),
    [
        pytest.param(expectation(None), "2xx", [200, 204, 299], [199, 300, 400], id="accepted"),
        pytest.param(
            expectation(None, is_tampered=True), "4xx but 404", [400, 403, 499], [204, 399, 404, 500], id="tampered"
        ),
        pytest.param(expectation(409, is_tampered=True), "409", [409], [400, 410], id="given"),
        pytest.param(expectation(302), "302", [302], [200, 301], id="a redirect"),
    ],
)
def test_expected(expected: Expected, text: str, right: list[int], wrong: list[int]) -> None:
    """What is right is 2xx, 4xx for what was tampered with, or what is given."""
    assert str(expected) == text
    assert all(map(expected.fits, right))
    assert not any(map(expected.fits, wrong))


def test_first_answer() -> None:
    """The first answer is the answer, whether it is right or not."""
    with serving([answer("500 Oops")]) as server, Client(server.url) as client:
        assert first_answer(client, server.url, (), b"", ACCEPTED).status == 500


@pytest.mark.parametrize(
    ("header", "target"),
    [
        pytest.param("location: https://example.com/", "https://example.com/", id="elsewhere"),
        pytest.param("x: y", "nowhere", id="nowhere"),
        pytest.param(f"location: /{'x' * 1000}", f"/{'x' * 199}", id="far"),
    ],
)
def test_redirects(header: str, target: str) -> None:
    """A redirect is misuse: it says where it points to, and what OpenAI makes of it."""
    reply = answer("307 Temporary Redirect", b"", header)
    with serving([reply]) as server, Client(server.url) as client, pytest.raises(Misuse) as caught:
        first_answer(client, server.url, (), b"", ACCEPTED)
    assert str(caught.value) == (
        f"{server.url} answers 307 and points to {target}: OpenAI does not follow redirects and counts them as"
        " failures; send to the final URL"
    )


def test_a_redirect_that_is_expected() -> None:
    """A redirect that is the expected status is an answer."""
    with serving([answer("307 Temporary Redirect")]) as server, Client(server.url) as client:
        assert first_answer(client, server.url, (), b"", expectation(307)).status == 307


def test_no_answer() -> None:
    """No answer to the first request is misuse; to a later one, the text says why."""
    with refusing() as url, Client(url) as client:
        with pytest.raises(Misuse, match="nothing listens there"):
            first_answer(client, url, (), b"", ACCEPTED)
        assert later_answer(client, (), b"") == "nothing listens there; start the app, or check the port"


def test_later_answer() -> None:
    """A later answer is the answer, a redirect too."""
    with serving([NO_CONTENT, answer("307 Temporary Redirect")]) as server, Client(server.url) as client:
        assert [getattr(later_answer(client, (), b""), "status", None) for _ in range(2)] == [204, 307]


def parsed(*arguments: str) -> dict[str, object]:
    """Return what the two options make of arguments."""
    found: dict[str, object] = {}

    @click.command()
    @timeout_option
    @expect_option
    def command(**values: object) -> None:
        found.update(values)

    command.main([*arguments], standalone_mode=False)
    return found


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {"timeout": 30.0, "expect": None}),
        (["--timeout", "0.5", "--expect", "599"], {"timeout": 0.5, "expect": 599}),
        (["--timeout", "3600"], {"timeout": 3600.0, "expect": None}),
    ],
)
def test_options(arguments: list[str], values: dict[str, object]) -> None:
    """Without the options, there are 30 seconds, and no status is expected."""
    assert parsed(*arguments) == values


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--timeout", value) for value in ("0", "-1", "nan", "inf", "3601", "soon")),
        *(("--expect", value) for value in ("199", "600", "-1", "OK")),
    ],
)
def test_bad_values(option: str, value: str) -> None:
    """What is no time or no status of an answer is refused."""
    with pytest.raises(click.UsageError) as caught:
        parsed(option, value)
    assert caught.value.format_message().startswith(f"Invalid value for '{option}': ")
