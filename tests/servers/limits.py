"""What servers do otherwise than designed, and why: the notes below the table in ``docs/servers.md``.

None of it lets a forged delivery through: what reaches a handler was verified over the bytes that the guard got.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from servers.scenarios import MALFORMED, MISMATCH, MISSING, NO_LENGTH, TOO_LARGE, Scenario


@dataclass(frozen=True)
class Limit:
    """What a server does otherwise, and where it says so.

    Attributes:
        text: What it does, and what that means for deliveries.
        source: The file and the function in its distribution, or its documentation.
        outcomes: By scenario, what comes of it there.
        servers: The servers that do so.
        sometimes: Whether it depends on who is faster, so that the designed outcome may come too.
    """

    text: str
    source: str
    servers: tuple[str, ...]
    outcomes: Mapping[str, str]
    sometimes: bool = False


def _each(section: str, names: Iterable[str], outcome: str) -> dict[str, str]:
    return {f"{section}: {name}": outcome for name in names}


_GRANIAN, _GUNICORN_WSGI = ("granian ASGI", "granian WSGI"), ("gunicorn sync", "gunicorn gthread")
_H11 = ("uvicorn h11", "hypercorn")
_CHUNKED = (
    *("a chunk without a size", "a negative size", "a size with a sign", "a size of 17 digits"),
    *("a chunk longer than its size", "no last chunk", "half a chunk"),
)
_AFTER = ("then a genuine one, on the same connection", "then a genuine one, in the same packet")
_ONE_PER_CONNECTION = {
    **_each("Genuine", ("two on one connection", "two in one packet"), "200, closed"),
    **_each("Refused by the head", _AFTER, f"{MISSING}, closed"),
    **_each("Refused by the signature", _AFTER, f"{MISMATCH}, closed"),
}
_STALLING = ("half a head: others are served meanwhile", "half a body: others are served meanwhile")
_LEAVING = ("closing after the head", "resetting after the head", "closing in the body", "resetting in the body")

LIMITS = [
    Limit(
        "It serves one request per connection, and closes it after the answer.",
        "https://docs.gunicorn.org/en/stable/design.html#sync-workers",
        ("gunicorn sync",),
        _ONE_PER_CONNECTION,
    ),
    Limit(
        "It serves one connection at a time: a slow client keeps all others waiting. Put a proxy that buffers requests"
        " in front of it, or use gthread.",
        "https://docs.gunicorn.org/en/stable/design.html#sync-workers",
        ("gunicorn sync",),
        _each(
            "Slow clients", (f"half a {part}: others are served meanwhile" for part in ("head", "body")), "waits, 200"
        ),
    ),
    Limit(
        "It asks for the body before it calls the app, so the body of a refused request is sent all the same.",
        "hypercorn/protocol/h11.py, `_handle_events`",
        ("hypercorn",),
        {
            "Refused by the head: `Expect: 100-continue`": f"100, {MISSING}",
            "Refused by the head: `Expect: 100-continue`, body too large": f"100, {TOO_LARGE}",
        },
    ),
    Limit(
        "It asks for the body before it calls the app, so the body of a refused request is sent all the same.",
        "gunicorn/http/wsgi.py, `create`",
        _GUNICORN_WSGI,
        {
            "Refused by the head: `Expect: 100-continue`": f"100, {MISSING}",
            "Refused by the head: `Expect: 100-continue`, body too large": f"100, {TOO_LARGE}",
        },
    ),
    Limit(
        "It reads the whole body before it calls the app. So it asks for the body of a refused request, the guard's"
        " limits of size and time come after the server's, and an incomplete request never reaches the guard. daphne"
        " has no such limits: set them in the proxy.",
        "twisted/web/http.py, `HTTPChannel.allHeadersReceived`; daphne/http_protocol.py, `WebRequest.process`",
        ("daphne",),
        {
            "Refused by the head: `Expect: 100-continue`": f"100, {MISSING}",
            "Refused by the head: `Expect: 100-continue`, body too large": f"100, {TOO_LARGE}",
            "Content-Length: over the limit, only the head sent": "waits",
            "Transfer-Encoding: over the limit, the end not sent": "waits",
            "Slow clients: a body that takes too long": "waits",
            **_each("Clients that leave", _LEAVING, "nothing"),
        },
    ),
    Limit(
        "It reads the whole body before it calls the app. So it asks for the body of a refused request, and the guard's"
        " limit of size comes after the server's (`max_request_body_size`). An incomplete request never reaches the"
        " guard: waitress closes the connection.",
        "https://docs.pylonsproject.org/projects/waitress/en/stable/design.html; waitress/channel.py,"
        " `HTTPChannel.received`",
        ("waitress",),
        {
            "Refused by the head: `Expect: 100-continue`": f"100, {MISSING}",
            "Refused by the head: `Expect: 100-continue`, body too large": f"100, {TOO_LARGE}",
            "Content-Length: over the limit, only the head sent": "waits",
            "Content-Length: more than is sent": "closed",
            "Transfer-Encoding: over the limit, the end not sent": "waits",
            **_each("Transfer-Encoding", ("a size of 17 digits", "no last chunk", "half a chunk"), "closed"),
            **_each("Clients that leave", _LEAVING, "nothing"),
        },
    ),
    Limit(
        "It takes a client that sends no more for one that has left, and closes the connection, if it learns of that"
        " before the app has answered. The handler may have run by then; OpenAI sends the delivery again.",
        "asyncio's default, https://docs.python.org/3/library/asyncio-protocol.html#asyncio.Protocol.eof_received",
        ("gunicorn ASGI",),
        {"Genuine: half-closed after the request": "closed", "Content-Length: none, under HTTP/1.0": "closed"},
        sometimes=True,
    ),
    Limit(
        "It takes a client that sends no more for one that has left, and closes the connection, if it learns of that"
        " before the app has answered. The handler may have run by then; OpenAI sends the delivery again.",
        "twisted/internet/tcp.py, `Connection.readConnectionLost`",
        ("daphne",),
        {"Genuine: half-closed after the request": "closed"},
        sometimes=True,
    ),
    Limit(
        "It takes a client that sends no more for one that has left, and closes the connection, if it learns of that"
        " before the app has answered. The handler may have run by then; OpenAI sends the delivery again.",
        "hyper's default, https://docs.rs/hyper/1/hyper/server/conn/http1/struct.Builder.html#method.half_close",
        _GRANIAN,
        {"Genuine: half-closed after the request": "closed"},
        sometimes=True,
    ),
    Limit(
        "It writes methods in capitals.",
        "hypercorn/protocol/h11.py, `_create_stream`",
        ("hypercorn",),
        {"Refused by the head: post in small letters": "200"},
    ),
    Limit(
        "It joins repeated headers with a comma and a blank, which makes two signatures in one header of them.",
        "waitress/parser.py, `HTTPRequestParser.parse_header`",
        ("waitress",),
        {"Refused by the head: signature twice": "200"},
    ),
    Limit(
        "It gives names with underscores the same key as names with hyphens. A proxy that tells them apart should drop"
        " those with underscores.",
        "granian/src/wsgi/callbacks.rs, `build_wsgi`",
        ("granian WSGI",),
        {
            "Refused by the head: a second id, with an underscore": MISMATCH,
            "Refused by the head: ids with underscores only": "200",
        },
    ),
    Limit(
        "It gives names with underscores the same key as names with hyphens, and joins their values.",
        "wsgiref/simple_server.py, `WSGIRequestHandler.get_environ`",
        ("wsgiref",),
        {
            "Refused by the head: a second id, with an underscore": MALFORMED,
            "Refused by the head: ids with underscores only": "200",
        },
    ),
    Limit(
        "It empties header values that are not ASCII.",
        "granian/src/wsgi/callbacks.rs, `build_wsgi`",
        ("granian WSGI",),
        {
            "Refused by the head: id with 8-bit bytes": MISSING,
            "Refused by the signature: 8-bit bytes in the signature": MISSING,
        },
    ),
    Limit(
        "It takes the same length twice for one length, as RFC 9110 section 8.6 allows.",
        "h11/_headers.py, `normalize_and_validate`",
        _H11,
        {"Content-Length: two in one header": "200", "Content-Length: twice, the same": "200"},
    ),
    Limit(
        "It takes the same length twice for one length, as RFC 9110 section 8.6 allows.",
        "hyper/src/proto/h1/role.rs, `Server::parse`",
        _GRANIAN,
        {"Content-Length: twice, the same": "200"},
    ),
    Limit(
        "It goes by the first length, and closes the connection after the answer.",
        "wsgiref/simple_server.py, `WSGIRequestHandler.get_environ`",
        ("wsgiref",),
        {"Content-Length: twice, the same": "200", "Content-Length: twice, different": "200"},
    ),
    Limit(
        "It does not convert a number of 5000 digits, and closes the connection.",
        "twisted/web/http.py, `HTTPChannel._maybeChooseTransferDecoder`; gunicorn/asgi/parser.py, `_finalize_headers`;"
        " waitress/parser.py, `HTTPRequestParser.parse_header`;"
        " https://docs.python.org/3/library/stdtypes.html#int-max-str-digits",
        ("daphne", "gunicorn ASGI", "waitress"),
        {"Content-Length: 5000 digits": "closed"},
    ),
    Limit(
        "It says that the input ends (`wsgi.input_terminated`), and gives an empty one where no length is declared.",
        "gunicorn/http/wsgi.py, `base_environ`; granian/wsgi.py, `_callback_wrapper`; waitress/task.py,"
        " `WSGITask.get_environment`",
        (*_GUNICORN_WSGI, "granian WSGI", "waitress"),
        {"Content-Length: none, under HTTP/1.0": MISMATCH},
    ),
    Limit(
        "It goes by the chunks and drops the length, as RFC 9112 section 6.3 allows.",
        "hyper/src/proto/h1/role.rs, `Server::parse`; waitress/parser.py, `HTTPRequestParser.parse_header`",
        (*_GRANIAN, "waitress"),
        {"Transfer-Encoding: beside another Content-Length": "200"},
    ),
    Limit(
        "It reads chunks under HTTP/1.0 too.",
        "h11/_connection.py, `_body_framing`; llhttp; twisted/web/http.py, `HTTPChannel._maybeChooseTransferDecoder`",
        (*_H11, "uvicorn httptools", "daphne"),
        {"Transfer-Encoding: under HTTP/1.0": "200"},
    ),
    Limit(
        "It reads no chunks under HTTP/1.0: to the guard, the body is empty.",
        "waitress/parser.py, `HTTPRequestParser.parse_header`",
        ("waitress",),
        {"Transfer-Encoding: under HTTP/1.0": MISMATCH},
    ),
    Limit(
        "It undoes the last coding, chunked, and leaves the ones before it to the app: the guard verifies what the app"
        " gets.",
        "llhttp; hyper/src/headers.rs, `is_chunked_`; gunicorn/http/message.py, `Message.set_body_reader`",
        ("uvicorn httptools", *_GRANIAN, "gunicorn ASGI", *_GUNICORN_WSGI),
        {"Transfer-Encoding: gzip, chunked": "200"},
    ),
    Limit(
        "It takes chunked twice for chunked once.",
        "hyper/src/headers.rs, `is_chunked_`; waitress/parser.py, `HTTPRequestParser.parse_header`",
        (*_GRANIAN, "waitress"),
        {"Transfer-Encoding: chunked, twice": "200"},
    ),
    Limit(
        "It takes identity for no coding, and so for an empty body, and what follows for the next request: it answers"
        " 400 to that, and closes the connection.",
        "twisted/web/http.py, `HTTPChannel._maybeChooseTransferDecoder`",
        ("daphne",),
        {"Transfer-Encoding: identity": f"{MISMATCH}, then 400"},
    ),
    Limit(
        "Its input ends where it can't be read on, as if that were the end of the body. What has arrived is verified: a"
        " body that is not whole matches no signature.",
        "granian/src/wsgi/types.rs, `WSGIBody`",
        ("granian WSGI",),
        {
            **_each("Transfer-Encoding", _CHUNKED, MISMATCH),
            **_each("Transfer-Encoding", ("no last chunk", "half a chunk"), "200"),
        },
    ),
    Limit(
        "It speaks HTTP/1.0: one request per connection, and it never asks for the body. It is there for development.",
        "https://docs.python.org/3/library/http.server.html#http.server.BaseHTTPRequestHandler.protocol_version",
        ("wsgiref",),
        {
            **_ONE_PER_CONNECTION,
            "Genuine: `Expect: 100-continue`": "waits, 200",
        },
    ),
    Limit(
        "It decodes no chunks, and does not say that the input ends: the guard asks for a Content-Length.",
        "wsgiref/simple_server.py, `WSGIRequestHandler.handle`",
        ("wsgiref",),
        {
            **_each(
                "Genuine",
                ("one chunk", "chunks of one byte", "chunks of seven bytes, byte by byte"),
                NO_LENGTH,
            ),
            "Genuine: a chunk extension and a trailer": NO_LENGTH,
            "Refused by the signature: forged, in chunks": NO_LENGTH,
            **_each("Transfer-Encoding", ("over the limit", "over the limit, the end not sent", *_CHUNKED), NO_LENGTH),
            **_each("Transfer-Encoding", ("gzip, chunked", "identity", "xchunked", "chunked, twice"), NO_LENGTH),
            **_each(
                "Transfer-Encoding", ("beside the right Content-Length", "beside another Content-Length"), MISMATCH
            ),
        },
    ),
    Limit(
        "It serves one connection at a time.",
        "https://docs.python.org/3/library/wsgiref.html#wsgiref.simple_server.make_server; socketserver.TCPServer",
        ("wsgiref",),
        _each(
            "Slow clients", (f"half a {part}: others are served meanwhile" for part in ("head", "body")), "waits, 200"
        ),
    ),
    Limit(
        "It takes the end of the connection for the end of the head, and calls the app with the headers that came.",
        "http/client.py, `_read_headers`",
        ("wsgiref",),
        {"Clients that leave: closing in the head": "missing_header"},
    ),
]


def limit_of(server: str, scenario: Scenario) -> Limit | None:
    """Return the limit of a server that shows in a scenario."""
    return _BY_CELL.get((server, scenario.key))


_BY_CELL = {(server, key): limit for limit in LIMITS for server in limit.servers for key in limit.outcomes}
