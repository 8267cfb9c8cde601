"""Which requests a configured path guards: each that some framework may route to the handler at that path.

Frameworks differ in what they take for the path of a request, so every reading that one of them has counts: a request
guarded without need is refused, but one let through without need is a way around the guard.

1. Slashes count only where they part the segments of the configured path, and may be missing there: routers collapse
   and trim them, and Litestar's mounts match without one at their end.
2. What comes before a root path may be anything: Quart and Litestar cut the path after its first occurrence. Litestar
   does so again in each app that it mounts, also at ``/``, so this may happen before any segment.
3. Each mount may add its own path to the root path, so any run of segments of the configured path, alone or after the
   server's root path, is one as well.
4. Starlette and FastAPI take off a mount's path only if the path begins with the whole root path. So a segment that the
   configured path has twice may be there once.
5. A target in absolute form stands for its path, too.
6. Nothing else is folded: no case, dot segments, parameters or Unicode forms, because no framework does by default.

A path that does not end as the configured one does is none of these, which one comparison tells for nearly all.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from urllib.parse import urlparse

# A regular expression that ends in `$`, as routers have them, lets a line break through after the path.
_TRAILING = "/\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class GuardedPath:
    """A configured path.

    Args:
        path: The path as the operator wrote it, checked.
    """

    def __init__(self, path: str) -> None:
        self._segments = _segments(path)
        #: One slash before each segment: the path as it is told.
        self.normal_form: str = "/" + "/".join(self._segments)
        #: The path from each segment on, without slashes.
        self._ends = ["".join(self._segments[start:]) for start in range(len(self._segments))] or [""]
        #: What mounts may add to a root path, without slashes.
        self._runs = {
            "".join(self._segments[start:end]) for end in range(1, len(self._segments) + 1) for start in range(end)
        }
        self._repeats = len({*self._segments}) < len(self._segments)

    def may_be(self, reading: "Reading", root_path: str) -> bool:
        """Say whether a framework may route the reading of a request's path to the handler at this path.

        Args:
            reading: One of the readings of the request's path.
            root_path: Where the app is mounted, as ASGI has it in the scope.
        """
        if not reading.text.endswith(self._ends[-1]):
            return False
        return any(self._is_end(reading, before, root_path) for before in range(len(self._ends)))

    def _is_end(self, reading: "Reading", before: int, root_path: str) -> bool:
        """Say whether the reading ends with this path without its first `before` segments, and may leave them out."""
        end = self._ends[before]
        start = len(reading.text) - len(end)
        if not reading.text.endswith(end) or not self._is_parted_alike(reading, before, start):
            return False
        if self._repeats:
            return all(segment in reading.text for segment in self._segments[:before])
        if start == 0:
            return before == 0
        return any(
            self._is_mounted(reading.text[:start], before, root, root_path)
            for root, slash in self._roots(root_path)
            if reading.text.endswith(root, 0, start) and (not slash or reading.has_slash_at(start - len(root)))
        )

    def _is_parted_alike(self, reading: "Reading", before: int, start: int) -> bool:
        """Say whether the reading, from `start` on, has slashes only where this path has some."""
        borders = {*accumulate(map(len, self._segments[before:]), initial=start)}
        last = reading.slashes[-len(self._segments) - 1 :]  # one more than this path has, and there is a wrong one
        return all(slash <= start or slash in borders for slash in last)

    def _roots(self, root_path: str) -> Iterator[tuple[str, bool]]:
        """Yield what may be a root path inside of mounts, without slashes, and whether it begins with one."""
        server, slash = _without_slashes(root_path), root_path.startswith("/")
        if server or (root_path and self._segments):
            yield server, slash
        for run in self._runs:
            yield run, True
            if server:
                yield server + run, slash

    def _is_mounted(self, text: str, before: int, root: str, root_path: str) -> bool:
        """Say whether a request may have come through mounts at the first `before` segments, and the root path `root`.

        Args:
            text: What stands before the segments that are left.
            before: How many segments are mounts'.
            root: What `text` ends with.
            root_path: The root path of the server, behind which mounts may come after anything.
        """
        mounts = self._segments[:before]
        cut = text.removesuffix(root) if mounts else text
        if text.startswith("".join(self._segments[:1])) and _in_order(mounts, cut):
            return True
        return root_path != "" and _in_order([_without_slashes(root_path), *mounts], cut)


class Reading:
    """What a framework may take for the path of a request.

    Args:
        path: The path, decoded, or the path of a target in absolute form.
    """

    def __init__(self, path: str) -> None:
        self._segments = _segments(path)
        #: The path without its slashes.
        self.text: str = "".join(self._segments)

    @cached_property
    def slashes(self) -> list[int]:
        """Where in the text the path has slashes, in order; always before the first segment."""
        return [0, *accumulate(map(len, self._segments[:-1]))]

    def has_slash_at(self, offset: int) -> bool:
        """Say whether the path has a slash at an offset in the text."""
        return self.slashes[bisect_left(self.slashes, offset) :][:1] == [offset]


def readings(path: str) -> Iterator[Reading]:
    """Yield every reading of a request's path.

    Raises:
        ValueError: It is neither a path nor a URL.
    """
    whole = _encodable(path)  # before a URL is looked for: broken bytes in its scheme would hide it
    yield Reading(whole)
    if not whole.startswith("/"):
        yield Reading(urlparse(whole).path)


def _segments(path: str) -> list[str]:
    return [segment for segment in _encodable(path).rstrip(_TRAILING).split("/") if segment]


def _without_slashes(path: str) -> str:
    return _encodable(path).replace("/", "")


def _encodable(path: str) -> str:
    # Half a surrogate pair stands for a byte that is not UTF-8; Bottle drops those before it routes.
    return path.encode("utf-8", "ignore").decode()


def _in_order(parts: Iterable[str], text: str) -> bool:
    """Say whether the parts occur in `text`, one after the other."""
    position = 0
    for part in parts:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return True
