"""The WSGI front's part in a claim: calls the store, and carries out what the core decides.

It holds nothing back: servers send the head of an answer with its first part, and the claim is completed before that.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from webhook_guard.idempotency.store import Store, checked_key
from webhook_guard.log import log_claim_not_ended
from webhook_guard.sansio import claims
from webhook_guard.sansio.claims import Handling
from webhook_guard.sansio.errors import ConfigurationError, IdempotencyError
from webhook_guard.sansio.guard import Delivery

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Claims:
    """The claims of one middleware.

    Args:
        store: A sync one.

    Raises:
        ConfigurationError: `store` is no store, or an async one.
    """

    def __init__(self, store: Store) -> None:
        self._key = checked_key(store)
        if any(map(iscoroutinefunction, (store.claim, store.complete, store.release))):
            raise ConfigurationError(f"idempotency: WSGI can't await {type(store).__name__}; give it a sync store")
        self._store = store

    def claim(self, app: "WSGIApplication", delivery: Delivery, *, guarded: str, path: str) -> "WSGIApplication":
        """Claim `delivery` for `app`, and return `app`, made to complete or release the claim when it is called.

        Args:
            app: What is going to handle it.
            delivery: What was verified.
            guarded: The configured path that matched.
            path: The request's path.

        Raises:
            IdempotencyError: The claim was not granted.
        """
        key = claims.claim_key(guarded, delivery, self._key)
        try:
            claim = self._store.claim(key)
        except IdempotencyError:
            raise
        except Exception as error:
            raise claims.unavailable(error) from error
        return partial(self._handle, Handling(delivery, path, key, claims.granted(claim)), app)

    def _handle(
        self,
        handling: Handling,
        app: "WSGIApplication",
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        complete = partial(_end, "completed", self._store.complete, handling)
        release = partial(_end, "released", self._store.release, handling)
        answer = _Answer(handling, start_response, complete, release)
        try:
            answer.parts = app(environ, answer.start_response)
        except BaseException:
            answer.release()
            raise
        if isinstance(answer.parts, (list, tuple)):
            # Nothing of the handler is left to fail, and servers look at the length of lists.
            answer.complete()
            answer.release()
            return answer.parts
        return answer


def _end(verb: str, call: Callable[[str, str], bool], handling: Handling) -> None:
    """Complete or release a claim; that it did not work is for the log, and changes nothing for the sender."""
    try:
        if call(handling.key, handling.token):
            return
        error = None
    except Exception as failure:  # noqa: BLE001  whatever it is, the app's answer goes out
        error = claims.unavailable(failure)
    log_claim_not_ended(verb, error, handling)


class _Answer:
    """The app's answer, on its way to the server."""

    def __init__(
        self,
        handling: Handling,
        start_response: "StartResponse",
        complete: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self.parts: Iterable[bytes] = ()
        self._handling = handling
        self._start_response = start_response
        self._complete = complete
        self._release = release

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Do as PEP 3333 has it; the status of the last call that the server takes counts."""
        arguments = () if exc_info is None else (exc_info,)
        write = self._start_response(status, headers, *arguments)
        self._handling.answer(int(status[:3]) if status[:3].isdecimal() else None)

        def completing_write(data: bytes) -> object:
            self.complete()
            return write(data)

        return completing_write

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            if part:
                self.complete()
            yield part
        self.complete()

    def close(self) -> None:
        """End the handler, and the claim with it."""
        try:
            getattr(self.parts, "close", lambda: None)()
        finally:
            self.release()

    def complete(self) -> None:
        """Complete the claim, if it is time to: before a part of the body is handed on, or at its end."""
        if self._handling.must_complete():
            self._complete()

    def release(self) -> None:
        """Release the claim, if it was not completed: the handler has ended."""
        if self._handling.must_release():
            self._release()
