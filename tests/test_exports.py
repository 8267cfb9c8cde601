"""The public names."""

import inspect
from typing import Any, cast

import msgspec
import pytest

import webhook_guard
from webhook_guard import access, asgi, events, idempotency, verify, wsgi
from webhook_guard.sansio import errors
from webhook_guard.sansio.events import EVENT_CLASSES, Object

#: Names that the design fixes, the event classes aside.
FIXED = {
    "ASGIWebhookMiddleware",
    "WSGIWebhookMiddleware",
    "unwrap",
    "verify_signature",
    "parse_event",
    "sign",
    "get_event",
    "get_delivery",
    "Delivery",
    "WebhookEvent",
    "UnknownEvent",
    "Reason",
    "WebhookError",
    "ConfigurationError",
    "VerificationError",
    "PayloadError",
    "IdempotencyError",
    "NotVerifiedError",
}


def test_names_are_the_fixed_ones() -> None:
    """`__all__` has the fixed names and those of `webhook_guard.events`, each once."""
    assert set(webhook_guard.__all__) == FIXED | set(events.__all__)
    assert len(webhook_guard.__all__) == len(set(webhook_guard.__all__))


def test_star_import_brings_every_name() -> None:
    """Each name exists, and a star import brings it."""
    namespace: dict[str, Any] = {}
    exec("from webhook_guard import *", namespace)  # noqa: S102  the only way to say it
    assert set(webhook_guard.__all__) <= set(namespace)


def test_events_are_whole() -> None:
    """Every class that an event is made of is public, under its own name."""
    classes = {cls.__name__ for cls in msgspec_subclasses(Object)} - {"Event"}
    assert classes | {"UnknownEvent", "WebhookEvent"} == set(events.__all__)
    assert {cls.__name__ for cls in EVENT_CLASSES.values()} <= classes


def msgspec_subclasses(cls: type[msgspec.Struct]) -> set[type[msgspec.Struct]]:
    """Return all classes below `cls`."""
    return {below for direct in cls.__subclasses__() for below in {direct, *msgspec_subclasses(direct)}}


@pytest.mark.parametrize("module", [access, asgi, errors, verify, wsgi], ids=lambda module: module.__name__)
def test_nothing_public_is_forgotten(module: Any) -> None:
    """What a public module defines without an underscore is exported, but for what serves the fronts and `diagnose`."""
    namespace = cast(dict[str, Any], vars(module))
    own = {
        name
        for name, value in namespace.items()
        if not name.startswith("_") and inspect.getmodule(value) is module and not inspect.ismodule(value)
    }
    assert own - {"answer", "Answer", "configured_keys", "as_bytes", "unix_time"} <= set(webhook_guard.__all__)


@pytest.mark.parametrize(
    "function",
    ["ASGIWebhookMiddleware", "WSGIWebhookMiddleware", "unwrap", "verify_signature", "sign"],
)
def test_options_are_keywords(function: str) -> None:
    """Options are keyword-only, so that they can grow."""
    parameters = list(inspect.signature(getattr(webhook_guard, function)).parameters.values())
    options = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    assert (
        options
        == {
            "ASGIWebhookMiddleware": [
                "path",
                "secret",
                "tolerance",
                "max_body_size",
                "body_timeout",
                "idempotency",
                "on_refused",
                "capture",
                "clock",
            ],
            "WSGIWebhookMiddleware": [
                "path",
                "secret",
                "tolerance",
                "max_body_size",
                "idempotency",
                "on_refused",
                "capture",
                "clock",
            ],
            "unwrap": ["secret", "tolerance", "now"],
            "verify_signature": ["secret", "tolerance", "now"],
            "sign": ["webhook_id", "timestamp"],
        }[function]
    )


def test_defaults() -> None:
    """The defaults are those of the design."""
    parameters = inspect.signature(webhook_guard.ASGIWebhookMiddleware).parameters
    assert {
        name: parameters[name].default
        for name in ("path", "secret", "tolerance", "max_body_size", "body_timeout", "idempotency")
    } == {
        "path": None,
        "secret": None,
        "tolerance": 300,
        "max_body_size": 262_144,
        "body_timeout": 10.0,
        "idempotency": None,
    }


def test_stores() -> None:
    """The stores, their contract and what they answer are the public names of `webhook_guard.idempotency`."""
    assert set(idempotency.__all__) == {
        *("MemoryStore", "SQLiteStore", "RedisStore", "AsyncRedisStore", "PostgresStore", "AsyncPostgresStore"),
        *("Store", "AsyncStore", "StoreOptions", "Claim", "ClaimState"),
    }
    assert all(getattr(idempotency, name).__doc__ for name in idempotency.__all__)
