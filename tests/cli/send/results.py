"""Results of requests, as tests want them."""

from collections.abc import Sequence

from webhook_guard.cli.http import Answer
from webhook_guard.cli.posting import Expected, expectation
from webhook_guard.cli.send.attempts import Attempt
from webhook_guard.cli.send.load import Tally
from webhook_guard.cli.send.result import Result

from support import BODY, WEBHOOK_ID

#: The headers of a guard's refusal.
PROBLEM = (("content-type", "application/problem+json"),)
#: What is right if nothing else is asked for.
RIGHT = expectation(None)


def result(answers: Sequence[Answer | str], expected: Expected = RIGHT, body: bytes = BODY) -> Result:
    """Return the result of some requests, whose answers are these, or why there are none."""
    first = answers[0]
    assert not isinstance(first, str)
    tally = Tally()
    for answer in answers:
        tally.add(answer)
    attempt = Attempt((("webhook-id", WEBHOOK_ID),), body)
    return Result("http://localhost/", len(answers), attempt, first, tally, 0.25, expected)
