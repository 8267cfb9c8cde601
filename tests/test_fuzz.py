"""The fuzzing harnesses: every seed holds, and each harness notices what is broken. `tox -e fuzz` searches."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from webhook_guard import ASGIWebhookMiddleware, Reason, UnknownEvent, WSGIWebhookMiddleware

from fuzz import broken, reference, run, seeds
from fuzz.catalogue import CATALOGUE, event, mutated
from fuzz.harness import load, main
from fuzz.harnesses import body, diagnose, head, path, secret, signature
from support import NOW, OTHER_SECRET, SECRET

SEEDS = sorted(seeds.CORPUS.glob("*/*"))


def seed(harness: str, name: str) -> bytes:
    """Return an input of the seed corpus."""
    return seeds.CORPUS.joinpath(harness, name).read_bytes()


@pytest.mark.parametrize("harness", run.HARNESSES)
def test_seeds(harness: str) -> None:
    """What each harness says of its seeds is that they hold."""
    own = [found for found in SEEDS if found.parent.name == harness]
    assert own
    for found in own:
        load(harness).check(found.read_bytes())


def test_corpus_is_written(tmp_path: Path) -> None:
    """`fuzz.seeds` writes all of the corpus: nothing in it is left over from scenarios that are gone, nothing lacks."""
    seeds.main(tmp_path)
    written = {found.relative_to(tmp_path) for found in tmp_path.glob("*/*")}
    assert {found.relative_to(seeds.CORPUS) for found in SEEDS} == written


def test_corpus_is_small() -> None:
    """The corpus is what a reviewer can look through, and has a folder for each harness."""
    assert {found.parent.name for found in SEEDS} == set(run.HARNESSES)
    assert len(SEEDS) <= 300
    assert sum(found.stat().st_size for found in SEEDS) <= 300_000


@pytest.mark.parametrize(
    ("check", "data", "subject"),
    [
        pytest.param(
            head.check, seed("head", "webhook-id-twice"), broken.first_value_only, id="head: repeated headers"
        ),
        pytest.param(head.check, seed("head", "genuine"), broken.bytes_only, id="head: text"),
        pytest.param(
            head.check, seed("head", "a-timestamp-with-a-leading-zero"), broken.lenient_digits, id="head: digits"
        ),
        pytest.param(
            head.check, seed("head", "no-webhook-id"), broken.constant(Reason.MALFORMED_HEADER), id="head: order"
        ),
        pytest.param(signature.check, seed("signature", "genuine"), broken.constant(1), id="signature: which secret"),
        pytest.param(signature.check, b"v1,v1,<mac>\n{}", broken.bare_only, id="signature: version twice"),
        pytest.param(
            signature.check, b"v1,<other>\n{}", broken.constant(Reason.MALFORMED_HEADER), id="signature: another reason"
        ),
        pytest.param(secret.check, b"text\nzq81 and no more", broken.shown, id="secret: shown"),
        pytest.param(secret.check, f"text\n{SECRET}".encode(), broken.all_refused, id="secret: refused"),
        pytest.param(
            secret.check, f"list\n{SECRET}\n{OTHER_SECRET}".encode(), broken.first_only, id="secret: left out"
        ),
        pytest.param(secret.check, b"text\nshort", broken.anything_taken, id="secret: short"),
        pytest.param(secret.check, f"text\n{SECRET}".encode(), broken.anything_taken, id="secret: as it is written"),
        pytest.param(path.check, b"/a/b\n\n/a//b\n", broken.constant(None), id="path: a spelling"),
        pytest.param(path.check, b"/a\n/m\n/x/m/a", broken.constant(None), id="path: mounted"),
        pytest.param(path.check, b"/a\n\n/b", broken.constant("/a"), id="path: another"),
        pytest.param(path.check, b"/{a}\n\n/b", broken.constant(None), id="path: a pattern"),
        pytest.param(body.check, event("batch.completed"), broken.as_unknown, id="body: class"),
        pytest.param(body.check, b'{"type":"x","a":1}', broken.without_extra, id="body: extra lost"),
        pytest.param(body.check, b'{"type":"x","data":1}', broken.without_data, id="body: data lost"),
        pytest.param(body.check, b"[", broken.body_in_message, id="body: shown"),
        pytest.param(body.check, b"[", broken.dragging, id="body: in the context"),
        pytest.param(body.check, b"[]", broken.constant(UnknownEvent(type="x")), id="body: no event"),
        pytest.param(
            diagnose.check, seed("diagnose", "other-secret-second"), broken.always_genuine, id="diagnose: genuine"
        ),
        pytest.param(diagnose.check, seed("asgi", "another-secret"), broken.claiming, id="diagnose: no proof"),
    ],
)
def test_notices(check: Callable[..., None], data: bytes, subject: Any) -> None:
    """A harness notices what is broken, and nothing else: the package, given the same, holds."""
    check(data)
    with pytest.raises(AssertionError):
        check(data, subject)


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

    def subject(app: Any, **given: Any) -> Any:
        return FRONTS[front](app, **{**given, **options})

    with pytest.raises(AssertionError):
        load(front).check(seed(front, name), subject)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("name", ["genuine", "another-secret"])
def test_fronts_notice_no_guard(front: str, name: str) -> None:
    """The harness of each front notices that there is no guard."""
    with pytest.raises(AssertionError, match="against the rules"):
        load(front).check(seed(front, name), broken.no_guard)


@pytest.mark.parametrize(
    ("front", "name", "subject", "what"),
    [
        pytest.param(
            "asgi", "another-secret", broken.failing_asgi, "signature_mismatch expected: 500", id="ASGI, a 500"
        ),
        pytest.param(
            "wsgi", "another-secret", broken.failing_wsgi, "signature_mismatch expected: 500", id="WSGI, a 500"
        ),
        pytest.param("asgi", "another-path", broken.eager_asgi, "another receive", id="ASGI, not untouched"),
        pytest.param("wsgi", "genuine", broken.greedy_wsgi, "more than may come", id="WSGI, an input that hangs"),
    ],
)
def test_fronts_notice(front: str, name: str, subject: Any, what: str) -> None:
    """The harness of each front notices an answer of 5xx, a request that is not passed as it is, and a hang."""
    with pytest.raises(AssertionError, match=what):
        load(front).check(seed(front, name), subject)


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_mutations(kind: str) -> None:
    """Events that are mutated hold, and most of them are other events."""
    random = Random(kind)  # noqa: S311  for mutations, not for secrets
    mutations = {body.mutate(event(kind), random) for _ in range(20)} - {event(kind)}
    for mutation in mutations:
        body.check(mutation)
    assert sum(reference.members(mutation) is not None for mutation in mutations) > 10


@pytest.mark.parametrize("data", [b"", b"[", b"[]", b"null"])
def test_mutations_of_no_object(data: bytes) -> None:
    """What is no object becomes an event."""
    assert reference.members(mutated(data, Random(0)))  # noqa: S311  for mutations, not for secrets


def test_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that is given files checks what is in each of them."""
    checked: list[bytes] = []
    monkeypatch.setattr(path, "check", checked.append)
    files = [tmp_path / name for name in "ab"]
    for file in files:
        file.write_bytes(file.name.encode())
    main("path", *map(str, files))
    assert checked == [b"a", b"b"]


def test_one_input_alone(tmp_path: Path) -> None:
    """What was found can be run by itself, from the command line."""
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
