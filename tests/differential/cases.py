"""All deliveries that are compared: genuine ones, each change of some of them, and two changes at once of others."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from differential import sender, tampered
from differential.delivery import Delivery, Draft
from differential.generated import drafts

#: The seed: the cases, and so the figures, are the same in each run.
SEED = 20_261_122
_GENUINE_OF_EACH_TYPE = 20
_DELIVERIES_PER_CHANGE = 16
_PAIRS_OF_CHANGES = 2500

PLAIN = Draft(body=b'{"id":"evt_1","created_at":1750861210,"type":"batch.completed","data":{"id":"batch_1"}}')


@dataclass(frozen=True)
class Case:
    """A delivery that is yet to be signed, because the clocks of the others can't be given.

    Attributes:
        draft: What the sender signs.
        changes: The names of the changes to it.
    """

    draft: Draft
    changes: tuple[str, ...] = ()

    def delivered(self, now: int) -> Delivery:
        """Return the delivery as it arrives: first what the sender changes, then what happens on the way."""
        draft = self.draft
        for name in self.changes:
            if name in sender.CHANGES:
                draft = sender.CHANGES[name](draft)
        delivery = draft.signed(now)
        for name in self.changes:
            if name in tampered.CHANGES:
                delivery = tampered.CHANGES[name](delivery)
        return delivery


_NAMES = (*sender.CHANGES, *tampered.CHANGES)
#: What changes the same: of two changes at once, each is of another group.
_GROUPS = (
    (*sender.IDS, *tampered.HEADERS),
    (*sender.TIMESTAMPS, *sender.AGES, *tampered.TIMESTAMPS),
    (*sender.SECRETS,),
    (*sender.BODIES, *tampered.BODIES),
    (*tampered.SIGNATURES,),
)


def cases() -> Iterator[Case]:
    """Yield all cases, the same in each run."""
    random = Random(SEED)  # noqa: S311  not for a key: the same cases in each run
    genuine = list(drafts(random, _GENUINE_OF_EACH_TYPE))
    yield from map(Case, genuine)
    supply = cycle(random.sample(genuine, len(genuine)))
    for name in _NAMES:
        yield Case(PLAIN, (name,))
        yield from (Case(draft, (name,)) for draft in islice(supply, _DELIVERIES_PER_CHANGE))
    for draft in islice(supply, _PAIRS_OF_CHANGES):
        yield Case(draft, tuple(random.choice(group) for group in random.sample(_GROUPS, 2)))
