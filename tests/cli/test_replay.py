"""The command `replay`, over HTTP: what arrives, what is printed, and with what status it ends."""

import json
from pathlib import Path

import pytest

from webhook_guard.cli import main
from webhook_guard.cli.replay import Saved

from cli.scripted import NO_CONTENT, answer, refusing, serving
from cli.served import Served, guarded
from support import BODY, OTHER_SECRET, SECRET, WEBHOOK_ID, signed

ID = f"webhook-id: {WEBHOOK_ID}\r\n"
#: Long ago.
SIGNED = "".join(f"{name}: {value}\r\n" for name, value in signed().items())


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the secret and the folder."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)


def save(name: str, headers: str = SIGNED, body: bytes = BODY, method: str = "POST") -> str:
    """Save a request, and return the name of its file."""
    head = f"{method} /elsewhere HTTP/1.1\r\nHost: evil.example\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    Path(name).write_bytes(head.encode("latin-1") + body)
    return name


def replay(*arguments: str) -> int:
    """Run the command, and return its exit status."""
    return main(["replay", *arguments])


class TestSent:
    """What arrives."""

    def test_delivery(self, app: Served) -> None:
        """The body and the id are those of the file; it is signed now, and goes where it is told to."""
        assert replay(save("a"), "--to", app.url) == 0
        (seen,) = app.seen
        assert (seen.delivery.body, seen.delivery.webhook_id) == (BODY, WEBHOOK_ID)

    def test_headers(self) -> None:
        """The other headers are those of the file, in order and case, but for those of its connection."""
        kept = "X-One: 1\r\nUser-Agent: OpenAI/1.0\r\nx-one: caf\u00e9\r\n"
        old = f"{ID}webhook-timestamp: 1\r\nWebhook-Signature: v1,old\r\n"
        save("a", f"Connection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\n{old}{kept}")
        with serving([NO_CONTENT]) as server:
            assert replay("a", "--to", server.url, "--unverified") == 0
        lines = server.requests[0].decode("latin-1").splitlines()
        host = server.url.split("/")[2]
        assert lines[:6] == [
            *("POST /webhooks HTTP/1.1", f"host: {host}", f"content-length: {len(BODY)}"),
            *kept.splitlines(),
        ]
        assert [line.partition(":")[0] for line in lines[6:9]] == [
            *("webhook-id", "webhook-timestamp", "webhook-signature")
        ]
        assert lines[9:] == ["", BODY.decode()]

    def test_a_store_knows_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A guard with a store takes it for handled before; with a new id, for another delivery."""
        save("a")
        with guarded(store=True) as app:
            assert replay("a", "a", "--to", app.url) == 0
            assert replay("a", "a", "--to", app.url, "--new-id") == 0
        ids = [seen.delivery.webhook_id for seen in app.seen]
        assert (ids[0], len(set(ids)), ids.count(WEBHOOK_ID)) == (WEBHOOK_ID, 3, 1)
        reasons = [line.split()[5:] for line in capsys.readouterr().out.splitlines()]
        assert reasons == [[], ["duplicate"], [], []]

    def test_without_an_id(self, app: Served) -> None:
        """A file without an id is sent with a new one, if that is asked for."""
        assert replay(save("a", ""), "--new-id", "--unverified", "--to", app.url) == 0
        assert app.seen[0].delivery.webhook_id.startswith("wh_")

    @pytest.mark.parametrize("secret", [SECRET, f"{SECRET} {OTHER_SECRET}", f"{OTHER_SECRET} {SECRET}"])
    def test_genuine_by_any_secret(self, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
        """In a rotation, what is genuine by any of the secrets is signed by the first."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", secret)
        with guarded(secret=secret.split(maxsplit=1)[0]) as app:
            assert replay(save("a"), "--to", app.url) == 0

    def test_genuine_by_the_given_secret(self) -> None:
        """What is genuine by the secret that is given is signed by it, whatever the environment has."""
        signature = signed(secret=OTHER_SECRET)
        save("a", "".join(f"{name}: {value}\r\n" for name, value in signature.items()))
        with guarded(secret=OTHER_SECRET) as app:
            assert replay("a", "--secret", OTHER_SECRET, "--to", app.url) == 0

    @pytest.mark.parametrize("headers", [SIGNED.replace("v1,", "v1,x"), SIGNED.replace(WEBHOOK_ID, "wh_2"), ID])
    def test_unverified(self, app: Served, headers: str) -> None:
        """What was not genuine is signed if that is asked for."""
        assert replay(save("a", headers), "--unverified", "--to", app.url) == 0
        assert len(app.seen) == 1


class TestScreen:
    """What is printed."""

    def test_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        """There is a line for each file, in columns; what is wrong says what was expected."""
        refusal = answer("400 Bad", b'{"reason":"signature_mismatch"}', "content-type: application/problem+json")
        names = [save(name) for name in ("a\x1b.http", "longer-name.http", "c", "d")]
        with serving([NO_CONTENT, refusal, answer("404 Not Found"), b"junk"]) as server:
            assert replay(*names, "--to", server.url) == 1
        lines = capsys.readouterr().out.splitlines()
        why = "what answers there does not speak HTTP; check the port, or try https://"
        assert [line.split() for line in lines] == [
            ["a\\x1b.http", "accepted", "204", lines[0].split()[3], "ms"],
            [
                *("longer-name.http", "refused", "400", lines[1].split()[3], "ms"),
                *("signature_mismatch", "(expected", "2xx)"),
            ],
            ["c", "failed", "404", lines[2].split()[3], "ms", "(expected", "2xx)"],
            ["d", *f"no answer: {why} (expected 2xx)".split()],
        ]
        assert len({line.index(" ms") for line in lines[:3]}) == 1

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        """For programs, there is a JSON object for each file."""
        refusal = answer("409 Busy", b'{"reason":"in_progress"}', "content-type: application/problem+json")
        with serving([refusal, b""]) as server:
            assert replay(save("a"), save("b"), "--json", "--expect", "409", "--to", server.url) == 1
        first, second = map(json.loads, capsys.readouterr().out.splitlines())
        assert first.pop("ms") > 0
        common = {"webhook_id": WEBHOOK_ID, "expected": "409"}
        why = "it closed the connection without a whole answer; look into the server's log"
        assert first == {"file": "a", "status": 409, "reason": "in_progress", "problem": None, "ok": True, **common}
        assert second == {
            "file": "b",
            "status": None,
            "reason": None,
            "ms": None,
            "problem": why,
            "ok": False,
            **common,
        }

    def test_one_wrong_answer_counts(self) -> None:
        """If a file is answered wrongly, the right answer to the last one does not hide it."""
        with serving([answer("500 Oops"), NO_CONTENT]) as server:
            assert replay(save("a"), save("b"), "--to", server.url) == 1

    def test_nothing_private_is_printed(self, app: Served, capsys: pytest.CaptureFixture[str]) -> None:
        """Neither the secret nor the signature nor the body is on the screen."""
        for arguments in ([], ["--json"]):
            replay(save("a"), "--to", app.url, "--secret", SECRET, *arguments)
        output = "".join(capsys.readouterr())
        assert not any(text in output for text in ("batch_1", SECRET, *(seen.delivery.signature for seen in app.seen)))


class TestMisuse:
    """What is misused is said in one line, and the status is 2; nothing is sent."""

    @staticmethod
    def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
        """Return the one line that is said."""
        assert replay(*arguments) == 2
        output, complaint = capsys.readouterr()
        assert (output, complaint.count("\n")) == ("", 1)
        return complaint.removeprefix("webhook-guard: ").rstrip("\n")

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            pytest.param(b"", "is empty: it is to have", id="empty"),
            pytest.param(b"junk\n\n", "is no whole HTTP request (illegal request line)", id="no request"),
            pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", "is no whole HTTP request (illegal ", id="a response"),
            pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\n", "is no whole HTTP request (it ends before", id="half"),
            pytest.param(
                b"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 9\r\n\r\n{}", "is cut off: it has 2 of 9", id="cut off"
            ),
            pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2, "has more after the request", id="two"),
            pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "is no POST request", id="GET"),
            pytest.param(b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "is no POST request", id="PUT"),
            pytest.param(
                b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
                "has 0 webhook-id headers, not one: --new-id makes one",
                id="no id",
            ),
            pytest.param(
                b"POST / HTTP/1.1\r\nHost: a\r\nwebhook-id:\r\n\r\n",
                "has a webhook-id that is not 1 to 256",
                id="an empty id",
            ),
            pytest.param(
                b"POST / HTTP/1.1\r\nHost: a\r\nwebhook-id: a\r\nwebhook-id: b\r\n\r\n",
                "has 2 webhook-id headers, not one: --new-id makes one",
                id="two ids",
            ),
            pytest.param(
                b"POST / HTTP/1.1\r\nHost: a\r\nwebhook-id: caf\xe9\r\n\r\n",
                "has a webhook-id that is not 1 to 256",
                id="an id that is none",
            ),
            pytest.param(
                f"POST / HTTP/1.1\r\nHost: a\r\n{SIGNED}Content-Length: 2\r\n\r\n{{}}".encode(),
                "is not genuine by the secret (signature_mismatch), so a stranger may have sent it: --unverified signs",
                id="forged",
            ),
            pytest.param(
                f"POST / HTTP/1.1\r\nHost: a\r\n{ID}Content-Length: 2\r\n\r\n{{}}".encode(),
                "is not genuine by the secret (missing_header)",
                id="unsigned",
            ),
        ],
    )
    def test_files(self, capsys: pytest.CaptureFixture[str], content: bytes, complaint: str) -> None:
        """A file that can't be sent is named, with what is wrong, before any other is sent."""
        Path("bad").write_bytes(content)
        with refusing() as url:
            assert self.complaint(capsys, save("good"), "bad", "--to", url).startswith(f"bad {complaint}")

    def test_a_new_id_makes_nothing_genuine(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What is not genuine is refused, also if it would get a new id."""
        complaint = self.complaint(capsys, save("a", body=b"{}"), "--new-id")
        assert complaint.startswith("a is not genuine by the secret (signature_mismatch)")

    def test_genuine_by_another_secret(self, capsys: pytest.CaptureFixture[str]) -> None:
        """If a secret is given, what is genuine by that of the environment is refused."""
        complaint = self.complaint(capsys, save("a"), "--secret", OTHER_SECRET)
        assert complaint.startswith("a is not genuine by the secret (signature_mismatch)")

    @pytest.mark.parametrize(
        ("name", "complaint"),
        [
            ("missing", "can't read missing: No such file or directory"),
            (".", "can't read .: Is a directory"),
            ("/dev/zero", "/dev/zero has more than 16777216 bytes"),
            ("http://localhost/", "http://localhost/ is a URL, and a file is expected here: give the URL as --to http"),
            ("HTTPS://localhost/", "HTTPS://localhost/ is a URL, and a file is expected here: give the URL as --to H"),
        ],
    )
    def test_names(self, capsys: pytest.CaptureFixture[str], name: str, complaint: str) -> None:
        """A name of no file is said to be none."""
        assert self.complaint(capsys, save("good"), name).startswith(complaint)

    def test_no_files(self, capsys: pytest.CaptureFixture[str]) -> None:
        """There has to be a file."""
        assert self.complaint(capsys).startswith("Missing argument 'FILE...'")

    def test_no_url(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What is no URL is said to be none."""
        assert "not a URL" in self.complaint(capsys, save("a"), "--to", "localhost")

    def test_no_secret(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a secret, it says where one comes from."""
        monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
        assert self.complaint(capsys, save("a")).startswith("no signing secret")

    def test_no_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A URL that does not answer ends it at the first file."""
        with refusing() as url:
            assert self.complaint(capsys, save("a"), save("b"), "--to", url).startswith(f"{url}: nothing listens there")

    def test_redirect(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A redirect ends it at the first file."""
        with serving([answer("308 Moved", b"", "location: /b")]) as server:
            complaint = self.complaint(capsys, save("a"), save("b"), "--to", server.url)
        assert complaint.startswith(f"{server.url} answers 308 and points to /b: OpenAI does not follow redirects")


def test_repr() -> None:
    """A delivery shows its id, and neither signature nor body."""
    saved = Saved("a.http", (("x-token", "t"),), b"body", WEBHOOK_ID)
    assert repr(saved) == f"<a.http: {WEBHOOK_ID}, 4 bytes>"
