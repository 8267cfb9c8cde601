"""The text of ``docs/servers.md``: what came of every scenario on every server."""

from collections.abc import Iterator
from itertools import groupby
from textwrap import TextWrapper
from typing import TypeAlias

from servers.launch import SERVERS
from servers.limits import LIMITS, Limit, limit_of
from servers.scenarios import SCENARIOS, Designed, Interface, Scenario

#: By the names of server and scenario.
Outcomes: TypeAlias = dict[tuple[str, str], str]

_DESIGNED = "✓"
_LINES = TextWrapper(120, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_TITLES: dict[Interface, str] = {"asgi": "ASGI", "wsgi": "WSGI"}

_HEAD = """\
# Servers

Each row is something that a client may send to a guarded path, over a connection of its own; each cell is what came of
it on that server.

✓ is the designed answer, which stands in the second column: a status, with the reason if it is the guard that refuses.
Where one thing happens after another, "then" stands between them; "waits" and "closed" are what the connection does.
For clients that leave, the cell says what happened on the server: nothing, the reason for which the guard refused the
request, or that the handler was called. A status in *italics* is the server's own refusal of a malformed request,
before the guard sees it; the second column names the rule that allows that, if there is one. Anything else is a limit
of the server: its note says which, and where the server says so.

No handler runs for a delivery that was not verified. After a single complete request the next one on the connection is
served, or the connection is closed.

How paths are spelled has no table, because it has no exceptions: `tests/servers/test_paths.py` sends forged deliveries
to more than 140 spellings of the guarded path (encoded, doubled, missing and backward slashes, dot segments, line
breaks, absolute-form targets, other cases and Unicode forms, below root paths and mounts), to each framework behind
each of these servers, guarded outside and around a mount; the other ways to guard it on one server per interface. None
reaches the handler: it is refused, or the framework itself does not route it there.

`tox -e servers -- --table=write` writes this page, and `tox -e servers` checks it.
"""


def rendered(outcomes: Outcomes) -> str:
    """Return the text of the file."""
    return "\n".join([_HEAD, *_versions(), *_table("asgi", outcomes), *_table("wsgi", outcomes), *_notes()])


def _versions() -> Iterator[str]:
    versions = {server.package or "wsgiref of": server.version for server in SERVERS.values()}
    yield from _LINES.wrap(f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    yield ""


def _table(interface: Interface, outcomes: Outcomes) -> Iterator[str]:
    names = [server.name for server in SERVERS.values() if server.interface == interface]
    yield f"## {_TITLES[interface]}"
    for section, scenarios in groupby(SCENARIOS, lambda scenario: scenario.section):
        yield from ("", f"### {section}", "")
        yield f"| what the client sends | designed | {' | '.join(_heads(names))} |"
        yield f"|---|---|{':-:|' * len(names)}"
        for scenario in scenarios:
            cells = (_cell(name, scenario, outcomes[name, scenario.key]) for name in names)
            yield f"| {scenario.name} | {_designed(scenario.designed, interface)} | {' | '.join(cells)} |"
    yield ""


def _designed(designed: Designed, interface: Interface) -> str:
    own = f"the server's own {' or '.join(designed.own)}" if designed.own else ""
    rule = f" ({designed.rule})" if designed.rule else ""
    return " / ".join(filter(None, (*map(_told_apart, designed.under(interface)), own))) + rule


def _told_apart(outcome: str) -> str:
    return outcome.replace(", ", ", then ").replace("then then", "then")


def _heads(names: list[str]) -> list[str]:
    return [name.removesuffix(" ASGI").removesuffix(" WSGI") for name in names]


def _cell(server: str, scenario: Scenario, outcome: str) -> str:
    limit = limit_of(server, scenario)
    if limit is None:
        return f"*{outcome}*" if outcome in scenario.designed.own else _DESIGNED
    number = str(LIMITS.index(limit) + 1).translate(_SUPERSCRIPTS)
    also = f"{_DESIGNED} / " if limit.sometimes else ""
    return f"{also}{_told_apart(limit.outcomes[scenario.key])}{number}"


def _notes() -> Iterator[str]:
    yield from ("## Limits of the servers", "")
    for number, limit in enumerate(LIMITS, 1):
        yield _LINES.fill(f"{number}. {_told(limit)}")
    yield ""


def _told(limit: Limit) -> str:
    return f"{_joined(limit.servers)}: {limit.text} Source: {limit.source}."


def _joined(servers: tuple[str, ...]) -> str:
    return ", ".join(f"**{server}**" for server in servers)
