"""Stores and fronts that break the promise on purpose: the machine must find each."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import current_thread
from typing import Any, Unpack

import pytest

from webhook_guard.idempotency import Claim, ClaimState, MemoryStore, StoreOptions, asgi, wsgi
from webhook_guard.sansio import claims
from webhook_guard.sansio.claims import Handling
from webhook_guard.sansio.errors import IdempotencyError, Reason

from model.turns import Strand
from model.world import World


class ForgetsCompletions(MemoryStore):
    """Confirms completions, and keeps none."""

    def complete(self, key: str, token: str, /) -> bool:
        """Free `key`."""
        return self.release(key, token)


class ForgetsAfterLease(MemoryStore):
    """Keeps completions no longer than a lease."""

    def __init__(self, *, clock: Callable[[], float], **options: Unpack[StoreOptions]) -> None:
        super().__init__(clock=clock, **options)
        self.retention = self.lease


class GrantsAll(MemoryStore):
    """Grants claims that somebody has."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`, whoever has it."""
        claim = super().claim(key)
        if claim.state is ClaimState.IN_PROGRESS:
            self.release(key, self._in_progress[key].token)
            claim = super().claim(key)
        return claim


class ClaimsInTwoSteps(MemoryStore):
    """Looks whether a key is free, and claims it then."""

    world: World

    def claim(self, key: str, /) -> Claim:
        """Claim `key`, if it was free."""
        claim = super().claim(key)
        if claim.state is not ClaimState.NEW:
            return claim
        self.release(key, claim.token)
        if isinstance(current_thread(), Strand):  # a late call has no turns
            self.world.turns.wait("in claim")
        if key in self._in_progress:
            self.release(key, self._in_progress[key].token)
        return super().claim(key)


class CompletesOnClaim(MemoryStore):
    """Takes whatever was begun for done."""

    def claim(self, key: str, /) -> Claim:
        """Claim and complete `key`."""
        claim = super().claim(key)
        super().complete(key, claim.token)
        return claim

    def release(self, _key: str, _token: str, /) -> bool:
        """Do nothing."""
        return True


class NeverEndsLeases(MemoryStore):
    """Has leases that never end."""

    def __init__(self, *, clock: Callable[[], float], **options: Unpack[StoreOptions]) -> None:
        super().__init__(clock=clock, **options)
        self.lease = 1e9


class EndsLeasesEarly(MemoryStore):
    """Has leases that end too early."""

    def __init__(self, *, clock: Callable[[], float], **options: Unpack[StoreOptions]) -> None:
        super().__init__(clock=clock, **options)
        self.lease /= 3


class ReleasesForAnybody(MemoryStore):
    """Lets go of a key that its owner has lost to somebody else."""

    def release(self, key: str, token: str, /) -> bool:
        """Free `key`."""
        held = self._in_progress.get(key)
        return super().release(key, token if held is None else held.token)


class KeepsReleased(MemoryStore):
    """Confirms releases, and does nothing."""

    def release(self, _key: str, _token: str, /) -> bool:
        """Do nothing."""
        return True


def complete_first(patch: pytest.MonkeyPatch) -> None:
    """Complete claims before the app is called."""
    _end_first(patch, "complete")


def release_first(patch: pytest.MonkeyPatch) -> None:
    """Release claims before the app is called."""
    _end_first(patch, "release")


def _end_first(patch: pytest.MonkeyPatch, name: str) -> None:
    handle_asgi: Any = vars(asgi.Claims)["_handle"]
    handle_wsgi: Any = vars(wsgi.Claims)["_handle"]

    async def ended_asgi(self: Any, handling: Handling, *arguments: Any) -> None:
        with suppress(OSError):  # the store is away
            await getattr(self, f"_{name}")(handling.key, handling.token)
        await handle_asgi(self, handling, *arguments)

    def ended_wsgi(self: Any, handling: Handling, *arguments: Any) -> Any:
        with suppress(OSError):
            getattr(self._store, name)(handling.key, handling.token)
        return handle_wsgi(self, handling, *arguments)

    patch.setattr(asgi.Claims, "_handle", ended_asgi)
    patch.setattr(wsgi.Claims, "_handle", ended_wsgi)


def complete_whatever_status(patch: pytest.MonkeyPatch) -> None:
    """Take each status for a success."""
    answer = Handling.answer

    def succeed(self: Handling, _status: object) -> bool:
        return answer(self, 200)

    patch.setattr(Handling, "answer", succeed)


def never_release(patch: pytest.MonkeyPatch) -> None:
    """Leave claims to the end of their leases."""

    def must_not(_self: Handling) -> bool:
        return False

    patch.setattr(Handling, "must_release", must_not)


def answer_duplicate(patch: pytest.MonkeyPatch) -> None:
    """Answer what is in progress as a duplicate."""
    granted = claims.granted

    def granted_or_duplicate(claim: object) -> str:
        try:
            return granted(claim)
        except IdempotencyError as error:
            raise IdempotencyError(str(error), Reason.DUPLICATE) from error

    patch.setattr(claims, "granted", granted_or_duplicate)


def go_without_store(patch: pytest.MonkeyPatch) -> None:
    """Call the app while the store can't answer."""
    claim_asgi, claim_wsgi = asgi.Claims.claim, wsgi.Claims.claim

    async def claimed_asgi(self: asgi.Claims, app: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return await claim_asgi(self, app, *arguments, **options)
        except IdempotencyError as error:
            return _unless_store(error, app)

    def claimed_wsgi(self: wsgi.Claims, app: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return claim_wsgi(self, app, *arguments, **options)
        except IdempotencyError as error:
            return _unless_store(error, app)

    patch.setattr(asgi.Claims, "claim", claimed_asgi)
    patch.setattr(wsgi.Claims, "claim", claimed_wsgi)


def _unless_store(error: IdempotencyError, app: Any) -> Any:
    if error.reason is Reason.STORE_UNAVAILABLE:
        return app
    raise error


def keep_late_claims(patch: pytest.MonkeyPatch) -> None:
    """Under ASGI, forget a claim that comes back after the request was cancelled."""

    async def forget(_self: asgi.Claims, _key: str, calling: Any) -> None:
        await calling

    patch.setattr(asgi.Claims, "_release_late", forget)


def cancel_store_calls(patch: pytest.MonkeyPatch) -> None:
    """Under ASGI, cancel a call of the store with its request."""

    async def awaited(_self: asgi.Claims, call: Coroutine[Any, Any, Any], _late: object = None) -> Any:
        return await call

    patch.setattr(asgi.Claims, "_to_its_end", awaited)
