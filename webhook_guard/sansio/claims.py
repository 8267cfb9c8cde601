"""The claim on a delivery: what it decides for the request, and how it ends.

1. A front claims each verified delivery, under its `claim_key`, before it calls the app.
2. `granted` decides: a NEW claim lets the delivery through; with any other the app is not called.
3. While the app handles the delivery, `Handling` decides. A 2xx completes the claim, immediately before the answer is
   handed on. Everything else releases it, and only when the handler has ended. A claim ends once.
4. A process that is killed does neither: the store frees the key when the lease ends.

Nothing here calls a store or waits for one: fronts do.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from webhook_guard.sansio.errors import IdempotencyError, Reason
from webhook_guard.sansio.guard import Delivery

#: Characters. Every store takes keys of this length, with a namespace and a path before them.
_LONGEST_KEY = 512
#: Characters of a store's own words that are shown.
_SHOWN = 200


class ClaimState(StrEnum):
    """What a store knows of a key."""

    #: Nobody has it, or its lease has ended: it belongs to whoever asked.
    NEW = "new"
    #: Somebody has it, and the lease has not ended.
    IN_PROGRESS = "in_progress"
    #: It was completed, less than the retention ago.
    COMPLETED = "completed"


class Claim(NamedTuple):
    """A store's answer to a claim.

    >>> from webhook_guard.idempotency import MemoryStore
    >>> store = MemoryStore()
    >>> token = store.claim("wh_1").token
    >>> store.claim("wh_1")
    Claim(state=<ClaimState.IN_PROGRESS: 'in_progress'>, token='')
    >>> store.complete("wh_1", token)
    True
    """

    #: NEW, if the claim was granted.
    state: ClaimState
    #: What the new owner completes or releases it with; "" unless the state is NEW.
    token: str = ""


class Handling:
    """A delivery whose claim was granted, while the app handles it; belongs to one request.

    Args:
        delivery: What is handled.
        path: The request's path, for the log.
        key: What is claimed.
        token: The owner's token.
    """

    __slots__ = ("_ended", "_succeeds", "delivery", "key", "path", "token")

    def __init__(self, delivery: Delivery, path: str, key: str, token: str) -> None:
        self.delivery: Delivery = delivery
        self.path: str = path
        self.key: str = key
        self.token: str = token
        self._succeeds = False
        self._ended = False

    def answer(self, status: object) -> bool:
        """Take in the status that the app gives, and return whether it is a success; the last one given counts.

        Args:
            status: An HTTP status, or what an app gives in its place.
        """
        self._succeeds = isinstance(status, int) and 200 <= status < 300  # noqa: PLR2004  what 2xx means
        return self._succeeds

    def must_complete(self) -> bool:
        """Return, before a part of the answer's body is handed on, whether the claim is to be completed now."""
        if self._ended or not self._succeeds:
            return False
        self._ended = True
        return True

    def must_release(self) -> bool:
        """Return, when the handler has ended, whether the claim is to be released now."""
        if self._ended:
            return False
        self._ended = True
        return True


def claim_key(path: str, delivery: Delivery, key: Callable[[Delivery], str] | None = None) -> str:
    """Return the key under which a delivery is claimed.

    Args:
        path: The configured path that matched, normalised; it has no #.
        delivery: The delivery.
        key: What to take in place of the webhook id.

    Raises:
        IdempotencyError: `key` failed, or returned something that is no key.
    """
    return f"{path}#{delivery.webhook_id if key is None else _own_key(delivery, key)}"


def _own_key(delivery: Delivery, key: Callable[[Delivery], object]) -> str:
    try:
        own = key(delivery)
    except Exception as error:  # noqa: BLE001  it is the operator's code, and may raise anything
        # Its type only: the message may quote the body.
        raise IdempotencyError(f"the store's option key failed with {type(error).__name__}") from None
    if isinstance(own, str) and own.isprintable() and 0 < len(own) <= _LONGEST_KEY:
        return own
    raise IdempotencyError(
        f"the store's option key must return 1 to {_LONGEST_KEY} printable characters; {_described(own)}"
    )


def _described(own: object) -> str:
    return f"it returned a str of {len(own)}" if isinstance(own, str) else f"it returned {type(own).__name__}"


def granted(claim: object) -> str:
    """Return the token of a claim that was granted.

    Args:
        claim: What the store answered.

    Raises:
        IdempotencyError: duplicate, in_progress, or store_unavailable if the answer is no claim.
    """
    match claim:
        case Claim(ClaimState.NEW, str(token)) if token:
            return token
        case Claim(ClaimState.IN_PROGRESS):
            raise IdempotencyError("the delivery is being handled now", Reason.IN_PROGRESS)
        case Claim(ClaimState.COMPLETED):
            raise IdempotencyError("the delivery was handled before", Reason.DUPLICATE)
        case _:
            raise IdempotencyError(
                f"the store must answer with a Claim: a ClaimState, and a token where it is NEW; not {_shown(claim)}"
            )


def _shown(claim: object) -> str:
    return f"one of {type(claim[0]).__name__}" if isinstance(claim, Claim) else type(claim).__name__


def unavailable(error: Exception) -> IdempotencyError:
    """Return the error for a store that failed with `error`.

    What it says is shown, in one line: a store is given nothing but keys and tokens.
    """
    if isinstance(error, IdempotencyError):
        return error
    said = " ".join(str(error).split()).rstrip(".")[:_SHOWN].encode("unicode_escape").decode()
    return IdempotencyError(f"the store failed with {type(error).__name__}: {said}")
