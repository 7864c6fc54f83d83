import re
from html.parser import HTMLParser

import pytest

from loanwright.evaluation.comparison import Comparison
from loanwright.evaluation.evidence import Evidence, Importance, PartSummary, SliceMetrics
from loanwright.evaluation.report import render
from tests.builders.course import build_course
from tests.builders.evidence import (
    build_bare_evidence,
    build_comparison,
    build_evidence,
    build_judgement,
    build_lineage,
    build_model,
)

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
SECTIONS = [
    "gates", "champion", "yardsticks", "ranking", "calibration", "gains", "profit", "slices", "features", "stability",
    "distributions", "training", "data", "card",
]  # fmt: skip


class Page(HTMLParser):
    """Reads a page strictly: every element closed, ids unique; collects tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += "" if tag == "wbr" else " "

    def handle_endtag(self, tag: str) -> None:
        self.text += " "
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return build_evidence()


@pytest.fixture(scope="module")
def plain(evidence: Evidence) -> Evidence:
    """Evidence of which nothing is drawn, for what does not concern the figures."""
    drawn = (
        "roc", "precision_recall", "calibration", "scores", "slices", "importance", "stability", "profit",
        "profiles", "baselines",
    )  # fmt: skip
    return evidence.model_copy(update={**dict.fromkeys(drawn, ()), "truth": None})


@pytest.fixture(scope="module")
def html(evidence: Evidence) -> str:
    comparison = build_comparison()
    return render(
        evidence,
        build_judgement(evidence, comparison=comparison),
        build_model(),
        build_lineage(),
        comparison,
        champion=build_evidence(signal=0.9),
        currency="EUR",
        limits=["Nothing is known of how the model ages."],
        course=build_course(),
    )


def test_the_same_evidence_is_the_same_bytes(html: str, evidence: Evidence) -> None:
    comparison = build_comparison()
    again = render(
        evidence,
        build_judgement(evidence, comparison=comparison),
        build_model(),
        build_lineage(),
        comparison,
        champion=build_evidence(signal=0.9),
        currency="EUR",
        limits=["Nothing is known of how the model ages."],
        course=build_course(),
    )
    assert again == html


def test_it_is_one_page_that_needs_nothing_else(html: str) -> None:
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert {"link", "img", "iframe", "object", "embed"}.isdisjoint(tag for tag, _ in page.tags)
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html.replace("url(#", "")
    assert "@import" not in html
    references = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src")]
    assert references
    assert all(value is not None and value.startswith("#") for value in references)
    policy = next(one for one in page.named("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_it_is_small(html: str) -> None:
    assert len(html.encode()) < 300_000


def test_every_section_is_there_and_can_be_gone_to(html: str) -> None:
    page = Page(html)
    assert [one["id"] for one in page.named("section")] == SECTIONS
    assert [one["href"] for one in page.named("a")] == [f"#{section}" for section in SECTIONS]


def test_ids_are_unique_and_what_is_pointed_to_exists(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in page.tags:
        for target in (attributes.get("aria-labelledby") or "").split():
            assert target in ids


def test_every_figure_has_words_and_a_caption(html: str) -> None:
    page = Page(html)
    pictures = [one for one in page.named("svg") if one.get("class") == "plot"]
    assert len(pictures) == 14
    assert all(one["role"] == "img" and one["aria-labelledby"] for one in pictures)
    assert len(page.named("figcaption")) == len(page.named("figure")) == 14


def test_it_suits_light_dark_paper_and_a_narrow_pane(html: str) -> None:
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media print" in html
    assert "@media (max-width: 46rem)" in html
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in html


def test_every_colour_a_figure_asks_for_is_set_in_light_dark_and_print(html: str) -> None:
    asked = set(re.findall(r"var\(--([a-z]+)\)", html)) - {"tone", "sans", "serif", "mono"}
    blocks = [block for block in re.findall(r":root \{(.*?)\}", html, re.DOTALL) if "--paper" in block]
    assert len(blocks) == 3
    for block in blocks:
        assert asked <= set(re.findall(r"--([a-z]+):", block))


@pytest.mark.parametrize(
    ("floor", "ceiling", "headline", "reason"),
    [
        (0.7, 0.05, "Gates passed", "All 4 gates hold."),
        (0.7, 0.01, "Gates passed, with warnings", "1 of 4 gates does not hold."),
        (0.9, 0.01, "Blocked by its gates", "2 of 4 gates do not hold."),
    ],
)
def test_the_verdict_comes_first_in_plain_words(
    plain: Evidence, floor: float, ceiling: float, headline: str, reason: str
) -> None:
    judgement = build_judgement(plain, auc_floor=floor, error_ceiling=ceiling)
    words = Page(render(plain, judgement, build_model(), {})).words
    start = words.index(f"{headline} {reason}")
    assert start < words.index("Default next month, credit card clients", start)
    for gate in judgement.results:
        assert gate.message in words
    blocked = [gate.message for gate in judgement.results if gate.verdict == "block"]
    if blocked:
        assert words.index(blocked[0]) < words.index("Expected calibration error is")


def test_metrics_stand_with_their_intervals(html: str, evidence: Evidence) -> None:
    words = Page(html).words
    for name in ("auc", "ks", "average_precision"):
        one = evidence.metrics[name]
        assert f"{one.value:.3f} {one.low:.3f} to {one.high:.3f}" in words


def test_a_metric_this_page_does_not_know_is_shown_all_the_same(plain: Evidence) -> None:
    more = plain.model_copy(update={"metrics": plain.metrics | {"h_measure": plain.metrics["ks"]}})
    assert "h measure" in Page(render(more, build_judgement(more), build_model(), {})).words


def test_made_up_data_is_said_to_be_made_up(plain: Evidence) -> None:
    judgement = build_judgement(plain)
    real, made_up = (
        Page(render(plain, judgement, build_model(), {}, synthetic=synthetic)).words for synthetic in (False, True)
    )
    assert "Synthetic data." in made_up
    assert made_up.index("Synthetic data.") < made_up.index("Gates passed, on made-up data")
    assert "Synthetic data." not in real


def test_what_was_not_measured_is_a_dash_and_not_a_none() -> None:
    bare = build_bare_evidence()
    html = render(bare, build_judgement(bare), build_model(intended_use=""), {"image": ""})
    page = Page(html)
    assert "None" not in page.words
    assert "nan" not in page.words
    assert page.words.count("Not enough was measured to draw this figure.") == 9
    assert "AUC \N{EN DASH}" in page.words
    assert "image \N{EN DASH}" in page.words
    assert [one["id"] for one in page.named("section")] == [
        one for one in SECTIONS if one not in ("profit", "yardsticks", "distributions", "training")
    ]


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        (None, "There is no champion yet. The next model"),
        (
            Comparison(outcome="unchanged", metric="auc", version="4"),
            "The champion (version 4) is this very model, byte for byte.",
        ),
        (
            Comparison(outcome="incomparable", metric="auc", reason="it needs feature 'tenure'"),
            "The champion cannot be scored on these units: it needs feature 'tenure'.",
        ),
        (build_comparison(), "AUC 0.7975 0.7927 Difference in AUC +0.0048 0.0011 to 0.0085"),
    ],
)
def test_the_champion_stands_beside_the_challenger(plain: Evidence, comparison: Comparison | None, said: str) -> None:
    judgement = build_judgement(plain, comparison=comparison)
    assert said in Page(render(plain, judgement, build_model(), {}, comparison)).words


def test_with_the_champion_s_evidence_all_its_metrics_stand_beside(html: str) -> None:
    champion = build_evidence(signal=0.9)
    assert f"{champion.metrics['ks'].value:.3f}" in Page(html).words


def test_whatever_the_user_wrote_is_text() -> None:
    attack, quoted = "<script>alert(1)</script>", '"it\'s" & <b>"\'</b>'
    known = build_evidence()
    evidence = build_evidence(
        label=attack,
        notes=(attack,),
        split={attack: quoted},
        importance=[Importance(feature=quoted, gain_share=1.0, mean_abs_shap=0.4, direction=0.5)],
        slices=[SliceMetrics(**(dict(known.slices[0]) | {"column": attack, "value": quoted}))],
    )
    model = build_model(title=attack, description=quoted, owner=attack, intended_use=quoted)
    comparison = Comparison(outcome="incomparable", metric="auc", version=quoted, reason=attack)
    judgement = build_judgement(evidence, comparison=comparison)
    page = Page(render(evidence, judgement, model, {quoted: attack}, comparison, currency=quoted, limits=[attack]))
    assert {"script", "b"} & {tag for tag, _ in page.tags} <= {"b"}
    assert attack in page.words
    assert page.words.count(quoted) >= 8


def test_dates_are_shown_where_there_are_any(html: str, plain: Evidence) -> None:
    dated = plain.model_copy(
        update={
            "parts": tuple(
                part.model_copy(update={"from_time": "2025-01-01T00:00:00Z", "to_time": "2025-06-30T12:00:00Z"})
                for part in plain.parts
            )
        }
    )
    words = Page(render(dated, build_judgement(dated), build_model(), {})).words
    assert "15,312 3,391 22.1% 2025-01-01 to 2025-06-30 12:00:00" in words
    assert "Rate Decided" not in Page(html).words


def test_times_in_the_split_are_never_broken_and_what_is_beside_them_is_text(plain: Evidence) -> None:
    told = "from 2024-03-26T00:00:00Z to <b>2024-08-23</b>"
    split = plain.model_copy(update={"split": {"method": told}})
    html = render(split, build_judgement(split), build_model(), {})
    assert '<span class="time">2024-03-26T00:00:00Z</span> to &lt;b&gt;<span class="time">2024-08-23</span>' in html


def test_of_what_is_left_out_no_rate_is_told_for_outcomes_may_still_come(html: str, plain: Evidence) -> None:
    out = PartSummary(name="left_out", rows=9_000, positives=40, from_time=None, to_time=None)
    fitted = [part for part in plain.parts if part.name != "validation"]
    some = plain.model_copy(update={"parts": (*fitted, out)})
    words = Page(render(some, build_judgement(some), build_model(), {})).words
    assert "left out 9,000 – – Train fits the trees, calibration turns" in words
    assert "its outcome may still come" in words
    assert "its outcome may still come" not in Page(html).words
    assert "Train fits the trees, validation says when to stop, calibration" in Page(html).words


def test_a_part_of_one_day_names_it_once(plain: Evidence) -> None:
    day = {"from_time": "2025-01-01T00:00:00Z", "to_time": "2025-01-01T00:00:00Z"}
    dated = plain.model_copy(update={"parts": tuple(part.model_copy(update=day) for part in plain.parts)})
    words = Page(render(dated, build_judgement(dated), build_model(), {})).words
    assert words.count("2025-01-01") == len(plain.parts)


@pytest.mark.parametrize(
    ("use", "said"),
    [("Card limits.", "Its intended use: Card limits."), ("", "Its declaration states no intended use.")],
)
def test_the_verdict_claims_no_fitness_beyond_the_gates(plain: Evidence, use: str, said: str) -> None:
    page = Page(render(plain, build_judgement(plain), build_model(intended_use=use), {})).words
    assert f"A verdict on the gates alone: what the model is fit for is for people to say. {said}" in page


@pytest.mark.parametrize("value", ["a\0b", "a\x1bb", "a\u202eb", "a\ud800b"])
def test_a_value_with_characters_that_no_page_can_hold_shows_a_mark_for_each(value: str) -> None:
    known = build_evidence()
    slices = [SliceMetrics(**(dict(known.slices[0]) | {"value": value}))]
    evidence = build_evidence(slices=slices)
    html = render(evidence, build_judgement(evidence), build_model(), {})
    html.encode()
    assert value not in html
    assert Page(html).words.count("a\N{REPLACEMENT CHARACTER}b") >= 3


def test_a_letter_in_a_column_is_shown_by_its_ends() -> None:
    known = build_evidence()
    evidence = build_evidence(slices=[SliceMetrics(**(dict(known.slices[0]) | {"value": "x" * 20_000 + "end"}))])
    html = render(evidence, build_judgement(evidence), build_model(), {})
    assert "x" * 50 not in html
    assert "xend" in html


def test_the_split_is_told_in_its_own_order(plain: Evidence) -> None:
    stored = plain.model_copy(
        update={"split": {"calibration": "c", "extra": "e", "method": "m", "test": "t", "train": "r"}}
    )
    words = Page(render(stored, build_judgement(stored), build_model(), {})).words
    assert "method m train r calibration c test t extra e" in words


def test_the_model_card_tells_the_limits(html: str) -> None:
    assert "Limits Nothing is known of how the model ages." in Page(html).words


def test_lineage_keeps_its_order_and_every_digit(html: str) -> None:
    lineage = build_lineage()
    words = Page(html).words
    places = [words.index(f"{name} {value or chr(0x2013)}") for name, value in lineage.items()]
    assert places == sorted(places)


def test_more_features_than_are_drawn_are_listed(plain: Evidence) -> None:
    many = tuple(
        Importance(feature=f"feature_{i}", gain_share=0.01, mean_abs_shap=i / 100, direction=None) for i in range(31)
    )
    more = plain.model_copy(update={"importance": many})
    words = Page(render(more, build_judgement(more), build_model(), {})).words
    assert "Only the first 20 are drawn." in words
    assert "The other 11 features" in words
    assert "feature_0 0.000 1.0%" in words
