"""A relay that hands TCP connections on, and keeps what the clients said, byte for byte."""

import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

#: Seconds until a connection on which nothing comes is given up.
PATIENCE = 30.0


class Relay:
    """Listens on a free port, and hands each connection on to another port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        #: What each client said.
        self.said: list[bytes] = []

    def run(self) -> None:
        """Hand on connections until the listener is closed, and then until they have ended."""
        with ThreadPoolExecutor() as threads:
            while True:
                try:
                    client, _ = self._listener.accept()
                except OSError:  # closed
                    return
                threads.submit(self._hand_on, client)

    def _hand_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target), timeout=PATIENCE) as server:
            client.settimeout(PATIENCE)
            back = Thread(target=pump, args=(server, client))
            back.start()
            self.said.append(pump(client, server))
            back.join()

    def close(self) -> None:
        """Listen no more."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes up accept()
        self._listener.close()


def pump(source: socket.socket, sink: socket.socket) -> bytes:
    """Hand on all that `source` says, and return it."""
    said = bytearray()
    while part := source.recv(65_536):
        said += part
        sink.sendall(part)
    sink.shutdown(socket.SHUT_WR)
    return bytes(said)


@contextmanager
def relay(port: int) -> Generator[Relay, None, None]:
    """Run a relay to a port; at the end, all its connections have ended."""
    running = Relay(port)
    thread = Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        running.close()
        thread.join()
