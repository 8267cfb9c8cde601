"""Where they crash: they raise what is not their own error."""

from binascii import Error as Base64Error
from json import JSONDecodeError
from traceback import walk_tb

from differential.compared import Difference, Kind
from differential.entry import BOTH, OPENAI, STANDARD, Entry, Predicate


def _crash(name: str, libraries: tuple[str, ...], reason: str, is_so: Predicate, *example: str) -> Entry:
    return Entry(name, Kind.CRASHES, libraries, "", reason, example, is_so)


def _raises(error: type[Exception], text: str = "", within: str = "") -> Predicate:
    """Match an error of exactly this type, with a text in its message, raised in a function of this name or below."""

    def is_so(difference: Difference) -> bool:
        raised = difference.theirs.error
        assert raised
        functions = {frame.f_code.co_name for frame, _ in walk_tb(raised.__traceback__)}
        return type(raised) is error and text in str(raised) and (not within or within in functions)

    return is_so


def _any_of(*predicates: Predicate) -> Predicate:
    return lambda difference: any(is_so(difference) for is_so in predicates)


CRASHES = (
    _crash(
        "a body that is not UTF-8",
        BOTH,
        "They decode the body before they look at the signature: anybody can post one. We compare bytes.",
        _raises(UnicodeDecodeError),
        "a body that is no longer UTF-8",
    ),
    _crash(
        "half a surrogate pair, in text that is to be signed",
        BOTH,
        "They encode the text before they compare. No sender signs it, so we refuse it.",
        _raises(UnicodeEncodeError),
        "an id with half a surrogate pair",
    ),
    _crash(
        "a signature that is not ASCII",
        BOTH,
        "`compare_digest` and `b64decode` take ASCII only, and anybody can post 8-bit letters. We compare bytes.",
        _any_of(_raises(TypeError, "non-ASCII"), _raises(ValueError, "only ASCII", within="verify")),
        "a signature in 8-bit letters",
    ),
    _crash(
        "a signature with no comma, or with two",
        (STANDARD,),
        "It unpacks each entry into two, those of other versions too. We skip what is not of version 1.",
        _raises(ValueError, "to unpack"),
        "a signature of another key",
        "a signature without its version",
    ),
    _crash(
        "a signature that is no base64",
        (STANDARD,),
        "It decodes each entry, and anybody can post one. We compare the text.",
        _raises(Base64Error, within="verify"),
        "a signature cut to a length that base64 has not",
    ),
    _crash(
        "a secret without its padding, or that is no base64",
        (OPENAI,),
        "It decodes the secret at each delivery. We take it without its padding, and refuse the others at the start.",
        _raises(Base64Error),
        "a secret without its padding",
    ),
    _crash(
        "a secret of text that is no base64",
        (STANDARD,),
        "It takes each text for base64. We take it as its own bytes too, as the OpenAI SDK does.",
        _any_of(_raises(Base64Error, within="__init__"), _raises(ValueError, "only ASCII", within="__init__")),
        "a secret of raw text in 8-bit letters",
    ),
    _crash(
        "a body that is no JSON",
        BOTH,
        "The error is the decoder's, not their own. Ours is a `PayloadError`.",
        _raises(JSONDecodeError),
        "a body that is no JSON",
    ),
    _crash(
        "JSON of many levels",
        BOTH,
        "The error is the decoder's `RecursionError`, not their own. Ours is a `PayloadError`.",
        _raises(RecursionError),
        "a member nested 100,000 levels",
    ),
    _crash(
        "a number of more than 4,300 digits",
        BOTH,
        "The error is the decoder's `ValueError`, not their own. Ours is a `PayloadError`.",
        _raises(ValueError, "Exceeds the limit"),
        "a member of 5,000 digits",
    ),
    _crash(
        "a member with the name of one of its arguments",
        (OPENAI,),
        "It passes the members of an unexpected event on as arguments. We keep them in `extra`.",
        _any_of(
            _raises(AttributeError, "has no attribute 'add'"),
            _raises(TypeError, "multiple values for argument"),
            _raises(RuntimeError, "Could not convert data"),
        ),
        "a member called _fields_set, and an id that is no text",
    ),
)
