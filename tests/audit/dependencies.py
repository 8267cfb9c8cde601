"""What the package needs at run time, with its extras, as installed here: read from metadata, without pip."""

from collections.abc import Iterable
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: The package with all its extras; what other platforms and versions of Python need besides is not installed here.
ROOT = "webhook_guard[cli,demo,redis,postgres]"


def needed(root: str = ROOT) -> list[Distribution]:
    """Return the distributions that `root` needs, by name, without itself.

    Raises:
        PackageNotFoundError: One of them is not installed.
    """
    asked: dict[str, set[str]] = {}
    waiting = [Requirement(root)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = asked.setdefault(name, set())
        wanted = {"", *requirement.extras}
        if wanted <= extras:
            continue
        extras |= wanted
        waiting += _requirements(distribution(name).requires or (), extras)
    del asked[canonicalize_name(Requirement(root).name)]
    return [distribution(name) for name in sorted(asked)]


def _requirements(texts: Iterable[str], extras: set[str]) -> list[Requirement]:
    found = map(Requirement, texts)
    return [one for one in found if one.marker is None or any(one.marker.evaluate({"extra": name}) for name in extras)]
