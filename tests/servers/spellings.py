"""Every way to spell a request target that some server or framework could take for a guarded path.

A server decodes, normalises or rejects what it likes, a framework routes what is left as it likes; whatever they make
of a target, the handler of the guarded route must not run unverified.
"""

from collections.abc import Iterator

from servers.apps import PREFIX
from support import PATH

_FIRST, _SECOND = PATH.strip("/").split("/")

#: What somebody may put at the end of the path.
_ENDS = (
    *("/", "//", "/.", "/..", "/../openai", ";", ";a=b", "?", "?a=/", "#", "#a", "%23", "%3F", "%3Fa", "%3B", "."),
    *("%00", "%00.html", "%20", "%09", "%0A", "%0D", "%0D%0A", "%0A%0A", "%0B", "%0C", "%1C", "%1D", "%1E", "%7F"),
    *("%C2%85", "%E2%80%A8", "%E2%80%A9", "%C2%A0", "%E2%80%8B", "%EF%BB%BF", "%FF", "%C3", "%ED%A0%80", "%C0%AF"),
    *("%2F", "%2f%2F", "%5C", "\\", "/%2E", "%252F", "%", "%2", "%zz", "\xff", "\xe9", ":", "*", "&", "+"),
)
#: What somebody may put between its two segments, for the slash.
_MIDDLES = (
    *("//", "///", "/./", "/x/../", "/%2E/", "/x/%2e%2e/", "%2F", "%2f", "/%2F", "%252F", "%5C", "\\", "/;/"),
    *("/%0A", "/%FF", "%FF/", "/%00", "%00/", "/%20", "/\xff", "%C0%AF", "%EF%BC%8F", "%E2%88%95", ";a=b/", "/%09"),
)
#: What somebody may put before it, for the slash.
_STARTS = (
    *("", "//", "///", "/./", "/../", "/x/../", "/%2E/", "/%2e%2e/", "%2F", "/%2F", "\\", "/\\", "/;/", ";", "."),
    *("http://test/", "http://test//", "HTTP://TEST/", "https://test/", "http:///", "http:/", "http:", "//test/"),
    *("http://test:80/", "http://a@test/", "http://[::1]/", "http://[/", "ws://test/", "x://test/", "mailto:", "://"),
    *("http://test/?/", "http://test;/", "%68ttp://test/", "/http://test/", "?/", "#/", "*", "%FF/", "%0A/", "/%0A/"),
    *("%20/", "\xff/", "%00/", "/%00/", "http://te st/", "http://\xff/", "http://test%2F", "http://test/../"),
)
#: The same segments, otherwise.
_SEGMENTS = (
    f"/{_FIRST.upper()}/{_SECOND}",
    f"/{_FIRST}/{_SECOND.title()}",
    "/%77ebhooks/openai",
    "/%77%65%62%68%6f%6f%6b%73/%6F%70%65%6E%61%69",
    "/%2577ebhooks/openai",
    "/webhooks/open%61i",
    "/webhooks/opena%C4%B1",  # dotless i
    "/webhooks/opena%EF%BD%89",  # full-width i
    "/web%E2%80%8Bhooks/openai",  # zero-width space
    "/webhooks%u002fopenai",
    "/%C0%F7ebhooks/openai",
    "/webhoo%E2%84%AAs/openai",  # Kelvin sign
)


def spellings(base: str) -> Iterator[str]:
    """Yield targets that somebody may take for the guarded path below `base`, as Latin-1 text."""
    below = base + PATH
    yield below
    yield from (below + end for end in _ENDS)
    yield from (f"{base}/{_FIRST}{middle}{_SECOND}" for middle in _MIDDLES)
    yield from (start + below[1:] for start in _STARTS)
    yield from (base + segments for segments in _SEGMENTS)
    if base:
        yield from (base + between + PATH[1:] for between in (*_MIDDLES, *_BORDERS))


#: What somebody may put between a mount or a root path and what is below it, for the slash.
_BORDERS = ("", "x/", "/x/", f"{PREFIX}/", f"/x{PREFIX}/", f"x{PREFIX}/", f"{PREFIX}{PREFIX}/", "/mounted/", "mounted/")
