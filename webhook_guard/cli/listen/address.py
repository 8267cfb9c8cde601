"""Where a command listens: a socket of its own, bound before any server starts.

What is wrong is said in one line, with what to do.
"""

import errno
import os
import socket
from urllib.parse import urlsplit

from webhook_guard.cli.errors import Misuse

_PROBLEMS = {
    errno.EADDRINUSE: "port {port} is in use; stop what listens there, or take another port (0 takes a free one)",
    errno.EACCES: "port {port} is not for you to listen on; take one from 1024 on",
    errno.EADDRNOTAVAIL: "{host} is no address of this machine; take 127.0.0.1, or 0.0.0.0 for all that it has",
}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = {"127.0.0.1", "::1"}
_ANY = {"0.0.0.0", "::"}  # noqa: S104  compared with, not listened on


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens: who connects before it is served waits.

    Args:
        host: A name or an address of this machine.
        port: Where to listen; 0 takes a free one.

    Raises:
        Misuse: It can't listen there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except (socket.gaierror, UnicodeError):
        raise Misuse(f"there is no host {host!r}; take 127.0.0.1, or 0.0.0.0 for all that this machine has") from None
    except OSError as error:
        raise Misuse(problem(error, host, port)) from None


def problem(error: OSError, host: str, port: int) -> str:
    """Return why a socket can't be bound, and what to do."""
    number = error.errno or 0
    text = _PROBLEMS.get(number, f"can't listen on {{host}}, port {{port}}: {os.strerror(number)}; take others")
    return text.format(host=host, port=port)


def url_of(listener: socket.socket) -> str:
    """Return the URL of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def leads_to(url: str, listener: socket.socket) -> bool:
    """Say whether a URL plainly is that of a socket: what is received there and forwarded would come back."""
    parts = urlsplit(url)
    host, port = listener.getsockname()[:2]
    if (parts.port or _DEFAULT_PORTS[parts.scheme]) != port:
        return False
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)}
    except (socket.gaierror, UnicodeError):
        return False  # nowhere
    return bool(_reached(addresses) & _reached({host}))


def _reached(addresses: set[str]) -> set[str]:
    return addresses | _LOOPBACK if addresses & _ANY else addresses
