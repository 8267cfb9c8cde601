"""A proxy between a store and its server, which counts round trips."""

import select
import socket
import threading
from collections.abc import Callable

_CHUNK = 65_536


class CountingProxy:
    """Hands on what clients and a server say to each other; counts how often a client begins to wait for the server.

    Args:
        connect: Connects to the server.
    """

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.round_trips: int = 0
        self._connect = connect
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        # Daemons: they end with the process.
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, self._connect() as server:
            peers = {client: server, server: client}
            last = server
            while True:
                for source in select.select(list(peers), [], [])[0]:
                    if not (data := source.recv(_CHUNK)):
                        return
                    self._count(begins=source is client and last is server)
                    last = source
                    peers[source].sendall(data)

    def _count(self, *, begins: bool) -> None:
        with self._lock:
            self.round_trips += begins
