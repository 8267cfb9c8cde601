"""No dependency has a known vulnerability; and what could not be looked up has not passed.

pip-audit alone is content with a dependency that its service does not know.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

#: Set to 1, it says that there is no network: then nothing is looked up, and the audit says so.
OFFLINE = "WEBHOOK_GUARD_AUDIT_OFFLINE"
_COMMAND = (sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off")


def is_offline() -> bool:
    """Say whether the environment says that there is no network."""
    return os.environ.get(OFFLINE) == "1"


def problems(needed: Iterable[Distribution], command: Iterable[str] = _COMMAND) -> list[str]:
    """Return what is wrong with dependencies, and which of them could not be looked up.

    Args:
        needed: The dependencies.
        command: What is run, with a file of requirements to follow.
    """
    pinned: dict[str, str] = {canonicalize_name(one.name): one.version for one in needed}
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()), "utf-8")
        done = subprocess.run(  # noqa: S603  our own command
            [*command, "--requirement", str(listed)], capture_output=True, text=True, check=False
        )
    try:
        return judged(pinned, json.loads(done.stdout))
    except ValueError:
        last = (done.stderr.strip() or "no output").rpartition("\n")[2]
        return [f"no vulnerability was looked up: pip-audit ended with {done.returncode}: {last}"]


def judged(pinned: Mapping[str, str], report: Mapping[str, Any]) -> list[str]:
    """Return what a report of pip-audit says of dependencies, and what it does not say.

    Args:
        pinned: The versions, by canonical name.
        report: What pip-audit printed.
    """
    found: dict[str, Any] = {canonicalize_name(entry["name"]): entry for entry in report["dependencies"]}
    return [
        problem
        for name, version in pinned.items()
        for problem in _of_dependency(f"{name} {version}", found.get(name, {}))
    ]


def _of_dependency(name: str, entry: Mapping[str, Any]) -> list[str]:
    if "vulns" not in entry:
        return [f"{name}: not looked up: {entry.get('skip_reason', 'the report does not have it')}"]
    return [f"{name}: {vulnerability['id']}" for vulnerability in entry["vulns"]]
