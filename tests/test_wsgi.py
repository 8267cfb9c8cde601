"""The WSGI front: what it hands on, what it keeps back, and how it reads. Verdicts are in `test_scenarios.py`."""

import json
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from webhook_guard import ConfigurationError, Delivery, Reason, WSGIWebhookMiddleware, get_delivery, get_event
from webhook_guard.idempotency import ClaimState, MemoryStore
from webhook_guard.refused import RefusedRequest

from scenarios import HEAD, LIMIT, Scenario, wsgi_environ
from support import BODY, NOW, PATH, SECRET, WEBHOOK_ID, clock, event_body, signed, variable

HEADERS = {variable(name): value for name, value in signed().items()}


class Input:
    """A server's input: gives pieces, and keeps what it was asked for."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = list(pieces)
        self.sizes: list[int] = []

    def read(self, size: int) -> Any:
        """Give the next piece; an exception is raised, and the end is the end."""
        self.sizes.append(size)
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, BaseException):
            raise piece
        return piece


class App:
    """An app that keeps what it is called with, and answers with an iterable of its own."""

    answer: Any = object()

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any]] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Keep the call."""
        self.calls.append((environ, start_response))
        return self.answer


class Start:
    """A server's start_response."""

    status = ""
    headers: tuple[tuple[str, str], ...] = ()

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Keep what the answer starts with."""
        assert exc_info is None
        self.status, self.headers = status, tuple(headers)


def make_environ(stream: Any = None, **changes: Any) -> dict[str, Any]:
    """Return the environ of a genuine request, with changes; a change to None takes out."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "CONTENT_LENGTH": str(len(BODY)),
        "wsgi.input": stream or Input(BODY),
        **HEADERS,
        **changes,
    }
    return {key: value for key, value in environ.items() if value is not None}


def guard(app: Any, **options: Any) -> WSGIWebhookMiddleware:
    """Return a guarded app."""
    defaults: dict[str, Any] = {"path": PATH, "secret": SECRET, "clock": clock}
    return WSGIWebhookMiddleware(app, **{**defaults, **options})


def refusal(environ: dict[str, Any], **options: Any) -> tuple[str, str]:
    """Return the status line and the reason of a refusal; the app must not be called."""
    app, start = App(), Start()
    (body,) = guard(app, **options)(environ, start)
    assert app.calls == []
    return start.status, json.loads(body)["reason"]


class TestUntouched:
    """What is not guarded passes as it is."""

    @pytest.mark.parametrize("path", ["/other", "", None])
    def test_same_objects(self, path: str | None) -> None:
        """The app gets the server's own environ and start_response, and the server the app's own iterable."""
        app, start, environ = App(), Start(), make_environ(PATH_INFO=path)
        before = dict(environ)
        assert guard(app)(environ, start) is app.answer
        ((given_environ, given_start),) = app.calls
        assert given_environ is environ == before
        assert given_start is start
        assert environ["wsgi.input"].sizes == []


class TestPath:
    """PATH_INFO: bytes, as Latin-1 text."""

    def test_utf8(self) -> None:
        """A path that is not ASCII is compared as UTF-8."""
        path = "/grüße"
        environ = make_environ(PATH_INFO=path.encode().decode("latin-1"), CONTENT_LENGTH="0")
        assert refusal(environ, path=path)[1] == "signature_mismatch"

    @pytest.mark.parametrize("path", ["/webhooks\xff/openai", "/webhooks/openai\xc3", "/webhooks/\u20acopenai"])
    def test_not_utf8(self, path: str) -> None:
        """Bytes that are not UTF-8 are dropped: some frameworks route so."""
        assert refusal(make_environ(PATH_INFO=path, CONTENT_LENGTH="0"))[1] == "signature_mismatch"


class TestHandingOn:
    """What the app gets of a verified request."""

    @staticmethod
    def admitted(environ: dict[str, Any]) -> dict[str, Any]:
        """Return the environ that the app is called with."""
        app, start = App(), Start()
        assert guard(app)(environ, start) is app.answer
        ((given_environ, given_start),) = app.calls
        assert given_start is start
        return given_environ  # type: ignore[no-any-return]  # the front's own

    def test_event_and_delivery(self) -> None:
        """They are in the environ, under their names."""
        environ = self.admitted(make_environ())
        assert environ["openai.event"] is get_event(environ)
        assert environ["openai.delivery"] is get_delivery(environ)
        assert type(environ["openai.delivery"]) is Delivery
        assert environ["openai.delivery"].webhook_id == WEBHOOK_ID

    def test_fresh_input(self) -> None:
        """The input is a fresh readable of the body, which can be read in any way and rewound."""
        stream = self.admitted(make_environ(Input(BODY[:9], BODY[9:])))["wsgi.input"]
        assert stream.read() == BODY
        assert stream.read() == b""
        stream.seek(0)
        assert list(stream) == [BODY]

    def test_chunked(self) -> None:
        """A chunked body becomes one of known length."""
        chunked = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        environ = self.admitted(make_environ(**chunked))
        assert environ["CONTENT_LENGTH"] == str(len(BODY))
        assert "HTTP_TRANSFER_ENCODING" not in environ

    def test_exceptions(self) -> None:
        """An exception of the app is the server's to see, as it is."""
        error = RuntimeError("the app's own")

        def app(environ: Any, start_response: Any) -> Any:
            del environ, start_response
            raise error

        with pytest.raises(RuntimeError) as caught:
            guard(app)(make_environ(), Start())
        assert caught.value is error
        assert caught.value.__context__ is None

    def test_streams(self) -> None:
        """An app that is a generator is neither run ahead nor wrapped, so the server closes it."""
        ran: list[str] = []

        def app(environ: Any, start_response: Any) -> Iterator[bytes]:
            del environ
            ran.append("started")
            start_response("200 OK", [])
            yield b"part"
            ran.append("went on")

        answer = guard(app)(make_environ(), Start())
        assert ran == []
        assert next(iter(answer)) == b"part"
        answer.close()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  the app's generator
        assert ran == ["started"]


class TestRefusing:
    """What the sender gets, and the app does not."""

    def test_answer(self) -> None:
        """It is a problem document."""
        start = Start()
        body = b'{"title":"A webhook header is missing or empty","status":400,"reason":"missing_header"}'
        assert guard(App())(make_environ(HTTP_WEBHOOK_ID=None), start) == [body]
        assert start.status == "400 Bad Request"
        assert dict(start.headers) == {"content-type": "application/problem+json", "content-length": str(len(body))}

    def test_allow(self) -> None:
        """405 says that POST is allowed."""
        start = Start()
        guard(App())(make_environ(REQUEST_METHOD="GET"), start)
        assert (start.status, dict(start.headers)["allow"]) == ("405 Method Not Allowed", "POST")

    def test_head_method(self) -> None:
        """The answer to HEAD has no body (RFC 9110 section 9.3.2)."""
        assert guard(App())(make_environ(REQUEST_METHOD="HEAD"), Start()) == [b""]

    def test_head_is_refused_unread(self) -> None:
        """The body of a declared length over the limit is not asked for."""
        stream = Input()
        assert refusal(make_environ(stream, CONTENT_LENGTH="262145"))[1] == "body_too_large"
        assert stream.sizes == []

    # Joined by the server, repeated signatures are a list of them, whose form is no reason to refuse it.
    @pytest.mark.parametrize(
        "scenario",
        [scenario for scenario in HEAD if scenario.wsgi_reason is not Reason.SIGNATURE_MISMATCH],
        ids=lambda scenario: scenario.name,
    )
    def test_no_refused_head_is_read_on(self, scenario: Scenario) -> None:
        """Whatever a head is refused for, its body is not asked for."""
        stream, start, app = Input(), Start(), App()
        environ = {**wsgi_environ(scenario, 1), "wsgi.input": stream}
        guard(app, max_body_size=LIMIT)(environ, start)
        reason = scenario.wsgi_reason or scenario.reason
        assert reason is not None
        assert (start.status[:3], stream.sizes, app.calls) == (str(reason.status), [], [])

    @pytest.mark.parametrize("length", ["", None], ids=["empty", "absent"])
    def test_length_required(self, length: str | None) -> None:
        """An empty CONTENT_LENGTH is an absent one: then the input must say that it ends."""
        assert refusal(make_environ(CONTENT_LENGTH=length)) == ("411 Length Required", "length_required")
        ending = make_environ(**{"CONTENT_LENGTH": length, "wsgi.input_terminated": True})
        app = App()
        assert guard(app)(ending, Start()) is app.answer

    @pytest.mark.parametrize(("joint", "reason"), [(",", "signature_mismatch"), (", ", None)])
    def test_joined_signatures(self, joint: str, reason: str | None) -> None:
        """Servers join repeated headers, some with a blank: then it is one list of signatures, all of them genuine."""
        app, value = App(), HEADERS["HTTP_WEBHOOK_SIGNATURE"]
        environ = make_environ(HTTP_WEBHOOK_SIGNATURE=value + joint + value)
        if reason is None:
            assert guard(app)(environ, Start()) is app.answer
        else:
            assert refusal(environ)[1] == reason

    def test_length_as_a_number(self) -> None:
        """An adapter that has the length as a number does no harm."""
        app = App()
        assert guard(app)(make_environ(CONTENT_LENGTH=len(BODY)), Start()) is app.answer

    def test_logged(self, records: list[Any]) -> None:
        """There is one record for a refusal, with path and id, and none for what passes."""
        guard(App())(make_environ(), Start())
        refusal(make_environ(REQUEST_METHOD="GET", PATH_INFO="//webhooks/openai"))
        (record,) = records
        assert (record.reason, record.path, record.webhook_id) == (
            "method_not_allowed",
            "//webhooks/openai",
            WEBHOOK_ID,
        )

    def test_logged_once_a_minute(self, records: list[Any]) -> None:
        """Of refusals for the same reason, the guard's clock decides which is an error, and which a detail."""
        times = iter([NOW, NOW + 59, NOW + 61])
        guarded = guard(App(), clock=lambda: next(times), tolerance=999)
        for _ in range(3):
            guarded(make_environ(HTTP_WEBHOOK_ID="wh_2"), Start())
        assert [record.levelname for record in records] == ["WARNING", "INFO", "WARNING"]

    def test_no_path(self, records: list[Any]) -> None:
        """A server that has no PATH_INFO means the root (PEP 3333)."""
        refusal(make_environ(PATH_INFO=None, HTTP_WEBHOOK_ID=None), path=None)
        assert [record.path for record in records] == [""]

    def test_unexpected_shape_is_logged(self, records: list[Any]) -> None:
        """An event that is kept as unknown though its type is known is a warning."""
        body = event_body("batch.completed", [])
        headers = {variable(name): value for name, value in signed(body).items()}
        app = App()
        guard(app)(make_environ(Input(body), CONTENT_LENGTH=str(len(body)), **headers), Start())
        assert [(record.levelname, record.event_type) for record in records] == [("WARNING", "batch.completed")]
        assert len(app.calls) == 1

    @given(
        headers=st.dictionaries(
            st.sampled_from([*HEADERS, "CONTENT_LENGTH"]), st.binary().map(lambda value: value.decode("latin-1"))
        ),
        path=st.binary().map(lambda value: value.decode("latin-1")),
        method=st.sampled_from(["POST", "GET", ""]),
        pieces=st.lists(st.binary()),
        terminated=st.booleans(),
    )
    def test_arbitrary_requests(
        self, headers: dict[str, str], path: str, method: str, pieces: list[bytes], *, terminated: bool
    ) -> None:
        """Whatever arrives, the answer is a 4xx, nothing is raised, and the app is not called."""
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "wsgi.input": Input(*pieces),
            "wsgi.input_terminated": terminated,
            **headers,
        }
        assert refusal(environ, path=None)[0][0] == "4"


class TestTelling:
    """What `on_refused` is told, and when. What becomes of it is in `test_refused.py`."""

    @staticmethod
    def told(environ: dict[str, Any], **options: Any) -> RefusedRequest:
        """Return the one request that is told, before anything is answered."""
        seen: list[RefusedRequest] = []
        app, start = App(), Start()

        def on_refused(reason: Reason, request: RefusedRequest) -> None:
            assert (reason, start.status) == (request.error.reason, "")
            seen.append(request)

        assert guard(app, on_refused=on_refused, **options)(environ, start) != app.answer
        assert (app.calls, start.status != "") == ([], True)
        (request,) = seen
        return request

    def test_head(self) -> None:
        """Method, target and headers are put together from the variables."""
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "/gr\xc3\xb6",
            "PATH_INFO": PATH + "/",
            "QUERY_STRING": "a=%20",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": 3,
            "HTTP_X_PRIVATE_HEADER": "caf\xe9",
            "HTTP_X_EMPTY": "",
            "SERVER_NAME": "test",
        }
        request = self.told(environ)
        assert (request.error.reason, request.method) == ("missing_header", "POST")
        assert request.target == "/gr%C3%B6/webhooks/openai/?a=%20"
        assert request.headers == (
            ("content-type", "application/json"),
            ("content-length", "3"),
            ("x-private-header", "caf\xe9"),
            ("x-empty", ""),
        )
        assert (request.body, request.is_whole) == (None, False)

    def test_path_that_is_no_latin1(self) -> None:
        """Of a server that has not the bytes of the path, as PEP 3333 asks, the rest of it is told."""
        assert self.told(make_environ(PATH_INFO="/webhooks/\u20acopenai", HTTP_WEBHOOK_ID=None)).target == PATH

    def test_reading_fails(self) -> None:
        """What the input raises is told by its type, and not by its text, which may be private."""
        said = str(self.told(make_environ(Input(BODY[:9], OSError("private")))).error)
        assert said == f"9 of {len(BODY)} declared bytes of the body arrived; reading failed with OSError"

    def test_no_headers(self) -> None:
        """What is empty or missing, is there twice, or is not from the request, is none; nor is what is no text."""
        environ: dict[Any, Any] = {
            b"HTTP_X_BYTES": "1",
            3: "a number",
            "REQUEST_METHOD": "GET",
            "CONTENT_TYPE": "",
            "CONTENT_LENGTH": None,
            "HTTP_CONTENT_LENGTH": "3",
            "HTTP_CONTENT_TYPE": "text/plain",
            "HTTP_PROXY": "http://user:password@proxy",
        }
        request = self.told(environ, path=None)
        assert (request.method, request.target, request.headers) == ("GET", "/", ())

    def test_unread(self) -> None:
        """The body of a refused head is not read to be captured."""
        environ = make_environ(REQUEST_METHOD="PUT")
        request = self.told(environ, capture=True)
        assert (environ["wsgi.input"].sizes, request.body, request.is_whole) == ([], b"", False)

    @pytest.mark.parametrize(
        ("changes", "options"),
        [({}, {}), ({"wsgi.input_terminated": True, "CONTENT_LENGTH": None}, {"max_body_size": 10})],
        ids=["cut off", "too large"],
    )
    def test_part(self, changes: dict[str, Any], options: dict[str, Any]) -> None:
        """Of a body that is refused in the middle, there is what had come, and no more than the limit."""
        pieces = [BODY[:9], b"xx"] if options else [BODY[:9]]
        request = self.told(make_environ(Input(*pieces), **changes), capture=True, **options)
        assert (request.body, request.is_whole) == (BODY[:9], False)

    def test_whole(self) -> None:
        """A request with a wrong signature is told whole, as bytes, however its body came."""
        environ = make_environ(Input(BODY[:9], BODY[9:]), HTTP_WEBHOOK_ID="wh_2")
        request = self.told(environ, capture=True)
        assert (request.error.reason, request.body, request.is_whole) == ("signature_mismatch", BODY, True)
        assert type(request.body) is bytes

    def test_shutdown(self) -> None:
        """A worker that is told to stop meanwhile stops."""

        def on_refused(_reason: Reason, _request: RefusedRequest) -> None:
            raise SystemExit

        with pytest.raises(SystemExit):
            guard(App(), on_refused=on_refused)(make_environ(REQUEST_METHOD="GET"), Start())


class TestReading:
    """How the input is read."""

    def test_not_beyond_the_length(self) -> None:
        """An input that does not say that it ends is not asked for more than what was declared."""
        stream = Input(BODY[:10], BODY[10:])
        guard(App())(make_environ(stream), Start())
        assert stream.sizes == [len(BODY), len(BODY) - 10]

    def test_to_the_end(self) -> None:
        """An input that ends is read to its end."""
        stream = Input(BODY)
        guard(App())(make_environ(stream, **{"wsgi.input_terminated": True}), Start())
        assert stream.pieces == []
        assert all(0 < size <= 65_536 for size in stream.sizes)

    @given(cuts=st.sets(st.integers(1, len(BODY) - 1), max_size=8).map(sorted), terminated=st.booleans())
    @example(cuts=[1, 2], terminated=False)
    def test_any_split(self, cuts: list[int], *, terminated: bool) -> None:
        """The body comes whole, wherever the input cuts it; an empty piece would be its end."""
        pieces = [BODY[start:end] for start, end in pairwise([0, *cuts, len(BODY)])]
        app = App()
        guard(app)(make_environ(Input(*pieces), **{"wsgi.input_terminated": terminated}), Start())
        ((environ, _),) = app.calls
        assert environ["openai.delivery"].body == BODY

    def test_empty_body_is_not_read(self) -> None:
        """Where nothing is declared to come, nothing is asked for."""
        stream = Input()
        assert refusal(make_environ(stream, CONTENT_LENGTH="0"))[1] == "signature_mismatch"
        assert stream.sizes == []

    def test_limit(self) -> None:
        """An input that ends is read to one byte over the limit, and no further."""
        stream = Input(*[b"x" * 600] * 9)
        environ = make_environ(stream, **{"CONTENT_LENGTH": None, "wsgi.input_terminated": True})
        assert refusal(environ, max_body_size=1000)[1] == "body_too_large"
        assert stream.sizes == [1001, 401]

    def test_cut_off(self) -> None:
        """A body that ends early did not arrive."""
        assert refusal(make_environ(Input(BODY[:-1])))[1] == "body_length_mismatch"

    def test_longer_than_declared(self) -> None:
        """An input that gives more than it was asked for, or than was declared, is no delivery."""
        assert refusal(make_environ(Input(BODY + b" ")))[1] == "body_length_mismatch"

    @pytest.mark.parametrize(
        "failure",
        [OSError("gone"), RuntimeError(), TimeoutError(), ValueError(), None, "text"],
        ids=repr,
    )
    def test_reading_fails(self, failure: Any) -> None:
        """Whatever the input raises, or gives instead of bytes, the body did not arrive."""
        assert refusal(make_environ(Input(BODY[:9], failure)))[1] == "body_length_mismatch"

    def test_no_input(self) -> None:
        """A server without an input has no body to give."""
        environ = make_environ()
        del environ["wsgi.input"]
        assert refusal(environ)[1] == "body_length_mismatch"

    @pytest.mark.parametrize("error", [SystemExit(), KeyboardInterrupt()], ids=repr)
    def test_shutdown(self, error: BaseException) -> None:
        """A worker that is told to stop while it reads stops."""
        with pytest.raises(type(error)):
            guard(App())(make_environ(Input(error)), Start())


class TestOptions:
    """Options are checked when the middleware is constructed."""

    @pytest.mark.parametrize(
        "options",
        [
            {"secret": ""},
            {"path": []},
            {"path": "webhooks"},
            {"tolerance": -1},
            {"tolerance": float("nan")},
            {"max_body_size": 0},
            {"max_body_size": True},
            {"on_refused": 1},
            {"capture": 1, "on_refused": print},
            {"capture": True},
            {"clock": None},
            {"app": None},
        ],
        ids=str,
    )
    def test_wrong_option_is_named(self, options: dict[str, Any]) -> None:
        """The error names the option."""
        with pytest.raises(ConfigurationError, match=f"^{next(iter(options))}: "):
            guard(**{"app": App(), **options})

    def test_no_body_timeout(self) -> None:
        """How long a body may take is the server's: there is no such option."""
        with pytest.raises(TypeError, match="body_timeout"):
            guard(App(), body_timeout=1)

    def test_secret_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a secret, the environment's is taken, once; without that, there is no middleware."""
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
        app = App()
        assert guard(app, secret=None)(make_environ(), Start()) is app.answer
        monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
        with pytest.raises(ConfigurationError, match="OPENAI_WEBHOOK_SECRET is not set"):
            guard(App(), secret=None)

    def test_keyword_only(self) -> None:
        """All but the app are keywords."""
        with pytest.raises(TypeError):
            WSGIWebhookMiddleware(App(), PATH)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  what it must refuse

    def test_clock(self) -> None:
        """The guard's clock decides on the age."""
        assert refusal(make_environ(), clock=lambda: NOW + 301)[1] == "timestamp_too_old"


class TestMounts:
    """Below a script name, as servers and dispatchers mount apps."""

    @staticmethod
    def flask() -> Flask:
        """Return an app with a webhook route."""
        app = Flask(__name__)

        @app.post(PATH)
        def receive() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]  the route's
            return {"type": get_event(request).type, "json": request.get_json(), "length": len(request.get_data())}

        return app

    @pytest.mark.parametrize("path", [None, PATH], ids=["guard of everything", "guard of a path"])
    def test_inside_a_mount(self, path: str | None) -> None:
        """A guard inside a mount sees app-relative paths."""
        inner, outer = self.flask(), Flask("outer")
        inner.wsgi_app = guard(inner.wsgi_app, path=path)  # type: ignore[method-assign]  # as Flask documents it
        outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/api": inner})  # type: ignore[method-assign]  # the same
        client = outer.test_client()
        answer = client.post("/api" + PATH, data=BODY, headers=signed(), content_type="application/json")
        assert answer.json == {"type": "batch.completed", "json": json.loads(BODY), "length": len(BODY)}
        assert client.post("/api" + PATH, data=BODY).status_code == 400

    def test_seekable_input(self) -> None:
        """A seekable input is read like any other."""
        app = App()
        guard(app)(make_environ(BytesIO(BODY)), Start())
        assert len(app.calls) == 1


def test_store() -> None:
    """With a store, a delivery is claimed before the app is called; what more a store changes is tested with it."""

    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    store, second = MemoryStore(), Start()
    guarded = guard(app, idempotency=store)
    assert guarded(make_environ(), Start()) == []
    assert store.claim(f"{PATH}#{WEBHOOK_ID}").state is ClaimState.COMPLETED
    (answer,) = guarded(make_environ(), second)
    assert (second.status, json.loads(answer)["reason"]) == ("200 OK", "duplicate")


def test_store_is_logged(records: list[Any]) -> None:
    """What is said of a claim has the path of the request, as it came."""

    class Forgetful(MemoryStore):
        def complete(self, _key: str, _token: str, /) -> bool:
            return False

    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    guard(app, idempotency=Forgetful())(make_environ(PATH_INFO="//webhooks/openai"), Start())
    assert [record.path for record in records] == ["//webhooks/openai"]
