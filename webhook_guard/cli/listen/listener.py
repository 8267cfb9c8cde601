"""A guarded receiver on a port of this machine, and what it says of what comes.

Standard output has the deliveries and nothing else; what is said of the listener itself goes to standard error. A
request that can't be shown or saved is answered as if it could. The server refuses more than `MOST_CONNECTIONS` at a
time, so whatever strangers do takes bounded memory.

It ends with Ctrl-C or SIGTERM in about a second, whatever clients and the app do meanwhile; what is being forwarded
then is shown, saved and counted. Somebody must read what it prints, because it waits for that: where nobody does, as in
a terminal that is paused, a second signal ends it.
"""

import logging
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import FrameType

import click
import uvicorn
from rich.text import Text

from webhook_guard.cli.errors import Misuse
from webhook_guard.cli.listen import address, display
from webhook_guard.cli.listen.forward import Forwarder
from webhook_guard.cli.listen.receiver import Received, Receiver
from webhook_guard.cli.listen.save import Folder
from webhook_guard.cli.logs import SERVER_LOGGERS, silenced
from webhook_guard.cli.output import console, is_terminal, print_json, print_nowhere, printable
from webhook_guard.log import described, logger
from webhook_guard.sansio.errors import Reason
from webhook_guard.sansio.guard import TOLERANCE
from webhook_guard.verify import configured_keys

#: What each takes in memory, the receiver says.
MOST_CONNECTIONS = 250
#: Seconds for requests that are being answered when the end comes.
_LAST_SECONDS = 1

_HINT = """\
Hint: no signature matches. Is the secret that of the endpoint which sends? Each
has its own. And does everything in between, such as a tunnel or a proxy, pass
the body on unchanged, byte for byte? To find out why"""
_DIAGNOSE = ":\n    webhook-guard diagnose {}"
_SAVE_FIRST = """\
, have the next one saved,
with --save DIR, and run: webhook-guard diagnose FILE"""


class Listener:
    """Receives, and shows what comes.

    Args:
        listening: The socket to receive on; it listens already.
        forwarder: What passes verified requests on; None answers them here.
        folder: Where requests are saved; None saves none.
        secret: One signing secret or several; None reads OPENAI_WEBHOOK_SECRET.
        tolerance: How far from now an attempt may be, either way, in seconds.
        verbose: Whether headers and bodies are shown.
        as_json: Whether each request is an object in JSON.
        clock: Returns the time in Unix seconds.

    Attributes:
        accepted: How many requests were verified.
        refused: How many were not.
        failed: How many of those accepted were not answered with a 2xx by the app.

    Raises:
        ConfigurationError: The secret or the tolerance can't be used.
    """

    def __init__(
        self,
        listening: socket.socket,
        *,
        forwarder: Forwarder | None = None,
        folder: Folder | None = None,
        secret: str | Sequence[str] | None = None,
        tolerance: float = TOLERANCE,
        verbose: bool = False,
        as_json: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.accepted: int = 0
        self.refused: int = 0
        self.failed: int = 0
        self._socket = listening
        self._forwards = forwarder is not None
        self._folder = folder
        self._verbose = verbose
        self._as_json = as_json
        self._console = console()
        self._is_hint_due = True
        forward = forwarder.forward if forwarder is not None else None
        receiver = Receiver(self._take, forward, secret=secret, tolerance=tolerance, clock=clock)
        self._server = _Server(_configured(receiver))

    def serve(self) -> None:
        """Receive, until `stop` is called or, in the main thread, a signal comes."""
        with silenced(*SERVER_LOGGERS, logger.name, but=self._is_fault), _ended_by_signals(self.stop):
            self._server.run([self._socket])

    def stop(self) -> None:
        """Let `serve` return; any thread may call it."""
        self._server.should_exit = True

    def _is_fault(self, record: logging.LogRecord) -> bool:
        """Say whether the server tells of a fault of ours: strangers cause errors of the system, and the end others."""
        error = record.exc_info[1] if record.exc_info else None
        return record.levelno >= logging.ERROR and not isinstance(error, OSError) and not self._server.should_exit

    def _take(self, received: Received) -> None:
        """Count, save and show a request. Nothing that fails here changes its answer, so nothing is raised."""
        self._count(received)
        file = self._save(received)
        self._show(received, file)
        if self._is_hint_due and received.verdict == Reason.SIGNATURE_MISMATCH:
            self._is_hint_due = False
            _say(self._hint(file))

    def _hint(self, file: str | None) -> str:
        """Return what to check, and how to find out why, with the file where there is one."""
        if self._folder is None or file is None:
            return _HINT + _SAVE_FIRST
        return _HINT + _DIAGNOSE.format(shlex.quote(str(self._folder.path / file)))

    def _count(self, received: Received) -> None:
        self.accepted += received.is_accepted
        self.refused += not received.is_accepted
        self.failed += received.forwarded is not None and received.forwarded.is_failure

    def _save(self, received: Received) -> str | None:
        try:
            return self._folder.save(received) if self._folder is not None else None
        except OSError as error:
            _say(f"Not saved: {error.strerror}.")
        except Exception as error:  # noqa: BLE001  an app has handled it already, and must not get it again
            _say(f"Not saved, but answered: {described(error)}.")
        return None

    def _show(self, received: Received, file: str | None) -> None:
        try:
            self._print_request(received, file)
        except OSError as error:
            _say(f"Stopping: can't print ({error.strerror}).")
            print_nowhere(sys.stdout)
            self.stop()
        except Exception as error:  # noqa: BLE001  as above
            _say(f"Not shown, but answered: {described(error)}.")

    def _print_request(self, received: Received, file: str | None) -> None:
        if self._as_json:
            print_json(display.as_json(received, file=file, verbose=self._verbose))
            return
        self._print(display.line(received, self._console, file=file, forwards=self._forwards))
        if self._verbose:
            self._print(display.details(received, self._console))

    def _print(self, texts: Iterable[Text]) -> None:
        # Not printed by the console, which ends the process when nobody reads any more.
        with self._console.capture() as captured:
            for text in texts:
                self._console.print(text, soft_wrap=True)
        click.echo(captured.get(), nl=False, color=True)


def run(
    *,
    host: str,
    port: int,
    secret: str | Sequence[str] | None,
    tolerance: float,
    forward: str | None,
    save: Path | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Listen until Ctrl-C or SIGTERM, and say on standard error what with and how it went.

    Returns:
        The exit status: 0.

    Raises:
        Misuse: An option can't be worked with.
        ConfigurationError: The secret or the tolerance can't be used.
    """
    count = configured_keys(secret).secret_count
    with ExitStack() as stack:
        forwarder = stack.enter_context(Forwarder(forward)) if forward is not None else None
        folder = Folder(save) if save is not None else None
        listening = stack.enter_context(closing(address.bind(host, port)))
        _refuse_loop(forward, listening)
        listener = Listener(
            listening,
            forwarder=forwarder,
            folder=folder,
            secret=secret,
            tolerance=tolerance,
            verbose=verbose,
            as_json=as_json,
        )
        _introduce(listening, forward, save, f"{count} secrets" if count > 1 else "the secret")
        listener.serve()
        _sum_up(listener, forwards=forward is not None)
    return 0


class _Server(uvicorn.Server):
    """It ends at a signal; a second one lets what nobody reads go nowhere, which else would be waited for."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal, even amid a print, which continues after that."""
        if self.should_exit:
            print_nowhere(sys.stdout)
        super().handle_exit(sig, frame)


def _configured(receiver: Receiver) -> uvicorn.Config:
    return uvicorn.Config(
        receiver,
        interface="asgi3",
        loop="asyncio",
        http="h11",  # it reads requests as `replay` does
        ws="none",
        lifespan="off",
        log_config=None,
        workers=1,
        proxy_headers=False,
        # An answer of the app goes back with its own.
        server_header=False,
        date_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )


@contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Take Ctrl-C and SIGTERM; the server takes them too, but raises them again at its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse_loop(forward: str | None, listening: socket.socket) -> None:
    if forward is not None and address.leads_to(forward, listening):
        raise Misuse(f"--forward {forward} leads back to this listener; give the URL of your app, or another --port")


def _introduce(listening: socket.socket, forward: str | None, save: Path | None, secrets: str) -> None:
    _say(f"Listening on {address.url_of(listening)}, for deliveries signed with {secrets}.")
    if forward is not None:
        _say(f"What is verified is forwarded to {forward}")
    if save is not None:
        _say(f"All requests are saved in {save}")
    _say("Ctrl-C stops it.\n")


def _sum_up(listener: Listener, *, forwards: bool) -> None:
    failed = f" ({listener.failed} of them failed in the app)" if forwards else ""
    if is_terminal(sys.stderr):
        _say("")  # the terminal has written ^C
    _say(f"{listener.accepted} accepted{failed}, {listener.refused} refused.")


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # gone, or closed
        click.echo(printable(text, keep="\n"), err=True)
