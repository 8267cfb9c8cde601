"""What the operator reads: one record per refusal, under the logger `webhook_guard`.

Each record has its facts as attributes too, for structured logs: `reason`, `path`, `webhook_id` and `count`, which is
how many refusals for that reason were held back since the last warning or error. A stranger chooses path and id, so
they are escaped and cut. An event of a known type that does not fit its class is a warning too, with `event_type`, and
so is a claim that was lost meanwhile; one that a store failed to complete or release is an error, and so is an
`on_refused` that failed. No record has a secret, a signature or a body.
"""

import logging
import os
import threading
import traceback
from errno import errorcode

from webhook_guard.sansio.claims import Handling
from webhook_guard.sansio.errors import Reason, WebhookError
from webhook_guard.sansio.events import EVENT_CLASSES, UnknownEvent
from webhook_guard.sansio.guard import Delivery

logger: logging.Logger = logging.getLogger("webhook_guard")

#: What is more than INFO.
_LEVELS = {
    Reason.SIGNATURE_MISMATCH: logging.WARNING,
    Reason.TIMESTAMP_TOO_OLD: logging.WARNING,
    Reason.TIMESTAMP_TOO_NEW: logging.WARNING,
    Reason.MALFORMED_PAYLOAD: logging.WARNING,
    Reason.STORE_UNAVAILABLE: logging.ERROR,
}
#: What a wrong secret, a wrong clock or a store that is down look like. Strangers can cause the first two at will, and
#: every delivery the last one, so it is more than INFO once a minute at most.
_THROTTLED = frozenset(_LEVELS) - {Reason.MALFORMED_PAYLOAD}

#: How to find out why a signature does not match: where bodies are captured, and where they are not.
_DIAGNOSE = "; `webhook-guard diagnose FILE` says why"
_SAVE_AND_DIAGNOSE = "; save the next one (on_refused=, capture=True), and `webhook-guard diagnose FILE` says why"

_REFUSED = "webhook refused, %s: %s; path %s, webhook-id %s%s%s"
_NOT_TOLD = "on_refused failed, and the request is refused all the same, %s: %s; path %s, webhook-id %s%s%s"
#: What `on_refused` is throttled as.
_ON_REFUSED = "on_refused"

#: Seconds between two such records for the same reason.
_PAUSE = 60.0
#: Characters of a path or an id that are shown.
_SHOWN = 256


class RefusalLog:
    """The log of one guard; safe to share between threads.

    Args:
        captures: Whether the guard hands bodies to `on_refused`.
    """

    def __init__(self, *, captures: bool = False) -> None:
        self._lock = threading.Lock()
        #: Per reason: when the last one above INFO was, and how many refusals there were since.
        self._last: dict[str, tuple[float, int]] = {}
        self._hint = _DIAGNOSE if captures else _SAVE_AND_DIAGNOSE

    def refused(self, error: WebhookError, *, path: str, webhook_id: bytes, now: float) -> None:
        """Log that a request was refused with `error`.

        Args:
            error: What the core refused it with.
            path: The request's path.
            webhook_id: Its id as it came; empty if there is none.
            now: The time by the guard's clock, in Unix seconds.
        """
        level, held_back = self._level(error.reason, now)
        if logger.isEnabledFor(level):
            facts = _facts(path, webhook_id, reason=error.reason.value, count=held_back)
            _log(level, _REFUSED, facts, error, self._hint if error.reason is Reason.SIGNATURE_MISMATCH else "")

    def not_told(
        self, failure: BaseException | str, reason: Reason, *, path: str, webhook_id: bytes, now: float
    ) -> None:
        """Log that `on_refused` failed: ERROR, but once a minute only, because strangers have it called.

        Args:
            failure: What it raised, of which the record has the type, where it was raised, and nothing private of its
                text; or a text of ours.
            reason: Why the request was refused.
            path: The request's path.
            webhook_id: Its id as it came; empty if there is none.
            now: The time by the guard's clock, in Unix seconds.
        """
        level, held_back = self._throttled(_ON_REFUSED, logging.ERROR, now)
        facts = _facts(path, webhook_id, reason=reason.value, count=held_back)
        _log(level, _NOT_TOLD, facts, failure if isinstance(failure, str) else described(failure))

    def _level(self, reason: Reason, now: float) -> tuple[int, int]:
        """Return the level of a refusal, and if it is above INFO, how many were held back since the last one."""
        level = _LEVELS.get(reason, logging.INFO)
        return self._throttled(reason, level, now) if reason in _THROTTLED else (level, 0)

    def _throttled(self, kind: str, level: int, now: float) -> tuple[int, int]:
        with self._lock:
            last = self._last.get(kind)
            # Requests are logged when they end, so not in the order of their times.
            if last is not None and abs(now - last[0]) < _PAUSE:
                self._last[kind] = (last[0], last[1] + 1)
                return logging.INFO, 0
            self._last[kind] = (now, 0)
            return level, last[1] if last is not None else 0


def described(error: BaseException) -> str:
    """Return the kind of an error and where it was raised; its text may have parts of the request.

    Of the system's errors, it has the system's own text too, such as "Permission denied".
    """
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    place = f"{frame.f_code.co_filename.rpartition(os.sep)[2]}, line {line}"
    return f"{type(error).__name__}{_system_text(error)} in {place}"


def _system_text(error: BaseException) -> str:
    # Resolvers and TLS have classes and numbers of their own, and who raises an OSError may give it anything.
    number = error.errno if isinstance(error, OSError) and type(error).__module__ == "builtins" else None
    return f" ({os.strerror(number)})" if isinstance(number, int) and number in errorcode else ""


def log_unexpected_shape(delivery: Delivery, *, path: str) -> None:
    """Warn if an event was kept as an `UnknownEvent` though its type is known: the app may not be prepared for it."""
    event = delivery.event
    if isinstance(event, UnknownEvent) and event.type in EVENT_CLASSES:
        facts = _facts(path, delivery.webhook_id.encode(), event_type=event.type)
        logger.warning(
            "webhook event of type %s does not fit its class, and is kept as UnknownEvent; path %s, webhook-id %s",
            facts["event_type"],
            facts["path"],
            facts["webhook_id"],
            extra=facts,
        )


def log_claim_not_ended(verb: str, error: WebhookError | None, handling: Handling) -> None:
    """Log that a claim could not be ended: ERROR if the store failed, WARNING if it is somebody else's by now.

    Args:
        verb: What the claim should have been: completed or released.
        error: How the store failed; None if it did not.
        handling: What was claimed.
    """
    facts = _facts(handling.path, handling.delivery.webhook_id.encode())
    logger.log(
        logging.WARNING if error is None else logging.ERROR,
        "webhook claim not %s: %s; path %s, webhook-id %s",
        verb,
        error or "the delivery is somebody else's by now, or forgotten: the handler may have outlived its lease",
        facts["path"],
        facts["webhook_id"],
        extra=facts if error is None else {**facts, "reason": error.reason.value},
    )


def _log(level: int, text: str, facts: dict[str, str | int], what: object, hint: str = "") -> None:
    """Log a text about one request, with its facts."""
    since = _since(level, facts["count"])
    logger.log(level, text, facts["reason"], what, facts["path"], facts["webhook_id"], since, hint, extra=facts)


def _since(level: int, held_back: object) -> str:
    return f" ({held_back} more since the last {logging.getLevelName(level).lower()})" if held_back else ""


def _facts(path: str, webhook_id: bytes, **more: str | int) -> dict[str, str | int]:
    return {"path": _escaped(path), "webhook_id": _escaped(webhook_id.decode("latin-1")), **more}


def _escaped(text: str) -> str:
    """Return `text` in printable ASCII, so that nobody writes lines of their own into the log."""
    return text[:_SHOWN].encode("unicode_escape").decode()
