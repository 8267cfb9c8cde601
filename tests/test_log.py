"""Records: one per refusal, with its facts, and never with what is secret."""

import logging
import os
import re
import socket
from errno import EACCES, ENOSPC
from typing import Any

import pytest

from webhook_guard.log import RefusalLog, described, log_claim_not_ended, log_unexpected_shape
from webhook_guard.sansio.claims import Handling
from webhook_guard.sansio.errors import IdempotencyError, PayloadError, Reason, VerificationError
from webhook_guard.sansio.events import parse
from webhook_guard.sansio.guard import Delivery

from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, event_body

THROTTLED = ["signature_mismatch", "timestamp_too_old", "timestamp_too_new"]
OTHERS = sorted(set(Reason) - set(THROTTLED) - {"malformed_payload", "store_unavailable"})


def refuse(
    log: RefusalLog,
    reason: str = "missing_header",
    *,
    path: str = PATH,
    webhook_id: bytes = WEBHOOK_ID.encode(),
    now: float = NOW,
) -> None:
    """Log a refusal."""
    log.refused(VerificationError("what is wrong", Reason(reason)), path=path, webhook_id=webhook_id, now=now)


class TestRecord:
    """What is in a record."""

    def test_facts(self, records: list[Any]) -> None:
        """Reason, path and webhook id are attributes, and in the message."""
        refuse(RefusalLog())
        (record,) = records
        assert (record.name, record.reason, record.path, record.webhook_id) == (
            "webhook_guard",
            "missing_header",
            PATH,
            WEBHOOK_ID,
        )
        assert record.getMessage() == (
            f"webhook refused, missing_header: what is wrong; path {PATH}, webhook-id {WEBHOOK_ID}"
        )

    def test_escaped(self, records: list[Any]) -> None:
        """What a stranger chose can't forge a line or a colour."""
        refuse(RefusalLog(), path="/a\nINFO all is well\x1b[31m\u2028é", webhook_id=b"\r\xff")
        (record,) = records
        assert record.path == "/a\\nINFO all is well\\x1b[31m\\u2028\\xe9"
        assert record.webhook_id == "\\r\\xff"
        assert record.getMessage().isprintable()

    def test_half_a_surrogate_pair(self, records: list[Any]) -> None:
        """A path that UTF-8 can't write can be logged."""
        refuse(RefusalLog(), path="/\udcff")
        assert records[0].path == "/\\udcff"

    def test_cut(self, records: list[Any]) -> None:
        """A long path or id is cut."""
        refuse(RefusalLog(), path="/" + "p" * 9999, webhook_id=b"i" * 9999)
        assert (len(records[0].path), len(records[0].webhook_id)) == (256, 256)

    def test_no_id(self, records: list[Any]) -> None:
        """Where there is no id, the record says so by an empty one."""
        refuse(RefusalLog(), webhook_id=b"")
        assert records[0].webhook_id == ""


class TestLevel:
    """How loud a refusal is."""

    @pytest.mark.parametrize("reason", OTHERS)
    def test_info(self, records: list[Any], reason: str) -> None:
        """Strangers make no noise."""
        log = RefusalLog()
        refuse(log, reason)
        refuse(log, reason)
        assert [record.levelname for record in records] == ["INFO", "INFO"]

    def test_malformed_payload(self, records: list[Any]) -> None:
        """An authentic delivery that is refused is always a warning."""
        log = RefusalLog()
        for _ in range(2):
            log.refused(PayloadError("no event"), path=PATH, webhook_id=b"", now=NOW)
        assert [record.levelname for record in records] == ["WARNING", "WARNING"]

    @pytest.mark.parametrize("reason", THROTTLED)
    def test_first_in_a_minute(self, records: list[Any], reason: str) -> None:
        """The first in a minute is a warning, with the count of those since the last one."""
        log = RefusalLog()
        for now in (NOW, NOW, NOW + 59.9, NOW + 60, NOW + 61, NOW + 200):
            refuse(log, reason, now=now)
        assert [(record.levelname, record.count) for record in records] == [
            ("WARNING", 0),
            ("INFO", 0),
            ("INFO", 0),
            ("WARNING", 2),
            ("INFO", 0),
            ("WARNING", 1),
        ]
        assert "(2 more since the last warning)" in records[3].getMessage()

    def test_store_unavailable(self, records: list[Any]) -> None:
        """A store that is down is an error once a minute, with the count of those since the last one."""
        log = RefusalLog()
        for now in (NOW, NOW + 1, NOW + 60):
            refuse(log, "store_unavailable", now=now)
        assert [(record.levelname, record.count) for record in records] == [("ERROR", 0), ("INFO", 0), ("ERROR", 1)]
        assert records[2].getMessage().endswith("(1 more since the last error)")

    def test_each_reason_for_itself(self, records: list[Any]) -> None:
        """A flood of forgeries does not hide that the clock is wrong."""
        log = RefusalLog()
        for reason in THROTTLED:
            refuse(log, reason)
        assert [record.levelname for record in records] == ["WARNING"] * 3

    def test_each_guard_for_itself(self, records: list[Any]) -> None:
        """Two guards in one process do not hide each other's."""
        for _ in range(2):
            refuse(RefusalLog(), "signature_mismatch")
        assert [record.levelname for record in records] == ["WARNING"] * 2

    def test_out_of_order(self, records: list[Any]) -> None:
        """A request that began earlier and is refused later is in the same minute."""
        log = RefusalLog()
        refuse(log, "store_unavailable", now=NOW)
        refuse(log, "store_unavailable", now=NOW - 2)
        assert [record.levelname for record in records] == ["ERROR", "INFO"]

    def test_clock_set_back(self, records: list[Any]) -> None:
        """A clock that was set back does not silence the warnings."""
        log = RefusalLog()
        refuse(log, "signature_mismatch", now=NOW)
        refuse(log, "signature_mismatch", now=NOW - 3600)
        assert [record.levelname for record in records] == ["WARNING"] * 2

    def test_counted_while_not_shown(self, caplog: pytest.LogCaptureFixture) -> None:
        """Those that the level hides are counted all the same."""
        log = RefusalLog()
        with caplog.at_level(logging.WARNING, logger="webhook_guard"):
            for now in (NOW, NOW + 1, NOW + 2, NOW + 60):
                refuse(log, "signature_mismatch", now=now)
        counts: list[Any] = [vars(record)["count"] for record in caplog.records]
        assert counts == [0, 2]


class TestHint:
    """How to find out why a signature does not match."""

    @pytest.mark.parametrize(
        ("captures", "hint"),
        [
            (
                False,
                "; save the next one (on_refused=, capture=True), and `webhook-guard diagnose FILE` says why",
            ),
            (True, f"webhook-id {WEBHOOK_ID}; `webhook-guard diagnose FILE` says why"),
        ],
        ids=["no bodies", "bodies"],
    )
    def test_signature_mismatch(self, records: list[Any], *, captures: bool, hint: str) -> None:
        """The record says what to do about the next one, that of the warning and those that are held back alike."""
        log = RefusalLog(captures=captures)
        for _ in range(2):
            refuse(log, "signature_mismatch")
        assert [record.levelname for record in records] == ["WARNING", "INFO"]
        assert all(record.getMessage().endswith(hint) for record in records)

    @pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.SIGNATURE_MISMATCH}))
    def test_others(self, records: list[Any], reason: str) -> None:
        """The other reasons say all there is to say."""
        refuse(RefusalLog(), reason)
        assert "diagnose" not in records[0].getMessage()


class TestNotTold:
    """An `on_refused` that failed."""

    @staticmethod
    def fail(log: RefusalLog, now: float = NOW) -> None:
        """Log a failure."""
        with pytest.raises(ValueError, match=SECRET[6:16]) as caught:
            int(SECRET)
        log.not_told(caught.value, Reason.MISSING_HEADER, path=PATH, webhook_id=WEBHOOK_ID.encode(), now=now)

    def test_record(self, records: list[Any]) -> None:
        """The record is an error, and says what failed where, but not its text; the reason is that of the refusal."""
        self.fail(RefusalLog())
        (record,) = records
        assert (record.levelname, record.reason, record.path, record.webhook_id, record.count) == (
            "ERROR",
            "missing_header",
            PATH,
            WEBHOOK_ID,
            0,
        )
        assert re.fullmatch(
            "on_refused failed, and the request is refused all the same, missing_header: "
            rf"ValueError in test_log\.py, line \d+; path {PATH}, webhook-id {WEBHOOK_ID}",
            record.getMessage(),
        )
        assert record.exc_info is None

    def test_once_a_minute(self, records: list[Any]) -> None:
        """It is an error once a minute only, with the count of those since the last one, whatever else is logged."""
        log = RefusalLog()
        refuse(log, "signature_mismatch")
        for now in (NOW, NOW + 1, NOW + 59.9, NOW + 60):
            self.fail(log, now)
        assert [(record.levelname, record.count) for record in records[1:]] == [
            ("ERROR", 0),
            ("INFO", 0),
            ("INFO", 0),
            ("ERROR", 2),
        ]
        assert records[-1].getMessage().endswith("(2 more since the last error)")

    def test_described(self) -> None:
        """An error is described by its kind, and the place where it was raised, however deep."""
        with pytest.raises(ValueError, match="invalid") as caught:
            int(SECRET)
        assert re.fullmatch(r"ValueError in test_log\.py, line \d+", described(caught.value))

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            pytest.param(OSError(ENOSPC, "private", "/private"), f"OSError ({os.strerror(ENOSPC)})", id="disk"),
            pytest.param(OSError(EACCES, "private"), f"PermissionError ({os.strerror(EACCES)})", id="permission"),
            pytest.param(OSError("private"), "OSError", id="no number"),
            pytest.param(OSError(10**30, "private"), "OSError", id="a large number"),
            pytest.param(OSError("private", "private"), "OSError", id="a text for a number"),
            pytest.param(socket.gaierror(EACCES, "private"), "gaierror", id="a resolver's number"),
        ],
    )
    def test_described_by_the_system(self, error: OSError, kind: str) -> None:
        """The system's errors are described by its own text too, and by nothing else that is in them."""
        with pytest.raises(type(error)) as caught:
            raise error
        assert re.fullmatch(rf"{re.escape(kind)} in test_log\.py, line \d+", described(caught.value))


def delivery_of(body: bytes = BODY) -> Delivery:
    """Return a delivery."""
    return Delivery(webhook_id=WEBHOOK_ID, timestamp=NOW, signature="", body=body, event=parse(body), secret_index=0)


class TestUnexpectedShape:
    """An event that is kept as unknown."""

    @staticmethod
    def log(body: bytes) -> None:
        """Log the delivery of `body`."""
        log_unexpected_shape(delivery_of(body), path=PATH)

    def test_known_type(self, records: list[Any]) -> None:
        """A known type in another shape is a warning: an API has changed."""
        self.log(event_body("batch.completed", []))
        (record,) = records
        assert (record.levelname, record.event_type, record.path, record.webhook_id) == (
            "WARNING",
            "batch.completed",
            PATH,
            WEBHOOK_ID,
        )

    @pytest.mark.parametrize("body", [BODY, event_body("moon.landed", [])], ids=["known shape", "new type"])
    def test_nothing_to_tell(self, records: list[Any], body: bytes) -> None:
        """A known shape and a new type are no news."""
        self.log(body)
        assert records == []


class TestClaimNotEnded:
    """A claim that could not be ended."""

    HANDLING = Handling(delivery_of(), PATH, "a key", "a token")

    def test_store_failed(self, records: list[Any]) -> None:
        """That the store failed is an error, each time: the delivery may be handled again."""
        for _ in range(2):
            log_claim_not_ended("completed", IdempotencyError("it is down"), self.HANDLING)
        record = records[1]
        assert (record.levelname, record.reason, record.path, record.webhook_id) == (
            "ERROR",
            "store_unavailable",
            PATH,
            WEBHOOK_ID,
        )
        assert record.getMessage() == (f"webhook claim not completed: it is down; path {PATH}, webhook-id {WEBHOOK_ID}")

    def test_lost(self, records: list[Any]) -> None:
        """That it is somebody else's is a warning: the lease is too short for the handler."""
        log_claim_not_ended("released", None, self.HANDLING)
        (record,) = records
        assert (record.levelname, record.path, record.webhook_id) == ("WARNING", PATH, WEBHOOK_ID)
        assert record.getMessage().startswith("webhook claim not released: the delivery is somebody else's by now")
