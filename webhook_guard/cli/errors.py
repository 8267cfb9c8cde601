"""What is misused: one line that says what to do, and exit status 2."""

import click


class Misuse(click.ClickException):
    """Something that the command can't work with: a file, a URL, a value, a secret.

    Args:
        message: What is wrong, with figures, and what to do; no secret, signature or body.
    """

    exit_code = 2
