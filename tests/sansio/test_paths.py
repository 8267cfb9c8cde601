"""Which readings of a request's path are a configured path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_guard.sansio.paths import GuardedPath, readings

from support import PATH


def is_guarded(configured: str, path: str, root_path: str = "") -> bool:
    """Say whether a request is guarded by a configured path."""
    return any(GuardedPath(configured).may_be(reading, root_path) for reading in readings(path))


@pytest.mark.parametrize("path", ["//p//q/", "/p/q", "p/q\n"])
def test_normal_form(path: str) -> None:
    """A path is told with one slash before each segment."""
    assert GuardedPath(path).normal_form == "/p/q"


def test_neither_path_nor_url() -> None:
    """What has no reading is the caller's to decide on."""
    with pytest.raises(ValueError, match="IPv6"):
        list(readings("http://[bad/webhooks/openai"))


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        "webhooks/openai",
        "//webhooks/openai",
        "/webhooks//openai",
        "/webhooks///openai//",
        "/webhooks/openai/",
        "/webhooks/openai\n",
        "/webhooks/openai/\r\n",
        "/webhooks/openai\n/",
        "/webhooks/openai\u2028",
        "/webhooks/openai\udcff",
        "/web\udcffhooks/openai",
        "ht\udcfftp://example.com/webhooks/openai",
        "/webhooksopenai",
        "http://example.com/webhooks/openai",
        "http://example.com//webhooks/openai/",
        "http://example.com/webhooks/openai;a=b?c#d",
        "x:webhooks/openai",
    ],
    ids=ascii,
)
def test_spellings(path: str) -> None:
    """Every spelling that a framework may route to the path is guarded with it."""
    assert is_guarded(PATH, path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/webhooks",
        "/webhooks/openai/x",
        "/x/webhooks/openai",
        "/webhooks/openai.",
        "/webhooks/openaiX",
        "/Webhooks/OpenAI",
        "/webhooks/./openai",
        "/webhooks/x/../openai",
        "/webhooks/openai;a=b",
        "/webhooks/openai?x",
        "/webhooks\\openai",
        "/webhooks/open\nai",
        "/web/hooks/openai",
        "/webhooks/open/ai",
        "/webhooks/azure-openai",
        "/webhooks/azure/openai",
        "http://example.com/",
    ],
    ids=ascii,
)
def test_other_paths(path: str) -> None:
    """No other path is: no supported framework folds case, dot segments or parameters."""
    assert not is_guarded(PATH, path)


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/api/webhooks/openai", "/api"),
        ("/webhooks/openai", "/api"),
        ("/api/webhooks/openai", "/api/"),
        ("/apiwebhooks/openai", "/api"),
        ("/x/api/webhooks/openai", "/api"),
        ("//api/webhooks/openai", "/api"),
        ("/api/api/webhooks/openai", "/api/api"),
        ("/api/x/api/webhooks/openai", "/api"),
        ("/xapi/webhooks/openai", "api"),
        ("/x/webhooks/openai", "/"),
        ("/api/webhooks/webhooks/openai", "/api"),
        ("/webhooks/webhooks/openai", ""),
        ("http://h/api/webhooks/openai?q", "/api"),
        ("http://h/api/webhooks/openai", "http://h/api"),
    ],
)
def test_root_path(path: str, root_path: str) -> None:
    """What follows a root path, the server's or that of a mount, is read as the path, too."""
    assert is_guarded(PATH, path, root_path)


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/webhooks/openai/x", "/x"),
        ("/xapi/webhooks/openai", "/api"),
        ("/api/x/webhooks/openai", "/api"),
        ("/x/webhooks/openai", "/api"),
        ("/webhooks/azure-openai", "/"),
        ("/webhooks/azure-openai", "/api"),
    ],
)
def test_other_root_paths(path: str, root_path: str) -> None:
    """Only what follows the root path counts, and only where the root path is one."""
    assert not is_guarded(PATH, path, root_path)


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/mountwebhooks/openai", ""),
        ("/api/mountwebhooks/openai", "/api"),
        ("/api/mount/api/webhooks/openai", "/api"),
        ("/mount/api/webhooks/openai", "/api"),
        ("/api/mount/x/api/webhooks/openai", "/api"),
        ("/api/mountx/api/webhooks/openai/", "/api"),
        ("/api/mountx/api//webhooks//openai", "/api/"),
        ("/api/mount/api/webhooks/x/api/openai", "/api"),
        ("/mount/x/mount/webhooks/openai", ""),
        ("/mount/webhooks/x/mount/openai", ""),
        ("/api/mount/x/api/mount/webhooks/openai", "/api"),
        ("/mountx/webhooks/openai", "/"),
        ("//mount/x/webhooks/openai", "/"),
        ("http://host/mount/x/api/webhooks/openai", "/api"),
    ],
)
def test_mounts(path: str, root_path: str) -> None:
    """What an app in a Litestar mount leaves out does not lead past a guard around the mount."""
    assert is_guarded(f"/mount{PATH}", path, root_path)


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/mount/x/webhooks/openai", ""),
        ("/mount/azure/openai", ""),
        ("/mo/unt/webhooks/openai", ""),
        ("/x/mount/mount/webhooks/openai", ""),
        ("/mount/x/webhooks/openai", "/api"),
        ("/x/mount/api/webhooks/openai", "/api/v1"),
        ("/x/api/webhooks/openai", "/api"),
        ("/api/mount/openai", "/api"),
        ("/mount/x/api/openai", "/api"),
        ("/api/webhooks/mount/api/openai", "/api"),
        ("/api/mount/api/webhooks/openai/x", "/api"),
    ],
)
def test_not_mounts(path: str, root_path: str) -> None:
    """Only a root path between the mount and what is below it is left out, and all of the path must be there."""
    assert not is_guarded(f"/mount{PATH}", path, root_path)


@pytest.mark.parametrize(
    ("configured", "path", "root_path"),
    [
        ("/m/s/t/webhooks/openai", "/m/s/t/x/s/webhooks/openai", ""),
        ("/webhooks/openai", "/webhooksopenaiwebhooks/openai", ""),
        ("/webhooks/webhooks/openai", "/webhooks/openai", "/api"),
        ("/b/a/a/b/h", "/b/a/b/h", ""),
        ("/", "/api", "/api"),
        ("/", "/x/api/", "/api"),
    ],
)
def test_other_mounts(configured: str, path: str, root_path: str) -> None:
    """A mount in the middle adds to the root path, and a segment may stand for two."""
    assert is_guarded(configured, path, root_path)


def test_short_segments() -> None:
    """A segment that ends another one by chance is no root path."""
    assert not is_guarded("/v1/openai", "/v1/dev1/openai")
    assert not is_guarded("/hooks/12", "/hooks/1/2")


@pytest.mark.parametrize(("path", "guarded"), [("/", True), ("", True), ("//", True), ("\n", True), ("/x", False)])
def test_root(path: str, *, guarded: bool) -> None:
    """The root can be guarded, and guards nothing else."""
    assert is_guarded("/", path) == guarded


def test_unicode_forms_are_not_folded() -> None:
    """A letter with an accent is one spelling, and the letter and the accent another."""
    assert not is_guarded("/caf\N{LATIN SMALL LETTER E WITH ACUTE}", "/cafe\N{COMBINING ACUTE ACCENT}")


@given(
    slashes=st.lists(st.text("/", min_size=1, max_size=4), min_size=2, max_size=2),
    end=st.text("/\n\r", max_size=4),
    broken=st.lists(st.integers(0, 20), max_size=3),
    target=st.sampled_from(["", "http://host", "https://host:1"]),
    root=st.sampled_from(["", "/api", "/api/v1"]),
)
def test_any_spelling(slashes: list[str], end: str, broken: list[int], target: str, root: str) -> None:
    """Any mixture of the spellings is guarded."""
    spelled = f"{slashes[0]}webhooks{slashes[1]}openai{end}"
    for at in broken:
        spelled = spelled[:at] + "\udc80" + spelled[at:]
    assert is_guarded(PATH, target + root + "/" + spelled, root)
