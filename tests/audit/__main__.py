"""Runs the audit: vulnerabilities, licences, builds; each says what it looked at, and what is wrong."""

import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

from audit import builds, licences, vulnerabilities
from audit.dependencies import ROOT, needed

_PROJECT = Path(__file__).parents[2]


def main() -> int:
    """Audit the project, print what comes of it, and return the exit status."""
    dependencies = needed()
    wrong = [*_vulnerabilities(dependencies), *_licences(dependencies), *_builds()]
    for problem in wrong:
        _say(f"WRONG: {problem}")
    return 1 if wrong else 0


def _vulnerabilities(dependencies: list[Distribution]) -> list[str]:
    if vulnerabilities.is_offline():
        _say(f"vulnerabilities: NOT LOOKED UP, because {vulnerabilities.OFFLINE}=1 says that there is no network")
        return []
    _say(f"vulnerabilities: of the {len(dependencies)} dependencies of {ROOT}, by pip-audit")
    return vulnerabilities.problems(dependencies)


def _licences(dependencies: list[Distribution]) -> list[str]:
    _say(f"licences: of the {len(dependencies)} dependencies of {ROOT}")
    for one in dependencies:
        _say(f"    {one.name} {one.version}: {licences.expression(one)}")
    return licences.problems(dependencies)


def _builds() -> Iterator[str]:
    files = builds.sources(_PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        here, there = (builds.built(_PROJECT, Path(folder), where) for where in (builds.HERE, builds.THERE))
        sdist, wheel = sorted(here, key=lambda path: path.suffix)
        again = builds.built_from(sdist, Path(folder) / "from sdist")
        for archive in here:
            _say(f"builds: {archive.name}: sha256 {builds.digest(archive)}")
            yield from builds.misplaced(archive, files)
        for one, other in (*zip(here, there, strict=True), (wheel, again)):
            yield from builds.differing(one, other)


def _say(line: str) -> None:
    print(line)  # noqa: T201  a script's output


if __name__ == "__main__":
    sys.exit(main())
