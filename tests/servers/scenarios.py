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
Outcomes: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Designed:
    """What may come of a scenario.

    Attributes:
        asgi: The outcomes that are as designed under ASGI: any of them.
        wsgi: The same under WSGI; None if there is no difference.
        own: What the server may answer by itself, before the guard sees the request.
        rule: What allows it to; "" if that is its own decision.
    """

    asgi: Outcomes
    wsgi: Outcomes | None = None
    own: Outcomes = ()
    rule: str = ""

    def under(self, interface: Interface) -> Outcomes:
        """Return the outcomes that are as designed."""
        return self.wsgi if interface == "wsgi" and self.wsgi is not None else self.asgi


@dataclass(frozen=True)
class Scenario:
    """A row of the table.

    Attributes:
        section: The part of the table that it is in.
        name: What is special about it.
        play: What the client does; gives the outcome.
        designed: What may come of it.
    """

    section: str
    name: str
    play: Play
    designed: Designed

    @property
    def key(self) -> str:
        """What no other scenario is called."""
        return f"{self.section}: {self.name}"


def _section(name: str, *rows: tuple[str, Play, Designed]) -> list[Scenario]:
    return [Scenario(name, *row) for row in rows]


def _only(*outcomes: str) -> Designed:
    return Designed(outcomes)


def _refused(asgi: str, wsgi: str | None = None) -> Designed:
    return Designed((asgi,), (wsgi,) if wsgi else None)


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
OK = _only("200")
BAD_VALUE = Designed((MALFORMED,), own=("400",), rule="RFC 9110 section 5.5")
BLANK_IN_NAME = Designed((MISSING,), own=("400",), rule="RFC 9112 section 5.1")
FOLDED = Designed((MALFORMED,), own=("400",), rule="RFC 9112 section 5.2")
BAD_LENGTH = Designed((MALFORMED,), own=("400",), rule="RFC 9112 section 6.3")
BAD_CODING = Designed((), own=("400", "501"), rule="RFC 9112 section 6.1")
#: Of a body that can't be read on: whether the server or the guard hears of it first, and whether the client is still
#: there for the answer, is a matter of time.
BROKEN = Designed((CUT, f"400 {GONE}", "400", "closed"), (CUT, "400"))
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
        ("two on one connection", in_a_row(genuine, genuine), _only("200, 200")),
        ("two in one packet", pipelined(genuine, genuine), _only("200, 200")),
        ("HTTP/1.0", one(lambda: genuine().to(version=b"1.0")), OK),
        ("names in capitals", one(lambda: genuine().renamed(bytes.upper)), OK),
        ("names in small letters", one(lambda: genuine().renamed(bytes.lower)), OK),
        ("another header with 8-bit bytes", one(lambda: genuine().plus((b"X-Name", b"caf\xc3\xa9 \xe9"))), OK),
        ("`Expect: 100-continue`", expecting(genuine), _only("100, 200")),
        ("half-closed after the request", cut_off(genuine), OK),
    ),
    *_section(
        "Refused by the head",
        ("GET", one(lambda: without_body(b"GET")), _refused(NOT_POST)),
        ("HEAD", one(lambda: without_body(b"HEAD")), _only("405")),
        ("OPTIONS", one(lambda: without_body(b"OPTIONS")), _refused(NOT_POST)),
        ("PUT with a body", one(lambda: genuine().to(method=b"PUT")), _refused(NOT_POST)),
        (
            "post in small letters",
            one(lambda: genuine().to(method=b"post")),
            Designed((NOT_POST,), own=("400",)),
        ),
        (
            "an unknown method",
            one(lambda: genuine().to(method=b"FROB")),
            Designed((NOT_POST,), own=("400", "501")),
        ),
        ("websocket", one(websocket), _refused("403", NOT_POST)),
        ("no webhook headers", one(lambda: genuine().without(ID, STAMP, SIGNATURE)), _refused(MISSING)),
        ("an empty id", one(lambda: genuine().having(ID, b"")), _refused(MISSING)),
        ("id twice", one(lambda: doubled(ID)), _refused(DOUBLED, MALFORMED)),
        ("timestamp twice", one(lambda: doubled(STAMP)), _refused(DOUBLED, MALFORMED)),
        ("signature twice", one(lambda: doubled(SIGNATURE)), _refused(DOUBLED, MISMATCH)),
        ("a second id, with an underscore", one(lambda: genuine().plus((b"Webhook_Id", b"wh_x"))), OK),
        ("ids with underscores only", one(lambda: genuine().renamed(_underscored)), _refused(MISSING)),
        ("id with 8-bit bytes", one(lambda: genuine().having(ID, b"wh_\xff\xe9")), _refused(MALFORMED)),
        ("id over two lines", one(lambda: genuine().having(ID, b"wh_1\r\n 2")), FOLDED),
        ("id with NUL", one(lambda: genuine().having(ID, b"wh_\0")), BAD_VALUE),
        ("names with a blank at the end", one(lambda: genuine().renamed(lambda name: name + b" ")), BLANK_IN_NAME),
        ("timestamp too old", one(lambda: genuine().having(STAMP, b"1")), _refused("400 timestamp_too_old")),
        ("`Expect: 100-continue`", expecting(unsigned), _refused(MISSING)),
        ("`Expect: 100-continue`, body too large", expecting(too_large), _refused(TOO_LARGE)),
        ("then a genuine one, on the same connection", in_a_row(unsigned, genuine), _only(f"{MISSING}, 200")),
        ("then a genuine one, in the same packet", pipelined(unsigned, genuine), _only(f"{MISSING}, 200")),
        ("a whole genuine request as its body", plays.smuggling, _only(f"{MISSING}, nothing")),
    ),
    *_section(
        "Refused by the signature",
        ("forged", one(forged), _refused(MISMATCH)),
        ("forged, in chunks", one(lambda: forged().in_chunks(7)), _refused(MISMATCH)),
        ("8-bit bytes in the signature", one(lambda: genuine().having(SIGNATURE, b"v1,\xff\xfe")), _refused(MISMATCH)),
        ("then a genuine one, on the same connection", in_a_row(forged, genuine), _only(f"{MISMATCH}, 200")),
        ("then a genuine one, in the same packet", pipelined(forged, genuine), _only(f"{MISMATCH}, 200")),
    ),
    *_section(
        "Content-Length",
        (
            "none, and no body",
            one(lambda: genuine().without(LENGTH).carrying(b"")),
            Designed((MISMATCH,), (NO_LENGTH, MISMATCH)),
        ),
        (
            "none, under HTTP/1.0",
            cut_off(lambda: genuine().without(LENGTH).to(version=b"1.0")),
            Designed((MISMATCH,), (NO_LENGTH,), own=("400",), rule="RFC 9112 section 6.3"),
        ),
        ("more than is sent", cut_off(lambda: with_length(b"999")), BROKEN),
        ("less than is sent", plays.more_than_declared, Designed(("200",), own=("400",), rule="RFC 9112 section 2.2")),
        (
            "empty",
            one(lambda: with_length(b"")),
            Designed((MALFORMED,), (NO_LENGTH,), own=("400",), rule=BAD_LENGTH.rule),
        ),
        ("with a sign", one(lambda: with_length(b"+%d" % len(BODY))), BAD_LENGTH),
        ("negative", one(lambda: with_length(b"-1")), BAD_LENGTH),
        ("with an underscore", one(lambda: with_length(b"1_04")), BAD_LENGTH),
        ("hexadecimal", one(lambda: with_length(b"0x68")), BAD_LENGTH),
        ("two in one header", one(lambda: with_length(b"%d, %d" % (len(BODY), len(BODY)))), BAD_LENGTH),
        ("superscript", one(lambda: with_length(b"\xb9")), BAD_LENGTH),
        (
            "5000 digits",
            one(lambda: with_length(b"9" * 5000)),
            Designed((TOO_LARGE,), own=("413", "400")),
        ),
        ("twice, the same", one(lambda: doubled(LENGTH)), BAD_LENGTH),
        ("twice, different", one(lambda: genuine().plus((LENGTH, b"1"))), BAD_LENGTH),
        ("over the limit", one(too_large), _refused(TOO_LARGE)),
        ("over the limit, only the head sent", in_parts(plays.head_only, too_large), _refused(TOO_LARGE)),
    ),
    *_section(
        "Transfer-Encoding",
        ("over the limit", one(lambda: too_large().in_chunks()), _refused(TOO_LARGE)),
        ("over the limit, the end not sent", in_parts(_first_chunk, too_large), _refused(TOO_LARGE)),
        (
            "beside the right Content-Length",
            one(lambda: _with_both(len(BODY))),
            Designed(("200",), own=("400",), rule="RFC 9112 section 6.3"),
        ),
        (
            "beside another Content-Length",
            one(lambda: _with_both(1)),
            Designed((CUT,), own=("400",), rule="RFC 9112 section 6.3"),
        ),
        (
            "under HTTP/1.0",
            one(lambda: genuine().in_chunks().to(version=b"1.0")),
            Designed((), (NO_LENGTH,), own=("400",), rule="RFC 9112 section 6.1"),
        ),
        ("gzip, chunked", one(lambda: with_coding(b"gzip, chunked")), BAD_CODING),
        ("identity", one(lambda: with_coding(b"identity")), BAD_CODING),
        ("xchunked", one(lambda: with_coding(b"xchunked")), BAD_CODING),
        ("chunked, twice", one(lambda: with_coding(b"chunked", b"chunked")), BAD_CODING),
        ("a chunk without a size", cut_off(lambda: with_chunks(b"zz\r\nBODY\r\n0\r\n\r\n")), BROKEN),
        ("a negative size", cut_off(lambda: with_chunks(b"-1\r\nBODY\r\n0\r\n\r\n")), BROKEN),
        ("a size with a sign", cut_off(lambda: with_chunks(b"+%b\r\nBODY\r\n0\r\n\r\n" % _SIZE)), BROKEN),
        ("a size of 17 digits", cut_off(lambda: with_chunks(b"1%016d\r\nBODY\r\n0\r\n\r\n" % 0)), BROKEN),
        ("a chunk longer than its size", cut_off(lambda: with_chunks(b"1\r\nBODY\r\n0\r\n\r\n")), BROKEN),
        ("no last chunk", cut_off(lambda: with_chunks(_SIZE + b"\r\nBODY\r\n")), BROKEN),
        ("half a chunk", cut_off(lambda: with_chunks(b"fff\r\nBODY")), BROKEN),
    ),
    *_section(
        "Slow clients",
        ("half a head: others are served meanwhile", stalling(plays.half_a_head), _only("200, 200")),
        ("half a body: others are served meanwhile", stalling(plays.head_and_half_a_body), _only("200, 200")),
        ("a body that takes too long", plays.too_slow, _refused("408 body_timeout", "waits")),
    ),
    *_section(
        "Clients that leave",
        ("closing in the head", leaving_early(Client.close), _only("nothing")),
        ("resetting in the head", leaving_early(Client.reset), _only("nothing")),
        ("closing after the head", leaving(plays.no_body, Client.close), _refused(GONE, CUT_NOTED)),
        ("resetting after the head", leaving(plays.no_body, Client.reset), _refused(GONE, CUT_NOTED)),
        ("closing in the body", leaving(plays.half_a_body, Client.close), _refused(GONE, CUT_NOTED)),
        ("resetting in the body", leaving(plays.half_a_body, Client.reset), _refused(GONE, CUT_NOTED)),
        ("closing after the body", leaving(plays.whole_body, Client.close), Designed((CALLED, GONE), (CALLED,))),
        (
            "resetting after the body",
            leaving(plays.whole_body, Client.reset),
            Designed((CALLED, GONE), (CALLED, CUT_NOTED)),
        ),
    ),
]
