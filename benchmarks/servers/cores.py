"""Servers on one core, and wrk on another if there is one: neither takes the other's time, and none moves about."""

import os
from collections.abc import Generator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

_first, *_others = sorted(os.sched_getaffinity(0))

SERVERS: AbstractSet[int] = {_first}
LOAD: AbstractSet[int] = {*_others[-1:]} or SERVERS


@contextmanager
def pinned(cores: AbstractSet[int]) -> Generator[None]:
    """Stay on `cores`, as does for good whatever is started meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def shown(cores: AbstractSet[int]) -> str:
    """Return the numbers of `cores`."""
    return ", ".join(map(str, sorted(cores)))
