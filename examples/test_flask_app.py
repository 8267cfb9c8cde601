# pip install webhook_guard flask pytest && python -m pytest test_flask_app.py
"""The Flask app under test: the plugin of webhook_guard makes the secret up, signs and posts."""

import pytest
from flask.testing import FlaskClient

from webhook_guard.testing import Webhook, assert_refuses_all


@pytest.fixture
def client(webhook_secret: str) -> FlaskClient:
    from flask_app import app  # here, because the guard reads the secret when it is constructed

    return app.test_client()


def test_finished_response(client: FlaskClient, webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    response = webhook.post(client, "/webhooks/openai", "response.completed", id="resp_1")
    assert response.status_code == 204
    assert capsys.readouterr().out == "fetch response resp_1 and show its text\n"


def test_guarded(client: FlaskClient) -> None:
    assert_refuses_all(client, "/webhooks/openai")
