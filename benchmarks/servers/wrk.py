"""The load: wrk posts a delivery on a few connections that are kept, each time as soon as the last one is answered."""

import shutil
import subprocess
from pathlib import Path

import msgspec

from benchmarks.delivery import BODY, PATH, signed
from benchmarks.servers import cores

CONNECTIONS = 16
#: Seconds; wrk takes whole ones.
DURATION = 1

_SCRIPT = Path(__file__).with_name("post.lua")
#: What wrk writes itself.
_ITS_OWN = ("host", "content-length")


class Turn(msgspec.Struct, frozen=True):
    """What wrk saw in one turn.

    Attributes:
        requests: How many were answered.
        seconds: How long it took.
        failed: How many connections, reads, writes and waits failed, and how many answers were errors.
        p99: How long one request in a hundred took at least, in seconds.
    """

    requests: int
    seconds: float
    failed: int
    p99: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def require() -> None:
    """Exit if wrk is not there."""
    if shutil.which("wrk") is None:
        raise SystemExit("servers: this part needs wrk; Debian and Ubuntu have it: apt install wrk")


def load(port: int) -> Turn:
    """Load the server at `port` with a delivery that is signed now.

    Raises:
        RuntimeError: Not every request was answered with success: the figures would mean nothing.
    """
    headers = [word for item in signed().items() if item[0] not in _ITS_OWN for word in item]
    options = f"--threads 1 --connections {CONNECTIONS} --duration {DURATION} --script"
    command = ["wrk", *options.split(), str(_SCRIPT), f"http://127.0.0.1:{port}{PATH}", "--", BODY.decode(), *headers]
    with cores.pinned(cores.LOAD):
        output = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  every word of it is ours
    turn = msgspec.json.decode(output.splitlines()[-1], type=Turn)
    if turn.failed or not turn.requests:
        raise RuntimeError(f"not every request was answered with success:\n{output.decode()}")
    return turn
