"""Bodies that were changed on their way: each way back, one step at a time, but for JSON that was written again.

Nothing is claimed here: a step is only what may have been undone, and the signature says whether it was.
"""

from collections.abc import Iterator

from webhook_guard.diagnose.causes import BodyUndone

#: Bytes. The largest body that a step may return: bombs are not unpacked further.
LARGEST = 4_194_304


def undone(body: bytes) -> Iterator[BodyUndone]:
    """Yield the body after each step back that can be taken, the likelier first.

    Args:
        body: The body as it came, or after another step.
    """
    raise NotImplementedError
