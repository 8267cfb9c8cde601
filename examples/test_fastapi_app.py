# pip install webhook_guard fastapi httpx2 pytest && python -m pytest test_fastapi_app.py
"""The FastAPI app under test: the plugin of webhook_guard makes the secret up, signs and posts."""

import pytest
from fastapi.testclient import TestClient

from webhook_guard.testing import Webhook, assert_refuses_all


@pytest.fixture
def client(webhook_secret: str) -> TestClient:
    from fastapi_app import app  # here, because the guard reads the secret when it is constructed

    return TestClient(app)


def test_finished_batch(client: TestClient, webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    response = webhook.post(client, "/webhooks/openai", "batch.completed", id="batch_1")
    assert response.status_code == 204
    assert capsys.readouterr().out == "fetch batch batch_1 and download its output file\n"


def test_guarded(client: TestClient) -> None:
    assert_refuses_all(client, "/webhooks/openai")
