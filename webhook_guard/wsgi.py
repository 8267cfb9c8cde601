"""The WSGI front: carries out what the core decides.

It calls the app only with a verified delivery, or for a request that is not guarded, which it passes on untouched. It
never reads the body of a request whose headers it refuses, never reads past the end of a body, and keeps nothing about
a request on itself. How long a body may take is the server's to limit: WSGI gives no way to wait for less.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

from webhook_guard.log import log_unexpected_shape
from webhook_guard.refused import Head, OnRefused, Refusals
from webhook_guard.sansio import errors, guard, signature
from webhook_guard.sansio.errors import Reason, WebhookError
from webhook_guard.sansio.guard import Guard, Incoming
from webhook_guard.sansio.keys import Secret
from webhook_guard.verify import Delivery, configured_keys
from webhook_guard.wire import quoted, target

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from webhook_guard.idempotency.store import Store
    from webhook_guard.idempotency.wsgi import Claims

_HEADERS = (
    (signature.ID, "HTTP_WEBHOOK_ID"),
    (signature.TIMESTAMP, "HTTP_WEBHOOK_TIMESTAMP"),
    (signature.SIGNATURE, "HTTP_WEBHOOK_SIGNATURE"),
    (guard.LENGTH, "CONTENT_LENGTH"),
)
_PREFIX = "HTTP_"
_UNPREFIXED = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": guard.LENGTH}
#: What some servers have once more with the prefix; and the machine's own proxy, from its environment variables.
_NO_HEADERS = {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_PROXY"}


class WSGIWebhookMiddleware:
    """Lets only verified OpenAI webhooks through to a WSGI app, on the paths that it guards.

    The event is in ``environ["openai.event"]``, the delivery in ``environ["openai.delivery"]``; `get_event` and
    `get_delivery` find them in any framework's request.

    Args:
        app: The WSGI application to stand in front of.
        path: One app-relative path, or several. None guards every request: right inside a mount.
        secret: The endpoint's signing secret, or a list of several for a rotation. None reads OPENAI_WEBHOOK_SECRET.
        tolerance: How far from now an attempt may be, either way, in seconds.
        max_body_size: The most that is read of a body, in bytes.
        idempotency: A store, so that each delivery is handled once; None remembers nothing.
        on_refused: Called with the reason and the `RefusedRequest` for each request that is refused, before it is
            answered: a plain function, which is called in the request's thread and must not wait. None tells nobody.
        capture: Whether `on_refused` gets the body, as far as it was read. It is a stranger's, and may be private.
        clock: Returns the time in Unix seconds.

    Raises:
        ConfigurationError: An option can't be used; the message names it and the fix.

    >>> from secrets import token_bytes
    >>> from webhook_guard import WSGIWebhookMiddleware
    >>> def app(environ, start_response):
    ...     print(environ["openai.event"].type)
    >>> app = WSGIWebhookMiddleware(app, path="/webhooks/openai", secret=token_bytes(32))
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        path: str | Iterable[str] | None = None,
        secret: Secret | None = None,
        tolerance: float = guard.TOLERANCE,
        max_body_size: int = guard.MAX_BODY_SIZE,
        idempotency: "Store | None" = None,
        on_refused: OnRefused | None = None,
        capture: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app: WSGIApplication = guard.check_callable("app", app)
        self._guard = Guard(
            path=path,
            keys=configured_keys(secret),
            tolerance=tolerance,
            max_body_size=max_body_size,
            delivery=Delivery,
        )
        self._claims = None if idempotency is None else _claims(idempotency)
        self._clock = guard.check_callable("clock", clock)
        self._refusals = Refusals(on_refused, capture=capture)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request, as PEP 3333 specifies."""
        path = _path(environ)
        guarded = self._guard.match(path)
        if guarded is None:
            return self.app(environ, start_response)
        incoming = self._guard.begin(_headers(environ))
        now = self._clock()
        try:
            delivery = self._verify(environ, incoming, now)
            app = self.app
            if self._claims is not None:
                app = self._claims.claim(app, delivery, guarded=guarded, path=path)
        except WebhookError as refusal:
            self._refusals.tell(refusal, incoming, path=path, now=now, head=partial(_head, environ))
            return _refuse(environ, start_response, refusal)
        log_unexpected_shape(delivery, path=path)
        return app(_admitted(environ, delivery), start_response)

    def _verify(self, environ: "WSGIEnvironment", incoming: Incoming, now: float) -> guard.Delivery:
        input_ends = bool(environ.get("wsgi.input_terminated"))
        incoming.check_head(environ["REQUEST_METHOD"], now=now, input_ends=input_ends)
        _read_body(environ, incoming)
        return incoming.end()


def _claims(store: "Store") -> "Claims":
    from webhook_guard.idempotency.wsgi import Claims  # noqa: PLC0415  stores are imported by those who have one

    return Claims(store)


def _path(environ: "WSGIEnvironment") -> str:
    # PEP 3333 has the bytes of the path as Latin-1 text. Bytes that are not UTF-8 are dropped, as Bottle drops them.
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "ignore").decode("utf-8", "ignore")


def _headers(environ: "WSGIEnvironment") -> list[tuple[str, str]]:
    # Servers set CONTENT_LENGTH to "" where the request has none, which PEP 3333 allows.
    return [(name, str(environ[key])) for name, key in _HEADERS if environ.get(key) not in (None, "")]


def _read_body(environ: "WSGIEnvironment", incoming: Incoming) -> None:
    # In positive sizes, because some inputs take -1 for "until the client hangs up".
    while size := incoming.wanted():
        try:
            chunk = bytes(environ["wsgi.input"].read(size))
        except Exception as error:
            raise incoming.broken_off(Reason.BODY_LENGTH_MISMATCH, error) from error
        if not chunk:
            return
        incoming.receive_data(chunk)


def _admitted(environ: "WSGIEnvironment", delivery: guard.Delivery) -> "WSGIEnvironment":
    environ["wsgi.input"] = BytesIO(delivery.body)
    environ["CONTENT_LENGTH"] = str(len(delivery.body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is whole now, and its length known
    environ["openai.event"] = delivery.event
    environ["openai.delivery"] = delivery
    return environ


def _head(environ: "WSGIEnvironment") -> Head:
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".encode("latin-1", "ignore")
    return Head(
        environ["REQUEST_METHOD"], target(quoted(path), environ.get("QUERY_STRING", "")), (*_all_headers(environ),)
    )


def _all_headers(environ: "WSGIEnvironment") -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key in _UNPREFIXED:
            if value not in (None, ""):
                yield _UNPREFIXED[key], str(value)
        elif str(key).startswith(_PREFIX) and key not in _NO_HEADERS:  # a server may have keys that are no text
            yield key.removeprefix(_PREFIX).replace("_", "-").lower(), str(value)


def _refuse(environ: "WSGIEnvironment", start_response: "StartResponse", refusal: WebhookError) -> list[bytes]:
    status, headers, body = errors.answer(refusal, environ["REQUEST_METHOD"])
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]
