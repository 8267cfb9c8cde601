"""The checks of one caller after another: good stores pass, and each check finds who breaks its promise."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from unicodedata import normalize

import pytest

from webhook_guard.idempotency import Claim, ClaimState, MemoryStore
from webhook_guard.testing import StoreConformance
from webhook_guard.testing.stores.promises import Promises

from testing.stores import broken
from testing.stores.kit import AsyncMemoryStore, checks_of, failure, suite

CHECKS = checks_of(Promises)


def made_with(**others: Any) -> Callable[..., MemoryStore]:
    """Return what makes stores with options that nobody gave."""

    def make(**options: Any) -> MemoryStore:
        return MemoryStore(**{**options, **others})

    return make


def retained_as_leased(**options: Any) -> MemoryStore:
    """Return a store that forgets what is completed when the lease ends."""
    return MemoryStore(**{**options, "retention": options["lease"]})


def answers(change: Callable[[Claim], Any]) -> StoreConformance:
    """Return the suite for a store that makes something else of each claim."""
    return suite(partial(broken.Answers, change))


def keys(change: Callable[[str], str]) -> StoreConformance:
    """Return the suite for a store that makes something else of each key."""
    return suite(partial(broken.Keys, change))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("make", [MemoryStore, AsyncMemoryStore])
def test_good_stores_pass(make: Callable[..., Any], check: str) -> None:
    """A store that keeps its promises, sync or async, passes each check."""
    getattr(suite(make), check)()


ANSWERS = [
    pytest.param(answers(lambda claim: claim.state), "claim returned <ClaimState.NEW", id="a state alone"),
    pytest.param(answers(lambda claim: claim.state.value), "claim returned 'new'", id="text"),
    pytest.param(answers(lambda claim: (claim.state, claim.token)), "claim returned (<ClaimState.NEW", id="a tuple"),
    pytest.param(
        answers(lambda claim: Claim(cast(Any, "new"), claim.token)),
        "claim returned Claim(state='new'",
        id="a state that is text",
    ),
    pytest.param(
        answers(lambda claim: Claim(claim.state)),
        "claim returned Claim(state=<ClaimState.NEW: 'new'>, token='')",
        id="no token",
    ),
    pytest.param(
        answers(lambda _: Claim(ClaimState.IN_PROGRESS)),
        "returned IN_PROGRESS, not NEW",
        id="a claim that is not granted",
    ),
]


@pytest.mark.parametrize(("tested", "found"), ANSWERS)
def test_answers(tested: StoreConformance, found: str) -> None:
    """The first claim must be granted, with a `Claim` that has a `ClaimState` and a token."""
    assert found in failure(tested, "test_first_claim")


BROKEN = [
    ("test_second_claim", suite(broken.GrantsTwice), "returned NEW, not IN_PROGRESS"),
    ("test_second_claim", suite(broken.CompletesAtClaim), "returned COMPLETED, not IN_PROGRESS"),
    ("test_second_claim", answers(lambda claim: Claim(claim.state, "token")), "the other states none"),
    ("test_tokens_differ", suite(partial(broken.Tokens, lambda _: "token")), "a token was given twice"),
    ("test_tokens_differ", suite(partial(broken.Tokens, str)), "a token was given twice"),
    ("test_complete", suite(broken.ForgetsCompletion), "returned NEW, not COMPLETED"),
    ("test_complete", suite(partial(broken.Confirms, int)), "complete returned 1, not True"),
    ("test_release", suite(broken.KeepsReleased), "returned IN_PROGRESS, not NEW"),
    ("test_release", suite(partial(broken.Confirms, lambda _: None)), "release returned None, not True"),
    (
        "test_lease_ends",
        suite(made_with(lease=60), patience=0.05),
        "claim still returned IN_PROGRESS, when it had to be NEW",
    ),
    ("test_lease_ends", suite(made_with(lease=0.01), short=5), "claim returned NEW too early"),
    ("test_lease_ends", suite(broken.ProlongsByClaims, patience=0.05), "claim still returned IN_PROGRESS"),
    ("test_lease_ends", suite(broken.CompletesAtLeaseEnd), "claim returned COMPLETED instead of IN_PROGRESS"),
    ("test_retention_ends", suite(made_with(retention=60), patience=0.05), "claim still returned COMPLETED"),
    ("test_retention_ends", suite(made_with(retention=0.01), short=5), "claim returned NEW too early"),
    ("test_retention_ends", suite(broken.ProlongsByClaims, patience=0.05), "claim still returned COMPLETED"),
    ("test_completed_after_lease", suite(retained_as_leased), "returned NEW, not COMPLETED"),
    ("test_complete_after_lease", suite(broken.DropsOwners), "complete returned False, not True"),
    ("test_release_after_lease", suite(broken.DropsOwners), "release returned False, not True"),
    ("test_stranger", suite(broken.TakesAnyToken), "complete returned True, not False"),
    ("test_stranger", suite(broken.TakesEmptyTokens), "complete returned True, not False"),
    ("test_stranger", suite(broken.LetsStrangersRelease), "release returned True, not False"),
    ("test_stranger", suite(broken.DeniesAndReleases), "returned NEW, not IN_PROGRESS"),
    ("test_stranger", suite(broken.DeniesAndCompletes), "returned COMPLETED, not IN_PROGRESS"),
    ("test_stranger_after_completion", suite(broken.TakesAnyToken), "complete returned True, not False"),
    ("test_stranger_after_completion", suite(broken.DeniesAndReleases), "returned NEW, not COMPLETED"),
    ("test_unknown_key", suite(broken.DeniesAndCompletes), "returned COMPLETED, not NEW"),
    ("test_released_token", suite(broken.TakesFormerTokens), "complete returned True, not False"),
    ("test_previous_owner_completes", suite(broken.TakesFormerTokens), "complete returned True, not False"),
    ("test_previous_owner_completes", suite(broken.DeniesAndCompletes), "release returned False, not True"),
    ("test_previous_owner_releases", suite(broken.TakesFormerTokens), "release returned True, not False"),
    ("test_previous_owner_releases", suite(broken.DeniesAndReleases), "complete returned False, not True"),
    ("test_previous_owner_after_release", suite(broken.TakesFormerTokens), "complete returned True, not False"),
    ("test_previous_owner_after_completion", suite(broken.TakesFormerTokens), "complete returned True, not False"),
    ("test_previous_owner_after_retention", suite(broken.TakesFormerTokens), "complete returned True, not False"),
    ("test_complete_again", suite(broken.CompletesOnce), "complete returned False, not True"),
    (
        "test_complete_again_prolongs_nothing",
        suite(broken.ProlongsByCompletion, patience=0.05),
        "claim still returned COMPLETED",
    ),
    ("test_release_after_completion", suite(broken.ReleasesCompleted), "release returned True, not False"),
    ("test_release_after_completion", suite(broken.DeniesAndReleases), "returned NEW, not COMPLETED"),
    ("test_shared", suite(MemoryStore, shared=True), "returned NEW, not IN_PROGRESS. (A store in the memory of one"),
    ("test_namespaces", suite(broken.one_for(lambda _: "all")), "returned IN_PROGRESS, not NEW"),
    ("test_namespaces", suite(broken.one_for(str.lower)), "returned IN_PROGRESS, not NEW"),
    ("test_special_keys", keys(str.strip), "returned IN_PROGRESS, not NEW"),
    ("test_similar_keys", keys(str.casefold), "returned IN_PROGRESS, not NEW"),
    ("test_similar_keys", keys(partial(normalize, "NFC")), "returned IN_PROGRESS, not NEW"),
    ("test_long_keys", keys(lambda key: key[:999]), "returned IN_PROGRESS, not NEW"),
]


@pytest.mark.parametrize(("check", "tested", "found"), BROKEN, ids=[f"{check}-{found}" for check, _, found in BROKEN])
def test_broken_stores_fail(check: str, tested: StoreConformance, found: str) -> None:
    """A store that breaks a promise fails at the check of it, which says the promise and what was found."""
    assert found in failure(tested, check)


def test_errors_are_shown() -> None:
    """What a store raises is raised, with where it did."""
    with pytest.raises(KeyError):
        suite(broken.FailsOnUnknown).test_unknown_key()


def test_each_check_can_fail() -> None:
    """For each check there is a store that it finds."""
    assert {"test_first_claim", *(check for check, *_ in BROKEN)} == set(CHECKS)
