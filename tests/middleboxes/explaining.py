"""What is said about a request that was captured, by the command and by the function: it must be the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from webhook_guard.cli import main
from webhook_guard.cli.message import from_wire
from webhook_guard.diagnose import diagnose

from support import NOW, SECRET


class Said(NamedTuple):
    """What a diagnosis says, and the body that it has found to be signed, or else the one that came."""

    reason: str | None
    causes: list[str]
    body: bytes


#: Says it about an HTTP message.
Explain: TypeAlias = Callable[[bytes], Said]


def explain(message: bytes, file: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Return what is said about a message that a guard refuses.

    Args:
        message: The request.
        file: Where to save it for the command.
        capsys: Catches what the command prints.
    """
    file.write_bytes(message)
    assert main(["diagnose", str(file), "--json", "--secret", SECRET, "--now", str(NOW)]) == 1
    request = from_wire(message)
    diagnosis = diagnose(request.body, request.headers, SECRET, now=NOW)
    said = json.loads(capsys.readouterr().out)
    assert {name: said[name] for name in said.keys() - {"age", "note"}} == diagnosis.to_dict()
    assert diagnosis.verdict == "refused"
    return Said(diagnosis.reason, [*diagnosis.causes], diagnosis.body)
