"""Secrets: which are usable, as which keys, and what is said of the others."""

import base64
import hashlib
import hmac
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.sansio import keys
from webhook_guard.sansio.errors import ConfigurationError
from webhook_guard.sansio.guard import MAX_BODY_SIZE
from webhook_guard.sansio.keys import Mac

KEY = bytes(range(32))
BASE64 = base64.b64encode(KEY).decode()
SECRET = "whsec_" + BASE64
SHORT = base64.b64encode(b"sixteen bytes 16").decode()


def macs_of(*readings: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """Return what a probe is signed as under each of the keys, with the position of the secret."""
    return [(index, hmac.digest(key, b"probe", "sha256")) for index, key in readings]


def probe(prepared: keys.Keys) -> list[tuple[int, bytes]]:
    """Return the same of prepared keys."""
    return [(index, mac.digest(b"pro", b"be")) for index, mac in prepared.macs]


class TestMac:
    """HMAC-SHA256."""

    @pytest.mark.parametrize(
        ("key", "data", "digest"),
        [
            (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                b"\xaa" * 131,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ],
        ids=["case 1", "case 2", "case 3", "case 6"],
    )
    def test_rfc_4231(self, key: bytes, data: bytes, digest: str) -> None:
        """It agrees with the test cases of RFC 4231 section 4."""
        assert Mac(key).digest(b"", data).hex() == digest

    @given(key=st.binary(max_size=200), prefix=st.binary(max_size=200), body=st.binary(max_size=200))
    def test_agrees_with_hmac(self, key: bytes, prefix: bytes, body: bytes) -> None:
        """It agrees with the standard library's, for keys of any length and data of any."""
        assert Mac(key).digest(prefix, body) == hmac.digest(key, prefix + body, hashlib.sha256)

    @pytest.mark.parametrize("length", [63, 64, 65, 4097, 65_537, MAX_BODY_SIZE])
    def test_whole_body(self, length: int) -> None:
        """It takes in the whole of a body: one around a block of the hash, a page or a buffer, and the largest."""
        body = (bytes(range(251)) * (length // 251 + 1))[:length]
        assert Mac(KEY).digest(b"wh_1.1.", body) == hmac.digest(KEY, b"wh_1.1." + body, hashlib.sha256)

    def test_can_be_used_again(self) -> None:
        """One message leaves no trace in the next."""
        mac = Mac(KEY)
        assert mac.digest(b"on", b"e") == mac.digest(b"o", b"ne")


class TestUsable:
    """Secrets that work."""

    @pytest.mark.parametrize(
        ("secret", "readings"),
        [
            pytest.param(SECRET, [(0, KEY)], id="the normal form"),
            pytest.param(f"  {SECRET}\r\n", [(0, KEY)], id="white space around it"),
            pytest.param(SECRET.rstrip("="), [(0, KEY)], id="padding lost"),
            pytest.param(KEY, [(0, KEY)], id="a raw key"),
            pytest.param(b"k" * 16, [(0, b"k" * 16)], id="a raw key of 16 bytes"),
            pytest.param(BASE64, [(0, KEY), (0, BASE64.encode())], id="base64 without the prefix: both readings"),
            pytest.param(
                SHORT, [(0, b"sixteen bytes 16"), (0, SHORT.encode())], id="base64 of 16 bytes: both readings, too"
            ),
            pytest.param("k" * 16, [(0, b"k" * 16)], id="text whose base64 reading is too short"),
            pytest.param("A" * 24, [(0, b"A" * 24)], id="text whose base64 reading is zeros"),
            pytest.param(bytes(15) + b"k", [(0, bytes(15) + b"k")], id="a raw key that begins with zeros"),
            pytest.param("correct horse battery", [(0, b"correct horse battery")], id="text that is not base64"),
            pytest.param("'a text with a quote", [(0, b"'a text with a quote")], id="text that starts with a quote"),
            pytest.param("[a text] with (brackets", [(0, b"[a text] with (brackets")], id="text with brackets"),
            pytest.param("schlüsselschlüssel", [(0, "schlüsselschlüssel".encode())], id="text that is not ASCII"),
            pytest.param([SECRET, b"k" * 16], [(0, KEY), (1, b"k" * 16)], id="a list"),
            pytest.param((BASE64, SECRET), [(0, KEY), (0, BASE64.encode()), (1, KEY)], id="a tuple"),
        ],
    )
    def test_keys(self, secret: Any, readings: list[tuple[int, bytes]]) -> None:
        """The keys are those, and each knows the position of its secret."""
        assert probe(keys.prepare(secret)) == macs_of(*readings)

    @pytest.mark.parametrize("secret", [SECRET, KEY], ids=["text", "bytes"])
    def test_one_secret_is_one_entry(self, secret: str | bytes) -> None:
        """One secret is one entry: a text is not taken for a list of its letters."""
        assert keys.entries(secret) == (secret,)

    def test_variable_may_hold_several(self) -> None:
        """The environment variable is split at white space."""
        other = "whsec_" + base64.b64encode(b"o" * 24).decode()
        assert probe(keys.prepare_variable(f" {SECRET}\n{other} ")) == macs_of((0, KEY), (1, b"o" * 24))

    @pytest.mark.parametrize(
        ("secret", "key"),
        [(SECRET, KEY), (BASE64, BASE64.encode()), (KEY, KEY)],
        ids=["prefixed", "text", "bytes"],
    )
    def test_signing_key(self, secret: str | bytes, key: bytes) -> None:
        """A text without the prefix signs with its own bytes, as OpenAI's SDKs do."""
        assert keys.signing_key(secret) == key

    @pytest.mark.parametrize("secret", [SECRET, KEY, (SECRET, KEY)], ids=["text", "bytes", "several"])
    def test_prepared_once(self, secret: keys.Secret) -> None:
        """The same secret is not prepared again."""
        assert keys.prepare(secret) is keys.prepare(secret)

    @pytest.mark.parametrize("name", ["_prepare", "_prepare_one"])
    def test_cache_is_bounded(self, name: str) -> None:
        """A program that passes any number of secrets does not fill the memory: nothing else shows it."""
        assert getattr(keys, name).cache_info().maxsize == 128


#: What is said of secrets: what is wrong, and the fix.
BLANK = "it is empty or blank; set it to the endpoint's signing secret"
QUOTED = "it is in quotes; remove the quotes"
PAIR = "it is a key of a key pair; a signing secret starts with whsec_"
API_KEY = "it is an API key; set it to the endpoint's signing secret (whsec_...)"
CAPITALS = "its prefix must be written whsec_, in lower case"
SEVERAL = "several go into a list, or into the variable with white space between"
BEFORE = f"there is something before whsec_; remove it ({SEVERAL})"
NOT_BASE64 = f"what follows whsec_ is not base64; copy the whole secret again ({SEVERAL})"
SURROGATE = "it has characters that UTF-8 cannot encode; copy the secret again"
PLACEHOLDER = "it is a placeholder; set it to the endpoint's signing secret"
ZEROS = "the key is nothing but zeros; set it to the endpoint's signing secret"
AS_TEXT = "bytes are the raw key, and these start like a secret's text; pass it as str"


def too_short(length: int) -> str:
    """Return what is said of a key of `length` bytes."""
    return f"the key has {length} bytes and needs at least 16; copy the whole secret again"


UNUSABLE = [
    pytest.param("", BLANK, id="empty"),
    pytest.param(" \t\n", BLANK, id="blank"),
    pytest.param(b"", BLANK, id="empty bytes"),
    pytest.param(b" " * 20, BLANK, id="blank bytes"),
    pytest.param([], "the list is empty; give at least one secret", id="empty list"),
    pytest.param(f'"{SECRET}"', QUOTED, id="double quotes"),
    pytest.param(f"'{SECRET}'", QUOTED, id="single quotes"),
    pytest.param(f'{SECRET}"', QUOTED, id="a quote at the end"),
    pytest.param(f"\N{LEFT DOUBLE QUOTATION MARK}{SECRET}", QUOTED, id="typographic quotes"),
    pytest.param("sk-proj-" + "a1B2" * 30, API_KEY, id="an API key"),
    pytest.param("SK-proj-" + "a1B2" * 30, API_KEY, id="an API key with capitals"),
    pytest.param(b"Sk-proj-" + b"a1B2" * 30, API_KEY, id="an API key as bytes"),
    pytest.param("whpk_" + BASE64, PAIR, id="public key"),
    pytest.param("whsk_" + BASE64, PAIR, id="private key"),
    pytest.param("WHSEC_" + BASE64, CAPITALS, id="prefix in capitals"),
    pytest.param("whsec_" + SECRET, BEFORE, id="prefix doubled"),
    pytest.param("OPENAI_WEBHOOK_SECRET=" + SECRET, BEFORE, id="a line of an environment file"),
    pytest.param("Bearer " + SECRET, BEFORE, id="a scheme before it"),
    pytest.param("\ufeff" + SECRET, BEFORE, id="a byte order mark before it"),
    pytest.param("whsec_" + BASE64[:-3] + "-_=", NOT_BASE64, id="url-safe base64"),
    pytest.param("whsec_" + BASE64 + "=", NOT_BASE64, id="too much padding"),
    pytest.param("whsec_" + "QUJD" * 8 + "=", NOT_BASE64, id="padding where none belongs"),
    pytest.param("whsec_" + BASE64[:20] + "\n" + BASE64[20:], NOT_BASE64, id="line break within"),
    pytest.param("whsec_" + "é" * 24, NOT_BASE64, id="not ASCII after the prefix"),
    pytest.param(f"{SECRET} {SECRET}", BEFORE, id="two in one argument"),
    pytest.param("whsec_", too_short(0), id="nothing after the prefix"),
    pytest.param("whsec_" + base64.b64encode(b"k" * 15).decode(), too_short(15), id="15 bytes"),
    pytest.param(b"k" * 15, too_short(15), id="15 raw bytes"),
    pytest.param("k" * 15, too_short(15), id="15 bytes of text"),
    pytest.param("whsec_" + "A" * 43 + "=", ZEROS, id="zeros, which are as good as the empty key"),
    pytest.param(bytes(16), ZEROS, id="raw zeros"),
    pytest.param(bytes(65), ZEROS, id="more zeros than a block of the hash has"),
    pytest.param(SECRET.encode(), AS_TEXT, id="prefixed bytes"),
    pytest.param(b" whpk_" + BASE64.encode(), AS_TEXT, id="bytes of a public key"),
    pytest.param(b"whsk_" + BASE64.encode(), AS_TEXT, id="bytes of a private key"),
    pytest.param("whsec_...", PLACEHOLDER, id="three dots"),
    pytest.param("whsec_" + "x" * 32, PLACEHOLDER, id="a mask of x"),
    pytest.param("whsec_" + "X" * 32, PLACEHOLDER, id="a mask of X"),
    pytest.param("*" * 32, PLACEHOLDER, id="a mask of stars"),
    pytest.param("<your webhook secret>", PLACEHOLDER, id="angle brackets"),
    pytest.param("<from the\ndashboard: key 1>", PLACEHOLDER, id="angle brackets around two lines"),
    pytest.param("{{ webhook_signing_secret }}", PLACEHOLDER, id="a template"),
    pytest.param("${OPENAI_WEBHOOK_SECRET}", PLACEHOLDER, id="a variable that was not expanded"),
    pytest.param("$OPENAI_WEBHOOK_SECRET", PLACEHOLDER, id="the same without braces"),
    pytest.param("$(cat /run/secrets/openai)", PLACEHOLDER, id="a command that was not run"),
    pytest.param("OPENAI_WEBHOOK_SECRET", PLACEHOLDER, id="the name of the variable"),
    pytest.param("my-webhook-secret-key", PLACEHOLDER, id="my secret"),
    pytest.param(b"your_webhook_secret_here", PLACEHOLDER, id="a placeholder in bytes"),
    pytest.param(b'"a raw key in quotes"', QUOTED, id="quotes in bytes"),
    pytest.param("your_webhook_secret_here", PLACEHOLDER, id="your secret here"),
    pytest.param("whsec_your_webhook_secret", PLACEHOLDER, id="the same with the prefix"),
    pytest.param("replace-me-with-your-secret", PLACEHOLDER, id="replace me"),
    pytest.param("\udcff" * 20, SURROGATE, id="half a surrogate pair"),
    pytest.param(None, "must be str, bytes or a list of them, not NoneType", id="None"),
    pytest.param(42, "must be str, bytes or a list of them, not int", id="a number"),
    pytest.param({SECRET}, "must be str, bytes or a list of them, not set", id="a set, which has no order"),
    pytest.param(bytearray(KEY), "must be str, bytes or a list of them, not bytearray", id="a bytearray"),
]


class TestUnusable:
    """Secrets that are refused, before anybody can sign with them."""

    @pytest.mark.parametrize(("secret", "said"), UNUSABLE)
    def test_refused(self, secret: Any, said: str) -> None:
        """The message names the option and what is wrong."""
        with pytest.raises(ConfigurationError) as caught:
            keys.prepare(secret)
        assert str(caught.value) == f"secret: {said}"

    @pytest.mark.parametrize(
        ("entry", "said"),
        [("", BLANK), (None, "must be str or bytes, not NoneType"), ([SECRET], "must be str or bytes, not list")],
        ids=["empty", "None", "a list"],
    )
    def test_refused_in_a_list(self, entry: Any, said: str) -> None:
        """The message names the entry, counted from 0."""
        with pytest.raises(ConfigurationError) as caught:
            keys.prepare([SECRET, entry])
        assert str(caught.value) == f"secret[1]: {said}"

    @pytest.mark.parametrize(("secret", "said"), UNUSABLE)
    def test_not_shown(self, secret: Any, said: str) -> None:
        """No secret is in its message or its causes, not even a part of one."""
        del said
        with pytest.raises(ConfigurationError) as caught:
            keys.prepare(secret)
        told = f"{caught.value!r} {caught.value.__cause__} {caught.value.__context__}"
        assert BASE64[:6] not in told
        assert "k" * 6 not in told

    def test_variable_not_set(self) -> None:
        """The message names the variable and the argument."""
        with pytest.raises(ConfigurationError) as caught:
            keys.prepare_variable(None)
        assert (
            str(caught.value) == "secret: none was given and OPENAI_WEBHOOK_SECRET is not set; set it, or pass secret="
        )

    @pytest.mark.parametrize("text", ["", "  \n"])
    def test_variable_empty(self, text: str) -> None:
        """A variable that is there and empty is no secret."""
        with pytest.raises(ConfigurationError) as caught:
            keys.prepare_variable(text)
        assert str(caught.value) == "OPENAI_WEBHOOK_SECRET: it is empty; set it to the endpoint's signing secret"

    def test_variable_named_in_message(self) -> None:
        """What is wrong in the variable is said of the variable."""
        with pytest.raises(ConfigurationError, match=r"^OPENAI_WEBHOOK_SECRET: it is in quotes"):
            keys.prepare_variable(f'"{SECRET}"')

    @pytest.mark.parametrize(("secret", "shown"), [([SECRET], "list"), (None, "NoneType"), (1, "int")])
    def test_signing_takes_one(self, secret: Any, shown: str) -> None:
        """One secret signs, not several."""
        with pytest.raises(ConfigurationError) as caught:
            keys.signing_key(secret)
        assert str(caught.value) == f"secret: must be one str or bytes to sign with, not {shown}"

    def test_signing_refuses_the_same(self) -> None:
        """What can't verify can't sign."""
        with pytest.raises(ConfigurationError) as caught:
            keys.signing_key(f'"{SECRET}"')
        assert str(caught.value) == f"secret: {QUOTED}"


class TestKeys:
    """What is prepared."""

    def test_repr(self) -> None:
        """It shows how many secrets there are, and none of them."""
        assert repr(keys.prepare([SECRET, BASE64])) == "<Keys of 2 secret(s)>"

    @pytest.mark.parametrize("letter", string.ascii_letters)
    def test_no_other_byte_is_a_zero(self, letter: str) -> None:
        """Zeros alone are as good as the empty key."""
        key = letter.encode() * 16
        assert probe(keys.prepare(key)) == macs_of((0, key))

    @given(key=st.binary(min_size=16, max_size=64).filter(any))
    def test_random_secrets_are_usable(self, key: bytes) -> None:
        """No secret that a dashboard makes is taken for a placeholder."""
        assert probe(keys.prepare("whsec_" + base64.b64encode(key).decode())) == macs_of((0, key))
