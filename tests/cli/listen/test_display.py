"""Received requests on the screen: what is shown of them, how it is lined up, and what a terminal never gets."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from webhook_guard import Delivery
from webhook_guard.cli.listen import display
from webhook_guard.cli.listen.forward import Forwarded
from webhook_guard.cli.listen.receiver import Received
from webhook_guard.cli.message import Request
from webhook_guard.sansio.errors import Reason, VerificationError

from support import BODY, NOW, WEBHOOK_ID, event_body, signed

EVENT_ID = "evt_685c059ae3a481909bdc86819b066fb6"
FILE = "20250625T142010.000Z-0001-accepted.http"
HEADERS = (*signed().items(), ("content-length", "1"))
#: What a stranger may send to play with a terminal, and how it shows.
EVIL, HARMLESS = "\x1b[2J\x9b31m\u202e\r\n", r"\x1b[2J\x9b31m\u202e\r\n"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def terminal(width: int) -> Console:
    """Return a terminal."""
    return Console(width=width, force_terminal=True)


PIPE = Console(width=10_000, force_terminal=False)


def accepted(body: bytes | None = None, forwarded: Forwarded | None = None, kind: str = "batch.completed") -> Received:
    """Return a verified request."""
    body = event_body(kind, {"id": "batch_1"}, id=EVENT_ID) if body is None else body
    delivery = Delivery.from_dict(
        {"webhook_id": WEBHOOK_ID, "timestamp": NOW, "signature": "v1,x", "body": body.decode(), "secret_index": 0}
    )
    status = 204 if forwarded is None else forwarded.status
    request = Request("POST", "/hook", HEADERS, body)
    return Received(NOW, request, is_whole=True, status=status, delivery=delivery, refusal=None, forwarded=forwarded)


def refused(
    body: bytes = BODY, headers: tuple[tuple[str, str], ...] = HEADERS, *, is_whole: bool = True, target: str = "/hook"
) -> Received:
    """Return a refused request."""
    error = VerificationError("no signature matches; check it", Reason.SIGNATURE_MISMATCH)
    return Received(NOW, Request("POST", target, headers, body), is_whole, 400, None, error, None)


def answered(status: int = 200, seconds: float | None = 0.012, problem: str | None = None) -> Forwarded:
    """Return an app's answer."""
    return Forwarded(status, (), b"", seconds, problem)


def shown(texts: Iterable[Text]) -> list[str]:
    """Return lines as they are on the screen, without the time of day, which the user's time zone decides on."""
    return [re.sub(r"^\d\d:\d\d:\d\d", "hh:mm:ss", text.plain) for text in texts]


def line(received: Received, console: Console, *, file: str | None = None, forwards: bool = False) -> list[str]:
    """Return the line of a request, and what stands below it."""
    return shown(display.line(received, console, file=file, forwards=forwards))


def details(received: Received, console: Console = PIPE) -> list[str]:
    """Return the details of a request."""
    return shown(display.details(received, console))


class TestLine:
    """The line of a request."""

    @pytest.mark.parametrize(
        ("width", "columns"),
        [
            (80, "agent.sessi..ion_required  evt..6fb6  wh_685c0..1022a24d"),
            (120, f"agent.session.action_required  evt_685c059a..c86819b066fb6  {WEBHOOK_ID}"),
            (200, f"agent.session.action_required  {EVENT_ID}  {WEBHOOK_ID}"),
        ],
    )
    def test_accepted(self, width: int, columns: str) -> None:
        """It has type and ids, which are shortened in the middle where the terminal is narrow, the webhook id last."""
        found = line(accepted(kind="agent.session.action_required"), terminal(width))
        assert found == [f"hh:mm:ss  accepted 204  {columns}"]

    def test_refused(self) -> None:
        """It has the reason, and the webhook id that the request claims."""
        assert line(refused(), terminal(80)) == [
            "hh:mm:ss  refused  400  signature_mismatch         -          wh_685c0..1022a24d"
        ]

    def test_refused_without_an_id(self) -> None:
        """What is not there is a dash, so that programs find the same columns."""
        assert line(refused(headers=()), PIPE)[0].split() == [
            "hh:mm:ss",
            "refused",
            "400",
            "signature_mismatch",
            "-",
            "-",
        ]

    @pytest.mark.parametrize(
        ("forwarded", "columns"),
        [
            pytest.param(answered(), "accepted 200     12ms", id="quick"),
            pytest.param(answered(seconds=0.0004), "accepted 200    0.4ms", id="quicker"),
            pytest.param(answered(500, 29.9996), "accepted 500  30000ms", id="failed"),
            pytest.param(answered(502, None), "accepted 502        -", id="not answered"),
        ],
    )
    def test_forwarded(self, forwarded: Forwarded, columns: str) -> None:
        """Where requests are forwarded, it has the app's status and milliseconds, and still fits."""
        lines = line(accepted(forwarded=forwarded), terminal(80), forwards=True)
        assert lines == [f"hh:mm:ss  {columns}  batch.completed            evt..6fb6  wh_..a24d"]

    @pytest.mark.parametrize("forwards", [False, True])
    @pytest.mark.parametrize("width", [80, 100, 120, 200])
    def test_columns_line_up(self, width: int, forwards: bool) -> None:  # noqa: FBT001  a column of the table
        """All lines have their columns in the same places, whatever is in them, and none is wider than the terminal."""
        evil = refused(headers=(("webhook-id", EVIL * 100),))
        wide = "\N{HIRAGANA LETTER A}"
        kinds = ("batch.completed", "fine_tuning.job.succeeded", "from.tomorrow." * 4, wide * 40, wide * 20, wide)
        requests = [refused(), evil, *(accepted(kind=kind) for kind in kinds)]
        lines = [line(request, terminal(width), forwards=forwards)[0] for request in requests]
        assert max(map(cell_len, lines)) <= width
        ends = {cell_len(re.split(r"  (?=evt|- )", each)[0]) for each in lines}
        assert len(ends) == 1

    def test_wide_characters(self) -> None:
        """A text that is wider than its column is shortened in the middle, also if it has fewer characters."""
        wide = "\N{HIRAGANA LETTER A}"
        only = line(accepted(kind=wide * 20), terminal(80))[0]
        assert only == f"hh:mm:ss  accepted 204  {wide * 11}..   evt..6fb6  wh_685c0..1022a24d"
        assert cell_len(only) == 80

    def test_what_is_long_in_a_pipe(self) -> None:
        """In a pipe, no id is shortened, but a stranger's text has an end."""
        only = line(refused(headers=(("webhook-id", "a" * 1000),)), PIPE)
        assert only == [f"hh:mm:ss  refused  400  signature_mismatch             -{' ' * 37}{'a' * 64}.."]

    def test_what_comes_with_it(self) -> None:
        """In a terminal, the app's problem and the file stand below the line, wrapped and indented."""
        problem = "http://127.0.0.1:8000/webhooks/openai: nothing listens there; start the app, or check the port"
        _, *below = line(accepted(forwarded=answered(502, None, problem)), terminal(80), file=FILE, forwards=True)
        assert below == [
            "    app: http://127.0.0.1:8000/webhooks/openai: nothing listens there; start the",
            "    app, or check the port",
            f"    saved: {FILE}",
        ]

    def test_one_line_in_a_pipe(self) -> None:
        """In a pipe, a request is one line, with all that comes with it."""
        (only,) = line(accepted(forwarded=answered(302, 0.1, "a redirect")), PIPE, file=FILE, forwards=True)
        assert only.endswith(f"{EVENT_ID}  {WEBHOOK_ID}  app: a redirect  saved: {FILE}")

    @pytest.mark.parametrize("console", [terminal(80), PIPE], ids=["terminal", "pipe"])
    def test_nothing_to_obey(self, console: Console) -> None:
        """No character reaches the terminal that it would obey: not out of an id, nor out of a verified event."""
        body = event_body(f"evil{EVIL}", {}, id=EVIL)
        for request in (refused(headers=(("webhook-id", EVIL),)), accepted(body)):
            assert not CONTROL.search("".join(line(request, console)))

    @pytest.mark.parametrize(
        ("received", "styles"),
        [
            (accepted(), {"accepted 204": "green"}),
            (refused(), {"refused  400": "yellow"}),
            (accepted(forwarded=answered(500, 1, "bad")), {"accepted": "green", "500": "red", "    app: bad": "red"}),
        ],
    )
    def test_colours(self, received: Received, styles: dict[str, str]) -> None:
        """Green is accepted, yellow refused by the guard, and red failed in the app."""
        texts = list(display.line(received, terminal(80), file=None, forwards=True))
        spans = {text.plain[span.start : span.end]: span.style for text in texts for span in text.spans}
        spans |= {text.plain: text.style for text in texts}
        assert {text: spans[text] for text in styles} == styles


class TestDetails:
    """All that is in a request."""

    def test_accepted(self) -> None:
        """Head and body are shown, the body as JSON that people can read, and no signature."""
        assert details(accepted(b'{"type":"x.y","data":{"id":[1]}}')) == [
            "    POST /hook",
            f"    webhook-id: {WEBHOOK_ID}",
            f"    webhook-timestamp: {NOW}",
            "    webhook-signature: (not shown)",
            "    content-length: 1",
            "    ",
            "    {",
            '      "type": "x.y",',
            '      "data": {',
            '        "id": [',
            "          1",
            "        ]",
            "      }",
            "    }",
            "",
        ]

    def test_refused(self) -> None:
        """Why it was refused stands above, and the body below as it came: nobody has looked into it."""
        lines = details(refused(b'{"a":\n [1}'))
        assert lines[:2] == ["    (no signature matches; check it)", "    POST /hook"]
        assert lines[-4:] == ["    (a body of 10 bytes:)", '    {"a":', "     [1}", ""]

    @pytest.mark.parametrize(
        ("body", "is_whole", "lines"),
        [
            pytest.param(b"", True, ["(no body)"], id="none"),
            pytest.param(b"cut", False, ["(a body of 3 bytes, and not all of it:)", "cut"], id="cut off"),
            pytest.param(
                bytes([0x89, *b"PNG"]) + bytes(100),
                True,
                [f"(a body of 104 bytes, which is no text; it begins with 89 50 4e 47{' 00' * 28})"],
                id="no text",
            ),
            pytest.param(
                b"x" * 3000, True, ["(a body of 3000 bytes:)", "x" * 2048, "(and 952 more characters)"], id="long"
            ),
        ],
    )
    def test_bodies(self, body: bytes, is_whole: bool, lines: list[str]) -> None:  # noqa: FBT001  a column
        """What is no text, or long, or not whole, is said to be."""
        shown = details(refused(body, is_whole=is_whole))
        assert shown[-len(lines) - 2 :] == ["    ", *(f"    {each}" for each in lines), ""]

    def test_large_event(self) -> None:
        """An event is cut, too, where no event is that large."""
        lines = details(accepted(event_body("x.y", {"long": "x" * 40_000})))
        assert sum(map(len, lines)) < 34_000
        assert re.fullmatch(r"    \(and \d+ more characters\)", lines[-2])

    def test_large_event_of_many_levels(self) -> None:
        """What is large is shown as it came: indenting it could take a hundred times its size."""
        body = b'{"type": "x.y", "data": %b%b}' % (b"[" * 500, b"1," * 40_000 + b"1" + b"]" * 500)
        lines = details(accepted(body))
        assert len(lines) < 20

    def test_many_headers(self) -> None:
        """Headers without end have one, and so have values, names and paths."""
        headers = tuple(("x" * 300, str(number)) for number in range(100))
        lines = details(refused(b"", headers, target="/" * 1000))
        assert lines[1] == f"    POST {'/' * 256}... (1000 characters)"
        assert lines[2] == f"    {'x' * 256}... (300 characters): 0"
        assert lines[66:] == ["    (36 more headers)", "    ", "    (no body)", ""]

    def test_indented_whole(self) -> None:
        """In a terminal, what is long is broken by us, and no line of it begins at the left, where ours do."""
        fake = " " * 76 + "20:00:00  accepted 204"
        for request in (refused(f"{fake}\n{fake}".encode()), refused(headers=(("x-a", fake),))):
            lines = details(request, terminal(80))
            assert max(map(len, lines)) <= 80
            assert all(each.startswith("    ") for each in lines[:-1])

    @pytest.mark.parametrize("width", [0, 1, 3, 4, 5, 9])
    def test_narrow_terminal(self, width: int) -> None:
        """However narrow a terminal says that it is, a request is shown, and all of it."""
        wide = refused("\N{HIRAGANA LETTER A}b".encode())
        below = line(accepted(forwarded=answered(502, None, "why")), terminal(width), file=FILE, forwards=True)[1:]
        assert "".join(below).replace(" ", "") == f"app:whysaved:{FILE}"
        assert "".join(each.strip() for each in details(wide, terminal(width))).endswith("\N{HIRAGANA LETTER A}b")

    def test_nothing_to_obey(self) -> None:
        """No character reaches the terminal that it would obey, out of the head, a body or a verified event."""
        hostile = refused(EVIL.encode(), (("x-a", EVIL),), target=EVIL)
        event = accepted(event_body("x.y", {"a": EVIL[:-2]}).replace(b"\\u202e", "\u202e".encode()))
        lines = [*details(hostile), *details(event)]
        assert not CONTROL.search("".join(lines))
        assert f"    x-a: {HARMLESS}" in lines


class TestJSON:
    """A request as JSON."""

    def test_accepted(self) -> None:
        """An accepted request has what was verified."""
        assert display.as_json(accepted(), file=FILE, verbose=False) == {
            "time": "2025-06-25T14:20:10.000+00:00",
            "verdict": "accepted",
            "status": 204,
            "reason": None,
            "detail": None,
            "type": "batch.completed",
            "event_id": EVENT_ID,
            "webhook_id": WEBHOOK_ID,
            "method": "POST",
            "target": "/hook",
            "size": 126,
            "complete": True,
            "forwarded": None,
            "file": FILE,
        }

    def test_refused(self) -> None:
        """A refused request has the reason, as a code and in words, and the webhook id that it claims."""
        values = display.as_json(refused(is_whole=False), file=None, verbose=False)
        names = ("verdict", "reason", "detail", "type", "event_id", "webhook_id", "complete")
        assert [values[name] for name in names] == [
            *("refused", "signature_mismatch", "no signature matches; check it", None, None, WEBHOOK_ID, False)
        ]

    def test_forwarded(self) -> None:
        """One that was forwarded has how long the app took, and what went wrong."""
        values = display.as_json(accepted(forwarded=answered(502, None, "why")), file=None, verbose=False)
        assert (values["status"], values["forwarded"]) == (502, {"seconds": None, "problem": "why"})

    def test_verbose(self) -> None:
        """Headers and body are there if asked for, whatever bytes they are, and no signature."""
        values: dict[str, Any] = display.as_json(refused(b"\xff{"), file=None, verbose=True)
        assert values["headers"] == [
            ["webhook-id", WEBHOOK_ID],
            ["webhook-timestamp", str(NOW)],
            ["webhook-signature", None],
            ["content-length", "1"],
        ]
        assert values["body"] == "\\xff{"
