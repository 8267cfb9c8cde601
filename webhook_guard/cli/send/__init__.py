"""The command `send`: an event for your app, as OpenAI would deliver it; or many, and how fast they are answered.

attempts    events, signed, and on purpose spoilt after that
load        many at a time, counted
result      what came back, and whether that is right
summary     the screen
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import click

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.files import read_file
from webhook_guard.cli.http import Client
from webhook_guard.cli.options import json_option, secret_option, signing_secret
from webhook_guard.cli.output import print_json
from webhook_guard.cli.posting import expect_option, expectation, first_answer, timeout_option
from webhook_guard.cli.send.attempts import PARTS, Attempt, attempts, parse_data
from webhook_guard.cli.send.load import Tally, post_all
from webhook_guard.cli.send.result import Result
from webhook_guard.testing.events import event_body, make_event

_DEFAULT = "response.completed"
#: More would need more than memory: a thread each, and a connection.
_MOST_SENDERS = 256
_MOST_REQUESTS = 1_000_000
#: Seconds; the timestamp stays one that HTTP's clocks know.
_GREATEST_AGE = 1_000_000_000


@click.command()
@click.argument("url")
@click.argument("kind", metavar="[TYPE]", required=False)
@click.option("--data", multiple=True, metavar="KEY=VALUE", help="A member of the event's data; may be repeated.")
@click.option("--body", metavar="FILE", help="The body as it is, in place of TYPE and --data; - is standard input.")
@click.option("--repeat", type=click.IntRange(1, _MOST_REQUESTS), default=1, metavar="N", help="How many to send.")
@click.option(
    "--concurrency", type=click.IntRange(1, _MOST_SENDERS), default=1, metavar="N", help="How many at a time."
)
@click.option("--same-id", is_flag=True, help="All are attempts of one delivery, with one id and one body: retries.")
@click.option("--tamper", type=click.Choice(PARTS), help="Change that after signing: your app should refuse it.")
@click.option(
    "--age",
    type=click.IntRange(-_GREATEST_AGE, _GREATEST_AGE),
    default=0,
    metavar="SECONDS",
    help="How long ago it was signed; with a minus sign, in the future.",
)
@secret_option
@timeout_option
@expect_option
@json_option
def command(
    *,
    url: str,
    kind: str | None,
    data: Sequence[str],
    body: str | None,
    repeat: int,
    concurrency: int,
    same_id: bool,
    tamper: str | None,
    age: int,
    secret: str | None,
    timeout: float,
    expect: int | None,
    as_json: bool,
) -> int:
    """Send URL an event of TYPE, signed as OpenAI signs; without TYPE, a response.completed.

    Its ids are made up. Dots in a KEY lead into objects, as in required_action.type=function_call, and a VALUE is text.

    The exit status is 0 if every answer is what it should be: the one of --expect, else 2xx, or with --tamper 4xx but
    404; 1 if one is not; 2 if the command is misused, or URL does not answer or redirects.

    \b
    Examples:
      webhook-guard send http://127.0.0.1:8000/webhooks/openai
      webhook-guard send $URL batch.completed --data id=batch_123
      webhook-guard send $URL --tamper signature
      webhook-guard send $URL --age 301 --expect 400
      webhook-guard send $URL --repeat 2 --same-id
      webhook-guard send $URL --repeat 1000 --concurrency 8
    """  # noqa: D301  \b is click's mark for lines to be kept
    expected = expectation(expect, is_tampered=tamper is not None)
    connect = partial(Client, url, timeout)
    new_body = _new_body(kind, data, body)
    sent = attempts(new_body, signing_secret(secret), age=age, tamper=tamper, same_id=same_id)
    tally = Tally()
    start = time.perf_counter()
    with connect() as client:
        attempt = next(sent)
        answer = first_answer(client, url, attempt.headers, attempt.body, expected)
    tally.add(answer)
    if repeat > 1:
        _send_others(connect, itertools.islice(sent, repeat - 1), tally, repeat, concurrency)
    result = Result(url, repeat, attempt, answer, tally, time.perf_counter() - start, expected)
    _print(result, as_json=as_json)
    return 0 if result.is_right else 1


def _new_body(kind: str | None, data: Sequence[str], file: str | None) -> Callable[[], bytes]:
    """Return what makes the body of each delivery.

    Raises:
        Misuse: There is a file, and what would be in its place; or one of them can't be used.
    """
    if file is None:
        members = parse_data(data)
        return lambda: event_body(make_event(kind or _DEFAULT, **members))
    if kind is not None or data:
        raise Misuse("--body is in place of TYPE and --data: give the one or the others")
    content = read_file(file)
    return lambda: content


def _send_others(
    connect: Callable[[], Client], sent: Iterator[Attempt], tally: Tally, repeat: int, concurrency: int
) -> None:
    from webhook_guard.cli.send.summary import progress  # noqa: PLC0415  rich takes long

    with progress(repeat) as watch:
        post_all(connect, sent, tally, concurrency=min(concurrency, repeat - 1), watch=watch)


def _print(result: Result, *, as_json: bool) -> None:
    if as_json:
        print_json(result.as_json())
    else:
        from webhook_guard.cli.send.summary import show  # noqa: PLC0415  the same, and JSON needs none

        show(result)
