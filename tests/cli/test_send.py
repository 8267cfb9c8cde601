"""The command `send`, over HTTP: what arrives, what is printed, and with what status it ends."""

import _thread
import io
import itertools
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from webhook_guard import WebhookEvent
from webhook_guard.cli import main
from webhook_guard.sansio.events import EVENT_CLASSES
from webhook_guard.testing.events import make_event

from cli.scripted import NO_CONTENT, Reply, answer, refusing, serving
from cli.served import Served, guarded
from support import BODY, OTHER_SECRET, SECRET

#: Each part that can be tampered with.
PARTS = ("body", "signature", "id", "timestamp")


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)


class TestOne:
    """One delivery."""

    def test_default(self, app: Served, capsys: pytest.CaptureFixture[str]) -> None:
        """Without a type, a response.completed arrives, and the screen says which."""
        assert main(["send", app.url]) == 0
        (seen,) = app.seen
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("accepted  204 No Content, ")
        assert lines[1:] == [
            "  type        response.completed",
            f"  event id    {seen.delivery.event.id}",
            f"  webhook id  {seen.delivery.webhook_id}",
        ]

    @pytest.mark.parametrize("kind", EVENT_CLASSES)
    def test_each_type(self, app: Served, kind: str) -> None:
        """Each type arrives as an event of its class."""
        assert main(["send", app.url, kind]) == 0
        assert type(app.seen[0].delivery.event) is EVENT_CLASSES[kind]

    def test_headers(self, app: Served) -> None:
        """The headers are those that OpenAI sends, and no others."""
        main(["send", app.url])
        assert [name for name, _ in app.seen[0].headers] == [
            *(b"host", b"content-length", b"user-agent", b"content-type"),
            *(b"webhook-id", b"webhook-timestamp", b"webhook-signature"),
        ]

    def test_data(self, app: Served) -> None:
        """Members of the data are as they are given."""
        kind = "agent.session.action_required"
        assert main(["send", app.url, kind, "--data", "id=s_1", "--data", "required_action.type=approve"]) == 0
        assert app.seen[0].delivery.json()["data"] == {"id": "s_1", "required_action": {"type": "approve"}}

    def test_body(self, app: Served, tmp_path: Path) -> None:
        """A body from a file is sent byte for byte."""
        file = tmp_path / "body"
        file.write_bytes(BODY + b"\r\n")
        assert main(["send", app.url, "--body", str(file)]) == 0
        assert app.seen[0].delivery.body == BODY + b"\r\n"

    def test_standard_input(self, app: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        """A body comes from standard input, too."""
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(BODY)))
        assert main(["send", app.url, "--body", "-"]) == 0
        assert app.seen[0].delivery.body == BODY

    @pytest.mark.parametrize("part", PARTS)
    def test_tampered(self, app: Served, capsys: pytest.CaptureFixture[str], part: str) -> None:
        """What was tampered with is refused, and that is right."""
        assert main(["send", app.url, "--tamper", part]) == 0
        assert "  reason      signature_mismatch: No signature matches\n" in capsys.readouterr().out
        assert app.seen == []

    @pytest.mark.parametrize(
        ("arguments", "reason", "status"),
        [
            (["--secret", OTHER_SECRET], "signature_mismatch", 1),
            (["--age", "310"], "timestamp_too_old", 1),
            (["--age", "-310"], "timestamp_too_new", 1),
            (["--age", "310", "--expect", "400"], "timestamp_too_old", 0),
            (["--age", "310", "--expect", "413"], "timestamp_too_old", 1),
        ],
    )
    def test_refused(
        self, app: Served, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str, status: int
    ) -> None:
        """A refusal is wrong, unless its status is the expected one."""
        assert main(["send", app.url, *arguments]) == status
        output = capsys.readouterr().out
        assert f"  reason      {reason}: " in output
        assert ("  expected    " in output) is bool(status)

    def test_accepted_though_tampered_with(self, capsys: pytest.CaptureFixture[str]) -> None:
        """An app that takes what was tampered with is wrong."""
        with serving([NO_CONTENT]) as server:
            assert main(["send", server.url, "--tamper", "body"]) == 1
        assert capsys.readouterr().out.endswith("  expected    4xx but 404\n")

    def test_json(self, app: Served, capsys: pytest.CaptureFixture[str]) -> None:
        """For programs, there is one JSON object."""
        assert main(["send", app.url, "batch.failed", "--json"]) == 0
        output, complaints = capsys.readouterr()
        values = json.loads(output)
        assert (values["url"], values["type"], values["statuses"]) == (app.url, "batch.failed", {"204": 1})
        assert values["webhook_id"] == app.seen[0].delivery.webhook_id
        assert (output.count("\n"), complaints) == (1, "")

    def test_nothing_private_is_printed(self, app: Served, capsys: pytest.CaptureFixture[str]) -> None:
        """Neither the secret nor the signature nor the body is on the screen."""
        for arguments in ([], ["--json"], ["--tamper", "signature"], ["--repeat", "2"]):
            main(["send", app.url, "--data", "id=private", "--secret", SECRET, *arguments])
        output = "".join(capsys.readouterr())
        signatures = [seen.delivery.signature for seen in app.seen]
        assert not any(text in output for text in ("private", SECRET, "v1,", *signatures))


class TestMany:
    """Many deliveries."""

    def test_deliveries(self, app: Served, capsys: pytest.CaptureFixture[str]) -> None:
        """Each is a delivery of its own; the screen has a summary, and in a pipe no progress."""
        assert main(["send", app.url, "--repeat", "20", "--concurrency", "4"]) == 0
        assert len({(seen.delivery.webhook_id, seen.delivery.event.id) for seen in app.seen}) == 20
        output, complaints = capsys.readouterr()
        assert output.splitlines()[0].split() == ["204", "No", "Content", "20"]
        assert output.endswith("\nAll 20 are as expected: 2xx.\n")
        assert complaints == ""
        assert output.replace("\n", "").isprintable()

    def test_retries(self, capsys: pytest.CaptureFixture[str]) -> None:
        """With the same id, they are attempts of one delivery, which a guard with a store accepts once."""
        with guarded(store=True) as app:
            assert main(["send", app.url, "--repeat", "5", "--same-id", "--json"]) == 0
        values = json.loads(capsys.readouterr().out)
        assert (values["statuses"], values["reasons"]) == ({"200": 4, "204": 1}, {"duplicate": 4})
        assert len(app.seen) == 1

    def test_tampered(self, app: Served) -> None:
        """All of them are tampered with."""
        assert main(["send", app.url, "--repeat", "5", "--tamper", "id"]) == 0
        assert app.seen == []

    @pytest.mark.parametrize(
        ("later", "figures"),
        [
            pytest.param([answer("500 Oops")], ({"204": 1, "500": 1}, 0), id="a wrong one"),
            pytest.param([answer("307 Elsewhere")], ({"204": 1, "307": 1}, 0), id="a redirect"),
            pytest.param([b""], ({"204": 1}, 1), id="no answer"),
        ],
    )
    def test_later_ones_count(
        self, capsys: pytest.CaptureFixture[str], later: list[Reply], figures: tuple[dict[str, int], int]
    ) -> None:
        """After the first request, whatever is not as expected is counted, and makes the status 1."""
        with serving([NO_CONTENT], later) as server:
            assert main(["send", server.url, "--repeat", "2", "--json"]) == 1
        values = json.loads(capsys.readouterr().out)
        assert (values["statuses"], values["no_answer"]) == figures
        assert sum(values["problems"].values()) == values["no_answer"]

    def test_ctrl_c(self, app: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Ctrl-C ends it quietly, with the status that shells know."""
        numbers = itertools.count()

        def interrupting(kind: str, **data: Any) -> WebhookEvent:
            if next(numbers) == 10:
                _thread.interrupt_main()
            return make_event(kind, **data)

        monkeypatch.setattr("webhook_guard.cli.send.make_event", interrupting)
        assert main(["send", app.url, "--repeat", "1000000", "--concurrency", "4"]) == 130
        output, complaints = capsys.readouterr()
        assert (output, complaints.strip()) == ("", "")


class TestMisuse:
    """What is misused is said in one line, and the status is 2."""

    @staticmethod
    def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
        """Return the one line that is said."""
        assert main(["send", *arguments]) == 2
        output, complaint = capsys.readouterr()
        assert (output, complaint.count("\n")) == ("", 1)
        return complaint.removeprefix("webhook-guard: ").rstrip("\n")

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["respose.completed"], "type: 'respose.completed' is not in the catalogue; did you mean 'response.comp"),
            (["--data", "id"], "--data id: give KEY=VALUE"),
            (["realtime.call.incoming", "--data", "sip_headers=x"], "data.sip_headers: does not fit"),
            (["--data", "id=\udcff"], "data: "),
            (["--data", f"{'a.' * 100_000}a=1"], "data: "),
            (["--body", "/no/such/file"], "can't read /no/such/file: No such file or directory"),
            (["--body", "/"], "can't read /: Is a directory"),
            (["--body", "/dev/zero"], "/dev/zero has more than 16777216 bytes"),
            (["--body", "x", "batch.failed"], "--body is in place of TYPE and --data: give the one or the others"),
            (["--body", "x", "--data", "id=1"], "--body is in place of TYPE and --data"),
            (["--secret", "short"], "secret: the key has 5 bytes"),
            (["--secret", ""], "secret: it is empty"),
            (["--repeat", "0"], "Invalid value for '--repeat'"),
            (["--repeat", "1000001"], "Invalid value for '--repeat'"),
            (["--concurrency", "0"], "Invalid value for '--concurrency'"),
            (["--concurrency", "257"], "Invalid value for '--concurrency'"),
            (["--age", "1e3"], "Invalid value for '--age'"),
            (["--age", "99999999999"], "Invalid value for '--age'"),
            (["--timeout", "nan"], "Invalid value for '--timeout'"),
            (["--expect", "600"], "Invalid value for '--expect'"),
            (["--tamper", "nothing"], "Invalid value for '--tamper'"),
        ],
    )
    def test_arguments(self, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str) -> None:
        """Bad values, files and combinations are named, and nothing is sent."""
        with refusing() as url:
            assert self.complaint(capsys, url, *arguments).startswith(complaint)

    @pytest.mark.parametrize(
        "url", ["localhost", "ftp://localhost/", "http://localhost:99999/", "http://a b/", "http://u:p@localhost/", ""]
    )
    def test_url(self, capsys: pytest.CaptureFixture[str], url: str) -> None:
        """What is no URL is said to be none."""
        assert "URL" in self.complaint(capsys, url)

    def test_no_secret(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a secret, it says where one comes from."""
        monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
        assert self.complaint(capsys, "http://localhost/").startswith("no signing secret: give --secret")

    @pytest.mark.parametrize("many", [[], ["--repeat", "100"]], ids=["one", "many"])
    def test_no_answer(self, capsys: pytest.CaptureFixture[str], many: list[str]) -> None:
        """A URL that does not answer ends it, however many there were to be."""
        with refusing() as url:
            assert self.complaint(capsys, url, *many).startswith(f"{url}: nothing listens there")

    def test_timeout(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A server that says nothing is given up in time."""
        with serving([None]) as server:
            complaint = self.complaint(capsys, server.url, "--timeout", "0.1")
        assert complaint.startswith(f"{server.url}: no whole answer within 0.1 s")

    def test_redirect(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A redirect is not followed, and nothing of it is obeyed by a terminal."""
        with serving([answer("301 Moved", b"", "location: /\x85[2J")]) as server:
            complaint = self.complaint(capsys, server.url)
        assert f"{server.url} answers 301 and points to /" in complaint
        assert complaint.isprintable()

    def test_a_redirect_that_is_expected(self) -> None:
        """A redirect that is expected is right."""
        with serving([answer("301 Moved", b"", "location: /")]) as server:
            assert main(["send", server.url, "--expect", "301"]) == 0
