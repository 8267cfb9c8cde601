"""Writes the seed corpus: what the tests know of requests, bodies, paths and secrets, as inputs of the harnesses.

It needs what the tests need: `PYTHONPATH=tests python -m fuzz.seeds`. It removes nothing; the tests
say what is left over.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from webhook_guard.diagnose import Cause

from diagnose.damage import DAMAGES, Captured, sent
from fuzz import inputs
from fuzz.catalogue import CATALOGUE, event
from scenarios import ACCEPTED, BODY_AND_END, GENUINE, HEAD, LIMIT, SCENARIOS, Scenario, with_length
from support import BODY, NOW, OLDER_SECRET, PATH, SECRET, VECTOR_BODY, event_body

CORPUS = Path(__file__).parent / "corpus"

#: A name, and an input.
Seed: TypeAlias = tuple[str, bytes]

_TEXT = SECRET.removeprefix("whsec_")
SECRETS = [
    *(
        f"text\n{secret}"
        for secret in (SECRET, f" {SECRET}\r\n", SECRET.rstrip("="), _TEXT, "a passphrase, long enough")
    ),
    *(
        f"text\n{secret}"
        for secret in ("", " \t", f'"{SECRET}"', f"whsec_{SECRET}", "whsec_", "whsec_!", "WHSEC_" + _TEXT)
    ),
    *(
        f"text\nwhsec_{secret}"
        for secret in ("QUJD", "A" * 43 + "=", "xxxxxxxxxxxxxxxxxxxxxxxx", _TEXT + "=", "a-_b" * 8)
    ),
    *(f"text\n{secret}" for secret in ("whpk_" + _TEXT, "sk-proj-0123456789abcdef", "your-webhook-secret-here")),
    *(f"text\n{secret}" for secret in ("$OPENAI_WEBHOOK_SECRET", "<your secret>", "Zoë's passphrase, long enough")),
    *("bytes\n0123456789abcdef", f"bytes\n{SECRET}", "bytes\n" + "\0" * 32, "bytes\nyour-webhook-secret-here"),
    *(f"list\n{SECRET}\n{OLDER_SECRET}", f"list\n{SECRET}\n", "list"),
    *(f"variable\n{SECRET} {OLDER_SECRET}", "variable\n ", f"variable\n{SECRET}\n{_TEXT}"),
    "text\nSk-proj-0123456789abcdef",
]
PATHS = [
    *(f"{PATH}\n\n{path}" for path in (PATH, f"/{PATH}/", f"{PATH}\n", "/webhooksopenai", "/webhooks/openai/x", "/")),
    *(f"{PATH}\n\n{PATH}{end}" for end in ("\r\v\f", "\x1c\x1d/", "/\x1e\x85", "\u2028\u2029", "/\udcff")),
    *(f"{PATH}\n\nhttp://example.com{path}" for path in (PATH, f"/{PATH}/;a=b?c#d", "")),
    *(f"{PATH}\n\n{path}" for path in ("https://h:1//webhooks/openai", "ht\udcfftp://h/webhooks/openai")),
    *(f"{PATH}\n\n{path}" for path in ("http://[bad/webhooks/openai", "x:webhooks/openai", "/webhooks/x/../openai")),
    *(f"{PATH}\n/api\n{path}" for path in (f"/api{PATH}", PATH, f"/x/api{PATH}", f"/xapi{PATH}", f"/api//api{PATH}")),
    *(f"/mount{PATH}\n/api\n{path}" for path in (f"/api/mount/x/api{PATH}", f"/mount/api{PATH}", f"/api/mount{PATH}")),
    *(
        "/b/a/a/b/h\n\n/b/a/b/h",
        "/\n/api\n/api",
        "/\n\n",
        "//p//q/\n\n/p/q",
        "/größe\n\n/größe",
        "/v1/x\n/v1\n/v1/v1/x",
    ),
    *(f"{wrong}\n\n/" for wrong in ("", "p", "/{id}", "/a b", "/a%20b", "/a?b")),
]
BODIES = [
    *(b"", b"[]", b"{}", b"null", b'{"type":1}', b'{"type":""}', b'{"type":"\xff"}', b'\xef\xbb\xbf{"type":"x"}'),
    *(
        b'{"type":"x","type":"y"}',
        b'{"type":"x","a":"\\ud83d\\ude00"}',
        b'{"type":"x","a":"\\ud800"}',
        b' {"type":"x"} ',
    ),
    *(b'{"type":"x","a":[1e999]}', b'{"type":"x","a":[-0,1.5e3,1E-7,18446744073709551616]}', b'{"type":"x","a":NaN}'),
    *(b'{"type":"x","id":1,"created_at":"2","object":[],"data":null,"extra":{}}', b'{"type":"x","a":[[[[[[]]]]]]}'),
    *(BODY, VECTOR_BODY, event_body("batch.completed", {"id": "b", "extra": {"a": 1}}, extra=[1], region="eu")),
    *(event_body("batch.completed", value) for value in ([1], {}, {"id": 1}, None)),
    event_body("batch.completed", {"id": "b"}, created_at=1.0),
]
TOO_LARGE = next(scenario for scenario in BODY_AND_END if scenario.name == "one byte over the limit, chunked")
SCRIPTS = ["5 0 wait 9", "1 1 1 wait 1", "20 fail", "20 gone", "odd", "wait gone"]
#: Scenarios that another harness has: what is special about them needs no whole request.
_OTHERS = re.compile("ignature|character|nobody|slash|line break")


def main(corpus: Path = CORPUS) -> None:
    """Write all seeds."""
    for harness, found in seeds().items():
        folder = corpus / harness
        folder.mkdir(parents=True, exist_ok=True)
        # The same input once: of some scenarios, a harness takes only a part.
        for data, name in {data: name for name, data in reversed([*found])}.items():
            folder.joinpath(re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")).write_bytes(data)


def seeds() -> dict[str, Iterable[Seed]]:
    """Return the seeds of each harness."""
    whole = [scenario for scenario in [*ACCEPTED, *BODY_AND_END] if not _OTHERS.search(scenario.name)]
    return {
        "head": [*_heads([GENUINE, *HEAD]), ("the input does not end", _request(GENUINE, "body must end")), *_odd()],
        "signature": _signatures(),
        "secret": _numbered(secret.encode() for secret in SECRETS),
        "path": _numbered(path.encode("utf-8", "surrogateescape") for path in PATHS),
        "body": [*_numbered(BODIES), *_events()],
        "asgi": [*_requests("", whole), *_scripts(""), *_mounted()],
        "wsgi": [*_requests("", whole), *_scripts("ends ")],
        "diagnose": [("genuine", _captured(sent())), *_damaged()],
    }


def _numbered(found: Iterable[bytes]) -> Iterator[Seed]:
    for number, data in enumerate(found, 1):
        yield f"{number:02}", data


def _heads(scenarios: Iterable[Scenario]) -> Iterator[Seed]:
    for scenario in scenarios:
        if all(len(value) < LIMIT * 2 for _, value in scenario.headers):
            yield scenario.name, _request(scenario)


def _requests(beside: str, scenarios: Iterable[Scenario]) -> Iterator[Seed]:
    for scenario in scenarios:
        terminated = "ends" if scenario.content_length is None else ""
        yield scenario.name, _request(scenario, beside or terminated)


def _odd() -> Iterator[Seed]:
    """Yield heads that no scenario has: servers would not let them through."""
    genuine = _request(GENUINE)
    for name, old, new in (
        ("a line feed after the timestamp", b"%d" % NOW, b"%d\\n" % NOW),
        ("a Kelvin sign in a name", b"webhook-id", "webhoo\N{KELVIN SIGN}-id".encode()),
        ("two lengths", b"Content-Length:", b"content-length:1\nContent-Length:"),
    ):
        assert old in genuine
        yield name, genuine.replace(old, new, 1)


def _scripts(beside: str) -> Iterator[Seed]:
    yield f"{beside}too large in two", _request(TOO_LARGE, f"{beside}600")
    for script in SCRIPTS:
        yield f"{beside}{script}", _request(GENUINE, f"{beside}{script}")


def _mounted() -> Iterator[Seed]:
    data = _request(GENUINE)
    yield "mounted", data.replace(b"POST /webhooks/openai", b"POST /api/webhooks/openai /api", 1)
    yield "websocket", data.replace(b"POST", b"WEBSOCKET", 1)
    yield "another path", data.replace(b"/openai", b"/other", 1)


def _request(scenario: Scenario, beside: str = "") -> bytes:
    """Return a scenario as an input; signatures that are right stay so, whatever the fuzzer makes of the rest."""
    return _written(beside.encode(), f"{scenario.method} {quote(scenario.path)}", with_length(scenario), scenario.body)


def _written(beside: bytes, line: str, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    own = {name.lower(): value.strip(b" \t") for name, value in headers}
    right = {
        placeholder: inputs.mac(key, own.get(b"webhook-id", b""), own.get(b"webhook-timestamp", b""), body)
        for placeholder, key in zip((b"<mac>", b"<older>"), inputs.KEYS, strict=True)
    }
    lines = [b"%b:%b" % (name, value.replace(b"\n", b"\\n")) for name, value in headers]
    head = b"\n".join([beside, line.encode(), *lines])
    for placeholder, mac in right.items():
        head = head.replace(mac, placeholder)
    return head + b"\n\n" + body


def _signatures() -> Iterator[Seed]:
    for scenario in SCENARIOS:
        value = dict(scenario.headers).get("webhook-signature", b"")
        if value and scenario.headers[:2] == GENUINE.headers[:2] and scenario.body == BODY:
            head, _, body = _request(scenario).partition(b"\n\n")
            (line,) = re.findall(rb"webhook-signature:(.*)", head, re.IGNORECASE)[:1]
            yield scenario.name, line + b"\n" + body


def _events() -> Iterator[Seed]:
    """Yield one event for each shape of the catalogue."""
    by_shape = {json.dumps(entry["data"], sort_keys=True): kind for kind, entry in CATALOGUE.items()}
    for kind in by_shape.values():
        yield kind, event(kind)


def _damaged() -> Iterator[Seed]:
    for damage in DAMAGES:
        if damage.cause is not Cause.CLOCK:  # the clock of the harness stands still
            yield str(damage), _captured(damage.do(sent(damage.original(sent().body))))


def _captured(captured: Captured) -> bytes:
    secrets = [secret if isinstance(secret, bytes) else secret.encode() for secret in captured.secrets]
    headers = [(name.encode(), value.encode("latin-1")) for name, value in captured.headers]
    lines = [b"%b:%b" % pair for pair in headers]
    return b"\n".join([b"\t".join(secrets), b"POST /", *lines]) + b"\n\n" + captured.body


if __name__ == "__main__":
    main()
