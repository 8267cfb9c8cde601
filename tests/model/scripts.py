"""What handlers do."""

from dataclasses import dataclass
from enum import StrEnum


class AppError(Exception):
    """The app fails."""


class Form(StrEnum):
    """How a WSGI app gives its answer."""

    GENERATOR = "a generator"
    LIST = "a list"
    WRITE = "write()"


@dataclass(frozen=True)
class Script:
    """What a handler does: it gives a status, then the parts of a body, and then it may fail.

    Attributes:
        status: None if it gives none.
        parts: What it gives one after the other.
        fails: Whether it raises in the end.
        form: How it gives them under WSGI.
    """

    status: int | None
    parts: tuple[bytes, ...] = ()
    fails: bool = False
    form: Form = Form.GENERATOR

    @property
    def succeeds(self) -> bool:
        """Whether its status is a success."""
        return self.status in (200, 204)


SUCCEEDS = Script(200, (b"done",))
SCRIPTS = (
    SUCCEEDS,
    Script(204, (b"",)),
    Script(200, (b"one ", b"two")),
    Script(200, (b"one ",), fails=True),
    Script(200, fails=True),
    Script(200),
    Script(500, (b"no",)),
    Script(503, (b"one ", b"two"), fails=True),
    Script(None, fails=True),
    Script(None),
    Script(200, (b"one ", b"two"), form=Form.LIST),
    Script(200, form=Form.LIST),
    Script(200, fails=True, form=Form.LIST),
    Script(500, (b"no",), form=Form.LIST),
    Script(200, (b"one ", b"two"), form=Form.WRITE),
    Script(200, (b"one ",), fails=True, form=Form.WRITE),
    Script(500, (b"no",), form=Form.WRITE),
)
