"""Stores that break a promise, each in its own way."""

from collections.abc import Callable, MutableMapping
from typing import Any, Unpack

from webhook_guard.idempotency import Claim, ClaimState, MemoryStore, StoreOptions

FOREVER = float("inf")


class Answers(MemoryStore):
    """Makes something else of each answer."""

    def __init__(self, change: Callable[[Any], Any], **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.change = change

    def claim(self, key: str, /) -> Any:
        """Claim `key`."""
        return self.change(super().claim(key))


class Confirms(MemoryStore):
    """Makes something else of True and False."""

    def __init__(self, change: Callable[[bool], Any], **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.change = change

    def complete(self, key: str, token: str, /) -> Any:
        """Complete `key`."""
        return self.change(super().complete(key, token))

    def release(self, key: str, token: str, /) -> Any:
        """Release `key`."""
        return self.change(super().release(key, token))


class Keys(MemoryStore):
    """Makes something else of each key."""

    def __init__(self, change: Callable[[str], str], **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.change = change

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        return super().claim(self.change(key))

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return super().complete(self.change(key), token)

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return super().release(self.change(key), token)


class Tokens(MemoryStore):
    """Makes tokens of keys."""

    def __init__(self, make: Callable[[str], str], **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.make = make

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        claim = super().claim(key)
        if claim.state is not ClaimState.NEW:
            return claim
        self._in_progress[key] = self._in_progress[key]._replace(token=self.make(key))
        return claim._replace(token=self.make(key))


class GrantsTwice(MemoryStore):
    """Grants what has an owner."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        self._in_progress.pop(key, None)
        return super().claim(key)


class CompletesAtClaim(MemoryStore):
    """Takes for completed what is claimed."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        claim = super().claim(key)
        self.complete(key, claim.token)
        return claim


class CompletesAtLeaseEnd(MemoryStore):
    """Takes for completed what has a lease that has ended."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        ended = key in self._in_progress and self._in_progress[key].ends <= self._clock()
        return Claim(ClaimState.COMPLETED) if ended else super().claim(key)


class ForgetsCompletion(MemoryStore):
    """Frees what is completed."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return self.release(key, token)


class KeepsReleased(MemoryStore):
    """Frees nothing that is released."""

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return self._is_owner(self._in_progress, key, token)


class ProlongsByClaims(MemoryStore):
    """Starts a lease, or a retention, anew when the key is claimed."""

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        claim = super().claim(key)
        for entries in (self._in_progress, self._completed):
            if key in entries and not claim.token:
                entries[key] = entries[key]._replace(ends=FOREVER)
        return claim


class ProlongsByCompletion(MemoryStore):
    """Starts the retention anew when the key is completed again."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        if key in self._completed:
            self._completed[key] = self._completed[key]._replace(ends=FOREVER)
        return super().complete(key, token)


class DropsOwners(MemoryStore):
    """Has no owner any more when the lease has ended."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return self._in_progress[key].ends > self._clock() and super().complete(key, token)

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return self._in_progress[key].ends > self._clock() and super().release(key, token)


class TakesAnyToken(MemoryStore):
    """Takes whoever comes for the owner."""

    @staticmethod
    def _is_owner(entries: MutableMapping[str, Any], key: str, token: str) -> bool:  # noqa: ARG004  that is the mistake
        return key in entries


class TakesEmptyTokens(MemoryStore):
    """Takes whoever has no token for the owner."""

    @staticmethod
    def _is_owner(entries: MutableMapping[str, Any], key: str, token: str) -> bool:
        return key in entries and token in {entries[key].token, ""}


class TakesFormerTokens(MemoryStore):
    """Takes whoever was the owner once for the owner."""

    def __init__(self, **options: Unpack[StoreOptions]) -> None:
        super().__init__(**options)
        self.given: set[str] = set()

    def claim(self, key: str, /) -> Claim:
        """Claim `key`."""
        claim = super().claim(key)
        self.given.add(claim.token)
        return claim

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return super().complete(key, token) or token in self.given

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        return super().release(key, token) or token in self.given


class LetsStrangersRelease(MemoryStore):
    """Frees for whoever comes."""

    def release(self, key: str, token: str, /) -> bool:  # noqa: ARG002  that is the mistake
        """Release `key`."""
        return self._in_progress.pop(key, None) is not None


class DeniesAndReleases(MemoryStore):
    """Says False to a stranger, and frees; also what is completed."""

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        owned = self._is_owner(self._in_progress, key, token)
        self._in_progress.pop(key, None)
        self._completed.pop(key, None)
        return owned


class DeniesAndCompletes(MemoryStore):
    """Says False to a stranger, and completes; also what is free."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        if super().complete(key, token):
            return True
        self._in_progress.pop(key, None)
        super().complete(key, super().claim(key).token)
        return False


class FailsOnUnknown(MemoryStore):
    """Raises what a dictionary does."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return self._in_progress[key].token == token


class CompletesOnce(MemoryStore):
    """Says False to who completes again."""

    def complete(self, key: str, token: str, /) -> bool:
        """Complete `key`."""
        return key not in self._completed and super().complete(key, token)


class ReleasesCompleted(MemoryStore):
    """Frees what is completed for its owner."""

    def release(self, key: str, token: str, /) -> bool:
        """Release `key`."""
        if self._is_owner(self._completed, key, token):
            del self._completed[key]
            return True
        return super().release(key, token)


def one_for(namespace: Callable[[str], str]) -> Callable[..., MemoryStore]:
    """Return what makes one store for all namespaces that `namespace` makes the same."""
    made: dict[str, MemoryStore] = {}

    def make(**options: Unpack[StoreOptions]) -> MemoryStore:
        return made.setdefault(namespace(options.get("namespace", "")), MemoryStore(**options))

    return make
