"""A uvicorn in a thread of this process, so that tests see into the app and wait for what happens in it."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import uvicorn

from webhook_guard import ASGIWebhookMiddleware
from webhook_guard.asgi import ASGIApp, Receive, Scope, Send

from servers.client import LIMIT, TIMEOUT, Client
from support import PATH, SECRET, clock


@contextmanager
def running(app: ASGIApp, http: str, lifespan: Literal["on", "off"]) -> Generator[int]:
    """Run a uvicorn that serves `app`, and give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            http=http,
            lifespan=lifespan,
            loop="asyncio",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(TIMEOUT)
            assert not thread.is_alive()


def guarded(app: ASGIApp, body_timeout: float = TIMEOUT) -> ASGIWebhookMiddleware:
    """Return `app` behind a guard."""
    return ASGIWebhookMiddleware(
        app, path=PATH, secret=SECRET, max_body_size=LIMIT, body_timeout=body_timeout, clock=clock
    )


class Watched:
    """Stands between the server and an app, and lets the test wait for the app's steps."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._receiving = threading.Semaphore(0)
        self._ended = threading.Semaphore(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app."""

        async def watched_receive() -> object:
            self._receiving.release()
            return await receive()

        try:
            await self._app(scope, watched_receive, send)
        finally:
            self._ended.release()

    def wait_for_receive(self) -> None:
        """Wait until the server was asked for a message once more."""
        assert self._receiving.acquire(timeout=TIMEOUT)

    def wait_for_end(self) -> None:
        """Wait until one more call of the app is over."""
        assert self._ended.acquire(timeout=TIMEOUT)


class Server:
    """What all tests share: starting a uvicorn for each would take longer than the tests do."""

    def __init__(self) -> None:
        self.port = 0
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app of the current test."""
        assert self._app is not None
        await self._app(scope, receive, send)

    def serve(self, app: ASGIApp, *, body_timeout: float = TIMEOUT) -> Watched:
        """Serve `app` from now on, guarded."""
        self._app = watched = Watched(guarded(app, body_timeout))
        return watched

    def connect(self) -> Client:
        """Open a connection."""
        return Client(self.port)
