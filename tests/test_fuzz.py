"""The fuzzing harnesses: every seed holds, and each harness notices what is broken. `tox -e fuzz` searches."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from webhook_guard import (
    ASGIWebhookMiddleware,
    ConfigurationError,
    PayloadError,
    Reason,
    UnknownEvent,
    WSGIWebhookMiddleware,
)
from webhook_guard.diagnose import Cause, Step
from webhook_guard.sansio import events, keys
from webhook_guard.sansio.keys import Keys

from fuzz import run
from fuzz.catalogue import CATALOGUE, event, mutated
from fuzz.harness import load
from fuzz.harnesses import body, diagnose, head, path, secret, signature
from support import NOW, OTHER_SECRET, SECRET

CORPUS = run.FUZZ / "corpus"
SEEDS = sorted(CORPUS.glob("*/*"))


def seed(harness: str, name: str) -> bytes:
    """Return an input of the seed corpus."""
    return CORPUS.joinpath(harness, name).read_bytes()


@pytest.mark.parametrize("harness", run.HARNESSES)
def test_seeds(harness: str) -> None:
    """What each harness says of its seeds is that they hold."""
    seeds = [found for found in SEEDS if found.parent.name == harness]
    assert seeds
    for found in seeds:
        load(harness).check(found.read_bytes())


def test_corpus_is_small() -> None:
    """The corpus is what a reviewer can look through, and has a folder for each harness."""
    assert {found.parent.name for found in SEEDS} == set(run.HARNESSES)
    assert len(SEEDS) <= 300
    assert sum(found.stat().st_size for found in SEEDS) <= 300_000


def constant(value: Any) -> Callable[..., Any]:
    """Return what always gives the same."""

    def same(*_: Any) -> Any:
        return value

    return same


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    return list(headers.items() if hasattr(headers, "items") else headers)


def _first_value_only(method: str | None, headers: Any, ends: bool) -> head.Taken | Reason:  # noqa: FBT001  a subject's
    return head.decide(method, dict(headers), ends)


def _bytes_only(method: str | None, headers: Any, ends: bool) -> head.Taken | Reason:  # noqa: FBT001  a subject's
    return head.decide(method, [pair for pair in _pairs(headers) if isinstance(pair[0], bytes)], ends)


def _lenient_digits(method: str | None, headers: Any, ends: bool) -> head.Taken | Reason:  # noqa: FBT001  a subject's
    pairs = [
        (name, b"%d" % int(value) if name == b"webhook-timestamp" and value.strip(b"+0_.").isdigit() else value)
        for name, value in _pairs(headers)
    ]
    return head.decide(method, pairs, ends)


def _bare_only(value: bytes, over: bytes) -> int | Reason:
    return signature.verify(value.replace(b"v1,", b""), over)


def _shown(configured: Any) -> Keys:
    raise ConfigurationError(f"secret: {configured!r} can't be used")


def _all_refused(configured: Any) -> Keys:
    raise ConfigurationError(f"secret: must be str, not {type(configured).__name__}")


def _first_only(configured: Any) -> Keys:
    return keys.prepare(configured if isinstance(configured, str) else configured[0])


def _anything_taken(configured: Any) -> Keys:
    return Keys([[str(configured).encode()]])


def _as_unknown(came: bytes) -> Any:
    return events._unknown(json.loads(came))  # pyright: ignore[reportPrivateUsage]  as if its class were not there


def _without_extra(came: bytes) -> Any:
    return msgspec.structs.replace(events.parse(came), extra=events.Extra())


def _first_data(came: bytes) -> Any:
    return msgspec.structs.replace(events.parse(came), data=None)


def _body_in_message(came: bytes) -> Any:
    raise PayloadError(f"the body is authentic, but can't be decoded as JSON ({came!r})")


def _dragging(came: bytes) -> Any:
    try:
        return msgspec.json.decode(came)
    except msgspec.DecodeError:
        raise PayloadError("the body is authentic, but can't be decoded as JSON (DecodeError)") from None


def _always_genuine(*came: Any) -> Any:
    return msgspec.structs.replace(diagnose.diagnosed(*came), verdict="genuine", reason=None, fix="")


def _claiming(*came: Any) -> Any:
    step = Step(Cause.NEWLINE, "take the final line feed away (1 byte)")
    return msgspec.structs.replace(diagnose.diagnosed(*came), steps=(step,))


@pytest.mark.parametrize(
    ("check", "data", "broken"),
    [
        pytest.param(head.check, seed("head", "webhook-id-twice"), _first_value_only, id="head: repeated headers"),
        pytest.param(head.check, seed("head", "genuine"), _bytes_only, id="head: text"),
        pytest.param(head.check, seed("head", "a-timestamp-with-a-leading-zero"), _lenient_digits, id="head: digits"),
        pytest.param(head.check, seed("head", "no-webhook-id"), constant(Reason.MALFORMED_HEADER), id="head: order"),
        pytest.param(signature.check, seed("signature", "genuine"), constant(1), id="signature: which secret"),
        pytest.param(signature.check, b"v1,v1,<mac>\n{}", _bare_only, id="signature: version twice"),
        pytest.param(
            signature.check, b"v1,<other>\n{}", constant(Reason.MALFORMED_HEADER), id="signature: another reason"
        ),
        pytest.param(secret.check, b"text\nzq81 and no more", _shown, id="secret: shown"),
        pytest.param(secret.check, f"text\n{SECRET}".encode(), _all_refused, id="secret: refused"),
        pytest.param(secret.check, f"list\n{SECRET}\n{OTHER_SECRET}".encode(), _first_only, id="secret: left out"),
        pytest.param(secret.check, b"text\nshort", _anything_taken, id="secret: short"),
        pytest.param(secret.check, f"text\n{SECRET}".encode(), _anything_taken, id="secret: as it is written"),
        pytest.param(path.check, b"/a/b\n\n/a//b\n", constant(None), id="path: a spelling"),
        pytest.param(path.check, b"/a\n/m\n/x/m/a", constant(None), id="path: mounted"),
        pytest.param(path.check, b"/a\n\n/b", constant("/a"), id="path: another"),
        pytest.param(path.check, b"/{a}\n\n/b", constant(None), id="path: a pattern"),
        pytest.param(body.check, event("batch.completed"), _as_unknown, id="body: class"),
        pytest.param(body.check, b'{"type":"x","a":1}', _without_extra, id="body: extra lost"),
        pytest.param(body.check, b'{"type":"x","data":1}', _first_data, id="body: data lost"),
        pytest.param(body.check, b"[", _body_in_message, id="body: shown"),
        pytest.param(body.check, b"[", _dragging, id="body: in the context"),
        pytest.param(body.check, b"[]", constant(UnknownEvent(type="x")), id="body: no event"),
        pytest.param(diagnose.check, seed("diagnose", "other-secret-second"), _always_genuine, id="diagnose: genuine"),
        pytest.param(diagnose.check, seed("asgi", "another-secret"), _claiming, id="diagnose: no proof"),
    ],
)
def test_notices(check: Callable[..., None], data: bytes, broken: Any) -> None:
    """A harness notices what is broken, and nothing else: the package, given the same, holds."""
    check(data)
    with pytest.raises(AssertionError):
        check(data, broken)


FRONTS = {"asgi": ASGIWebhookMiddleware, "wsgi": WSGIWebhookMiddleware}

#: Options that make a guard a broken one, with a request that shows it.
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("genuine", {"path": "/other"}),
    ("genuine", {"secret": OTHER_SECRET}),
    ("genuine", {"clock": lambda: NOW + 301}),
    ("another-secret", {"secret": OTHER_SECRET}),
    ("another-secret", {"on_refused": None, "capture": False}),
    ("another-secret", {"capture": False}),
    ("one-byte-over-the-limit-chunked", {"max_body_size": 10_000}),
    ("exactly-as-old-as-the-tolerance", {"tolerance": 299}),
    ("signed-under-the-older-of-two-secrets", {"secret": SECRET}),
]


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_fronts_notice_options(front: str, name: str, options: dict[str, Any]) -> None:
    """The harness of each front notices a guard that is laxer or stricter than it should be, or tells nobody."""

    def broken(app: Any, **given: Any) -> Any:
        return FRONTS[front](app, **{**given, **options})

    with pytest.raises(AssertionError):
        load(front).check(seed(front, name), broken)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("name", ["genuine", "another-secret"])
def test_fronts_notice_no_guard(front: str, name: str) -> None:
    """The harness of each front notices that there is no guard."""
    with pytest.raises(AssertionError, match="against the rules"):
        load(front).check(seed(front, name), _no_guard)


def _no_guard(app: Any, **_: Any) -> Any:
    return app


def _failing_asgi(app: Any, **options: Any) -> Any:
    guarded = ASGIWebhookMiddleware(app, **options)

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        async def send_failure(message: Any) -> None:
            await send({**message, "status": 500} if "status" in message else message)

        await guarded(scope, receive, send_failure)

    return broken


def _failing_wsgi(app: Any, **options: Any) -> Any:
    guarded = WSGIWebhookMiddleware(app, **options)

    def broken(environ: Any, start_response: Any) -> Any:
        def start_failure(_: str, headers: Any, exc_info: Any = None) -> Any:
            return start_response("500 Internal Server Error", headers, exc_info)

        return guarded(environ, start_failure)

    return broken


def _greedy_wsgi(app: Any, **options: Any) -> Any:
    guarded = WSGIWebhookMiddleware(app, **options)

    def broken(environ: Any, start_response: Any) -> Any:
        environ["wsgi.input"].read(100_000)
        return guarded(environ, start_response)

    return broken


def _eager_asgi(app: Any, **options: Any) -> Any:
    guarded = ASGIWebhookMiddleware(app, **options)

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        first = await receive()
        messages = iter([first])

        async def receive_first() -> Any:
            await asyncio.sleep(0)
            return next(messages, None) or await receive()

        await guarded(scope, receive_first, send)

    return broken


@pytest.mark.parametrize(
    ("front", "name", "broken", "what"),
    [
        pytest.param("asgi", "another-secret", _failing_asgi, "signature_mismatch expected: 500", id="ASGI, a 500"),
        pytest.param("wsgi", "another-secret", _failing_wsgi, "signature_mismatch expected: 500", id="WSGI, a 500"),
        pytest.param("asgi", "another-path", _eager_asgi, "another receive", id="ASGI, not untouched"),
        pytest.param("wsgi", "genuine", _greedy_wsgi, "more than may come", id="WSGI, an input that hangs"),
    ],
)
def test_fronts_notice(front: str, name: str, broken: Any, what: str) -> None:
    """The harness of each front notices an answer of 5xx, a request that is not passed as it is, and a hang."""
    with pytest.raises(AssertionError, match=what):
        load(front).check(seed(front, name), broken)


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_mutations(kind: str) -> None:
    """Events that are mutated hold, and most of them are events still."""
    random, came, others = Random(kind), event(kind), set[bytes]()  # noqa: S311  for mutations, not for secrets
    for _ in range(20):
        others.add(came := body.mutate(came, random))
        body.check(came)
    assert len(others) > 10
    assert mutated(b"[", random).startswith(b"{")


def test_one_input_alone(tmp_path: Path) -> None:
    """What was found can be run by itself, without atheris: it holds, or says what does not."""
    found = tmp_path / "found"
    found.write_bytes(seed("path", "01"))
    command = [sys.executable, "-m", "fuzz.harness", "path", str(found)]
    done = subprocess.run(command, cwd=run.FUZZ.parent, env=run.environment(), check=False)  # noqa: S603  our own
    assert done.returncode == 0


def test_a_run_that_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that does not start is no success."""
    monkeypatch.setattr(run, "FOUND", tmp_path / "found")
    result = run.run(1, "none")
    assert (result.executions, result.problem) == (0, "DID NOT RUN: see found/none/log.txt")
    assert "ModuleNotFoundError" in (tmp_path / "found/none/log.txt").read_text("utf-8")
