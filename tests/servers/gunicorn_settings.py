"""Settings of gunicorn that the command line of some version lacks."""

import logging

#: Newer versions would make a socket in the home directory.
control_socket_disable = True


def post_worker_init(_worker: object) -> None:
    """Write the guard's log to standard error, where the tests read it."""
    logging.basicConfig(level=logging.INFO)
