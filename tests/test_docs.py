"""What the documentation shows runs, and says the truth."""

import doctest
import importlib
import inspect
import pkgutil
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from starlette.testclient import TestClient

import webhook_guard
from webhook_guard import Reason

from support import BODY, PATH, SECRET, signed

# The demo's modules need its extra, and have tests of their own.
MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(webhook_guard.__path__, "webhook_guard.")
    if not found.name.startswith("webhook_guard.demo")
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


class TestReadme:
    """The README."""

    @pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL), ids=["ASGI", "WSGI"])
    def test_runs(self, block: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The apps that it shows receive a genuine delivery, and refuse a forged one."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(block, namespace)  # noqa: S102  the README's own
        app = namespace["app"]
        client: Any = app.test_client() if isinstance(app, Flask) else TestClient(app)
        body = {"data": BODY} if isinstance(app, Flask) else {"content": BODY}
        genuine = signed(timestamp=int(time.time()))
        assert client.post(PATH, headers=genuine, **body).status_code in (200, 204)
        assert client.post(PATH, headers={**genuine, "webhook-id": "wh_2"}, **body).status_code == 400

    def test_commands(self) -> None:
        """Its two commands are those that a fresh machine understands."""
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
