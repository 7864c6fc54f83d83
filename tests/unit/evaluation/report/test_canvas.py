from xml.etree.ElementTree import XML

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from loanwright.evaluation.report.canvas import draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER, RULE


def _paint(figure: Figure) -> None:
    axes = plot(figure)
    axes.set_xlim(0, 1)
    axes.plot([0, 0.5, 1], [0, 0.8, 1], color=MAIN)
    axes.plot([0.2], [0.3], "o", color=OTHER)
    axes.fill_between([0, 1], [0, 0.2], color=RULE, linewidth=0)
    ticks(axes, "x", [0, 1], ["0%", "100%"])
    titles(figure, axes, "across", "upwards")
    write(axes, (0.5, 0.5), 'a <b> & "c"', tone=INK, bold=True)


def test_the_same_drawing_is_the_same_bytes() -> None:
    assert draw("one", "T", "D", _paint) == draw("one", "T", "D", _paint)


def test_it_is_a_picture_with_a_title_and_words() -> None:
    root = XML(draw("one", "A title", "Its words", _paint))
    assert root.attrib["role"] == "img"
    named = {child.attrib["id"]: child.text for child in root if child.tag in ("title", "desc")}
    assert [named[one] for one in root.attrib["aria-labelledby"].split()] == ["A title", "Its words"]


def test_its_colours_are_the_page_s() -> None:
    svg = draw("one", "T", "D", _paint)
    for tone in (INK, MAIN, MUTED, OTHER, RULE):
        assert tone not in svg
    assert {f"var(--{name})" for name in ("ink", "main", "muted", "other", "rule")} <= set(_variables(svg))


def test_nothing_is_left_of_who_drew_it_and_when() -> None:
    svg = draw("one", "T", "D", _paint)
    for trace in ("http", "Matplotlib", "metadata", "<style", "font-family", "DOCTYPE"):
        assert trace not in svg


def test_text_is_text_and_escaped() -> None:
    root = XML(draw("one", "T", "D", _paint))
    texts = [element.text for element in root.iter("text")]
    assert texts == ["0%", "100%", 'a <b> & "c"', "across", "upwards"]


def test_ids_are_the_figure_s_own_and_all_lead_somewhere() -> None:
    one, two = (XML(draw(name, "T", "D", _paint)) for name in ("one", "two"))
    ids = [[element.attrib["id"] for element in root.iter() if "id" in element.attrib] for root in (one, two)]
    assert not set(ids[0]) & set(ids[1])
    assert len(set(ids[0])) == len(ids[0])
    led = {element.attrib["href"] for element in one.iter() if "href" in element.attrib}
    led |= {element.attrib["clip-path"][4:-1] for element in one.iter() if "clip-path" in element.attrib}
    assert led
    assert {target.removeprefix("#") for target in led} <= set(ids[0])


@pytest.mark.parametrize(
    "text", ["$x^2$", "\N{CJK UNIFIED IDEOGRAPH-4FE1}\N{CJK UNIFIED IDEOGRAPH-7528}", "100 % \\alpha"]
)
def test_names_that_matplotlib_would_read_or_lacks_are_written_as_they_are(text: str) -> None:
    svg = draw("one", "T", "D", lambda figure: write(figure, (0.5, 0.5), text))
    assert [element.text for element in XML(svg).iter("text")] == [text]


def test_what_the_user_set_up_for_matplotlib_neither_counts_nor_changes() -> None:
    before = draw("one", "T", "D", _paint)
    with mpl.rc_context({"lines.linewidth": 9, "svg.fonttype": "path", "text.parse_math": True}):
        assert draw("one", "T", "D", _paint) == before
        assert mpl.rcParams["lines.linewidth"] == 9


def _variables(svg: str) -> list[str]:
    return [part.split(")")[0] + ")" for part in svg.replace("var(", "\nvar(").splitlines() if part.startswith("var(")]
