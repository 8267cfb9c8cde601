"""For tests, yours as well: nothing here runs in production, and nothing here needs an extra.

    events                     make_event, event_body, event_class    one of each type, and the bytes of any
    requests                   signed_request, SignedRequest          signed, for any client
    for a store of your own    StoreConformance                       holds it to all that stores promise

Importing `webhook_guard` does not import it, and importing it imports only what is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webhook_guard.testing.conformance import StoreConformance
    from webhook_guard.testing.events import event_body, event_class, make_event
    from webhook_guard.testing.requests import SignedRequest, signed_request

__all__ = [
    "SignedRequest",
    "StoreConformance",
    "event_body",
    "event_class",
    "make_event",
    "signed_request",
]

#: The module of each name. Some need asyncio or `inspect`, which those who want an event do without.
_MODULES = {
    "SignedRequest": "requests",
    "StoreConformance": "conformance",
    "event_body": "events",
    "event_class": "events",
    "make_event": "events",
    "signed_request": "requests",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # found at once from now on
    return value
