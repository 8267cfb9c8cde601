"""The audit's checks fail where they should: without the network, on dependencies and archives made here."""

import sys
import tarfile
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from audit import builds, licences, vulnerabilities
from audit.dependencies import needed

VERSIONS = {"msgspec": "0.21.1"}
CLEAN: dict[str, Any] = {"name": "msgspec", "version": "0.21.1", "vulns": []}
FILES = ["webhook_guard/__init__.py", "pytest_webhook_guard.py", "README.md", ".ci/run"]
IN_WHEEL = [
    *FILES[:2],
    *(f"webhook_guard-1.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")),
    "webhook_guard-1.dist-info/licenses/LICENSE",
]


def installed(folder: Path, name: str, *lines: str) -> Distribution:
    """Put the metadata of a distribution where it is found."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join([f"Name: {name}", "Version: 1", *lines, ""]), "utf-8")
    return Distribution.at(info)


def wheel(folder: Path, names: list[str], *, content: str = "") -> Path:
    """Write a wheel with files of these names."""
    path = folder / "webhook_guard-1-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


class TestDependencies:
    """What is needed at run time."""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        installed(tmp_path, "top_a", "Requires-Dist: Mid-A[more]", "Requires-Dist: top_a; extra == 'all'")
        installed(tmp_path, "mid_a", "Requires-Dist: low_a; extra == 'more'", "Requires-Dist: low_b; extra == 'other'")
        installed(tmp_path, "low_a", "Requires-Dist: top_a", "Requires-Dist: low_c; python_version < '3'")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    @staticmethod
    def test_extras() -> None:
        """Extras count where they are asked for, circles end, and what is for elsewhere does not count."""
        assert [one.name for one in needed("top_a[all]")] == ["low_a", "mid_a"]

    @staticmethod
    def test_missing() -> None:
        """What is needed and not installed can't be audited."""
        with pytest.raises(PackageNotFoundError):
            needed("mid_a[other]")

    @staticmethod
    def test_own() -> None:
        """The package itself is not among its dependencies, and msgspec is."""
        assert "msgspec" in {one.name for one in needed("webhook_guard")}
        assert not {one.name for one in needed("webhook_guard")} & {"webhook_guard", "pytest"}


class TestVulnerabilities:
    """What pip-audit reports."""

    @staticmethod
    def test_none() -> None:
        """A dependency that was looked up, and has none, is right."""
        assert vulnerabilities.judged(VERSIONS, {"dependencies": [CLEAN]}) == []

    @staticmethod
    def test_one() -> None:
        """A vulnerability is a problem."""
        report = {"dependencies": [{**CLEAN, "vulns": [{"id": "PYSEC-1"}]}]}
        assert vulnerabilities.judged(VERSIONS, report) == ["msgspec 0.21.1: PYSEC-1"]

    @staticmethod
    def test_skipped() -> None:
        """A dependency that the service does not know was not looked up."""
        report = {"dependencies": [{"name": "msgspec", "skip_reason": "not found"}]}
        assert vulnerabilities.judged(VERSIONS, report) == ["msgspec 0.21.1: not looked up: not found"]

    @staticmethod
    def test_left_out() -> None:
        """A dependency that the report lacks was not looked up."""
        problems = vulnerabilities.judged(VERSIONS, {"dependencies": []})
        assert problems == ["msgspec 0.21.1: not looked up: the report does not have it"]

    @staticmethod
    def test_unreachable() -> None:
        """If pip-audit ends without a report, nothing was looked up, and its last line says why."""
        command = [sys.executable, "-c", "import sys; sys.exit('a\\nno route to host')"]
        (problem,) = vulnerabilities.problems([distribution("msgspec")], command)
        assert problem == "no vulnerability was looked up: pip-audit ended with 1: no route to host"

    @staticmethod
    @pytest.mark.parametrize(("value", "is_offline"), [("1", True), ("0", False), ("", False)])
    def test_offline(monkeypatch: pytest.MonkeyPatch, value: str, is_offline: bool) -> None:  # noqa: FBT001  a parameter
        """Only 1 says that there is no network."""
        monkeypatch.setenv(vulnerabilities.OFFLINE, value)
        assert vulnerabilities.is_offline() is is_offline


class TestLicences:
    """Which licences are allowed."""

    @staticmethod
    @pytest.mark.parametrize(
        "lines",
        [
            ["License-Expression: MIT"],
            ["License-Expression: GPL-2.0-only OR MIT"],
            ["License-Expression: MIT AND PSF-2.0", "License: something else"],
            ["Classifier: License :: OSI Approved :: BSD License"],
            ["License: BSD-3-Clause"],
        ],
        ids=" ".join,
    )
    def test_allowed(tmp_path: Path, lines: list[str]) -> None:
        """A licence of the list is allowed, wherever the metadata has it."""
        assert licences.problems([installed(tmp_path, "some", *lines)]) == []

    @staticmethod
    @pytest.mark.parametrize(
        "lines",
        [
            [],
            ["License-Expression: GPL-3.0-only"],
            ["License-Expression: MIT AND GPL-3.0-only"],
            ["License-Expression: LGPL-3.0-only"],
            ["License-Expression: (MIT)"],
            ["Classifier: License :: OSI Approved :: MIT License", "Classifier: License :: Other/Proprietary License"],
            ["License: see LICENSE"],
            ["License: UNKNOWN"],
        ],
        ids=lambda lines: " ".join(lines) or "none",
    )
    def test_refused(tmp_path: Path, lines: list[str]) -> None:
        """Any other is a problem, and so is one that can't be read, or none."""
        (problem,) = licences.problems([installed(tmp_path, "some", *lines)])
        assert problem.startswith("some 1: ")

    @staticmethod
    def test_for_one(tmp_path: Path) -> None:
        """A licence that is allowed for one dependency is allowed for that one, however its name is written."""
        assert licences.problems([installed(tmp_path, "Psycopg_Binary", "License-Expression: LGPL-3.0-only")]) == []


class TestBuilds:
    """Wheels and sdists."""

    @staticmethod
    def test_same(tmp_path: Path) -> None:
        """The same bytes are the same."""
        assert builds.differing(wheel(tmp_path / "a", IN_WHEEL), wheel(tmp_path / "b", IN_WHEEL)) == []

    @staticmethod
    def test_content(tmp_path: Path) -> None:
        """A file that differs is named."""
        one, other = wheel(tmp_path / "a", ["x"]), wheel(tmp_path / "b", ["x"], content="y")
        (problem,) = builds.differing(one, other)
        assert problem.endswith(": x")

    @staticmethod
    def test_order(tmp_path: Path) -> None:
        """Archives with the same files are different all the same, if their bytes are."""
        (problem,) = builds.differing(wheel(tmp_path / "a", ["x", "y"]), wheel(tmp_path / "b", ["y", "x"]))
        assert problem.endswith(": its order or its metadata")

    @staticmethod
    def test_wheel(tmp_path: Path) -> None:
        """A wheel has the package, its plugin and its metadata."""
        assert builds.misplaced(wheel(tmp_path, IN_WHEEL), FILES) == []

    @staticmethod
    def test_misplaced_in_wheel(tmp_path: Path) -> None:
        """A file too many is named, and one too few."""
        problems = builds.misplaced(wheel(tmp_path, [*IN_WHEEL[1:], "tests/x.py"]), FILES)
        assert [problem.partition(": ")[2] for problem in problems] == [
            "tests/x.py should not be in it",
            "webhook_guard/__init__.py is not in it",
        ]

    @staticmethod
    def test_sdist(tmp_path: Path) -> None:
        """An sdist has everything but what is left out, and a file that is not in it is named."""
        (tmp_path / "x").write_bytes(b"")
        sdist = tmp_path / "webhook_guard-1.tar.gz"
        with tarfile.open(sdist, "w:gz") as archive:
            for name in ("PKG-INFO", *FILES[:2]):
                archive.add(tmp_path / "x", f"webhook_guard-1/{name}")
        (problem,) = builds.misplaced(sdist, FILES)
        assert problem.endswith("webhook_guard-1/README.md is not in it")
