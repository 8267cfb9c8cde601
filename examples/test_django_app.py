# pip install webhook_guard django pytest && python -m pytest test_django_app.py
"""The Django app under test: called itself, because Django's test client goes around wsgi.py, where the guard stands."""

from wsgiref.types import WSGIApplication

import pytest

from webhook_guard.testing import Webhook, assert_refuses_all


@pytest.fixture
def app(webhook_secret: str) -> WSGIApplication:
    from django_wsgi_app import app  # a project's wsgi.py

    return app


def test_finished_batch(app: WSGIApplication, webhook: Webhook, capsys: pytest.CaptureFixture[str]) -> None:
    response = webhook.post(app, "/webhooks/openai", "batch.completed", id="batch_1")
    assert response.status_code == 204
    assert capsys.readouterr().out == "fetch batch batch_1 and download its output file\n"


def test_guarded(app: WSGIApplication) -> None:
    assert_refuses_all(app, "/webhooks/openai")
