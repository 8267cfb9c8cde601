"""Loggers that keep quiet while a command has the screen."""

import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

#: What uvicorn and its event loop have to say: of requests that are not HTTP, of clients that go.
SERVER_LOGGERS = ("uvicorn.error", "uvicorn.access", "asyncio")


def _nothing(_: logging.LogRecord) -> bool:
    return False


@contextmanager
def silenced(*names: str, but: Callable[[logging.LogRecord], bool] = _nothing) -> Generator[None, None, None]:
    """Drop what loggers have to say meanwhile.

    Args:
        names: Their names.
        but: Says of a record whether it is let through.
    """

    def passes(record: logging.LogRecord) -> bool:  # one for each use: a logger takes the same filter only once
        return but(record)

    with ExitStack() as stack:
        for logger in map(logging.getLogger, names):
            logger.addFilter(passes)
            stack.callback(logger.removeFilter, passes)
        yield
