"""What the documentation shows runs, and says the truth."""

import ast
import doctest
import importlib
import inspect
import json
import logging
import pkgutil
import re
import shlex
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import django.urls
import pytest
from django.test import override_settings
from starlette.testclient import TestClient

import webhook_guard.idempotency
from webhook_guard import Delivery, Reason, parse_event
from webhook_guard.cli import group, main
from webhook_guard.cli.group import COMMANDS
from webhook_guard.diagnose import Cause, diagnose
from webhook_guard.idempotency import MemoryStore, StoreOptions
from webhook_guard.idempotency.postgres import CREATE_TABLE
from webhook_guard.idempotency.store import ConfiguredStore
from webhook_guard.sansio.claims import claim_key
from webhook_guard.testing import Webhook, hostile_requests

from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, Terminal, signed

# The demo's modules need its extra, and have tests of their own.
MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(webhook_guard.__path__, "webhook_guard.")
    if not found.name.startswith("webhook_guard.cli.demo")
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings(module: ModuleType) -> None:
    """Every example in a docstring gives what it says."""
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS, raise_on_error=False).failed == 0


@pytest.mark.parametrize("name", [name for name in webhook_guard.__all__ if name != "WebhookEvent"])
def test_public_names_are_documented(name: str) -> None:
    """Every public name has a docstring."""
    assert getattr(webhook_guard, name).__doc__


README = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")


def run_block(marker: str, **names: Any) -> dict[str, Any]:
    """Run the one Python block of the README that has `marker` in it, and return its names."""
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if marker in block)
    namespace: dict[str, Any] = {"__name__": "__main__", **names}
    exec(block, namespace)  # noqa: S102  the README's own
    return namespace


@pytest.fixture
def genuine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the secret in the environment, and return the headers of a delivery that is sent now."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    return signed(timestamp=int(time.time()))


class TestReadme:
    """The README."""

    @staticmethod
    def check(post: Callable[[dict[str, str]], int], genuine: dict[str, str]) -> None:
        """Assert that an app answers 204 to a genuine delivery and 400 to a forged one."""
        assert post(genuine) == 204
        assert post({**genuine, "webhook-id": "wh_2"}) == 400

    def test_fastapi(self, genuine: dict[str, str]) -> None:
        """The FastAPI app receives a genuine delivery, and the guard refuses a forged one."""
        client = TestClient(run_block("import FastAPI")["app"])
        self.check(lambda headers: client.post(PATH, content=BODY, headers=headers).status_code, genuine)

    def test_flask(self, genuine: dict[str, str]) -> None:
        """The Flask app receives a genuine delivery, and the guard refuses a forged one."""
        client = run_block("import Flask")["app"].test_client()
        self.check(lambda headers: client.post(PATH, data=BODY, headers=headers).status_code, genuine)

    def test_django(self, genuine: dict[str, str]) -> None:
        """The Django view receives a genuine delivery, whatever the CSRF middleware says, and no forged one."""
        names = run_block("get_asgi_application")
        urls: Any = ModuleType("urls")
        urls.urlpatterns = [django.urls.path(PATH[1:], names["receive"])]
        with override_settings(ROOT_URLCONF=urls):
            client = TestClient(names["application"])
            self.check(lambda headers: client.post(PATH, content=BODY, headers=headers).status_code, genuine)

    def test_handled_once(
        self, genuine: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With the store that it shows, the second of two deliveries is a duplicate."""
        monkeypatch.chdir(tmp_path)
        names = run_block("import FastAPI")
        stored = run_block("SQLiteStore", api=names["api"], ASGIWebhookMiddleware=webhook_guard.ASGIWebhookMiddleware)
        client = TestClient(stored["app"])
        with closing(stored["store"]), caplog.at_level(logging.INFO, "webhook_guard"):
            statuses = [client.post(PATH, content=BODY, headers=genuine).status_code for _ in range(2)]
        assert statuses == [204, 200]
        assert [vars(record)["reason"] for record in caplog.records if record.name == "webhook_guard"] == ["duplicate"]

    @pytest.mark.usefixtures("genuine")
    def test_testing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A handler can be tested as it shows."""
        monkeypatch.setitem(sys.modules, "app", SimpleNamespace(app=run_block("import FastAPI")["app"]))
        run_block("def test_webhooks(webhook)")["test_webhooks"](Webhook(SECRET))

    def test_diagnose(
        self,
        genuine: dict[str, str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """A request that is refused is saved as it shows, and its command says why."""
        monkeypatch.chdir(tmp_path)
        app = run_block("on_refused=save", api=run_block("import FastAPI")["api"])["app"]
        assert TestClient(app).post(PATH, content=BODY + b"\n", headers=genuine).status_code == 400
        (line,) = re.findall(r"^    webhook-guard (diagnose .*)$", README, re.MULTILINE)
        assert main([*line.split(), "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["causes"] == ["newline"]

    def test_hostile_requests(self) -> None:
        """There are as many of them as it says."""
        (figure,) = re.findall(r"with (\d+) forged", README)
        assert int(figure) == len(hostile_requests(SECRET))

    def test_table_of_commands(self) -> None:
        """Its table has every command, with what the help says of it."""
        rows = re.findall(r"^\| `(\w+)[^`]*` \| ([A-Z].*) \|$", README, re.MULTILINE)
        assert dict(rows) == COMMANDS

    def test_logging(self) -> None:
        """The records that are hidden by default can be seen as it shows."""
        logger = logging.getLogger("webhook_guard")
        level = logger.level
        try:
            run_block("basicConfig", logging=logging)
            assert logger.isEnabledFor(logging.INFO)
        finally:
            logger.setLevel(level)

    def test_commands_are_unchanged(self) -> None:
        """Its two commands stand there exactly so."""
        assert re.findall(r"^    (python3 .*)$", README, re.MULTILINE) == [
            "python3 -m venv .venv && .venv/bin/pip install '.[demo]' && .venv/bin/webhook-guard demo",
            "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox",
        ]

    def test_table_of_reasons(self) -> None:
        """Its table has every reason that a sender can get, in the order of the checks, with its status."""
        rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", README, re.MULTILINE)
        own = {Reason.CONFIGURATION, Reason.NOT_VERIFIED}
        assert rows == [(reason.value, str(reason.status)) for reason in Reason if reason not in own]

    def test_table_of_options(self) -> None:
        """Its table has every option, with its default."""
        rows = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", README, re.MULTILINE))
        parameters = list(inspect.signature(webhook_guard.ASGIWebhookMiddleware).parameters.values())[1:]
        assert list(rows) == [parameter.name for parameter in parameters]
        assert {name: rows.pop(name) for name in ("clock",)} == {"clock": "time.time"}
        assert rows == {parameter.name: repr(parameter.default) for parameter in parameters if parameter.name in rows}

    def test_links(self) -> None:
        """Its links to files lead to files."""
        root = Path(__file__).parents[1]
        links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
        assert links
        assert [link for link in links if not (root / link).exists()] == []


IDEMPOTENCY = Path(__file__).parents[1].joinpath("docs", "idempotency.md").read_text("utf-8")


class TestIdempotency:
    """docs/idempotency.md."""

    def test_table_of_options(self) -> None:
        """Its table has every option of stores, with its default."""
        rows = dict(re.findall(r'^\| `(\w+)` \| `"?([\w.]+)"?` \|', IDEMPOTENCY, re.MULTILINE))
        defaults = ConfiguredStore({})
        assert rows == {name: str(getattr(defaults, name)) for name in StoreOptions.__annotations__}

    def test_promise(self) -> None:
        """The promise is the same, word for word, here, in the README and in the package."""
        promise = (
            "one handler at a time per key, as long as none outlives its lease; no second run after success, as long"
        )
        texts = (IDEMPOTENCY, README, webhook_guard.idempotency.__doc__ or "")
        assert [promise in " ".join(text.split()) for text in texts] == [True] * 3

    def test_create_table(self) -> None:
        """The SQL that it shows is the one that `create_table()` runs."""
        (shown,) = re.findall(r"```sql\n(.*?)```", IDEMPOTENCY, re.DOTALL)
        assert shown.split() == CREATE_TABLE.split()

    def test_keys(self) -> None:
        """A key is as it shows."""
        delivery = Delivery(
            webhook_id=WEBHOOK_ID, timestamp=NOW, signature="", body=BODY, event=parse_event(BODY), secret_index=0
        )
        assert f"`{ConfiguredStore({}).named(claim_key(PATH, delivery))}`" in IDEMPOTENCY

    def test_own_store(self) -> None:
        """The suite takes a store as it shows."""
        (block,) = re.findall(r"```python\n(from webhook_guard.testing.*?)```", IDEMPOTENCY, re.DOTALL)

        def my_store(_: str, **options: Any) -> MemoryStore:
            return MemoryStore(**options)

        namespace: dict[str, Any] = {"MyStore": my_store}
        exec(block, namespace)  # noqa: S102  the page's own
        namespace["TestMyStore"]().test_complete()


COMMAND, DIAGNOSE = (
    Path(__file__).parents[1].joinpath("docs", name).read_text("utf-8") for name in ("command.md", "diagnose.md")
)


def command_lines() -> list[str]:
    """Return the command lines that the pages, the README, and the help of the command and its commands show."""
    context = click.Context(group.group)
    commands = [group.group, *(group.group.get_command(context, name) for name in COMMANDS)]
    helps = [inspect.cleandoc(command.help or "").replace("\\\n", " ") for command in commands if command is not None]
    return re.findall(r"^ +(?:\$ )?(webhook-guard .*)$", "\n".join([COMMAND, DIAGNOSE, README, *helps]), re.MULTILINE)


class TestCommand:
    """docs/command.md, and the help of the command."""

    @pytest.mark.parametrize("line", command_lines())
    def test_command_lines(self, line: str) -> None:
        """Each command line is one that the command takes."""
        _, name, *arguments = shlex.split(re.split(r" [|>] ", line)[0])
        command = group.group.get_command(click.Context(group.group), name)
        assert command is not None
        command.make_context(name, arguments)

    def test_commands(self) -> None:
        """Each command has a section, but for `secret`, which the first one shows."""
        assert {*re.findall(r"^## `(\w+)`", COMMAND, re.MULTILINE), "secret"} == set(COMMANDS)

    def test_members(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The members of an event are shown as the command shows them."""
        (shown,) = re.findall(
            r"^    \$ webhook-guard events batch.completed\n((?:(?:    .*)?\n)+?)\nA sample", COMMAND, re.MULTILINE
        )
        assert main(["events", "batch.completed"]) == 0
        printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert textwrap.dedent(shown).strip().splitlines() == printed[: printed.index("A sample:") - 1]


class TestDiagnose:
    """docs/diagnose.md."""

    @pytest.fixture(autouse=True)
    def _folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Work in a folder of its own, with the secret in the environment."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)

    def test_three_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A request that is refused is saved, diagnosed and explained as it shows."""
        saving, _ = re.findall(r"^ *```python\n(.*?)```", DIAGNOSE, re.DOTALL | re.MULTILINE)
        namespace: dict[str, Any] = {"api": run_block("import FastAPI")["api"]}
        exec(textwrap.dedent(saving), namespace)  # noqa: S102  the page's own
        rewritten = json.dumps(json.loads(BODY)).encode() + b"\n"
        headers = signed(timestamp=int(time.time()))
        assert TestClient(namespace["app"]).post(PATH, content=rewritten, headers=headers).status_code == 400
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        assert main(["diagnose", "refused.http"]) == 1
        (shown,) = re.findall(r"^       (refused .*?)\n\n", DIAGNOSE, re.DOTALL | re.MULTILINE)
        assert textwrap.dedent(f"       {shown}").splitlines() == terminal.lines

    def test_code(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The function gives what it shows."""
        _, code = re.findall(r"^ *```python\n(.*?)```", DIAGNOSE, re.DOTALL | re.MULTILINE)
        exec(code, {"body": BODY + b"\n", "headers": signed(timestamp=int(time.time())), "secret": SECRET})  # noqa: S102  the page's own
        assert capsys.readouterr().out.startswith("refused signature_mismatch newline\n")

    def test_causes(self) -> None:
        """Its table has every cause, in their order."""
        assert re.findall(r"^\| `(\w+)` \| [A-Z]", DIAGNOSE, re.MULTILINE) == [cause.value for cause in Cause]

    def test_json(self) -> None:
        """It names every value that programs get."""
        values = diagnose(BODY, signed(), SECRET, now=NOW).to_dict()
        (sentence,) = re.findall(r"`--json` prints\n(.*?)\.\n", DIAGNOSE, re.DOTALL)
        assert set(values) <= {*re.findall(r"`(\w+)`", sentence)}

    def test_links(self) -> None:
        """Its links lead to files."""
        links = re.findall(r"\]\((?!http)([^)#]+)\)", DIAGNOSE)
        assert links
        assert [link for link in links if not (Path(__file__).parents[1] / "docs" / link).exists()] == []


ROOT = Path(__file__).parents[1]
SECURITY = ROOT.joinpath("SECURITY.md").read_text("utf-8")


class TestSecurity:
    """SECURITY.md."""

    @pytest.mark.parametrize(
        "row", re.findall(r"^\| ([A-Z].*?) \| (.*) \|$", SECURITY, re.MULTILINE), ids=lambda row: str(row)[:40]
    )
    def test_each_promise_has_its_test(self, row: tuple[str, str]) -> None:
        """Behind each promise are tests under the names that they have, or a page of docs/ with what was measured."""
        links = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", row[1])
        assert links
        for name, target in links:
            path, *node = name.split("::")
            assert path == target
            if path.startswith("tests/"):
                assert not node or tuple(node) in _tests(ROOT / path)
            else:
                assert (ROOT / path).exists()

    def test_links(self) -> None:
        """Its links lead to files."""
        links = re.findall(r"\]\((?!http)([^)#]+)\)", SECURITY)
        assert [link for link in links if not (ROOT / link).exists()] == []


def _tests(path: Path) -> set[tuple[str, ...]]:
    """Return the tests in a file, each as its name, behind that of its class if it is in one."""
    tree = ast.parse(path.read_text("utf-8"))
    classes = {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
    within = {(name, *_name(node)) for name, body in classes.items() for node in body}
    return {_name(node) for node in tree.body} | within


def _name(node: ast.stmt) -> tuple[str, ...]:
    return (node.name,) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else ()
