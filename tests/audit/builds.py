"""The same source gives the same wheel and sdist, byte for byte, wherever and whenever it is built; and nothing else.

Both are built twice, in copies at different paths, with another umask, time zone, locale, hash seed and other times of
the files; and the wheel once more, from the sdist. The build backend is the same: its version is part of the source.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

_COMMAND = (sys.executable, "-m", "build", "--no-isolation")
_PACKAGE = ("webhook_guard", "pytest_webhook_guard.py")
#: What is in the project, and not in the sdist.
_LEFT_OUT = (".ci",)
_METADATA = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")


@dataclass(frozen=True)
class Surroundings:
    """Where and when a build takes place.

    Attributes:
        path: Below the folder of all builds.
        umask: Of the build, and of the files.
        modified: When the files were modified, in Unix seconds.
        environment: What is set.
    """

    path: str
    umask: int
    modified: int
    environment: Mapping[str, str]


HERE = Surroundings("a", 0o022, 1_750_861_210, {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"})
THERE = Surroundings(
    "another/and much longer/path",
    0o077,
    1_000_000_000,
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"},
)


def sources(project: Path) -> list[str]:
    """Return the files of a checkout, with the new ones and without the ignored.

    Raises:
        CalledProcessError: It is no checkout.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=project, capture_output=True, check=True)  # noqa: S603  our own command
    return sorted(name for name in os.fsdecode(listed.stdout).split("\0") if name and (project / name).is_file())


def built(project: Path, folder: Path, surroundings: Surroundings) -> list[Path]:
    """Build the sdist and the wheel of a checkout, in a copy; return both, by name.

    Args:
        project: The checkout.
        folder: Where the copy goes.
        surroundings: Where and when.
    """
    copy = folder / surroundings.path / "source"
    for name in sources(project):
        _copy(project / name, copy / name, surroundings)
    return _build(copy, folder / surroundings.path / "dist", surroundings, "--sdist", "--wheel")


def built_from(sdist: Path, folder: Path) -> Path:
    """Build the wheel from an sdist, and return it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    (wheel,) = _build(source, folder / "dist", HERE, "--wheel")
    return wheel


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def differing(one: Path, other: Path) -> list[str]:
    """Return what differs between two archives of a name: nothing, if they are the same, byte for byte."""
    if digest(one) == digest(other):
        return []
    first, second = _members(one), _members(other)
    changed = [name for name in sorted(first.keys() | second.keys()) if first.get(name) != second.get(name)]
    return [f"{one.name}: {digest(one)} is not {digest(other)}: {', '.join(changed) or 'its order or its metadata'}"]


def misplaced(archive: Path, files: Iterable[str]) -> list[str]:
    """Return what is in a wheel or an sdist and should not be, or is not and should be.

    Args:
        archive: The wheel or the sdist.
        files: The files of the project.
    """
    found = set(_members(archive))
    expected = set(_of_wheel(archive, files) if archive.suffix == ".whl" else _of_sdist(archive, files))
    return [
        *(f"{archive.name}: {name} should not be in it" for name in sorted(found - expected)),
        *(f"{archive.name}: {name} is not in it" for name in sorted(expected - found)),
    ]


def _copy(source: Path, target: Path, surroundings: Surroundings) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod((0o777 if os.access(source, os.X_OK) else 0o666) & ~surroundings.umask)
    os.utime(target, (surroundings.modified, surroundings.modified))


def _build(source: Path, target: Path, surroundings: Surroundings, *what: str) -> list[Path]:
    inherited = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(  # noqa: S603  our own command
        [*_COMMAND, *what, "--outdir", str(target), str(source)],
        env={**inherited, **surroundings.environment},
        umask=surroundings.umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the build failed: {done.stdout}{done.stderr}")
    return sorted(target.iterdir())


def _members(archive: Path) -> dict[str, bytes]:
    """Return the contents of the files in an archive, by their names in it."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        return {member.name: file.read() for member in sdist if (file := sdist.extractfile(member))}


def _of_wheel(wheel: Path, files: Iterable[str]) -> Iterator[str]:
    yield from (name for name in files if PurePosixPath(name).parts[0] in _PACKAGE)
    name, version, *_ = wheel.stem.split("-")
    yield from (f"{name}-{version}.dist-info/{file}" for file in _METADATA)


def _of_sdist(sdist: Path, files: Iterable[str]) -> Iterator[str]:
    root = sdist.name.removesuffix(".tar.gz")
    yield f"{root}/PKG-INFO"
    yield from (f"{root}/{name}" for name in files if PurePosixPath(name).parts[0] not in _LEFT_OUT)
