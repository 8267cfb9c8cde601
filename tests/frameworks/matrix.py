"""The matrix in the README, framework by way, made of what the tests yielded."""

import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from textwrap import TextWrapper

from frameworks.catalogue import FRAMEWORKS

#: The columns, with their heads.
COLUMNS = {
    "event": "event",
    "get_event": "`get_event`",
    "json": "JSON",
    "raw": "raw",
    "stream": "stream",
    "declared": "declared",
    "outside": "outside",
    "own": "own",
    "around_mount": "around",
    "inside_mount": "inside",
    "prefix": "prefix",
    "upload": "upload",
    "once": "once",
    "client": "client",
}
_WORKS, _LIMITED, _UNTESTED = "✓", "\N{EN DASH}", "?"
_BETWEEN_MARKERS = re.compile(r"(?<=<!-- matrix -->\n).*?(?=<!-- end of matrix -->)", re.DOTALL)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# As wide as the rest of the README; a link is not broken in two.
_LINES = TextWrapper(120, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)


def _versions() -> list[str]:
    """Return what the frameworks were tested as, in lines; the plain apps are of no distribution."""
    names = dict.fromkeys(
        framework.name.partition(" (")[0] for key, framework in FRAMEWORKS.items() if "plain" not in key
    )
    return _LINES.wrap(f"Versions: {', '.join(f'{name} {version(name)}' for name in names)}.")


class Matrix:
    """What works where."""

    def __init__(self) -> None:
        self._passed: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
        # Footnotes: for each reason, where it is documented and by whom.
        self._notes: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def add(self, key: str, column: str, *, passed: bool) -> None:
        """Note that a test of a framework passed or not."""
        self._passed[key, column].append(passed)

    def put_into(self, readme: str) -> str:
        """Return the text of the README with this matrix in it.

        Raises:
            LookupError: A cell has neither a test nor a declared limit.
        """
        rows = [self._row(key) for key in FRAMEWORKS]
        head = [["", *COLUMNS.values()], ["---", *[":-:"] * len(COLUMNS)]]
        table = [f"| {' | '.join(row)} |" for row in [*head, *rows]]
        text = "\n".join(["", *table, "", *self._footnotes(), "", *_versions(), "", ""])
        if _UNTESTED in {cell for row in rows for cell in row}:
            raise LookupError(f"cells marked {_UNTESTED} have neither a test that passed nor a declared limit:\n{text}")
        return _BETWEEN_MARKERS.sub(lambda _: text, readme)

    def _row(self, key: str) -> list[str]:
        return [FRAMEWORKS[key].name, *(self._cell(key, column) for column in COLUMNS)]

    def _cell(self, key: str, column: str) -> str:
        framework = FRAMEWORKS[key]
        if limit := framework.limits.get(column):
            self._notes[limit.reason][limit.source] = framework.name.partition(" (")[0]
            return _LIMITED + str(list(self._notes).index(limit.reason) + 1).translate(_SUPERSCRIPTS)
        passed = self._passed[key, column]
        return _WORKS if passed and all(passed) else _UNTESTED

    def _footnotes(self) -> Iterator[str]:
        for number, (reason, sources) in enumerate(self._notes.items(), 1):
            links = ", ".join(f"[{name}]({source})" for source, name in sources.items())
            yield _LINES.fill(f"{number}. {reason} As documented by {links}.")
