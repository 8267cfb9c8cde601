"""One request's life: head -> chunks -> end -> `Delivery`, or an error of `errors.py`.

1. A front asks `Guard.match` whether the request is guarded. When in doubt, it is. One that is not passes untouched.
2. `Guard.begin` takes its headers in. From then on, nothing but a `Delivery` lets the request through to the app.
3. `Incoming.check_head` decides on everything that can be decided before the body is read, in the order of the
   decision table; a refused head leaves the body unread.
4. `Incoming.receive_data` takes the body in, chunk by chunk, and never holds more than the limit. Where a chunk ends
   makes no difference to any verdict.
5. `Incoming.end` verifies the signature over the bytes as they came, and only then looks into them.
6. A claim on the delivery, where one is made, is decided between the end and the call of the app.

Nothing here waits, reads a clock or a socket, or logs: fronts do.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Self, TypeVar, cast

import msgspec

from webhook_guard.sansio import events, paths, signature
from webhook_guard.sansio.errors import ConfigurationError, PayloadError, Reason, VerificationError
from webhook_guard.sansio.events import WebhookEvent
from webhook_guard.sansio.keys import Keys
from webhook_guard.sansio.paths import GuardedPath
from webhook_guard.sansio.signature import Headers

_F = TypeVar("_F", bound=Callable[..., Any])

#: Seconds. Standard Webhooks' libraries and OpenAI's SDKs allow five minutes for retries in flight and skewed clocks.
TOLERANCE = 300
#: Bytes. OpenAI's events are under 10 KiB; 256 KiB leaves room, and a thousand waiting strangers hold 256 MiB at most.
MAX_BODY_SIZE = 262_144
#: Bytes to ask for at a time where the front asks (WSGI).
READ_SIZE = 65_536
#: Seconds: no two timestamps are further apart than this.
_LONGEST_TOLERANCE = signature.TIMESTAMP_END
#: Python refuses to write integers of thousands of digits.
_SHOWN_NUMBER = 10**15

LENGTH = "content-length"
_HEADERS = signature.spellings(signature.ID, signature.TIMESTAMP, signature.SIGNATURE, LENGTH)

_NOT_IN_A_PATH = re.compile(r"[?#%{<*\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _Stored(msgspec.Struct):
    """What `Delivery.to_dict` returns; the event is in the body."""

    webhook_id: str
    timestamp: Annotated[int, msgspec.Meta(ge=1, lt=signature.TIMESTAMP_END)]
    signature: str
    body: str
    secret_index: Annotated[int, msgspec.Meta(ge=0)]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One verified attempt to deliver an event.

    Attributes:
        webhook_id: The id of the delivery, the same for each attempt: use it to handle the delivery only once.
        timestamp: When this attempt was made, in Unix seconds.
        signature: The value of the signature header, as Latin-1 text.
        body: The body, as signed: bytes.
        event: The event in it.
        secret_index: Which of the configured secrets signed it, counted from 0.
    """

    webhook_id: str
    timestamp: int
    signature: str
    body: bytes
    event: WebhookEvent
    secret_index: int

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # rich would show every field, the signature and the body too.
        names = ("webhook_id", "timestamp", "secret_index")
        return [*((name, getattr(self, name)) for name in names), ("type", self.event.type)]

    def json(self) -> Any:
        """Return the body, decoded: a dict of plain JSON values."""
        return msgspec.json.decode(self.body)

    def to_dict(self) -> dict[str, str | int]:
        """Return plain JSON values, for any task queue; `from_dict` takes them back."""
        return {name: getattr(self, name) for name in _Stored.__struct_fields__} | {"body": self.body.decode()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the delivery that `to_dict` made `values` of. It is as trustworthy as the queue; `verify` checks it.

        Args:
            values: A dict of `webhook_id`, `timestamp`, `signature`, `body` and `secret_index`.

        Raises:
            PayloadError: `values` are not those of a delivery, or its body is no event.
        """
        try:
            stored = msgspec.convert(values, _Stored)
        except msgspec.ValidationError:
            raise PayloadError("these are not the values of a delivery; give from_dict what to_dict returned") from None
        # What UTF-8 can't encode is no event either, and the encoder's own error would hold the body.
        body = stored.body.encode("utf-8", "surrogatepass")
        return cls(
            webhook_id=stored.webhook_id,
            timestamp=stored.timestamp,
            signature=stored.signature,
            body=body,
            event=events.parse(body),
            secret_index=stored.secret_index,
        )


class Guard:
    """The options of one middleware, checked and prepared once; safe to share between threads.

    Args:
        path: One app-relative path, or several; None guards everything.
        keys: The keys of the signing secrets.
        tolerance: How far from now an attempt may be, either way, in seconds.
        max_body_size: The most that is held of a body, in bytes.
        delivery: The class to make deliveries of.

    Raises:
        ConfigurationError: An option can't be used; the message names it and the fix.
    """

    def __init__(
        self,
        *,
        path: str | Iterable[str] | None,
        keys: Keys,
        tolerance: float,
        max_body_size: int,
        delivery: type[Delivery] = Delivery,
    ) -> None:
        self.keys: Keys = keys
        self.tolerance: float = check_tolerance(tolerance)
        self.max_body_size: int = check_whole_number("max_body_size", max_body_size, 1, sys.maxsize)
        self.delivery: type[Delivery] = delivery
        #: By their normal forms.
        self._paths = None if path is None else {guarded.normal_form: guarded for guarded in _check_paths(path)}

    def match(self, path: str, root_path: str = "") -> str | None:
        """Return the configured path that guards a request, normalised ("" if everything is guarded), or None.

        How a path is read is in `paths.py`.

        Args:
            path: The request's path, decoded.
            root_path: Where the app is mounted, as ASGI has it in the scope.
        """
        if self._paths is None:
            return ""
        if path in self._paths:
            return path
        try:
            readings = list(paths.readings(path))
        except ValueError:
            return next(iter(self._paths))  # neither a path nor a URL: in doubt
        found = (
            guarded for guarded in self._paths.values() for reading in readings if guarded.may_be(reading, root_path)
        )
        return next((guarded.normal_form for guarded in found), None)

    def begin(self, headers: Headers) -> "Incoming":
        """Return a guarded request, whose life begins with its headers.

        Raises:
            TypeError: The headers are of another type.
        """
        return Incoming(self, signature.read_fields(headers, _HEADERS))


class Incoming:
    """A guarded request on its way in; belongs to one request, and to one thread or task."""

    __slots__ = ("_body", "_declared", "_fields", "_guard", "_head", "_input_ends", "webhook_id")

    _head: signature.Head

    def __init__(self, guard: Guard, fields: signature.Fields) -> None:
        self._guard = guard
        self._declared: int | None = None
        self._body: bytes | bytearray = b""
        self._input_ends = True
        self._fields = fields
        #: The webhook id as it came, for the log: not judged yet, and empty if there is none.
        self.webhook_id: bytes = fields.values.get(signature.ID, b"")

    @property
    def body(self) -> bytes:
        """What has arrived of the body, never more than the limit."""
        return bytes(self._body)

    def check_head(self, method: str | None, *, now: float, input_ends: bool) -> None:
        """Decide on the head, so that a refused request costs next to nothing.

        Args:
            method: The request's method; None for a websocket.
            now: The time, in Unix seconds.
            input_ends: Whether the end of the input can be read even where no length is declared.

        Raises:
            VerificationError: With the first reason of the decision table that applies.
        """
        if method != "POST":
            raise _wrong_method(method)
        self._input_ends = input_ends
        self._head = signature.check_head(self._fields)
        self._declared = _declared_length(self._fields)
        signature.check_timestamp(self._head, now, self._guard.tolerance)
        self._check_length()
        del self._fields  # the head has what is needed of them, and strangers may keep the guard waiting

    def _check_length(self) -> None:
        if self._declared is None:
            if not self._input_ends:
                raise VerificationError("no Content-Length, and no input that says it ends", Reason.LENGTH_REQUIRED)
        elif self._declared > self._guard.max_body_size:
            raise self._too_large(f"{self._declared} bytes are declared")

    def wanted(self) -> int:
        """Return how many bytes to ask the input for next: a positive number, or 0 if there is nothing more to ask for.

        An input that ends is read to its end, but one that does not would block beyond the declared length.
        """
        end = self._guard.max_body_size + 1 if self._input_ends or self._declared is None else self._declared
        return max(0, min(end - len(self._body), READ_SIZE))

    def receive_data(self, data: bytes) -> None:
        """Take in the next chunk of the body.

        Raises:
            VerificationError: body_too_large, as soon as there is more than the limit.
        """
        if len(self._body) + len(data) > self._guard.max_body_size:
            raise self._too_large("more arrived")
        if not self._body:
            self._body = data  # nearly always the whole body: not copied
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += data

    def broken_off(self, reason: Reason, cause: Exception | None = None) -> VerificationError:
        """Return the error for a body that is not going to be complete.

        Args:
            reason: Why.
            cause: What reading it raised, if it did: the message names its type.
        """
        declared = "an undeclared number of" if self._declared is None else f"{self._declared} declared"
        failure = "" if cause is None else f"; reading failed with {type(cause).__name__}"
        return VerificationError(f"{len(self._body)} of {declared} bytes of the body arrived{failure}", reason)

    def end(self) -> Delivery:
        """Return the verified delivery: the body is complete.

        Raises:
            VerificationError: body_length_mismatch or signature_mismatch.
            PayloadError: malformed_payload.
        """
        if self._declared is not None and len(self._body) != self._declared:
            raise self.broken_off(Reason.BODY_LENGTH_MISMATCH)
        head = self._head
        # One copy: what it grew in is given up, because the app may run for long.
        self._body = body = bytes(self._body)
        secret_index = signature.verify(head, body, self._guard.keys)
        return self._guard.delivery(
            webhook_id=head.webhook_id.decode("ascii"),
            timestamp=head.timestamp,
            signature=head.signature.decode("latin-1"),
            body=body,
            event=events.parse(body),
            secret_index=secret_index,
        )

    def _too_large(self, found: str) -> VerificationError:
        limit = self._guard.max_body_size
        return VerificationError(
            f"the body is over the limit of {limit} bytes (max_body_size): {found}", Reason.BODY_TOO_LARGE
        )


def check_number(option: str, value: object, low: float, high: float) -> float:
    """Return `value`, if it is a number from `low` to `high`.

    Raises:
        ConfigurationError: It is not; NaN, infinity and bool are not, either.
    """
    # The comparison is false for NaN, and takes integers that are too large for a float.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ConfigurationError(f"{option}: must be a number from {low} to {high}, not {_shown(value)}")


def check_whole_number(option: str, value: object, low: int, high: int) -> int:
    """Return `value`, if it is a whole number from `low` to `high`.

    Raises:
        ConfigurationError: It is not; bool is not, either.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ConfigurationError(f"{option}: must be a whole number, at least {low}, not {_shown(value)}")


def _shown(value: object) -> str:
    """Return a number as it is, or the type of anything else: it may be a secret that was mistaken for a number."""
    if isinstance(value, float) or (isinstance(value, int) and -_SHOWN_NUMBER < value < _SHOWN_NUMBER):
        return repr(value)
    return type(value).__name__


def check_callable(option: str, value: _F) -> _F:
    """Return `value`, if it can be called.

    Raises:
        ConfigurationError: It can't.
    """
    if not callable(value):
        raise ConfigurationError(f"{option}: must be callable, not {type(value).__name__}")
    return value


def check_tolerance(value: object) -> float:
    """Return `value`, if it is a tolerance: a number of seconds, not negative.

    Raises:
        ConfigurationError: It is not.
    """
    return check_number("tolerance", value, 0, _LONGEST_TOLERANCE)


def _check_paths(path: object) -> tuple[GuardedPath, ...]:
    """Return the paths of the option `path`."""
    if isinstance(path, str):
        return (_check_path(path),)
    if isinstance(path, (bytes, bytearray)) or not isinstance(path, Iterable):
        raise _wrong_path_type(path)
    paths = tuple(map(_check_path, cast(Iterable[object], path)))
    if not paths:
        raise ConfigurationError("path: the list is empty and would guard nothing; None guards everything")
    return paths


def _check_path(path: object) -> GuardedPath:
    if not isinstance(path, str):
        raise _wrong_path_type(path)
    if not path.startswith("/"):
        raise ConfigurationError("path: must start with /")  # not shown: it may be an option mistaken for another
    if wrong := _NOT_IN_A_PATH.search(path):
        raise ConfigurationError(
            f"path: {path!r} has {wrong[0]!r}; give the plain path, decoded: no query, route pattern or white space"
        )
    return GuardedPath(path)


def _wrong_path_type(path: object) -> ConfigurationError:
    return ConfigurationError(f"path: must be str, several of them, or None, not {type(path).__name__}")


def _wrong_method(method: str | None) -> VerificationError:
    if method is None:
        return VerificationError("a websocket on a guarded path", Reason.WEBSOCKET_REFUSED)
    return VerificationError("the method is not POST", Reason.METHOD_NOT_ALLOWED)


def _declared_length(fields: signature.Fields) -> int | None:
    """Return the declared length of the body in bytes, if one is declared."""
    value = fields.values.get(LENGTH)
    if value is None:
        return None
    if LENGTH in fields.repeated or not value.isdigit():  # of bytes: ASCII digits only
        raise VerificationError("Content-Length is repeated, or not a decimal number", Reason.MALFORMED_HEADER)
    # 20 digits are over every limit, and `int` refuses thousands (RFC 9110 section 8.6 asks to be prepared for them).
    return int(value.lstrip(b"0")[:20] or b"0")
