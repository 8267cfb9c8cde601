"""What `send` and `replay` share: two options, what an answer should be, and the first one, which decides."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import click

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.http import TIMEOUT, Answer, Client, Headers, NoAnswerError

_F = TypeVar("_F", bound=Callable[..., Any])

#: Seconds.
_LONGEST_TIMEOUT = 3600.0
#: Characters that are shown of where a redirect points to.
_LONGEST_LOCATION = 200


class Expected(NamedTuple):
    """The statuses that are right: from the first to the last."""

    first: int
    last: int
    #: One of them that is not.
    never: int | None = None

    def __str__(self) -> str:
        range_ = str(self.first) if self.first == self.last else f"{self.first // 100}xx"
        return range_ if self.never is None else f"{range_} but {self.never}"

    def fits(self, status: int) -> bool:
        """Say whether a status is right."""
        return self.first <= status <= self.last and status != self.never


def expectation(status: int | None, *, is_tampered: bool = False) -> Expected:
    """Return what is right: the given status, or else 2xx, or 4xx for what was tampered with.

    A 404 is no refusal, because nobody is there.

    >>> str(expectation(None)), str(expectation(None, is_tampered=True)), str(expectation(409))
    ('2xx', '4xx but 404', '409')
    """
    if status is not None:
        return Expected(status, status)
    return Expected(400, 499, never=HTTPStatus.NOT_FOUND) if is_tampered else Expected(200, 299)


def first_answer(client: Client, url: str, headers: Headers, body: bytes, expected: Expected) -> Answer:
    """Send the first of several requests, and return its answer: without one, the others are in vain.

    Raises:
        Misuse: There is no answer, or a redirect that is not expected.
    """
    try:
        answer = client.post(headers, body)
    except NoAnswerError as error:
        raise Misuse(str(error)) from None
    if answer.is_redirect and not expected.fits(answer.status):
        location = (answer.value("location") or "nowhere")[:_LONGEST_LOCATION]
        raise Misuse(
            f"{url} answers {answer.status} and points to {location}: OpenAI does not follow redirects and counts"
            " them as failures; send to the final URL"
        )
    return answer


def later_answer(client: Client, headers: Headers, body: bytes) -> Answer | str:
    """Send another request, and return its answer, or the text why there is none."""
    try:
        return client.post(headers, body)
    except NoAnswerError as error:
        return error.why


def expect_option(function: _F) -> _F:
    """Add `--expect`, which arrives as `expect`: int or None."""
    return click.option(
        "--expect",
        type=click.IntRange(200, 599),
        metavar="STATUS",
        help="The one status that is right.",
    )(function)


def timeout_option(function: _F) -> _F:
    """Add `--timeout`, which arrives as `timeout`: float, in seconds."""
    return click.option(
        "--timeout",
        type=float,
        default=TIMEOUT,
        callback=_checked,
        metavar="SECONDS",
        help=f"How long an answer may take; {TIMEOUT:g} without it.",
    )(function)


def _checked(_context: click.Context, _parameter: click.Parameter, seconds: float) -> float:
    if not 0 < seconds <= _LONGEST_TIMEOUT:  # nor is it a number otherwise
        raise click.BadParameter(f"{seconds:g} is not in the range 0<x<={_LONGEST_TIMEOUT:g}")
    return seconds
