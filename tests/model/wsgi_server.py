"""A WSGI server and the app behind the front, with a thread for each attempt."""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from io import BytesIO
from typing import Any

from webhook_guard import WSGIWebhookMiddleware

from model.ledger import Answer, Attempt
from model.scripts import AppError, Form, Script
from model.turns import Strand, current
from model.world import World
from support import BODY, PATH, SECRET, clock, signed, variable


class WSGIServer:
    """A WSGI server with a thread for each attempt.

    Args:
        world: That of all workers.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def guarded(self, store: Any) -> Any:
        """Return the app of one process, behind the front, with its store."""
        return WSGIWebhookMiddleware(self._app, path=PATH, secret=SECRET, idempotency=store, clock=clock)

    def expected(self, script: Script) -> tuple[Answer, bool]:
        """Return what the script says."""
        return Answer(script.status, {}, b"".join(script.parts)), script.fails

    def begin(self, attempt: Attempt, guarded: Any) -> None:
        """Begin to answer an attempt, in a thread."""

        def work() -> None:
            current.set(attempt)
            try:
                self._serve(attempt, guarded)
            except BaseException as error:  # noqa: BLE001  kept, and looked at when all is over
                attempt.error = error
            attempt.is_over = True

        Strand(work).go_on()

    def cancel(self, attempt: Attempt) -> None:
        """Note that the client is gone: the server sees it before it takes the next part."""
        attempt.is_cancelled = True

    def settle(self) -> None:
        """Do nothing: threads go on until they wait."""

    def run(self, call: Callable[[], Any]) -> Any:
        """Return what a call of a store returns."""
        return call()

    def close(self) -> None:
        """Do nothing: threads end by themselves."""

    def _serve(self, attempt: Attempt, guarded: Any) -> None:
        parts = guarded(_environ(attempt), self._start_response(attempt))
        try:
            self._world.turns.wait("before the answer")
            for part in _until_gone(attempt, parts):
                attempt.answer.body += part
                self._world.turns.wait("handing on")
        finally:
            getattr(parts, "close", lambda: None)()

    def _start_response(self, attempt: Attempt) -> Any:
        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            attempt.answer.status = int(status[:3])
            attempt.answer.headers = {name.lower(): value for name, value in headers}
            return write

        def write(data: bytes) -> None:
            attempt.answer.body += data
            self._world.turns.wait("handing on")

        return start_response

    def _app(self, _environ: Any, start_response: Any) -> Iterable[bytes]:
        attempt = current.get()
        written: list[Any] = []

        def start(status: int) -> None:
            written.append(start_response(f"{status} As the script has it", []))

        parts = self._handled(attempt, start)
        if attempt.script.form is Form.GENERATOR:
            return self._in_parts(attempt, parts)
        if attempt.script.form is Form.LIST:
            return [b"".join(self._to_the_end(attempt, parts))]
        for part in self._in_parts(attempt, parts):
            written[0](part)
        return []

    def _in_parts(self, attempt: Attempt, parts: Generator[bytes]) -> Generator[bytes]:
        with closing(parts):
            for part in parts:
                self._world.ledger.done(attempt)
                yield part
        self._world.ledger.done(attempt)

    def _to_the_end(self, attempt: Attempt, parts: Generator[bytes]) -> list[bytes]:
        collected = list(parts)
        self._world.ledger.done(attempt)
        return collected

    def _handled(self, attempt: Attempt, start: Callable[[int], None]) -> Generator[bytes]:
        script, wait = attempt.script, self._world.turns.wait
        with self._world.ledger.running(attempt):
            wait("in the handler")
            if script.status is not None:
                start(script.status)
                wait("between start and body")
            yield from script.parts
            wait("before the handler's end")
            if script.fails:
                raise AppError


def _until_gone(attempt: Attempt, parts: Iterable[bytes]) -> Generator[bytes]:
    remaining = iter(parts)
    while not attempt.is_cancelled:
        try:
            yield next(remaining)
        except StopIteration:
            return


def _environ(attempt: Attempt) -> dict[str, Any]:
    headers = {variable(name): value for name, value in signed(webhook_id=attempt.event.webhook_id).items()}
    length = str(len(BODY))
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "CONTENT_LENGTH": length,
        "wsgi.input": BytesIO(BODY),
        **headers,
    }
