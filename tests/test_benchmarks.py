"""What the benchmarks make of their figures: the charts, and the page. The figures are not tested."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

# The benchmarks are not installed. At the path's end, so that whatever is installed comes first.
sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import charts, report
from benchmarks.__main__ import ROWS as PARTS
from benchmarks.results import Row, Target, Unit

SVG = "{http://www.w3.org/2000/svg}"
#: GitHub's pages.
LIGHT, DARK = "#ffffff", "#0d1117"
#: Pixels that a character of a title takes at most, on average: it is bold, and larger than the rest.
TITLE_CHARACTER = 10.0

FIGURES = {"openai webhooks.unwrap": 70.65e-6, "webhook_guard.unwrap": 0.81e-6, "standardwebhooks verify": 12.01e-6}
LONG = "a contender whose name is far longer than any line of a chart that is as wide as a page may be"


def rows() -> list[Row]:
    """Return two rows: one of times, which differ by a factor of 87, and one of rates."""
    return [Row("Verify", FIGURES), Row("Serve", {"bare": 12345.6, "guarded": 11800.0}, Unit.RATE)]


def drawn(*rows: Row) -> ET.Element:
    """Return the chart of rows, parsed."""
    return ET.fromstring(charts.draw(rows))  # noqa: S314  our own


def bars(chart: ET.Element) -> list[ET.Element]:
    """Return the bars of a chart, from top to bottom."""
    return [rect for rect in chart.iter(f"{SVG}rect") if rect.get("class") in {"ours", "other"}]


def texts(chart: ET.Element, kind: str) -> Iterator[tuple[float, str]]:
    """Yield where each text of a kind begins, or ends, and what it says."""
    for element in chart.iter(f"{SVG}text"):
        if element.get("class") == kind:
            yield float(element.get("x", "nan")), "".join(element.itertext())


class TestChart:
    """A chart."""

    @staticmethod
    def test_bars_are_in_proportion() -> None:
        """A bar is as long as its figure says, beside the longest of its panel, to a tenth of a pixel."""
        lengths = [float(bar.get("width", "nan")) for bar in bars(drawn(rows()[0]))]
        expected = [max(lengths) * figure / max(FIGURES.values()) for figure in FIGURES.values()]
        assert lengths == pytest.approx(expected, abs=0.1)
        assert max(lengths) > charts.WIDTH / 4

    @staticmethod
    def test_bars_begin_together() -> None:
        """All bars of a chart begin at the same place, those of another panel too."""
        assert len({bar.get("x") for bar in bars(drawn(*rows()))}) == 1

    @staticmethod
    def test_each_panel_has_its_scale() -> None:
        """The longest bars of two panels are equally long, however their figures differ."""
        seconds, rates = (
            max(float(bar.get("width", "nan")) for bar in panel)
            for panel in (bars(drawn(*rows()))[:3], bars(drawn(*rows()))[3:])
        )
        assert seconds == rates

    @staticmethod
    def test_ours() -> None:
        """Only the bar of a contender of ours has our colour."""
        assert [bar.get("class") for bar in bars(drawn(rows()[0]))] == ["other", "ours", "other"]

    @staticmethod
    def test_ours_among_themselves() -> None:
        """Where no name says whose it is, all are ours."""
        row = Row("Refusals by the guard", {"acceptance": 2.0, "junk": 1.0})
        assert [bar.get("class") for bar in bars(drawn(row))] == ["ours", "ours"]

    @staticmethod
    def test_figures() -> None:
        """At the end of each bar stand its figure and the ratio to the first."""
        assert [text for _, text in texts(drawn(*rows()), "figure")] == [
            *("70.65 µs1.00\N{MULTIPLICATION SIGN}", "0.81 µs0.01\N{MULTIPLICATION SIGN}"),
            *("12.01 µs0.17\N{MULTIPLICATION SIGN}", "12,346 / s1.00\N{MULTIPLICATION SIGN}"),
            "11,800 / s0.96\N{MULTIPLICATION SIGN}",
        ]

    @staticmethod
    def test_which_is_better() -> None:
        """Each panel says whether less is better, or more."""
        hints = [text for _, text in texts(drawn(*rows()), "muted")]
        assert hints == ["time: less is better", "per second: more is better"]

    @staticmethod
    def test_nothing_is_clipped() -> None:
        """Titles, labels and figures stay on the card, however long a name is."""
        chart = drawn(Row(LONG, {LONG: 1e9, LONG.replace(" ", "_"): 1.0}, Unit.SIZE))
        titles, labels, figures = (list(texts(chart, kind)) for kind in ("title", "label", "figure"))
        assert len(titles) == 2
        assert len(labels) == 6
        assert all(x + len(text) * TITLE_CHARACTER <= charts.WIDTH for x, text in titles)
        assert all(x - len(text) * charts.CHARACTER >= 0 for x, text in labels)
        assert all(x + len(text) * charts.CHARACTER <= charts.WIDTH for x, text in figures)

    @staticmethod
    def test_texts_are_text() -> None:
        """What looks like markup in a name is shown as it is."""
        names = ["<b> & \"c\" 'd'", "]]> &amp; guard"]
        chart = drawn(Row("<i>", dict.fromkeys(names, 1.0)))
        assert [text for _, text in texts(chart, "title")] == ["<i>"]
        assert [text for _, text in texts(chart, "label")] == names

    @staticmethod
    def test_for_who_does_not_see_it() -> None:
        """It is one image with a title and a description, which compares in words."""
        chart = drawn(*rows())
        assert chart.get("role") == "img"
        assert chart.findtext(f"{SVG}title") == "Verify; Serve"
        assert chart.findtext(f"{SVG}desc") == (
            "Verify: openai webhooks.unwrap 70.65 µs; webhook_guard.unwrap 0.81 µs, 0.01 times that; "
            "standardwebhooks verify 12.01 µs, 0.17 times that. Serve: bare 12,346 / s; guarded 11,800 / s, "
            "0.96 times that."
        )


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it: 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colours(style: str) -> dict[str, str]:
    """Return the colour of each kind of element."""
    return dict(re.findall(r"^\.?(\w+) \{.*fill: (#\w{6}) \}$", style, re.MULTILINE))


class TestColours:
    """The colours, where `prefers-color-scheme` is known, and where it is not."""

    LIGHT_STYLE, DARK_STYLE = drawn(*rows()).findtext(f"{SVG}style", "").split("@media (prefers-color-scheme: dark) {")

    @pytest.mark.parametrize(("style", "page"), [(LIGHT_STYLE, LIGHT), (DARK_STYLE, DARK)], ids=["light", "dark"])
    def test_contrast(self, style: str, page: str) -> None:
        """On the card, which has the page's colour, texts have the 4.5 to 1 of WCAG 2, and bars the 3 to 1."""
        found = colours(style)
        assert found.pop("card") == page
        assert set(found) == {"text", "muted", "axis", "ours", "other"}
        for kind, colour in found.items():
            assert contrast(colour, page) >= (4.5 if kind in {"text", "muted"} else 3), kind

    def test_card_is_beneath_all(self) -> None:
        """The card comes before all else that is drawn, and is as large as the chart: the page's colour is nowhere."""
        chart = drawn(*rows())
        card = next(element for element in chart if element.tag not in {f"{SVG}title", f"{SVG}desc", f"{SVG}style"})
        assert (card.tag, card.get("class")) == (f"{SVG}rect", "card")
        assert (card.get("width"), card.get("height")) == (chart.get("width"), chart.get("height"))


#: What stands behind the first part of the page.
BEHIND = "\nbetween\n\n<!-- fronts -->\nkept\n<!-- end of fronts -->\n"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Return a folder with a page that has marks for two parts."""
    marked = "before\n\n<!-- core -->\nold\n<!-- end of core -->\n" + BEHIND
    tmp_path.joinpath("benchmarks.md").write_text(marked, "utf-8")
    return tmp_path


class TestWrite:
    """What `--write` does."""

    @staticmethod
    def test_one_part(docs: Path) -> None:
        """It replaces what stands between the part's marks, and nothing else."""
        report.write("core", rows(), docs)
        page = docs.joinpath("benchmarks.md").read_text("utf-8")
        before, _, rest = page.partition("<!-- core -->\n")
        written, _, after = rest.partition("<!-- end of core -->\n")
        assert before == "before\n\n"
        assert after == BEHIND
        assert "old" not in written
        assert "| webhook_guard.unwrap | 0.81 µs | 0.01 |\n" in written

    @staticmethod
    def test_twice(docs: Path) -> None:
        """Written again, a part stands there once."""
        report.write("core", rows(), docs)
        report.write("core", rows(), docs)
        assert docs.joinpath("benchmarks.md").read_text("utf-8").count("**Verify**") == 1

    @staticmethod
    def test_chart(docs: Path) -> None:
        """It draws the part's chart beside the page, and shows it with a text that says the same."""
        report.write("core", rows(), docs)
        assert docs.joinpath("benchmarks", "core.svg").read_text("utf-8") == charts.draw(rows())
        image = f"![{charts.describe(rows())}](benchmarks/core.svg)\n"
        assert image in docs.joinpath("benchmarks.md").read_text("utf-8")

    @staticmethod
    def test_targets_and_notes(docs: Path) -> None:
        """Notes and targets stand beneath the table: what was found, and if it was missed, why."""
        targets = (Target("fast", "9 times", met=True), Target("small", "9 MiB", met=False, reason="too big"))
        report.write("core", [Row("Verify", FIGURES, targets=targets, notes={"rounds": "200"})], docs)
        assert (
            "\n\n- rounds: 200\n- Target: fast: **9 times**, met.\n- Target: small: **9 MiB**, missed: too big.\n\n"
        ) in docs.joinpath("benchmarks.md").read_text("utf-8")

    @staticmethod
    def test_escapes(docs: Path) -> None:
        """What would be Markdown in a name is not, neither in a table nor in an image's text."""
        report.write("core", [Row("a|b", {"[x] | <y>": 1.0})], docs)
        page = docs.joinpath("benchmarks.md").read_text("utf-8")
        assert r"| \[x\] \| \<y> | 1000.0 ms | 1.00 |" in page
        assert r"![a\|b: \[x\] \| \<y> 1000.0 ms.](benchmarks/core.svg)" in page

    @staticmethod
    @pytest.mark.parametrize("part", ["flood", "cor"])
    def test_no_marks(docs: Path, part: str) -> None:
        """Without marks for the part it changes nothing, and says so."""
        before = docs.joinpath("benchmarks.md").read_text("utf-8")
        with pytest.raises(LookupError, match=f"no marks for {part}$"):
            report.write(part, rows(), docs)
        assert docs.joinpath("benchmarks.md").read_text("utf-8") == before
        assert not docs.joinpath("benchmarks").exists()


class TestPage:
    """docs/benchmarks.md, as it is committed."""

    PAGE = report.DOCS.joinpath("benchmarks.md").read_text("utf-8")

    @pytest.mark.parametrize("part", PARTS)
    def test_marks(self, part: str) -> None:
        """Each part has its marks, once."""
        assert re.findall(rf"^<!-- (?:end of )?{part} -->$", self.PAGE, re.MULTILINE) == [
            f"<!-- {part} -->",
            f"<!-- end of {part} -->",
        ]

    def test_charts(self) -> None:
        """Each chart that it shows is there, and no other."""
        shown = re.findall(r"\]\(benchmarks/([^)]+\.svg)\)", self.PAGE)
        assert shown
        assert sorted(shown) == sorted(path.name for path in report.DOCS.joinpath("benchmarks").iterdir())
