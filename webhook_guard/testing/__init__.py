"""For tests, yours as well: nothing here runs in production, and nothing here needs an extra.

    deliver to an app          Webhook, Response                      any framework's test client, or the app itself
    a clock to set             Clock                                  for the option `clock` of the guard
    prove that it is guarded   assert_refuses_all                     by what it answers to the following
                               hostile_requests, HostileRequest       forged and broken requests
    requests                   signed_request, SignedRequest          signed, for any client
    events                     make_event, event_body, event_class    one of each type, and the bytes of any
                               EVENT_TYPES                            all that are known
    for a store of your own    StoreConformance                       holds it to all that stores promise

The fixtures `webhook`, `webhook_clock` and `webhook_secret` are in the pytest plugin, `pytest_webhook_guard`.
docs/testing.md shows all of it.

Importing `webhook_guard` does not import it, and importing it imports only what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webhook_guard.testing.clock import Clock
    from webhook_guard.testing.direct import Response
    from webhook_guard.testing.events import EVENT_TYPES, event_body, event_class, make_event
    from webhook_guard.testing.hostile import HostileRequest, hostile_requests
    from webhook_guard.testing.refusals import assert_refuses_all
    from webhook_guard.testing.requests import SignedRequest, signed_request
    from webhook_guard.testing.stores.conformance import StoreConformance
    from webhook_guard.testing.webhook import Webhook

__all__ = [
    "EVENT_TYPES",
    "Clock",
    "HostileRequest",
    "Response",
    "SignedRequest",
    "StoreConformance",
    "Webhook",
    "assert_refuses_all",
    "event_body",
    "event_class",
    "hostile_requests",
    "make_event",
    "signed_request",
]

#: The module of each name. Some need asyncio, which those who want an event do without.
_MODULES = {
    "EVENT_TYPES": "events",
    "Clock": "clock",
    "HostileRequest": "hostile",
    "Response": "direct",
    "SignedRequest": "requests",
    "StoreConformance": "stores.conformance",
    "Webhook": "webhook",
    "assert_refuses_all": "refusals",
    "event_body": "events",
    "event_class": "events",
    "hostile_requests": "hostile",
    "make_event": "events",
    "signed_request": "requests",
}


def __dir__() -> list[str]:
    """Name what can be asked for, imported or not."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # found at once from now on
    return value
