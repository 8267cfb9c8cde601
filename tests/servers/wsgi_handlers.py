"""WSGI handlers with manners of their own, good and bad, each to be served bare and behind the guard."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from webhook_guard import WSGIWebhookMiddleware

from servers.behaviours import DELIVERED, LONG, NOTES, PARTS, UNREAD, Catalogue
from servers.client import TIMEOUT
from support import PATH, SECRET, clock

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]

CATALOGUE: "Catalogue[WSGIApplication]" = Catalogue()
_unread = partial(CATALOGUE, bodies=UNREAD)


_FILE = Path(__file__)
_TEXT = _FILE.read_bytes()


class _Watched:
    """Stands between the server and a handler, guarded or not, and keeps what the handler noted."""

    def __init__(self, app: "WSGIApplication", last: str | None) -> None:
        self._app = app
        self._last = last
        self._notes: list[str] = []
        self._noted = threading.Condition()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the handler, or tell what is noted of the last call; the iterable is the handler's own."""
        if environ["PATH_INFO"] == NOTES:
            return self._tell(start_response)
        environ["tests.note"] = self._note
        try:
            return self._app(environ, start_response)
        except BaseException as error:
            self._note(f"raised {error!r}")
            raise

    def _note(self, text: str) -> None:
        with self._noted:
            self._notes.append(text)
            self._noted.notify_all()

    def _tell(self, start_response: "StartResponse") -> Iterable[bytes]:
        with self._noted:
            if self._last is not None:
                assert self._noted.wait_for(lambda: self._last in self._notes, TIMEOUT)
            notes = json.dumps(self._notes).encode()
            self._notes.clear()
        return _answer(start_response, notes)


def app(name: str, way: str) -> "WSGIApplication":
    """Return the handler `name`, "bare" or "guarded"."""
    behaviour = CATALOGUE[name]

    def called(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["tests.note"]("called")
        return behaviour.app(environ, start_response)

    guarded = WSGIWebhookMiddleware(called, path=PATH, secret=SECRET, clock=clock)
    return _Watched(called if way == "bare" else guarded, behaviour.last)


def _sized(body: bytes) -> Headers:
    return [("content-length", str(len(body)))]


def _answer(start_response: "StartResponse", body: bytes = b"answer") -> list[bytes]:
    start_response("200 OK", _sized(body))
    return [body]


class _Closable:
    """An iterator with a `close`, which notes that it was called."""

    def __init__(self, environ: "WSGIEnvironment", parts: Iterable[bytes], last: Callable[[], object] = object) -> None:
        self._note = environ["tests.note"]
        self._parts = iter(parts)
        self._last = last

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        """Do what is to be done at the end."""
        self._note("closed")
        self._last()


#: Not as PEP 3333 and `io` have it (granian, src/wsgi/types.rs, WSGIBody): lines come without their ends, iterating
#: stops after the first one, sizes of lines are ignored, `readlines` finds a line after the end, and `read()` nothing
#: after `read(1)`. Behind the guard, the input is an `io.BytesIO`.
_LINES_OF_ITS_OWN = {
    "granian WSGI": "its own wsgi.input reads lines, and the rest after a part, otherwise than files do"
}


# Reading.


@CATALOGUE("200", says=(b"answer",), client_leaves=True)
def reads_nothing(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers without a look at the body."""
    return _answer(start_response)


@CATALOGUE("200", says=(DELIVERED,))
def reads_all(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads to the end, however far that is."""
    return _answer(start_response, environ["wsgi.input"].read())


@CATALOGUE("200", says=(DELIVERED,), framing="length")
def reads_as_declared(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads as many bytes as the request declares."""
    return _answer(start_response, environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))


@CATALOGUE("200", says=(DELIVERED,))
def reads_in_pieces(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads a few bytes at a time until there are none."""
    return _answer(start_response, b"".join(iter(partial(environ["wsgi.input"].read, 997), b"")))


@CATALOGUE("200", says=(DELIVERED + b"|",))
def reads_twice(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads to the end, and once more."""
    return _answer(start_response, environ["wsgi.input"].read() + b"|" + environ["wsgi.input"].read())


@CATALOGUE("200", says=(DELIVERED + b"||||[]",), left_out=_LINES_OF_ITS_OWN)
def reads_past_the_end(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Asks for more bytes than there are, and goes on in every way there is."""
    stream = environ["wsgi.input"]
    parts = [stream.read(1_000_000), stream.read(1), stream.read(), stream.readline()]
    return _answer(start_response, b"|".join([*parts, repr(stream.readlines()).encode()]))


@CATALOGUE("200", says=(DELIVERED,))
def reads_none_at_a_time(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads no bytes, which is not the end, and then all."""
    return _answer(start_response, environ["wsgi.input"].read(0) + environ["wsgi.input"].read())


@CATALOGUE("200", left_out=_LINES_OF_ITS_OWN)
def reads_lines(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads line by line with ``readline``."""
    return _answer(start_response, repr(list(iter(environ["wsgi.input"].readline, b""))).encode())


@CATALOGUE("200", left_out=_LINES_OF_ITS_OWN)
def reads_short_lines(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads lines of a few bytes at the most."""
    return _answer(start_response, repr(list(iter(partial(environ["wsgi.input"].readline, 5), b""))).encode())


@CATALOGUE("200", left_out=_LINES_OF_ITS_OWN)
def reads_a_list_of_lines(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads with ``readlines``."""
    return _answer(start_response, repr(environ["wsgi.input"].readlines()).encode())


@CATALOGUE("200", says=(DELIVERED,), left_out=_LINES_OF_ITS_OWN)
def reads_in_a_loop(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Iterates over the input, and joins what comes."""
    return _answer(start_response, b"".join(environ["wsgi.input"]))


@CATALOGUE("200", says=(DELIVERED,), left_out=_LINES_OF_ITS_OWN)
def reads_a_line_and_the_rest(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads in one way after the other."""
    stream = environ["wsgi.input"]
    return _answer(start_response, stream.readline() + stream.read(3) + stream.read())


@CATALOGUE("200", says=(b"first, " + DELIVERED,))
def reads_while_answering(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Sends a part of the answer before it reads, and each piece of the body as it reads it."""
    start_response("200 OK", [])
    yield b"first, "
    while piece := environ["wsgi.input"].read(1_009):
        yield piece


@CATALOGUE("200", says=(b"answer",), last="read")
def reads_in_close(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads when the answer is out."""

    def read() -> None:
        environ["tests.note"](str(len(environ["wsgi.input"].read())))
        environ["tests.note"]("read")

    return _Closable(environ, _answer(start_response), read)


#: What a server says of a request: the variables that PEP 3333 and RFC 3875 name. Others may be the machine's own.
_TOLD = ("CONTENT_", "HTTP_", "PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "SCRIPT_NAME", "SERVER_", "wsgi.")


@CATALOGUE("200", framing="length")
def looks_at_the_environ(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers all that the server says of the request in text and flags."""
    told = {key: value for key, value in environ.items() if key.startswith(_TOLD) and isinstance(value, str | bool)}
    told.pop("HTTP_X_APP")  # bare or guarded, the one difference there is to be
    return _answer(start_response, repr(sorted(told.items())).encode())


@CATALOGUE("200", says=(DELIVERED,))
def asks_whether_input_ends(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads to the end if the server says that there is one, and as many bytes as declared otherwise."""
    size = () if environ.get("wsgi.input_terminated") else (int(environ["CONTENT_LENGTH"]),)
    return _answer(start_response, environ["wsgi.input"].read(*size))


@CATALOGUE("200", says=(DELIVERED,))
def changes_the_environ(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Empties its environ while the answer is under way."""
    start_response("200 OK", [])
    stream = environ["wsgi.input"]
    environ.update({"PATH_INFO": "/elsewhere", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO(b"another")})
    yield stream.read(1)
    environ.clear()
    yield from iter(partial(stream.read, 4_096), b"")


_kept: "list[WSGIEnvironment]" = []


@_unread("200", says=(b"answer",))
def keeps_the_environ(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Keeps the environ when the request is over, and looks at what it kept the time before."""
    paths = {kept["PATH_INFO"] for kept in _kept}
    _kept[:] = [environ]
    return _answer(start_response, b"answer" if paths <= {PATH} else b"another's")


@CATALOGUE("200", says=(DELIVERED + b" batch.completed", DELIVERED + b" x"))
def werkzeug_request(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads with Werkzeug's ``get_data``, and again with ``get_json``."""
    request = Request(environ)
    body, event = request.get_data(), request.get_json(force=True)
    return Response(body + b" " + event["type"].encode())(environ, start_response)


@CATALOGUE("200", says=(DELIVERED,))
def werkzeug_stream(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads with Werkzeug's limited stream."""
    return Response(Request(environ).stream.read())(environ, start_response)


# Answering.


@_unread("200", says=(b"onetwo",))
def returns_a_tuple(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with a tuple."""
    start_response("200 OK", [])
    return (b"one", b"two")


@_unread("200", says=(b"onetwo",))
def returns_a_generator(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with a generator, which starts the response before it is iterated over."""
    start_response("200 OK", [])
    return (part for part in (b"one", b"two"))


@_unread("200", says=(b"onetwo",))
def starts_in_the_generator(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Starts the response when the first part is asked for."""
    start_response("200 OK", [])
    yield b"one"
    yield b"two"


@_unread("200", says=(b"onetwo",), last="closed")
def returns_an_iterator_with_close(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with an iterator that is to be closed."""
    start_response("200 OK", [])
    return _Closable(environ, [b"one", b"two"])


@_unread("200", says=(b"",))
def returns_nothing(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with an empty list."""
    start_response("200 OK", [])
    return []


@_unread("200", says=(b"answer",))
def returns_single_bytes(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with parts of one byte each."""
    start_response("200 OK", _sized(b"answer"))
    return [b"answer"[at : at + 1] for at in range(6)]


@_unread("200", says=(b"onetwo",))
def sends_empty_parts(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Yields parts with nothing in them between the others."""
    start_response("200 OK", [])
    yield from (b"", b"one", b"", b"", b"two", b"")


@_unread("200", says=(b"",))
def sends_only_empty_parts(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Yields nothing but empty parts."""
    start_response("200 OK", [])
    yield from (b"", b"")


@_unread("200", says=(LONG,))
def streams(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Streams a long answer of unknown length."""
    start_response("200 OK", [])
    yield from PARTS


@CATALOGUE("200", says=(LONG,))
def streams_with_length(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads, and streams a long answer of known length."""
    environ["wsgi.input"].read()
    start_response("200 OK", _sized(LONG))
    yield from PARTS


@CATALOGUE("200", says=(LONG,))
def sends_one_large_part(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Reads, and sends a long answer at once."""
    environ["wsgi.input"].read()
    return _answer(start_response, LONG)


@_unread("200", "500", says=(b"onetwo",))
def writes(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with ``write()`` alone."""
    write = start_response("200 OK", [])
    write(b"one")
    write(b"two")
    return []


@_unread("200", "500", says=(b"onetwothree",))
def writes_and_returns(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with ``write()``, and then with a list."""
    write = start_response("200 OK", _sized(b"onetwothree"))
    write(b"one")
    write(b"")
    return [b"two", b"three"]


@_unread("200", says=(_TEXT,))
def wraps_a_file(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Has the server send a file."""
    start_response("200 OK", _sized(_TEXT))
    wrap = environ.get("wsgi.file_wrapper", _parts_of)
    return wrap(_FILE.open("rb"), 4_096)  # type: ignore[no-any-return]  # the server closes it


@CATALOGUE("200", says=(LONG,))
def wraps_a_file_in_memory(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Has the server send what is like a file, without a length or a block size."""
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return environ.get("wsgi.file_wrapper", _parts_of)(io.BytesIO(LONG))  # type: ignore[no-any-return]  # the same


@CATALOGUE("200", says=(DELIVERED,))
def wraps_its_input(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Has the server send the body back as a file."""
    start_response("200 OK", [])
    return environ.get("wsgi.file_wrapper", _parts_of)(environ["wsgi.input"])  # type: ignore[no-any-return]  # the same


def _parts_of(file: Any, size: int = 8_192) -> Iterator[bytes]:
    yield from iter(partial(file.read, size), b"")
    file.close()


@_unread("204", says=(b"",))
def answers_204(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with no body."""
    start_response("204 No Content", [])
    return []


@_unread("304", says=(b"",))
def answers_304(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with the length of a body that is not sent."""
    start_response("304 Not Modified", [("etag", '"1"'), ("content-length", "6")])
    return []


@_unread("204", "204 and more", "500", "nothing")
def answers_204_with_a_body(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Sends a body where there must be none."""
    start_response("204 No Content", [])
    return [b"answer"]


@_unread("299", says=(b"",))
def answers_with_a_phrase(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with a status and a phrase of its own."""
    start_response("299 As you like it", [("content-length", "0")])
    return []


@_unread("200", says=(b"answer",))
def sends_many_headers(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with eighty headers."""
    start_response("200 OK", [*_sized(b"answer"), *((f"x-{n}", "v" * n) for n in range(80))])
    return [b"answer"]


@_unread("200", says=(b"answer",))
def repeats_headers(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Sets two cookies, and others around them."""
    start_response("200 OK", [("set-cookie", "a=1"), ("x-between", ""), ("set-cookie", "b=2"), *_sized(b"answer")])
    return [b"answer"]


@_unread("200", says=(b"answer",))
def sends_8_bit_headers(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Sends a header whose bytes are not ASCII."""
    start_response("200 OK", [*_sized(b"answer"), ("x-name", "J\xfcrgen, \xe2\x82\xac")])
    return [b"answer"]


@_unread("200", "500", says=(b"answer",))
def sends_a_hop_by_hop_header(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Sends a header that is the server's to send."""
    start_response("200 OK", [*_sized(b"answer"), ("keep-alive", "timeout=5")])
    return [b"answer"]


# Failing.


def _fail() -> None:
    raise RuntimeError("on purpose")


def _failed() -> Any:
    """Return what `exc_info` is, of a failure."""
    try:
        _fail()
    except RuntimeError:
        return sys.exc_info()


@_unread("503", says=(b"sorry",))
def replaces_the_status(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Fails when it has given a status, and gives another one with `exc_info`."""
    start_response("200 OK", [("x-first", "1")])
    start_response("503 Service Unavailable", _sized(b"sorry"), _failed())
    return [b"sorry"]


@_unread("503", "200", "200 broken", says=(b"sorry",))
def replaces_the_status_while_answering(
    _environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    """Replaces the status in the generator, when an empty part was all that went out."""
    start_response("200 OK", [("x-first", "1")])
    yield b""
    start_response("503 Service Unavailable", [("x-second", "1")], _failed())
    yield b"sorry"


@_unread("200 broken", "200", "200 and more", last="closed")
def replaces_the_status_too_late(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Gives a status with `exc_info` when the first part is out, which raises what failed."""

    def parts() -> Iterator[bytes]:
        yield b"one"
        try:
            start_response("503 Service Unavailable", [], _failed())
        except RuntimeError as error:
            environ["tests.note"](f"raised again: {error}")
            raise
        yield b"sorry"

    start_response("200 OK", [])
    return _Closable(environ, parts())


@_unread("500", "201", "nothing")
def starts_twice(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Gives two statuses, without `exc_info`."""
    start_response("200 OK", [])
    start_response("201 Created", [])
    return [b"answer"]


@_unread("500")
def raises_before_the_status(_environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
    """Raises at once."""
    raise RuntimeError("on purpose")


@CATALOGUE("500")
def raises_after_reading(environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
    """Raises when it has read the body."""
    environ["wsgi.input"].read()
    raise RuntimeError("on purpose")


@_unread("500", "nothing")
def raises_after_the_status(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Raises when it has given a status."""
    start_response("200 OK", [])
    raise RuntimeError("on purpose")


@_unread("500", "200", last="closed")
def raises_before_the_first_part(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Raises when it is asked for the first part."""

    def parts() -> Iterator[bytes]:
        _fail()
        yield b"one"

    start_response("200 OK", [])
    return _Closable(environ, parts())


@_unread("200 broken", "200", "200 and more", last="closed")
def raises_after_a_part(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Raises in the middle of the answer."""

    def parts() -> Iterator[bytes]:
        yield b"one"
        _fail()

    start_response("200 OK", [])
    return _Closable(environ, parts())


@_unread("200", "200 broken", "200 and more", last="closed")
def raises_in_close(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Raises when the answer is out."""
    return _Closable(environ, _answer(start_response), _fail)


@_unread("200 broken", "500", "nothing", "200", "200 and more")
def raises_after_writing(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Raises when ``write()`` has sent a part."""
    start_response("200 OK", [])(b"one")
    raise RuntimeError("on purpose")


@_unread("500", "200", "malformed")
def never_starts(_environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
    """Returns parts without a status."""
    return [b"answer"]


@_unread("500", "200", "malformed")
def never_starts_and_returns_nothing(_environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
    """Returns no parts and gives no status."""
    return []


@_unread("500", "nothing", "200")
def returns_none(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
    """Returns what can't be iterated over."""
    start_response("200 OK", [])


@_unread("500", "nothing", "200", "200 broken")
def returns_text(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
    """Returns parts that are not bytes."""
    start_response("200 OK", [])
    return ["answer"]


@_unread("500", "200", "nothing", "malformed")
def gives_no_status(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Gives a status that is none."""
    start_response("fine", [])
    return [b"answer"]


@_unread("200 broken", "200", "500")
def sends_less_than_declared(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Declares a longer body than it sends."""
    start_response("200 OK", _sized(b"answer, and more"))
    return [b"answer"]


@_unread("200 broken", "200", "200 and more", "500")
def sends_more_than_declared(_environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Declares a shorter body than it sends."""
    start_response("200 OK", _sized(b"answer"))
    return [b"answer", b", and more"]
