"""Claims: what they are made on, what a store's answer decides, and how they end."""

from typing import Any

import pytest

from webhook_guard.sansio.claims import Claim, ClaimState, Handling, claim_key, granted, unavailable
from webhook_guard.sansio.errors import IdempotencyError, Reason
from webhook_guard.sansio.events import parse
from webhook_guard.sansio.guard import Delivery

from support import BODY, NOW, PATH, WEBHOOK_ID

DELIVERY = Delivery(webhook_id=WEBHOOK_ID, timestamp=NOW, signature="", body=BODY, event=parse(BODY), secret_index=0)


def failing(error: Exception) -> Any:
    """Return a `key` that fails with `error`."""

    def key(_: Delivery) -> str:
        raise error

    return key


class TestClaim:
    """What stores answer with."""

    def test_states(self) -> None:
        """The states are text, which stores may keep and operators read."""
        assert list(ClaimState) == ["new", "in_progress", "completed"]

    def test_no_token(self) -> None:
        """A claim that was not granted has an empty token."""
        assert Claim(ClaimState.IN_PROGRESS).token == ""


class TestKey:
    """What a delivery is claimed under."""

    def test_path_and_id(self) -> None:
        """The path that matched and the webhook id: two endpoints handle the same id each."""
        assert claim_key(PATH, DELIVERY) == f"{PATH}#{WEBHOOK_ID}"

    def test_everything_guarded(self) -> None:
        """Without a path, the id alone."""
        assert claim_key("", DELIVERY) == f"#{WEBHOOK_ID}"

    def test_own_key(self) -> None:
        """What the option `key` makes of the delivery stands in place of the id, and not of the path."""
        assert claim_key(PATH, DELIVERY, lambda delivery: f"event {delivery.event.id}") == f"{PATH}#event evt_1"

    @pytest.mark.parametrize("length", [1, 512])
    def test_longest(self, length: int) -> None:
        """An own key has 1 to 512 characters."""
        assert claim_key("", DELIVERY, lambda _: "k" * length) == "#" + "k" * length

    @pytest.mark.parametrize(
        ("own", "found"),
        [
            ("", "it returned a str of 0"),
            ("k" * 513, "it returned a str of 513"),
            ("a\nb", "it returned a str of 3"),
            ("\x00", "it returned a str of 1"),
            ("\udcff", "it returned a str of 1"),
            (None, "it returned NoneType"),
            (b"id", "it returned bytes"),
        ],
        ids=["empty", "too long", "line break", "NUL", "half a surrogate pair", "None", "bytes"],
    )
    def test_no_key(self, own: Any, found: str) -> None:
        """What stores can't keep is refused, and the message says what was returned, but not its text."""
        with pytest.raises(IdempotencyError) as caught:
            claim_key("", DELIVERY, lambda _: own)
        assert caught.value.reason == "store_unavailable"
        assert str(caught.value) == f"the store's option key must return 1 to 512 printable characters; {found}"

    def test_fails(self) -> None:
        """A `key` that fails is an outage, not a lost delivery; its message may quote the body, and is not shown."""
        with pytest.raises(IdempotencyError) as caught:
            claim_key("", DELIVERY, failing(KeyError("batch_1")))
        assert (caught.value.reason, str(caught.value)) == (
            "store_unavailable",
            "the store's option key failed with KeyError",
        )
        assert caught.value.__suppress_context__


class TestGranted:
    """What a store's answer decides."""

    def test_new(self) -> None:
        """NEW lets the delivery through, with the owner's token."""
        assert granted(Claim(ClaimState.NEW, "a token")) == "a token"

    @pytest.mark.parametrize(
        ("state", "reason", "message"),
        [
            (ClaimState.IN_PROGRESS, Reason.IN_PROGRESS, "the delivery is being handled now"),
            (ClaimState.COMPLETED, Reason.DUPLICATE, "the delivery was handled before"),
        ],
    )
    def test_held(self, state: ClaimState, reason: Reason, message: str) -> None:
        """Any other state is a reason not to."""
        with pytest.raises(IdempotencyError) as caught:
            granted(Claim(state))
        assert (caught.value.reason, str(caught.value)) == (reason, message)

    @pytest.mark.parametrize(
        ("answer", "shown"),
        [
            (None, "NoneType"),
            (True, "bool"),
            ("new", "str"),
            (("new", "a token"), "tuple"),
            (Claim("held", "a token"), "one of str"),  # type: ignore[arg-type]  # nonsense, on purpose
            (Claim(ClaimState.NEW), "one of ClaimState"),
            (Claim(ClaimState.NEW, b"a token"), "one of ClaimState"),  # type: ignore[arg-type]  # nonsense, on purpose
        ],
        ids=["None", "bool", "str", "tuple", "no state", "no token", "token is bytes"],
    )
    def test_nonsense(self, answer: object, shown: str) -> None:
        """Nonsense is an outage: the app is not called on a guess."""
        with pytest.raises(IdempotencyError) as caught:
            granted(answer)
        assert caught.value.reason == "store_unavailable"
        assert str(caught.value) == (
            f"the store must answer with a Claim: a ClaimState, and a token where it is NEW; not {shown}"
        )


class TestUnavailable:
    """A store that fails."""

    def test_any_exception(self) -> None:
        """Whatever a store raises is an outage, and what it says is shown."""
        error = unavailable(ConnectionRefusedError("port 6379"))
        assert (error.reason, str(error)) == (
            "store_unavailable",
            "the store failed with ConnectionRefusedError: port 6379",
        )

    def test_one_line(self) -> None:
        """What a server says can't forge a line of the log; and the full stop is the log's."""
        error = unavailable(OSError("..down\nINFO  all is well\x1b[31mMAX..."))
        assert str(error) == "the store failed with OSError: ..down INFO all is well\\x1b[31mMAX"

    def test_short(self) -> None:
        """Of what a server says, 200 characters are shown."""
        assert str(unavailable(OSError("!" * 999))) == "the store failed with OSError: " + "!" * 200

    def test_store_error(self) -> None:
        """A store's own error is taken as it is."""
        error = IdempotencyError("it is full")
        assert unavailable(error) is error


def handling(*statuses: object) -> Handling:
    """Return a delivery whose app has given `statuses`."""
    result = Handling(DELIVERY, PATH, "a key", "a token")
    for status in statuses:
        result.answer(status)
    return result


class TestHandling:
    """How a granted claim ends."""

    def test_what_is_handled(self) -> None:
        """It keeps what the log shows, and what a store needs for the end."""
        one = handling()
        assert (one.delivery, one.path, one.key, one.token) == (DELIVERY, PATH, "a key", "a token")

    @pytest.mark.parametrize("status", [200, 204, 299])
    def test_success(self, status: int) -> None:
        """A 2xx completes before the body, once, and is not released at the end."""
        one = handling(status)
        assert [one.must_complete(), one.must_complete(), one.must_release()] == [True, False, False]

    @pytest.mark.parametrize("status", [100, 199, 300, 404, 500, None, "200", 200.5])
    def test_anything_else(self, status: object) -> None:
        """Any other status is released at the end, once."""
        one = handling(status)
        assert [one.must_complete(), one.must_release(), one.must_release()] == [False, True, False]

    def test_says_whether_it_succeeds(self) -> None:
        """A success is held back by who can."""
        one = handling()
        assert [one.answer(status) for status in (200, 500)] == [True, False]

    @pytest.mark.parametrize(("statuses", "completes"), [((200, 500), False), ((500, 200), True)])
    def test_replaced_status(self, statuses: tuple[int, ...], completes: bool) -> None:  # noqa: FBT001  a parameter of the table
        """Of several statuses the last one counts."""
        assert handling(*statuses).must_complete() is completes

    def test_no_answer(self) -> None:
        """An app that gives no status has not handled it."""
        one = handling()
        assert [one.must_complete(), one.must_release()] == [False, True]

    def test_ended_before_the_body(self) -> None:
        """What was released is not completed after that: somebody else may have it."""
        one = handling(200)
        assert [one.must_release(), one.must_complete()] == [True, False]
