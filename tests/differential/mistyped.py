"""Where both accept, and we keep what they mistype: `openai` constructs events without validating them."""

from webhook_guard.sansio.events import EVENT_CLASSES, UnknownEvent

from differential.compared import Difference, Kind
from differential.entry import OPENAI, Entry, Predicate


def _mistypes(name: str, reason: str, example: tuple[str, ...], is_so: Predicate) -> Entry:
    return Entry(name, Kind.MISTYPES, (OPENAI,), "", reason, example, is_so)


def _is_class(difference: Difference) -> bool:
    return difference.mistyped is not None and not difference.mistyped.path


def _is_of_type(*, known: bool) -> Predicate:
    def is_so(difference: Difference) -> bool:
        return _is_class(difference) and (difference.ours.value.type in EVENT_CLASSES) is known

    return is_so


def _is_unexpected(difference: Difference) -> bool:
    return isinstance(difference.ours.value, UnknownEvent)


def _is_time(difference: Difference) -> bool:
    return difference.mistyped is not None and difference.mistyped.path == "created_at"


MISTYPES = (
    _mistypes(
        "a type that it does not know",
        "It becomes the first class of its union, `AgentEnvironmentExpiredWebhookEvent`. Ours is an `UnknownEvent`.",
        ("a type nobody knows",),
        _is_of_type(known=False),
    ),
    _mistypes(
        "`video.completed` and `video.failed`",
        "They are not in its union, so they become its first class, too. Ours have classes of their own.",
        ("a type of video",),
        lambda difference: _is_of_type(known=True)(difference) and not _is_unexpected(difference),
    ),
    _mistypes(
        "a known type in another shape",
        "It becomes an event of its class, whose members are not of the types that the class says. Ours is an"
        " `UnknownEvent`.",
        ("data that is text",),
        lambda difference: _is_of_type(known=True)(difference) and _is_unexpected(difference),
    ),
    _mistypes(
        "a time that is text, a bool or a fraction of zero",
        "It becomes an integer: `true` the second after midnight in 1970. We keep what was sent.",
        ("a time that is a bool",),
        _is_time,
    ),
)
