"""The command `events`: the catalogue, held against the one that the classes are held against."""

import json
from pathlib import Path
from typing import Any

import pytest

from webhook_guard import parse_event
from webhook_guard.cli import main
from webhook_guard.cli.events import command
from webhook_guard.sansio.events import EVENT_CLASSES

CATALOGUE: dict[str, Any] = json.loads(Path(__file__).parents[1].joinpath("data", "events.json").read_text("utf-8"))[
    "events"
]


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the command prints; it succeeds without complaint."""
    assert main(["events", *arguments]) == 0
    output, complaint = capsys.readouterr()
    assert complaint == ""
    return output


def flat(members: Any, within: str = "data.") -> dict[str, bool]:
    """Return the members of an object in the catalogue, and whether each may be absent."""
    found: dict[str, bool] = {}
    for name, kind in members.items():
        path = f"{within}{name.removesuffix('?')}"
        found[path] = name.endswith("?")
        match kind:
            case [inner]:
                found |= flat(inner, f"{path}[].")
            case {"nullable": inner}:
                found |= flat(inner, f"{path}.")
            case {**inner}:
                found |= flat(inner, f"{path}.")
            case _:
                pass
    return found


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a type, each has a line, with what it says."""
    lines = output_of(capsys).splitlines()
    assert [line.split()[0] for line in lines] == ["Type", *CATALOGUE]
    assert "batch.expired                  A batch expired before it was completed." in lines[12]
    assert max(map(len, lines)) <= 80


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, each is an object with its class."""
    found = json.loads(output_of(capsys, "--json"))
    assert {each["type"]: each["class"] for each in found} == {kind: each["class"] for kind, each in CATALOGUE.items()}
    assert all(each["description"] for each in found)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_type_as_json(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """Of each type, it tells the members as the catalogue has them, each described, and a sample that is one."""
    told = json.loads(output_of(capsys, kind, "--json"))
    fields = {field["name"]: field["optional"] for field in told["fields"]}
    of_all = {"id": False, "created_at": False, "object": True, "type": False, "data": False}
    assert fields == of_all | flat(CATALOGUE[kind]["data"])
    assert [field["name"] for field in told["fields"] if not field["description"]] == []
    sample = parse_event(json.dumps(told["sample"]))
    assert (type(sample), told["class"]) == (EVENT_CLASSES[kind], CATALOGUE[kind]["class"])


def test_types_of_members(capsys: pytest.CaptureFixture[str]) -> None:
    """The types are JSON's."""
    told = json.loads(output_of(capsys, "realtime.call.incoming", "--json"))
    types = {field["name"]: field["json"] for field in told["fields"]}
    others = {name: types.pop(name) for name in ("created_at", "data", "data.sip_headers")}
    assert others == {"created_at": "integer", "data": "object", "data.sip_headers": "array"}
    assert set(types.values()) == {"string"}


def test_type(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, it shows the class, the members in columns, and the sample."""
    output = output_of(capsys, "agent.session.created")
    assert output.startswith(
        "agent.session.created is the class AgentSessionCreated: An agent's session was created.\n"
    )
    assert "data.connect.remote_url  string   The URL." in output
    assert "Where to connect to it, if it can be connected to. May be absent." in output
    assert "``" not in output
    sample = json.loads(output.partition("A sample:\n")[2])
    assert parse_event(json.dumps(sample)).type == "agent.session.created"


def test_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe, the output has line breaks and characters that show."""
    assert output_of(capsys, "agent.session.created").replace("\n", "").isprintable()


def test_an_unknown_type(capsys: pytest.CaptureFixture[str]) -> None:
    """A type that is not in the catalogue is misuse; the nearest ones are offered."""
    assert main(["events", "batch.complete"]) == 2
    output, complaint = capsys.readouterr()
    assert (output, complaint.count("\n")) == ("", 1)
    assert "'batch.completed'" in complaint


def test_classes_without_docstrings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python has dropped docstrings, there are no descriptions, and all else is there."""
    monkeypatch.setattr(EVENT_CLASSES["batch.completed"], "__doc__", None)

    def no_docstring(_: object) -> None:
        return None

    monkeypatch.setattr("inspect.getdoc", no_docstring)
    assert command.main(["batch.completed"], standalone_mode=False) is None
    assert "data.id" in capsys.readouterr().out
