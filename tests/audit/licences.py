"""Every dependency has a licence that is allowed here, with the reason for each; an unknown licence is none of them."""

from collections.abc import Iterable
from importlib.metadata import Distribution
from itertools import chain

from packaging.utils import canonicalize_name

_NOTICE_ONLY = "asks only that its notice is kept, which each wheel does"
#: By SPDX id, why.
ALLOWED = {
    "MIT": _NOTICE_ONLY,
    "BSD-2-Clause": _NOTICE_ONLY,
    "BSD-3-Clause": _NOTICE_ONLY,
    "PSF-2.0": "that of Python itself",
}
#: By name and SPDX id, why for this dependency alone.
ALLOWED_FOR = {
    (name, "LGPL-3.0-only"): "an extra, installed by those who ask for it, imported unmodified and not distributed here"
    for name in ("psycopg", "psycopg-binary", "psycopg-pool")
}
_CLASSIFIERS = {
    "License :: OSI Approved :: MIT License": "MIT",
    # Which one, it does not say: both must be allowed.
    "License :: OSI Approved :: BSD License": "BSD-2-Clause AND BSD-3-Clause",
}


def problems(needed: Iterable[Distribution]) -> list[str]:
    """Return the dependencies whose licence is not allowed, or not known."""
    return list(chain.from_iterable(map(_of_dependency, needed)))


def expression(dependency: Distribution) -> str | None:
    """Return the licence that the metadata names, as an SPDX expression, from the most exact field to the least."""
    fields = dependency.metadata
    classifiers = [text for text in fields.get_all("Classifier") or () if text.startswith("License :: ")]
    named = fields.get_all("License-Expression") or [_CLASSIFIERS.get(text, text) for text in classifiers]
    return " AND ".join(named or fields.get_all("License") or ()) or None


def is_allowed(name: str, licence: str) -> bool:
    """Say whether an SPDX expression is allowed for a dependency: an OR needs one, an AND all; brackets are unknown."""
    return any(
        all(part in ALLOWED or (canonicalize_name(name), part) in ALLOWED_FOR for part in choice.split(" AND "))
        for choice in licence.split(" OR ")
    )


def _of_dependency(dependency: Distribution) -> list[str]:
    licence = expression(dependency)
    if licence is None:
        return [f"{dependency.name} {dependency.version}: its metadata names no licence"]
    if is_allowed(dependency.name, licence):
        return []
    return [f"{dependency.name} {dependency.version}: {licence} is not among the licences allowed"]
