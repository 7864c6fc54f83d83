"""The figures: what they say to who does not see them, and that each has nothing to draw without its evidence."""

from collections.abc import Callable
from xml.etree.ElementTree import XML

import numpy as np
import pytest

from loanwright.evaluation.comparison import Comparison
from loanwright.evaluation.evidence import Evidence, Importance, Interval, Shift, SliceMetrics
from loanwright.evaluation.report import (
    figures_decisions,
    figures_features,
    figures_probability,
    figures_ranking,
    figures_slices,
)
from tests.builders.evidence import build_bare_evidence, build_comparison, build_evidence

FIGURES: dict[str, Callable[[Evidence], str | None]] = {
    "roc": figures_ranking.roc,
    "precision_recall": figures_ranking.precision_recall,
    "gains": figures_ranking.gains,
    "calibration": figures_probability.calibration,
    "scores": figures_probability.scores,
    "importance": figures_features.importance,
    "stability": figures_features.stability,
    "discrimination": figures_slices.discrimination,
    "truth": figures_slices.truth,
    "profit": figures_decisions.profit,
}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return build_evidence()


def texts(svg: str | None) -> list[str]:
    assert svg is not None
    return [element.text or "" for element in XML(svg).iter("text")]


def words(svg: str | None) -> str:
    assert svg is not None
    return XML(svg).findtext("desc") or ""


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_and_told(name: str, evidence: Evidence) -> None:
    svg = FIGURES[name](evidence)
    assert any(character.isdigit() for character in words(svg))
    assert len(texts(svg)) > 5
    assert svg is not None
    assert "#" not in svg.replace('href="#', "").replace("url(#", "")


@pytest.mark.parametrize("name", FIGURES)
def test_without_its_evidence_there_is_no_figure(name: str) -> None:
    assert FIGURES[name](build_bare_evidence()) is None


def test_roc_names_its_metrics_and_reads_the_curve(evidence: Evidence) -> None:
    auc = evidence.metrics["auc"].value
    assert f"this model, AUC {auc:.3f}" in texts(figures_ranking.roc(evidence))
    found = np.interp(0.25, [point.x for point in evidence.roc], [point.y for point in evidence.roc])
    assert f"{100 * found:.0f}% of those with it" in words(figures_ranking.roc(evidence))


@pytest.mark.parametrize("draw", [figures_ranking.roc, figures_ranking.precision_recall])
def test_the_champion_is_a_second_line_with_its_own_dashes(
    draw: Callable[[Evidence, Evidence | None], str | None], evidence: Evidence
) -> None:
    alone, beside = draw(evidence, None), draw(evidence, build_evidence(signal=0.9))
    assert not any("champion" in text for text in texts(alone))
    assert sum("champion" in text for text in texts(beside)) == 1
    assert alone is not None
    assert beside is not None
    assert beside.count("stroke-dasharray") > alone.count("stroke-dasharray")


def test_precision_of_a_rare_outcome_is_drawn_on_its_own_scale(evidence: Evidence) -> None:
    rare = evidence.model_copy(
        update={
            "positives": 30,
            "precision_recall": tuple(
                point.model_copy(update={"y": point.y / 50}) for point in evidence.precision_recall
            ),
        }
    )
    assert "75%" in texts(figures_ranking.precision_recall(evidence))[5:]
    assert "0.5%" in texts(figures_ranking.precision_recall(rare))


def test_gains_mark_the_declared_depths(evidence: Evidence) -> None:
    found = texts(figures_ranking.gains(evidence))
    for depth in evidence.depths:
        assert f"{100 * (depth.capture.value or 0):.0f}%" in found


def test_calibration_tells_its_widest_gap(evidence: Evidence) -> None:
    gap = max(evidence.calibration, key=lambda one: abs(one.rate - one.mean_prediction))
    assert f"{100 * gap.mean_prediction:.1f}%, of which {100 * gap.rate:.1f}%" in words(
        figures_probability.calibration(evidence)
    )


def test_scores_of_one_outcome_only_are_drawn(evidence: Evidence) -> None:
    only = evidence.model_copy(
        update={"scores": tuple(one.model_copy(update={"positives": 0}) for one in evidence.scores)}
    )
    assert "with the outcome (0)" in texts(figures_probability.scores(only))


def test_only_the_most_important_features_are_drawn(evidence: Evidence) -> None:
    many = tuple(
        Importance(feature=f"feature_{i}", gain_share=0.01, mean_abs_shap=i / 100, direction=0.9) for i in range(50)
    )
    found = texts(figures_features.importance(evidence.model_copy(update={"importance": many})))
    drawn = [text for text in found if text.startswith("feature_")]
    assert drawn == [f"feature_{i}" for i in range(49, 29, -1)]


def test_features_of_no_effect_at_all_are_drawn(evidence: Evidence) -> None:
    dead = (Importance(feature="constant", gain_share=0.0, mean_abs_shap=0.0, direction=None),)
    assert "■ no one direction" in texts(figures_features.importance(evidence.model_copy(update={"importance": dead})))


def test_a_shift_is_named_and_the_score_stays_first(evidence: Evidence) -> None:
    shifts = (Shift(name="score", psi=0.01), Shift(name="calm", psi=0.02), Shift(name="score", psi=0.4))
    found = texts(figures_features.stability(evidence.model_copy(update={"stability": shifts})))
    assert [text for text in found if text in ("score", "calm")] == ["score", "score", "calm"]
    assert [text for text in found if text[0] == "0" and text[-1].isalpha()] == [
        "0.010 stable", "0.400 act", "0.020 stable",
    ]  # fmt: skip


def test_the_marks_of_stability_are_named_apart_or_together(evidence: Evidence) -> None:
    def named(largest: float) -> list[str]:
        shifts = (Shift(name="score", psi=0.01), Shift(name="wild", psi=largest))
        found = texts(figures_features.stability(evidence.model_copy(update={"stability": shifts})))
        return [text for text in found if text in ("watch", "act", "watch, act")]

    assert named(0.3) == ["watch", "act"]
    assert named(1.5) == ["watch", "act"]
    assert named(4.7) == ["watch, act"], "beside each other they would touch"


def test_a_slice_too_small_to_measure_is_left_out_of_the_figures(evidence: Evidence) -> None:
    nothing = Interval(value=None, low=None, high=None)
    small = SliceMetrics(
        column="age", value="above 90", rows=3, positives=1, mean_prediction=None, rate=None, auc=nothing, brier=nothing
    )
    with_it = evidence.model_copy(update={"slices": (*evidence.slices, small)})
    for draw in (figures_slices.discrimination, figures_slices.truth):
        assert draw(with_it) == draw(evidence)


def test_the_best_profit_is_marked_and_of_equal_ones_that_with_most_approvals(evidence: Evidence) -> None:
    best = figures_decisions.best_profit(evidence)
    assert f"{best.profit:.2f} EUR at {100 * best.approved:.0f}% approved" in texts(
        figures_decisions.profit(evidence, "EUR")
    )
    level = evidence.model_copy(
        update={"profit": tuple(point.model_copy(update={"profit": 1.0}) for point in evidence.profit)}
    )
    assert figures_decisions.best_profit(level).approved == 1.0


def test_the_profit_table_has_round_shares_and_the_best(evidence: Evidence) -> None:
    shares = [point.approved for point in figures_decisions.profit_table(evidence)]
    assert shares == pytest.approx(
        sorted({0.5, 0.6, 0.7, 0.8, 0.9, 1.0, figures_decisions.best_profit(evidence).approved})
    )


def test_a_difference_says_which_side_is_better() -> None:
    auc = build_comparison()
    assert {"← worse", "better →", "+0.0048"} <= set(texts(figures_decisions.difference(auc)))
    brier = auc.model_copy(update={"metric": "brier"})
    assert {"← better", "worse →"} <= set(texts(figures_decisions.difference(brier)))


def test_a_difference_that_was_not_measured_is_not_drawn() -> None:
    assert figures_decisions.difference(Comparison(outcome="unchanged", metric="auc")) is None
