"""The checks of what one caller after another gets."""

import time
from random import Random

from webhook_guard.sansio.claims import ClaimState
from webhook_guard.testing.stores.driven import DrivenStore, Stores, new_key
from webhook_guard.testing.stores.suite import StoreSuite, check

#: The part of a lease, or a retention, before which nothing may be free: clocks differ, and are rounded.
_MOST = 0.8

#: What has a meaning in SQL, formats or patterns; what is trimmed, or read as a number.
_SPECIAL = [
    *("'", '"', "\\", "''; --", "$1", ":key", "?", "%", "%s", "_", "*", "[a-z]", "{}", "{0}", "{key}", "None"),
    *("1", "01", " ", "#wh_1", " #wh_1", "#wh_1 ", "# wh_1", "#wh%1", "日本語", "🔑"),
]
#: What is the same where case or accents are folded, or composed.
_ALIKE = ["#wh_e", "#wh_E", "#WH_e", "#wh_é", "#wh_É", "#wh_e\N{COMBINING ACUTE ACCENT}", "#wh_ss", "#wh_ß"]
#: Characters of two bytes, and of four, of which fronts make fewer; at random, lest they are compressed.
_TWO = "".join(map(chr, Random(0).choices(range(0x400, 0x480), k=999)))  # noqa: S311  no secret
_FOUR = "".join(map(chr, Random(0).choices(range(0x20000, 0x2A000), k=511)))  # noqa: S311  the same
_LONG = ["#", *(long + end for long in ("#" * 254, "#" * 999, _TWO, _FOUR) for end in "ab")]


class Promises(StoreSuite):
    """What holds, one call after another."""

    __test__ = False

    @check
    def test_first_claim(self, stores: Stores) -> None:
        """Whoever claims a key first gets NEW, with a token."""
        stores.make().must_grant(new_key())

    @check
    def test_second_claim(self, stores: Stores) -> None:
        """Whoever claims a key that has an owner gets IN_PROGRESS, without a token, however often."""
        store, key = stores.make(), new_key()
        store.must_grant(key)
        store.must_be_in_progress(key)
        store.must_be_in_progress(key)

    @check
    def test_tokens_differ(self, stores: Stores) -> None:
        """Each owner gets a token that no other has, also of the same key."""
        store, key = stores.make(), new_key()
        first, other = store.must_grant(key), store.must_grant(new_key())
        store.must_release(key, first)
        stores.must(first != other and store.must_grant(key) not in {first, other}, "a token was given twice")

    @check
    def test_complete(self, stores: Stores) -> None:
        """Whoever claims a completed key gets COMPLETED, without a token, however often."""
        store, key = stores.make(), new_key()
        store.must_complete(key, store.must_grant(key))
        store.must_be_completed(key)
        store.must_be_completed(key)

    @check
    def test_release(self, stores: Stores) -> None:
        """A released key is free."""
        store, key = stores.make(), new_key()
        store.must_release(key, store.must_grant(key))
        store.must_grant(key)

    @check
    def test_lease_ends(self, stores: Stores) -> None:
        """A key is free when its lease ends and not before, however often it is claimed meanwhile."""
        store, key = stores.make(lease=self.short), new_key()
        earliest = time.monotonic() + _MOST * self.short
        store.must_grant(key)
        store.must_become_new(key, not_before=earliest)

    @check
    def test_retention_ends(self, stores: Stores) -> None:
        """A completed key is free when its retention ends and not before, however often it is claimed meanwhile."""
        store, key = stores.make(retention=self.short), new_key()
        token = store.must_grant(key)
        earliest = time.monotonic() + _MOST * self.short
        store.must_complete(key, token)
        store.must_become_new(key, after=ClaimState.COMPLETED, not_before=earliest)

    @check
    def test_completed_after_lease(self, stores: Stores) -> None:
        """What was completed stays so when its lease is over."""
        store, key = stores.make(lease=self.short), new_key()
        store.must_complete(key, store.must_grant(key))
        store.outlast_lease()
        store.must_be_completed(key)

    @check
    def test_complete_after_lease(self, stores: Stores) -> None:
        """The owner completes also after its lease, as long as nobody has claimed since."""
        store, key = stores.make(lease=self.short), new_key()
        token = store.must_grant(key)
        store.outlast_lease()
        store.must_complete(key, token)
        store.must_be_completed(key)

    @check
    def test_release_after_lease(self, stores: Stores) -> None:
        """The owner releases also after its lease, as long as nobody has claimed since."""
        store, key = stores.make(lease=self.short), new_key()
        token = store.must_grant(key)
        store.outlast_lease()
        store.must_release(key, token)
        store.must_grant(key)

    @check
    def test_stranger(self, stores: Stores) -> None:
        """Whoever has not the owner's token changes nothing, and is told so with False."""
        store, key = stores.make(), new_key()
        token = store.must_grant(key)
        _must_change_nothing(store, key, *_strange_tokens(store))
        store.must_be_in_progress(key)
        store.must_release(key, token)

    @check
    def test_stranger_after_completion(self, stores: Stores) -> None:
        """Whoever has not the token that completed a key changes nothing, and is told so with False."""
        store, key = stores.make(), new_key()
        store.must_complete(key, store.must_grant(key))
        _must_change_nothing(store, key, *_strange_tokens(store))
        store.must_be_completed(key)

    @check
    def test_unknown_key(self, stores: Stores) -> None:
        """A key that nobody has claimed can't be completed or released, and is still free then."""
        store, key = stores.make(), new_key()
        _must_change_nothing(store, key, *_strange_tokens(store))
        store.must_grant(key)

    @check
    def test_released_token(self, stores: Stores) -> None:
        """Whoever has released a key is not its owner."""
        store, key = stores.make(), new_key()
        token = store.must_grant(key)
        store.must_release(key, token)
        _must_change_nothing(store, key, token)
        store.must_grant(key)

    @check
    def test_previous_owner_completes(self, stores: Stores) -> None:
        """Once another has claimed after the lease, the previous owner can't complete."""
        store = stores.make(lease=self.short)
        key, previous, owner = _two_owners(store)
        store.must_not_complete(key, previous)
        store.must_release(key, owner)
        store.must_grant(key)

    @check
    def test_previous_owner_releases(self, stores: Stores) -> None:
        """Once another has claimed after the lease, the previous owner can't release."""
        store = stores.make(lease=self.short)
        key, previous, owner = _two_owners(store)
        store.must_not_release(key, previous)
        store.must_complete(key, owner)
        store.must_be_completed(key)

    @check
    def test_previous_owner_after_release(self, stores: Stores) -> None:
        """Once another has claimed after the lease, and has released, the previous owner is still none."""
        store = stores.make(lease=self.short)
        key, previous, owner = _two_owners(store)
        store.must_release(key, owner)
        _must_change_nothing(store, key, previous)
        store.must_grant(key)

    @check
    def test_previous_owner_after_completion(self, stores: Stores) -> None:
        """Once another has claimed after the lease, and has completed, the previous owner is still none."""
        store = stores.make(lease=self.short)
        key, previous, owner = _two_owners(store)
        store.must_complete(key, owner)
        _must_change_nothing(store, key, previous)
        store.must_be_completed(key)

    @check
    def test_previous_owner_after_retention(self, stores: Stores) -> None:
        """Once another has claimed after the retention, whoever had completed is no owner."""
        store, key = stores.make(retention=self.short), new_key()
        previous = store.must_grant(key)
        store.must_complete(key, previous)
        owner = store.must_become_new(key, after=ClaimState.COMPLETED)
        _must_change_nothing(store, key, previous)
        store.must_release(key, owner)

    @check
    def test_complete_again(self, stores: Stores) -> None:
        """Completing again by the same token is True."""
        store, key = stores.make(), new_key()
        token = store.must_grant(key)
        store.must_complete(key, token)
        store.must_complete(key, token)
        store.must_be_completed(key)

    @check
    def test_complete_again_prolongs_nothing(self, stores: Stores) -> None:
        """Completing again makes the retention no longer."""
        store, key = stores.make(retention=self.short), new_key()
        again = store.completing(key, token := store.must_grant(key))
        store.must_complete(key, token)
        store.must_become_new(key, after=ClaimState.COMPLETED, meanwhile=lambda: stores.run(again))

    @check
    def test_release_after_completion(self, stores: Stores) -> None:
        """Releasing what is completed is False, and it stays completed."""
        store, key = stores.make(), new_key()
        token = store.must_grant(key)
        store.must_complete(key, token)
        store.must_not_release(key, token)
        store.must_be_completed(key)

    @check
    def test_shared(self, stores: Stores) -> None:
        """All stores with the same options know of a claim, and take its token."""
        one, other = self.two_stores(stores)
        completed, released = new_key(), new_key()
        tokens = one.must_grant(completed), one.must_grant(released)
        other.must_be_in_progress(completed)
        other.must_complete(completed, tokens[0])
        other.must_release(released, tokens[1])
        one.must_be_completed(completed)
        one.must_grant(released)

    @check
    def test_namespaces(self, stores: Stores) -> None:
        """The same key in another namespace is another key."""
        name, key = stores.namespace, new_key()
        one, *others = (stores.make(namespace=namespace) for namespace in (name, name.upper(), f"{name}:2"))
        token = one.must_grant(key)
        tokens = [other.must_grant(key) for other in others]
        one.must_complete(key, token)
        for other, others_token in zip(others, tokens, strict=True):
            _must_change_nothing(other, key, token)
            other.must_release(key, others_token)

    @check
    def test_special_keys(self, stores: Stores) -> None:
        """Any printable characters make a key, and none of them means anything."""
        _must_be_apart(stores.make(), _SPECIAL)

    @check
    def test_similar_keys(self, stores: Stores) -> None:
        """Keys that differ in case, or in an accent, are different keys."""
        _must_be_apart(stores.make(), _ALIKE)

    @check
    def test_long_keys(self, stores: Stores) -> None:
        """A key has 1 to 1000 characters, and each of them counts."""
        _must_be_apart(stores.make(), _LONG)


def _strange_tokens(store: DrivenStore) -> list[str]:
    """Return what is not the token of a key: an empty one, a made up one, and that of another key."""
    return ["", "%", store.must_grant(new_key())]


def _must_change_nothing(store: DrivenStore, key: str, *tokens: str) -> None:
    for token in tokens:
        store.must_not_complete(key, token)
        store.must_not_release(key, token)


def _two_owners(store: DrivenStore) -> tuple[str, str, str]:
    """Return a key that was claimed again after its lease, the previous owner's token, and the owner's."""
    key = new_key()
    return key, store.must_grant(key), store.must_become_new(key)


def _must_be_apart(store: DrivenStore, keys: list[str]) -> None:
    tokens = [store.must_grant(key) for key in keys]
    for key, token in zip(keys, tokens, strict=True):
        store.must_complete(key, token)
        store.must_be_completed(key)
