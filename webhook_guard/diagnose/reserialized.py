"""JSON that was parsed and written again: the texts that it may have been before.

Nothing is claimed here: a text is only what may have been signed, and the signature says whether it was.
"""

from collections.abc import Iterator

from webhook_guard.diagnose.causes import BodyUndone


def undone(body: bytes, *, all_orders: bool = False) -> Iterator[BodyUndone]:
    """Yield the body as other serializers would have written it, the likelier first.

    Args:
        body: The body as it came, or after another step.
        all_orders: Whether to try the members of objects in all orders, and not only in the likely ones.
    """
    raise NotImplementedError
