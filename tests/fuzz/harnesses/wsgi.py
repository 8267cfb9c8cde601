"""A whole request through the WSGI front, with inputs that end early, fail, give little at a time or never end."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

from webhook_guard import Reason, WSGIWebhookMiddleware, get_delivery, get_event

from fuzz import fronts, inputs, reference
from fuzz.fronts import Outcome, Step
from fuzz.inputs import Request
from support import PATH

#: What is checked: makes a guarded app of an app, with the options of the middleware.
Subject: TypeAlias = Callable[..., Callable[[Any, Any], Iterable[bytes]]]

#: Beside a request: the server ends the input where the body does. Without it, reading on would wait for ever.
_ENDS = b"ends"
_LENGTH = b"content-length"


class _Input:
    """A server's input: gives what comes of a body, and keeps whether it was asked for more than may ever come."""

    def __init__(self, steps: Iterator[Step], most: int | None, outcome: Outcome) -> None:
        self._steps = steps
        self._left = most
        self._outcome = outcome
        self._chunk = b""
        self._is_last = False
        self.hangs: bool = False

    def read(self, size: int) -> bytes:
        """Give what there is, but no more than is asked for."""
        self._outcome.reads += 1
        self.hangs |= size <= 0 or (self._left is not None and size > self._left)
        while not self._chunk and not self._is_last:
            step = next(self._steps)
            if step.event:
                raise OSError
            self._chunk, self._is_last = step.chunk, step.is_last
        given, self._chunk = self._chunk[:size], self._chunk[size:]
        if self._left is not None:
            self._left -= len(given)
        return given


def check(data: bytes, subject: Subject = WSGIWebhookMiddleware) -> None:
    """Check one request: what is said beside it are sizes of chunks, what happens between them, and `ends`."""
    request = inputs.request(data)
    if reference.is_deep(request.body):
        return
    headers = _joined(request.headers)
    found = reference.values(headers)
    refused = reference.head(request.method, found, input_ends=_ends(request))
    most = 0 if refused else None if _ends(request) else reference.declared(found)
    outcome, is_untouched = _asked(request, headers, most, subject)
    expected = reference.is_guarded(PATH, request.path.decode("utf-8", "ignore"))
    assert expected is None or expected is not is_untouched, "guarded, or not guarded, against the rules"
    if is_untouched:
        return
    if refused:
        fronts.check_refused(outcome, refused, request, has_body=False)
    else:
        _check_body(request, found, most, outcome)


def _joined(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return headers as servers hand them on: repeated ones joined with commas, and names with underscores dropped.

    An empty Content-Length is none (PEP 3333).
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if b"_" not in name:
            found[name.lower()] = b"%b,%b" % (found[name.lower()], value) if name.lower() in found else value
    return [(name, value) for name, value in found.items() if (name, value) != (_LENGTH, b"")]


def _environ(request: Request, headers: list[tuple[bytes, bytes]]) -> WSGIEnvironment:
    variables = {f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value for name, value in headers}
    environ: WSGIEnvironment = {name: value.decode("latin-1") for name, value in variables.items()}
    environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH", "")
    environ["REQUEST_METHOD"] = request.method
    environ["PATH_INFO"] = request.path.decode("latin-1")
    if _ends(request):
        environ["wsgi.input_terminated"] = True
    return environ


def _ends(request: Request) -> bool:
    return _ENDS in request.beside.split()


def _asked(
    request: Request, headers: list[tuple[bytes, bytes]], most: int | None, subject: Subject
) -> tuple[Outcome, bool]:
    """Return what became of a request, and whether it passed untouched.

    Args:
        request: The request.
        headers: Its headers, as the server hands them on.
        most: How many bytes may be asked for; None if the input ends by itself.
        subject: Makes the guarded app.
    """
    outcome, untouched = Outcome(), list[bool]()
    environ = _environ(request, headers)
    stream = _Input(fronts.steps(request), most, outcome)
    environ["wsgi.input"] = stream
    before = dict(environ)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        assert outcome.status == 0, "the answer was started twice"
        assert exc_info is None
        outcome.status, outcome.headers = int(status[:3]), headers

    def app(given: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if "openai.delivery" not in given:
            untouched.append(given is environ and given == before and start is start_response)
            return [b"untouched"]
        outcome.calls.append((given, get_event(given), get_delivery(given)))
        outcome.body = given["wsgi.input"].read(int(given["CONTENT_LENGTH"]))
        assert given["wsgi.input"].read() == b"", "the body is longer than CONTENT_LENGTH"
        start("204 No Content", [])
        return []

    guarded = subject(app, **fronts.options(outcome))
    with fronts.logged(outcome):
        outcome.answer = b"".join(guarded(environ, start_response))
    assert not stream.hangs, "the input was asked for more than may come"
    assert all(untouched), "the app got another environ or start_response"
    return outcome, untouched == [True]


def _check_body(request: Request, found: reference.Values, most: int | None, outcome: Outcome) -> None:
    reason, body = _read(request, most)
    reason = reason or reference.end(found, body)
    if reason is None:
        fronts.check_admitted(outcome, found, body)
    else:
        fronts.check_refused(outcome, reason, request, has_body=True)


def _read(request: Request, most: int | None) -> tuple[Reason | None, bytes]:
    """Return why a body is refused before its end, or None, and what is read of it: no more than `most` bytes."""
    body = b""
    for step in fronts.steps(request):
        if most is not None and len(body) >= most:
            break
        if step.event:
            return Reason.BODY_LENGTH_MISMATCH, body
        body += step.chunk
        if most is None and len(body) > reference.LIMIT:
            return Reason.BODY_TOO_LARGE, body
    return None, body if most is None else body[:most]
