"""What the operator reads: one record per refusal, under the logger `webhook_guard`.

Each record has its facts as attributes too, for structured logs: `reason`, `path`, `webhook_id` and `count`, which is
how many refusals for that reason were held back since the last warning. A stranger chooses path and id, so they are
escaped and cut. An event of a known type that does not fit its class is a warning too, with `event_type`. No record has
a secret, a signature or a body.
"""

import logging
import threading

from webhook_guard.sansio.errors import Reason, WebhookError
from webhook_guard.sansio.events import EVENT_CLASSES, UnknownEvent
from webhook_guard.sansio.guard import Delivery

logger: logging.Logger = logging.getLogger("webhook_guard")

#: What a wrong secret or a wrong clock looks like. Strangers can cause it at will, so it warns once a minute at most.
_THROTTLED = frozenset({Reason.SIGNATURE_MISMATCH, Reason.TIMESTAMP_TOO_OLD, Reason.TIMESTAMP_TOO_NEW})

#: Seconds between two warnings for the same reason.
_PAUSE = 60.0
#: Characters of a path or an id that are shown.
_SHOWN = 256


class RefusalLog:
    """The log of one guard; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Per reason: when the last warning was, and how many refusals there were since.
        self._last: dict[Reason, tuple[float, int]] = {}

    def refused(self, error: WebhookError, *, path: str, webhook_id: bytes, now: float) -> None:
        """Log that a request was refused with `error`.

        Args:
            error: What the core refused it with.
            path: The request's path.
            webhook_id: Its id as it came; empty if there is none.
            now: The time by the guard's clock, in Unix seconds.
        """
        level, held_back = self._level(error.reason, now)
        if not logger.isEnabledFor(level):
            return
        since = f" ({held_back} more since the last warning)" if held_back else ""
        facts = {**_facts(path, webhook_id), "reason": error.reason.value, "count": held_back}
        logger.log(
            level,
            "webhook refused, %s: %s; path %s, webhook-id %s%s",
            facts["reason"],
            error,
            facts["path"],
            facts["webhook_id"],
            since,
            extra=facts,
        )

    def _level(self, reason: Reason, now: float) -> tuple[int, int]:
        """Return the level of a refusal, and for a warning how many were held back since the last one."""
        if reason not in _THROTTLED:
            return (logging.WARNING if reason is Reason.MALFORMED_PAYLOAD else logging.INFO), 0
        with self._lock:
            last = self._last.get(reason)
            if last is not None and 0 <= now - last[0] < _PAUSE:
                self._last[reason] = (last[0], last[1] + 1)
                return logging.INFO, 0
            self._last[reason] = (now, 0)
            return logging.WARNING, last[1] if last is not None else 0


def log_unexpected_shape(delivery: Delivery, *, path: str) -> None:
    """Warn if an event was kept as an `UnknownEvent` though its type is known: the app may not be prepared for it."""
    event = delivery.event
    if isinstance(event, UnknownEvent) and event.type in EVENT_CLASSES:
        facts = {**_facts(path, delivery.webhook_id.encode()), "event_type": event.type}
        logger.warning(
            "webhook event of type %s does not fit its class, and is kept as UnknownEvent; path %s, webhook-id %s",
            facts["event_type"],
            facts["path"],
            facts["webhook_id"],
            extra=facts,
        )


def _facts(path: str, webhook_id: bytes) -> dict[str, str | int]:
    return {"path": _escaped(path), "webhook_id": _escaped(webhook_id.decode("latin-1"))}


def _escaped(text: str) -> str:
    """Return `text` in printable ASCII, so that nobody writes lines of their own into the log."""
    return text[:_SHOWN].encode("unicode_escape").decode()
