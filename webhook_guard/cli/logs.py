"""Loggers that keep quiet while a command has the screen."""

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

#: What uvicorn and its event loop have to say: of requests that are not HTTP, of clients that go.
SERVER_LOGGERS = ("uvicorn.error", "uvicorn.access", "asyncio")


@contextmanager
def silenced(*names: str) -> Generator[None, None, None]:
    """Drop what the loggers of these names have to say meanwhile."""

    def drop(_: logging.LogRecord) -> bool:  # one for each use: a logger takes the same filter only once
        return False

    with ExitStack() as stack:
        for logger in map(logging.getLogger, names):
            logger.addFilter(drop)
            stack.callback(logger.removeFilter, drop)
        yield
