"""Where the examples find their packages: beside the tests, or in fresh virtual environments."""

import functools
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from examples.running import Install

ROOT = Path(__file__).parents[2]
#: Seconds until an installation is given up.
PATIENCE = 300.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option that tox gives."""
    parser.addoption(
        "--fresh", action="store_true", help="install what each example says, in an environment of its own"
    )


@pytest.fixture(scope="session")
def install(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Install packages in a fresh environment, webhook_guard as it is here; or nothing, if that is not asked for."""
    if not request.config.getoption("--fresh"):
        return lambda _: Path(sys.executable).parent
    wheel = build(tmp_path_factory.mktemp("wheel"))

    @functools.cache
    def installed(*packages: str) -> Path:
        programs = environment(tmp_path_factory.mktemp("environment"))
        pip(programs, "install", *(str(wheel) if package == "webhook_guard" else package for package in packages))
        return programs

    return lambda packages: installed(*packages)


def build(folder: Path) -> Path:
    """Return the wheel of webhook_guard, built from the checkout."""
    pip(environment(folder / "environment"), "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path) -> Path:
    """Make a virtual environment, and return the folder of its programs."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


def pip(programs: Path, *arguments: str) -> None:
    """Run pip."""
    command = [str(programs / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, timeout=PATIENCE)  # noqa: S603  our own
