"""The WSGI front with a store: when it completes and releases, and what it wraps."""

import io
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from webhook_guard import ConfigurationError, IdempotencyError, WSGIWebhookMiddleware, get_delivery
from webhook_guard.idempotency import Claim, ClaimState, MemoryStore

from support import BODY, PATH, SECRET, WEBHOOK_ID, clock, signed, variable

KEY = f"{PATH}#{WEBHOOK_ID}"


def guarded(app: Any, store: Any, *, path: Any = PATH) -> WSGIWebhookMiddleware:
    """Return `app` behind a guard with `store`."""
    return WSGIWebhookMiddleware(app, path=path, secret=SECRET, idempotency=store, clock=clock)


def delivered(*, path: str = PATH) -> WSGIEnvironment:
    """Return the environ of a genuine delivery."""
    environ = EnvironBuilder(method="POST", data=BODY).get_environ()
    environ["PATH_INFO"] = path
    environ.update({variable(name): value for name, value in signed().items()})
    return environ


def run(app: WSGIApplication, environ: WSGIEnvironment | None = None) -> tuple[str, bytes]:
    """Serve a delivery as Werkzeug's client does, and return status and body."""
    parts, status, _ = run_wsgi_app(app, environ or delivered(), buffered=True)
    return status, b"".join(parts)


def answer(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer, as most apps do."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"done"]


def take(*_: Any) -> Any:
    """Take the status, as a server's `start_response` does, and return something to write with."""
    return bytes


def state(store: MemoryStore, key: str = KEY) -> ClaimState:
    """Return what a store knows of a key."""
    return store.claim(key).state


class AsyncOnly:
    """A store whose calls are awaited."""

    async def claim(self, key: str) -> Claim:
        """Claim."""
        raise NotADirectoryError(key)

    async def complete(self, key: str, token: str) -> bool:
        """Complete."""
        raise NotADirectoryError(key, token)

    async def release(self, key: str, token: str) -> bool:
        """Release."""
        raise NotADirectoryError(key, token)


class TestOption:
    """The option `idempotency`."""

    @pytest.mark.parametrize(
        ("store", "found"),
        [("redis://localhost", "str"), (MemoryStore, "the class MemoryStore"), (object(), "object"), ({}, "dict")],
        ids=["url", "class", "object", "dict"],
    )
    def test_no_store(self, store: Any, found: str) -> None:
        """What is no store is refused when the guard is made."""
        with pytest.raises(ConfigurationError) as caught:
            guarded(answer, store)
        assert str(caught.value) == f"idempotency: must be a store, such as MemoryStore(), not {found}"

    @pytest.mark.parametrize("name", ["claim", "complete", "release"])
    def test_async_store(self, name: str) -> None:
        """A store that would have to be awaited is refused, in part, too."""
        store = MemoryStore()
        setattr(store, name, getattr(AsyncOnly(), name))
        for each in (store, AsyncOnly()):
            with pytest.raises(ConfigurationError) as caught:
                guarded(answer, each)
            found = type(each).__name__
            assert str(caught.value) == f"idempotency: WSGI can't await {found}; give it a sync store"

    def test_none(self) -> None:
        """Without a store nothing is wrapped: the app gets the server's own `start_response`, the server the answer."""
        seen: list[Any] = []

        def app(_: WSGIEnvironment, given: StartResponse) -> Iterable[bytes]:
            seen.append(given)
            return parts

        parts: Iterator[bytes] = iter([b"done"])
        assert guarded(app, None)(delivered(), take) is parts
        assert seen == [take]


class TestKey:
    """What a delivery is claimed under."""

    @pytest.mark.parametrize("path", [PATH, "//webhooks//openai/", PATH + "\n"])
    def test_spelling(self, path: str) -> None:
        """Each spelling of a path is one path."""
        store = MemoryStore()
        run(guarded(answer, store), delivered(path=path))
        assert state(store) is ClaimState.COMPLETED

    def test_everything_guarded(self) -> None:
        """Without a path, the key has none."""
        store = MemoryStore()
        run(guarded(answer, store, path=None), delivered(path="/any"))
        assert state(store, f"#{WEBHOOK_ID}") is ClaimState.COMPLETED

    def test_own_key(self) -> None:
        """A store's `key` may take something else than the webhook id."""
        store = MemoryStore(key=lambda delivery: delivery.event.id or "")
        run(guarded(answer, store))
        assert state(store, f"{PATH}#evt_1") is ClaimState.COMPLETED

    def test_own_key_fails(self) -> None:
        """A `key` that fails is an outage: the sender comes again, and nothing is lost."""
        assert run(guarded(answer, MemoryStore(key=lambda _: "")))[0] == "503 Service Unavailable"


class TestRefusal:
    """Deliveries that are not handed to the app."""

    def test_duplicate(self, records: list[Any]) -> None:
        """A second delivery of what was handled is answered without the app, and one record says so."""
        app = guarded(answer, MemoryStore())
        assert [run(app) for _ in range(2)] == [
            ("200 OK", b"done"),
            ("200 OK", b'{"title":"This delivery was handled before","status":200,"reason":"duplicate"}'),
        ]
        (record,) = records
        assert (record.levelname, record.reason, record.webhook_id) == ("INFO", "duplicate", WEBHOOK_ID)

    def test_store_down(self, records: list[Any]) -> None:
        """While the store is down, each is 503, the app is not called, and one record a minute is an error."""

        class Down(MemoryStore):
            def claim(self, key: str, /) -> Claim:
                raise ConnectionRefusedError(key)

        app = guarded(answer, Down())
        assert [run(app)[0] for _ in range(3)] == ["503 Service Unavailable"] * 3
        assert [record.levelname for record in records] == ["ERROR", "INFO", "INFO"]
        assert "the store failed with ConnectionRefusedError" in records[0].getMessage()

    def test_store_error(self, records: list[Any]) -> None:
        """What a store says of itself is said as it is."""

        class Full(MemoryStore):
            def claim(self, _key: str, /) -> Claim:
                raise IdempotencyError("it is full")

        run(guarded(answer, Full()))
        assert records[0].getMessage().startswith("webhook refused, store_unavailable: it is full; path ")

    def test_forged(self) -> None:
        """What was not verified makes no claim: a stranger can't keep a delivery from being handled."""
        store = MemoryStore()
        run(guarded(answer, store), delivered() | {"HTTP_WEBHOOK_SIGNATURE": "v1,forged"})
        assert state(store) is ClaimState.NEW


class TestCompletion:
    """When a claim is completed."""

    @staticmethod
    def states(parts: Iterable[bytes], status: str = "200 OK") -> list[ClaimState]:
        """Return what the store knows when the app has answered, and after each part, and when it is closed."""
        store = MemoryStore()

        def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response(status, [])
            return parts

        given: Any = guarded(app, store)(delivered(), take)
        seen = [state(store)]
        seen.extend(state(store) for _ in given)
        getattr(given, "close", lambda: None)()
        return [*seen, state(store)]

    def test_first_part(self) -> None:
        """A 2xx is completed before its first part is handed on; parts without bytes send nothing."""
        assert self.states(iter([b"", b"a", b"b"])) == ["in_progress", "in_progress", *["completed"] * 3]

    def test_no_part(self) -> None:
        """Or at its end, if there is none."""
        assert self.states(iter([b""]), "204 No Content") == ["in_progress", "in_progress", "completed"]

    @pytest.mark.parametrize("parts", [[b"a", b"b"], (b"a", b"b"), [b""], []], ids=["list", "tuple", "empty", "none"])
    def test_at_once(self, parts: Any) -> None:
        """An app that returns a list has ended, so it is completed, and the server gets the list itself."""
        assert set(self.states(parts)) == {ClaimState.COMPLETED}

    def test_failure_at_once(self) -> None:
        """And anything else is released."""
        assert self.states([b"no"], "500 Oh") == ["new", "in_progress", "in_progress"]

    def test_anything_else(self) -> None:
        """A status that is no 2xx is released when the handler has ended: when it is closed, and not before."""
        assert self.states(iter([b"a", b"b"]), "404 Not Found") == [*["in_progress"] * 3, "new"]

    def test_not_read_to_the_end(self) -> None:
        """What the server does not ask for was not answered: it is released."""
        store = MemoryStore()

        def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [])
            yield b""
            yield b"a"

        given: Any = guarded(app, store)(delivered(), take)
        assert next(iter(given)) == b""
        given.close()
        given.close()
        assert state(store) is ClaimState.NEW

    @pytest.mark.parametrize("data", [b"a", b""], ids=["bytes", "none"])
    def test_write(self, data: bytes) -> None:
        """A `write()` hands on, so it completes, whatever it is given."""
        store = MemoryStore()
        written: list[tuple[bytes, ClaimState]] = []

        def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [])(data)
            return iter(())

        def taking(*_: Any) -> Any:
            return write

        def write(part: bytes) -> None:
            written.append((part, state(store)))

        guarded(app, store)(delivered(), taking)
        assert written == [(data, ClaimState.COMPLETED)]

    @pytest.mark.parametrize(
        ("first", "last", "ending"), [("200 OK", "500 Oh", "new"), ("500 Oh", "200 OK", "completed")]
    )
    def test_replaced_status(self, first: str, last: str, ending: str) -> None:
        """A status that is replaced through `exc_info` counts as the last one given."""
        store = MemoryStore()

        def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
            start_response(first, [])
            start_response(last, [], (None, None, None))
            yield b"a"

        given: Any = guarded(app, store)(delivered(), take)
        assert list(given) == [b"a"]
        given.close()
        assert state(store) == ending

    def test_arguments(self) -> None:
        """The server's `start_response` gets just what the app gives: without `exc_info`, there are two arguments."""
        calls: list[Any] = []
        failure = (None, None, None)

        def app(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            start_response("200 OK", [("a", "b")])
            start_response("500 Oh", [], failure)
            return []

        def keeping(*arguments: Any) -> Any:
            calls.append(arguments)

        guarded(app, MemoryStore())(delivered(), keeping)
        assert calls == [("200 OK", [("a", "b")]), ("500 Oh", [], failure)]

    def test_refused_status(self) -> None:
        """A status that the server refuses was not given."""
        store = MemoryStore()

        def refuse(*_: Any) -> Any:
            raise AssertionError

        with pytest.raises(AssertionError):
            guarded(answer, store)(delivered(), refuse)
        assert state(store) is ClaimState.NEW

    @pytest.mark.parametrize("status", ["", "OK", "2x0", "\u00b2\u00b2\u00b2"])
    def test_no_status(self, status: str) -> None:
        """A status without a code, if the server takes it, is no success."""
        assert self.states(iter([b"a"]), status)[-1] == "new"

    def test_fails(self) -> None:
        """An app that fails is released, and its exception goes on."""
        store = MemoryStore()

        def app(_environ: WSGIEnvironment, _start_response: StartResponse) -> Any:
            raise SystemExit(1)

        with pytest.raises(SystemExit):
            run(guarded(app, store))
        assert state(store) is ClaimState.NEW

    def test_fails_when_closed(self) -> None:
        """So is one that fails when it is closed, if it gave no part before."""

        class Parts:
            def __iter__(self) -> Iterator[bytes]:
                return iter(())

            def close(self) -> None:
                raise ZeroDivisionError

        store = MemoryStore()

        def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("500 Oh", [])
            return Parts()

        given: Any = guarded(app, store)(delivered(), take)
        with pytest.raises(ZeroDivisionError):
            given.close()
        assert state(store) is ClaimState.NEW


class TestFailingStore:
    """A store that fails once the claim was granted."""

    @pytest.mark.parametrize(
        ("result", "level", "said"),
        [
            (OSError("down"), "ERROR", "the store failed with OSError: down; path "),
            (False, "WARNING", "the delivery is somebody else's by now"),
        ],
        ids=["fails", "lost"],
    )
    @pytest.mark.parametrize("name", ["complete", "release"])
    def test_answer_goes_out(self, records: list[Any], name: str, result: Any, level: str, said: str) -> None:
        """The app's answer goes out all the same, and one record says what became of the claim."""

        def call(_key: str, _token: str) -> bool:
            if isinstance(result, Exception):
                raise result
            return False

        status = {"complete": "200 OK", "release": "500 Oh"}[name]

        def app(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            start_response(status, [])
            return [b"done"]

        store = MemoryStore()
        setattr(store, name, call)
        assert run(guarded(app, store)) == (status, b"done")
        (record,) = records
        assert (record.levelname, record.webhook_id, record.path) == (level, WEBHOOK_ID, PATH)
        assert record.getMessage().startswith(f"webhook claim not {name}d: {said}")
        assert state(store) is ClaimState.IN_PROGRESS


class TestSpecification:
    """PEP 3333, with a store between server and app."""

    @pytest.mark.parametrize("in_parts", [True, False], ids=["in parts", "at once"])
    def test_validator(self, in_parts: bool) -> None:  # noqa: FBT001  a parameter of the table
        """Both sides are as wsgiref's validator wants them."""

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            assert environ["wsgi.input"].read(len(BODY)) == BODY
            assert get_delivery(environ).webhook_id == WEBHOOK_ID
            given = answer(environ, start_response)
            return iter(given) if in_parts else given

        assert run(validator(guarded(validator(app), MemoryStore()))) == ("200 OK", b"done")

    def test_length_of_a_list(self) -> None:
        """Wsgiref still sees that there is one part, and declares its length."""

        def app(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"done"]

        assert b"Content-Length: 4\r\n" in self.served(app)

    def test_file_wrapper(self) -> None:
        """A file is sent, and closed."""
        file = io.BytesIO(b"done")

        def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return FileWrapper(file)

        assert self.served(app).endswith(b"\r\n\r\ndone")
        assert file.closed

    @staticmethod
    def served(app: WSGIApplication) -> bytes:
        """Return what wsgiref's handler makes of an answer."""
        out = io.BytesIO()
        handler = SimpleHandler(io.BytesIO(BODY), out, io.StringIO(), delivered())
        handler.run(guarded(app, MemoryStore()))
        return out.getvalue()
