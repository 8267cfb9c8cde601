# Bottle has no types. These are those of what is used of it here.
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

_Handler = TypeVar("_Handler", bound=Callable[..., Any])

class Bottle:
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]: ...
    def post(self, path: str, *, callback: Callable[..., Any] | None = None) -> Callable[[_Handler], _Handler]: ...
    def mount(self, prefix: str, app: Any) -> None: ...

class HTTPResponse:
    def __init__(self, *, status: int) -> None: ...

request: Any
