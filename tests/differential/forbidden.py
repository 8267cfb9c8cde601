"""Where they accept what the specification forbids."""

from differential.compared import Difference, Kind
from differential.entry import BOTH, OPENAI, STANDARD, Entry
from differential.statement import Rule


def _forbidden(name: str, rule: Rule, libraries: tuple[str, ...], reason: str, example: str) -> Entry:
    def is_so(difference: Difference) -> bool:
        return difference.rule is rule

    return Entry(name, Kind.FORBIDDEN, libraries, rule.value, reason, (example,), is_so)


FORBIDDEN = (
    _forbidden(
        "a secret that nobody drew at random",
        Rule.SECRET_CHOICE,
        BOTH,
        "A placeholder, zeros, and with `openai` nothing at all: anybody can sign with them.",
        "a secret of zeros",
    ),
    _forbidden(
        "a secret of fewer than 16 bytes",
        Rule.SECRET_LENGTH,
        BOTH,
        "They take any length.",
        "a secret of 15 bytes",
    ),
    _forbidden(
        "a secret with other characters in its base64",
        Rule.SECRET_FORM,
        BOTH,
        "They drop them, and go on with another key than the one meant. `openai` signs with the text of a public key.",
        "a secret with another character in its base64",
    ),
    _forbidden(
        "an id that is empty or blank",
        Rule.HEADERS,
        BOTH,
        "An empty one with `openai`, a blank one with both: no key to handle a delivery only once.",
        "an id of a blank",
    ),
    _forbidden(
        "a header whose name is ASCII only in lower case",
        Rule.FIELD_NAME,
        BOTH,
        "`lower` makes a k of the Kelvin sign.",
        "a header whose name is spelled with a Kelvin sign",
    ),
    _forbidden(
        "a header twice, in two cases",
        Rule.ONCE,
        BOTH,
        "`openai` takes the first, `standardwebhooks` the last; what a proxy or an app takes may be the other.",
        "webhook-id twice, the same",
    ),
    _forbidden(
        "control characters in a header",
        Rule.FIELD_VALUE,
        BOTH,
        "`int`, `float`, `split` and base64 take line breaks, and nothing looks at the id, which goes into logs.",
        "an id with a line break",
    ),
    _forbidden(
        "an id that is not ASCII",
        Rule.ASCII,
        BOTH,
        "They sign it as UTF-8, which is not how it came.",
        "an id of 8-bit letters",
    ),
    _forbidden(
        "signed blanks around an id or a timestamp",
        Rule.BLANKS,
        BOTH,
        "They take them for a part of the value.",
        "an id with signed blanks around it",
    ),
    _forbidden(
        "an id with a dot",
        Rule.ID,
        BOTH,
        "One signed text can be cut in two ways: an old delivery becomes a new one, with another id and time.",
        "an id and a timestamp that were cut anew",
    ),
    _forbidden(
        "a timestamp with a sign, in groups, or in other digits",
        Rule.TIMESTAMP,
        (OPENAI,),
        "`int` takes them.",
        "a timestamp in full-width digits",
    ),
    _forbidden(
        "a timestamp with a sign, a fraction or an exponent",
        Rule.TIMESTAMP,
        (STANDARD,),
        "`float` takes them, and the text that was signed need not be the header's.",
        "a timestamp that was given a fraction",
    ),
    _forbidden(
        "a timestamp other than the one signed",
        Rule.UNSIGNED,
        (STANDARD,),
        "It signs the number anew, not the text: leading zeros may come and go.",
        "a timestamp that was given a leading zero",
    ),
    _forbidden(
        "signatures separated by tabs or no-break spaces",
        Rule.SEPARATOR,
        (OPENAI,),
        "`split` without an argument takes them.",
        "a tab between signatures",
    ),
    _forbidden(
        "a signature in another base64 than the sender's",
        Rule.BASE64,
        (STANDARD,),
        "It decodes loosely: one signature has many texts.",
        "a signature with pad bits that are not zero",
    ),
    _forbidden(
        "NaN and Infinity",
        Rule.JSON,
        BOTH,
        "Python's `json` takes them.",
        "a member that is NaN",
    ),
    _forbidden(
        "JSON in UTF-16, or with a byte order mark",
        Rule.UTF8,
        (OPENAI,),
        "Python's `json` guesses the encoding of bytes.",
        "a body with a byte order mark",
    ),
)
