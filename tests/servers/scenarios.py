"""What every server is put through, and what must come of it: the rows of the table in ``docs/servers.md``.

What a server does otherwise, and why, is in `servers.limits`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from servers import plays
from servers.client import LIMIT, Client, chunk
from servers.plays import Play, cut_off, expecting, in_a_row, in_parts, leaving, leaving_early, one, pipelined, stalling
from servers.raw import (
    ID,
    LENGTH,
    SIGNATURE,
    STAMP,
    Raw,
    doubled,
    forged,
    genuine,
    largest,
    too_large,
    unsigned,
    websocket,
    with_chunks,
    with_coding,
    with_length,
    without_body,
)
from support import BODY

Interface: TypeAlias = Literal["asgi", "wsgi"]
#: Outcomes, one of which is as designed.
Outcomes: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """A row of the table.

    Attributes:
        section: The part of the table that it is in.
        name: What is special about it.
        play: What the client does; gives the outcome.
        asgi: The outcomes that are as designed under ASGI.
        wsgi: The same under WSGI.
    """

    section: str
    name: str
    play: Play
    asgi: Outcomes
    wsgi: Outcomes

    @property
    def key(self) -> str:
        """What no other scenario is called."""
        return f"{self.section}: {self.name}"

    def designed(self, interface: Interface) -> Outcomes:
        """Return the outcomes that are as designed."""
        return self.asgi if interface == "asgi" else self.wsgi


def _section(name: str, *rows: tuple[str, Play, Outcomes] | tuple[str, Play, Outcomes, Outcomes]) -> list[Scenario]:
    return [Scenario(name, row[0], row[1], row[2], row[-1]) for row in rows]


def _underscored(name: bytes) -> bytes:
    return name.replace(b"-", b"_")


def _with_both(length: int) -> Raw:
    return genuine().in_chunks().plus((LENGTH, b"%d" % length))


def _first_chunk(request: Raw) -> list[bytes]:
    return [request.in_chunks().head, chunk(bytes(2 * LIMIT))]


MISSING, MALFORMED, DOUBLED = "400 missing_header", "400 malformed_header", "400 duplicate_header"
MISMATCH, TOO_LARGE, CUT = "400 signature_mismatch", "413 body_too_large", "400 body_length_mismatch"
NO_LENGTH, NOT_POST = "411 length_required", "405 method_not_allowed"
#: What the journal says of a request whose client has left.
GONE, CUT_NOTED, CALLED = "client_disconnected", "body_length_mismatch", "called: batch.completed"
OK: Outcomes = ("200",)
#: The server's own refusal of what is no HTTP is as good as ours.
ILL_FORMED: Outcomes = (MALFORMED, "400")
#: Of a transfer coding that nobody knows (RFC 9112 section 6.1).
NOT_IMPLEMENTED: Outcomes = ("400", "501")
#: Of a body that can't be read on: under ASGI, a client that is gone may not get the answer.
BROKEN: tuple[Outcomes, Outcomes] = ((CUT, f"400 {GONE}", "400", "closed"), (CUT, "400"))
_SIZE = b"%x" % len(BODY)

SCENARIOS = [
    *_section(
        "Genuine",
        ("one request", one(genuine), OK),
        ("the largest body allowed", one(largest), OK),
        ("head and body in packets of their own", in_parts(plays.head_and_body), OK),
        ("byte by byte", in_parts(plays.each_byte), OK),
        ("one chunk", one(lambda: genuine().in_chunks()), OK),
        ("chunks of one byte", one(lambda: genuine().in_chunks(1)), OK),
        ("chunks of seven bytes, byte by byte", in_parts(plays.each_byte, lambda: genuine().in_chunks(7)), OK),
        ("a chunk extension and a trailer", one(lambda: with_chunks(_SIZE + b";a=b\r\nBODY\r\n0\r\nA: b\r\n\r\n")), OK),
        ("two on one connection", in_a_row(genuine, genuine), ("200, 200",)),
        ("two in one packet", pipelined(genuine, genuine), ("200, 200",)),
        ("HTTP/1.0", one(lambda: genuine().to(version=b"1.0")), OK),
        ("names in capitals", one(lambda: genuine().renamed(bytes.upper)), OK),
        ("names in small letters", one(lambda: genuine().renamed(bytes.lower)), OK),
        ("another header with 8-bit bytes", one(lambda: genuine().plus((b"X-Name", b"caf\xc3\xa9 \xe9"))), OK),
        ("it asks before it sends the body", expecting(genuine), ("100, 200",)),
        ("it sends no more, and listens", cut_off(genuine), OK),
    ),
    *_section(
        "Refused by the head",
        ("GET", one(lambda: without_body(b"GET")), (NOT_POST,)),
        ("HEAD", one(lambda: without_body(b"HEAD")), ("405",)),
        ("OPTIONS", one(lambda: without_body(b"OPTIONS")), (NOT_POST,)),
        ("PUT with a body", one(lambda: genuine().to(method=b"PUT")), (NOT_POST,)),
        ("post in small letters", one(lambda: genuine().to(method=b"post")), (NOT_POST, "400")),
        ("an unknown method", one(lambda: genuine().to(method=b"FROB")), (NOT_POST, "400", "501")),
        ("websocket", one(websocket), ("403",), (NOT_POST,)),
        ("no webhook headers", one(lambda: genuine().without(ID, STAMP, SIGNATURE)), (MISSING,)),
        ("an empty id", one(lambda: genuine().having(ID, b"")), (MISSING,)),
        ("id twice", one(lambda: doubled(ID)), (DOUBLED,), (MALFORMED,)),
        ("timestamp twice", one(lambda: doubled(STAMP)), (DOUBLED,), (MALFORMED,)),
        ("signature twice", one(lambda: doubled(SIGNATURE)), (DOUBLED,), (MISMATCH,)),
        ("a second id, with an underscore", one(lambda: genuine().plus((b"Webhook_Id", b"wh_x"))), (*OK, "400")),
        ("ids with underscores only", one(lambda: genuine().renamed(_underscored)), (MISSING, "400")),
        ("id with 8-bit bytes", one(lambda: genuine().having(ID, b"wh_\xff\xe9")), ILL_FORMED),
        ("id over two lines", one(lambda: genuine().having(ID, b"wh_1\r\n 2")), ILL_FORMED),
        ("id with NUL", one(lambda: genuine().having(ID, b"wh_\0")), ILL_FORMED),
        ("names with a blank at the end", one(lambda: genuine().renamed(lambda name: name + b" ")), (MISSING, "400")),
        ("timestamp too old", one(lambda: genuine().having(STAMP, b"1")), ("400 timestamp_too_old",)),
        ("it asks before it sends the body", expecting(unsigned), (MISSING,)),
        ("the same, and the body is too large", expecting(too_large), (TOO_LARGE,)),
        ("another one after it", in_a_row(unsigned, genuine), (f"{MISSING}, 200", f"{MISSING}, closed")),
        ("another one in the same packet", pipelined(unsigned, genuine), (f"{MISSING}, 200", f"{MISSING}, closed")),
        ("a genuine one as its body", plays.smuggling, (f"{MISSING}, nothing",)),
    ),
    *_section(
        "Refused by the signature",
        ("forged", one(forged), (MISMATCH,)),
        ("forged, in chunks", one(lambda: forged().in_chunks(7)), (MISMATCH,)),
        ("8-bit bytes in it", one(lambda: genuine().having(SIGNATURE, b"v1,\xff\xfe")), (MISMATCH, "400")),
        ("another one after it", in_a_row(forged, genuine), (f"{MISMATCH}, 200", f"{MISMATCH}, closed")),
        ("another one in the same packet", pipelined(forged, genuine), (f"{MISMATCH}, 200", f"{MISMATCH}, closed")),
    ),
    *_section(
        "Content-Length",
        ("none, and no body", one(lambda: genuine().without(LENGTH).carrying(b"")), (MISMATCH,), (NO_LENGTH, MISMATCH)),
        (
            "none, under HTTP/1.0",
            cut_off(lambda: genuine().without(LENGTH).to(version=b"1.0")),
            (MISMATCH, "400"),
            (NO_LENGTH, "400"),
        ),
        ("more than is sent", cut_off(lambda: with_length(b"999")), *BROKEN),
        ("less than is sent", plays.more_than_declared, (*OK, "400")),
        ("empty", one(lambda: with_length(b"")), ILL_FORMED, (*ILL_FORMED, NO_LENGTH)),
        ("with a sign", one(lambda: with_length(b"+%d" % len(BODY))), ILL_FORMED),
        ("negative", one(lambda: with_length(b"-1")), ILL_FORMED),
        ("with an underscore", one(lambda: with_length(b"1_04")), ILL_FORMED),
        ("hexadecimal", one(lambda: with_length(b"0x68")), ILL_FORMED),
        ("two in one header", one(lambda: with_length(b"%d, %d" % (len(BODY), len(BODY)))), ILL_FORMED),
        ("superscript", one(lambda: with_length(b"\xb9")), ILL_FORMED),
        ("5000 digits", one(lambda: with_length(b"9" * 5000)), (TOO_LARGE, "413", "400")),
        ("twice, the same", one(lambda: doubled(LENGTH)), ILL_FORMED),
        ("twice, different", one(lambda: genuine().plus((LENGTH, b"1"))), ILL_FORMED),
        ("over the limit", one(too_large), (TOO_LARGE,)),
        ("over the limit, only the head sent", in_parts(plays.head_only, too_large), (TOO_LARGE,)),
    ),
    *_section(
        "Transfer-Encoding",
        ("over the limit", one(lambda: too_large().in_chunks()), (TOO_LARGE,)),
        ("over the limit, the end not sent", in_parts(_first_chunk, too_large), (TOO_LARGE,)),
        ("beside the right Content-Length", one(lambda: _with_both(len(BODY))), ("400",)),
        ("beside another Content-Length", one(lambda: _with_both(1)), ("400", CUT)),
        (
            "under HTTP/1.0",
            one(lambda: genuine().in_chunks().to(version=b"1.0")),
            ("400", MISMATCH),
            ("400", NO_LENGTH),
        ),
        ("gzip, chunked", one(lambda: with_coding(b"gzip, chunked")), NOT_IMPLEMENTED),
        ("identity", one(lambda: with_coding(b"identity")), NOT_IMPLEMENTED),
        ("xchunked", one(lambda: with_coding(b"xchunked")), NOT_IMPLEMENTED),
        ("chunked, twice", one(lambda: with_coding(b"chunked", b"chunked")), NOT_IMPLEMENTED),
        ("a chunk without a size", cut_off(lambda: with_chunks(b"zz\r\nBODY\r\n0\r\n\r\n")), *BROKEN),
        ("a negative size", cut_off(lambda: with_chunks(b"-1\r\nBODY\r\n0\r\n\r\n")), *BROKEN),
        ("a size with a sign", cut_off(lambda: with_chunks(b"+%b\r\nBODY\r\n0\r\n\r\n" % _SIZE)), *BROKEN),
        ("a size of 17 digits", cut_off(lambda: with_chunks(b"1%016d\r\nBODY\r\n0\r\n\r\n" % 0)), *BROKEN),
        ("a chunk longer than its size", cut_off(lambda: with_chunks(b"1\r\nBODY\r\n0\r\n\r\n")), *BROKEN),
        ("no last chunk", cut_off(lambda: with_chunks(_SIZE + b"\r\nBODY\r\n")), *BROKEN),
        ("half a chunk", cut_off(lambda: with_chunks(b"fff\r\nBODY")), *BROKEN),
    ),
    *_section(
        "Slow clients",
        ("half a head: others are served meanwhile", stalling(plays.half_a_head), ("200, 200",)),
        ("half a body: others are served meanwhile", stalling(plays.head_and_half_a_body), ("200, 200",)),
        ("a body that takes too long", plays.too_slow, ("408 body_timeout",), ("waits",)),
    ),
    *_section(
        "Clients that leave",
        ("closing in the head", leaving_early(Client.close), ("nothing",)),
        ("resetting in the head", leaving_early(Client.reset), ("nothing",)),
        ("closing after the head", leaving(plays.no_body, Client.close), (GONE,), (CUT_NOTED,)),
        ("resetting after the head", leaving(plays.no_body, Client.reset), (GONE,), (CUT_NOTED,)),
        ("closing in the body", leaving(plays.half_a_body, Client.close), (GONE,), (CUT_NOTED,)),
        ("resetting in the body", leaving(plays.half_a_body, Client.reset), (GONE,), (CUT_NOTED,)),
        ("closing after the body", leaving(plays.whole_body, Client.close), (CALLED, GONE), (CALLED,)),
        ("resetting after the body", leaving(plays.whole_body, Client.reset), (CALLED, GONE), (CALLED, CUT_NOTED)),
    ),
]
