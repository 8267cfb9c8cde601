"""Sends the scenarios to both servers, compares, and may leave the servers running."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

from rich.console import Console

from webhook_guard.cli.curl import command_line
from webhook_guard.cli.demo import scenarios
from webhook_guard.cli.demo.client import HOST, Answer, send
from webhook_guard.cli.demo.report import Result, show, values
from webhook_guard.cli.demo.scenarios import NOTHING, Outcome, Scenario, Secrets
from webhook_guard.cli.demo.servers import Seen, Server, running
from webhook_guard.cli.logs import silenced
from webhook_guard.cli.message import Request
from webhook_guard.cli.output import console, print_json


def run(
    *,
    groups: Mapping[str, Sequence[Scenario]] = scenarios.GROUPS,
    wait: Callable[[], object] | None = None,
    as_json: bool = False,
) -> int:
    """Send the scenarios of `groups`, and print what became of them.

    Args:
        groups: The scenarios, by heading.
        wait: Called while the servers are left running, until it returns or is interrupted. None ends at once.
        as_json: Whether to print JSON, for programs.

    Returns:
        The exit status: 0 if everything was answered as designed, else 1.
    """
    screen = console()
    keys = scenarios.make_secrets()
    with running([keys.new, keys.old]) as servers:
        results = _results(groups, servers, keys)
        if as_json:
            print_json(values(results))
        else:
            show(screen, results)
        if wait is not None:
            with suppress(KeyboardInterrupt):
                _invite(screen, servers, keys)
                wait()
    return int(any(result.wrong for group in results.values() for result in group))


def _results(
    groups: Mapping[str, Sequence[Scenario]], servers: Sequence[Server], keys: Secrets
) -> dict[str, list[Result]]:
    # The refusals are in the table: their log records would stand in it.
    with silenced("webhook_guard"):
        return {heading: [_result(each, servers, keys) for each in group] for heading, group in groups.items()}


def _result(scenario: Scenario, servers: Sequence[Server], keys: Secrets) -> Result:
    return Result(scenario, tuple(_outcome(server, scenario.build(keys)) for server in servers))


def _outcome(server: Server, request: Request) -> Outcome:
    server.seen.clear()
    answer = send(server.port, request)
    saw = ", ".join(seen.event for seen in server.seen)
    return Outcome(answer.status, _verdict(answer, server.seen), saw or NOTHING)


def _verdict(answer: Answer, seen: Sequence[Seen]) -> str:
    verified_by = [each.verified_by for each in seen]
    if seen and answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # no guard's answer, where the app was called
        return ", ".join(["failed", *verified_by])
    return answer.reason or ", ".join(["accepted", *verified_by])


def _invite(screen: Console, servers: Sequence[Server], keys: Secrets) -> None:
    screen.print("\nBoth servers go on. These lines are valid for five minutes.")
    screen.print("Sent again, they are duplicates; with a byte changed, they are refused:")
    for server in servers:
        request = scenarios.genuine(keys)
        headers = [header for header in request.headers if header[0] != "content-length"]
        line = command_line(f"http://{HOST}:{server.port}{request.target}", headers, request.body)
        screen.print(f"\n{server.name}:", style="bold")
        screen.print(line, soft_wrap=True)
    screen.print("\nCtrl-C stops both servers.")
