"""Middleboxes, each in a process of its own on a free port of this machine."""

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from tempfile import TemporaryDirectory

from examples.running import stop, wait_for
from services import give_up
from support import PATH, free_port

_FOLDER = Path(__file__).parent

#: In one process, which ends with the signal to it, with all that it writes in a folder of its own. Whoever runs it.
_NGINX = """\
daemon off;
master_process off;
pid nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    scgi_temp_path scgi;
    uwsgi_temp_path uwsgi;
    {outside}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            {settings}
        }}
    }}
}}
"""


@contextmanager
def nginx(upstream: int, settings: str = "", outside: str = "") -> Generator[int]:
    """Run an nginx in front of a port, and give its own.

    Args:
        upstream: Where requests go.
        settings: Directives of the location.
        outside: Directives that can't stand in one.
    """
    program, port = _program("nginx"), free_port()
    with TemporaryDirectory() as folder:
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(_NGINX.format(port=port, upstream=upstream, settings=settings, outside=outside))
        with _running(Path(folder), port, program, "-e", "stderr", "-p", folder, "-c", str(configuration)):
            yield port


@contextmanager
def node(kind: str, upstream: int) -> Generator[int]:
    """Run a proxy of ``proxy.mjs`` in front of a guarded app, and give its port."""
    yield from _proxy(_program("node"), "proxy.mjs", kind, upstream)


@contextmanager
def python(kind: str, upstream: int) -> Generator[int]:
    """Run a proxy app of ``proxy.py`` in front of a guarded app, and give its port."""
    yield from _proxy(sys.executable, "proxy.py", kind, upstream)


def _proxy(interpreter: str, script: str, kind: str, upstream: int) -> Generator[int]:
    port = free_port()
    url = f"http://127.0.0.1:{upstream}{PATH}"
    with (
        TemporaryDirectory() as folder,
        _running(Path(folder), port, interpreter, str(_FOLDER / script), kind, str(port), url),
    ):
        yield port


@contextmanager
def _running(folder: Path, port: int, *command: str) -> Generator[None]:
    """Run a command in a folder until the end, from when it listens on a port."""
    output = folder / "output"
    with (
        output.open("wb") as sink,
        Popen(command, cwd=folder, stdin=DEVNULL, stdout=sink, stderr=STDOUT) as process,  # noqa: S603  our own
    ):
        try:
            wait_for(process, port, output)
            yield
        finally:
            stop(process)


def _program(name: str) -> str:
    # Debian has nginx where only root's PATH leads to.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return shutil.which(name, path=path) or give_up(f"{name} is not installed")
