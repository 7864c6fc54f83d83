"""Each gate: passed by an honest model, blocked by a defect planted for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanwright.config.judgement import Bootstrap, ChampionRule, Gates
from loanwright.evaluation.bootstrap import UNDEFINED, intervals
from loanwright.evaluation.comparison import Comparison, compare
from loanwright.evaluation.evidence import Evidence, Interval
from loanwright.evaluation.gates import METRIC_WORDS, GateResult, Judgement, judge
from loanwright.evaluation.metrics import METRICS
from loanwright.evaluation.ranking import rank

FEW = Bootstrap(resamples=60)
_RANDOM = np.random.default_rng(0)
MARGIN = 1.4 * _RANDOM.normal(size=3000) - 1.2
LABELS = (_RANDOM.random(3000) < 1 / (1 + np.exp(-MARGIN))).astype(np.int8)


def probability(margin: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-margin)))


HONEST = probability(MARGIN)
SHUFFLED = np.random.default_rng(1).permutation(HONEST)


def evidence(scores: np.ndarray = HONEST, **metrics: Interval) -> Evidence:
    """Evidence of these scores, with nothing in it but the metrics."""
    nothing: Any = dict.fromkeys(
        ("roc", "precision_recall", "calibration", "scores", "depths", "slices", "importance", "stability", "profit"),
        (),
    )
    return Evidence(
        label="default",
        rows=len(LABELS),
        positives=int(LABELS.sum()),
        confidence=0.95,
        metrics=intervals(rank(scores, LABELS), METRICS, FEW) | metrics,
        parts=(),
        split={},
        rounds=1,
        calibration_method="none",
        **nothing,
    )


def gates(rule: dict[str, Any] | None = None, **champion: Any) -> Gates:
    rules = [] if rule is None else [{"name": "the_gate", **rule}]
    return Gates.model_validate({"rules": rules, "champion": champion})


def first(judgement: Judgement) -> GateResult:
    return judgement.results[0]


def blocking(judgement: Judgement) -> tuple[str, ...]:
    """The names of the gates that block."""
    return tuple(result.name for result in judgement.results if result.verdict == "block")


@pytest.mark.parametrize(
    ("rule", "defect"),
    [
        ({"metric": "auc", "min": 0.75}, SHUFFLED),
        ({"metric": "average_precision", "min": 0.5}, SHUFFLED),
        ({"metric": "ks", "min": 0.35}, SHUFFLED),
        ({"metric": "brier", "max": 0.17}, SHUFFLED),
        ({"metric": "log_loss", "max": 0.52}, probability(4 * MARGIN)),
        ({"metric": "expected_calibration_error", "max": 0.03}, probability(MARGIN + 0.7)),
        ({"metric": "calibration_slope", "min": 0.85, "max": 1.15}, probability(1.6 * MARGIN)),
        ({"metric": "calibration_slope", "min": 0.85, "max": 1.15}, probability(0.6 * MARGIN)),
        ({"metric": "mean_prediction_ratio", "min": 0.9, "max": 1.1}, probability(MARGIN - 0.7)),
        ({"metric": "mean_prediction_ratio", "min": 0.9, "max": 1.1}, probability(MARGIN + 0.7)),
    ],
    ids=lambda value: value["metric"] if isinstance(value, dict) else "",
)
def test_a_rule_passes_an_honest_model_and_blocks_a_planted_defect(rule: dict[str, Any], defect: np.ndarray) -> None:
    passed = judge(evidence(), gates(rule), None)
    assert (passed.outcome, first(passed).verdict, blocking(passed)) == ("pass", "pass", ())
    blocked = judge(evidence(defect), gates(rule), None)
    assert (blocked.outcome, first(blocked).verdict, blocking(blocked)) == ("block", "block", ("the_gate",))
    warned = judge(evidence(defect), gates(rule | {"on_fail": "warn"}), None)
    assert (warned.outcome, first(warned).verdict, blocking(warned)) == ("warn", "warn", ())


def test_every_metric_has_words() -> None:
    assert set(METRIC_WORDS) == set(METRICS)


def test_the_point_value_decides_and_the_interval_is_shown() -> None:
    wide = evidence(auc=Interval(value=0.76, low=0.70, high=0.81))
    result = first(judge(wide, gates({"metric": "auc", "min": 0.75}), None))
    assert result.verdict == "pass"
    assert (result.value, result.low, result.high, result.bound) == (0.76, 0.70, 0.81, "at least 0.75")
    assert result.message == "AUC is 0.7600 (95% interval 0.7000 to 0.8100); at least 0.75 is asked for."
    assert first(judge(wide, gates({"metric": "auc", "min": 0.76}), None)).verdict == "pass"


def test_messages_say_what_failed_in_one_sentence() -> None:
    slope = Interval(value=1.31, low=1.2, high=1.4)
    result = first(
        judge(evidence(calibration_slope=slope), gates({"metric": "calibration_slope", "min": 0.8, "max": 1.25}), None)
    )
    assert result.bound == "from 0.8 to 1.25"
    assert result.message == (
        "Calibration slope is 1.3100 (95% interval 1.2000 to 1.4000), above the 1.25 that is allowed."
    )
    bare = evidence(auc=Interval(value=0.6, low=None, high=None))
    assert first(judge(bare, gates({"metric": "auc", "min": 0.7}), None)).message == (
        "AUC is 0.6000, below the 0.7 that is asked for."
    )


@pytest.mark.parametrize("on_fail", ["block", "warn"])
def test_a_metric_that_is_not_defined_blocks_whatever_a_failure_would_cost(on_fail: str) -> None:
    rule = {"metric": "calibration_slope", "min": 0.8, "on_fail": on_fail}
    judgement = judge(evidence(np.full(3000, 0.2)), gates(rule), None)
    assert judgement.outcome == "block"
    assert first(judgement).message == (
        "Calibration slope is not defined on this test slice, so this gate cannot be passed."
    )


def test_without_a_champion_the_champion_gate_passes_and_says_so() -> None:
    result = judge(evidence(), gates(), None).results[-1]
    assert (result.name, result.verdict, result.value) == ("champion", "pass", None)
    assert result.message == "There is no champion yet, so there is nothing to be worse than."


def test_the_champion_itself_is_unchanged() -> None:
    result = judge(evidence(), gates(), Comparison(outcome="unchanged", metric="auc", version="3")).results[-1]
    assert (result.verdict, result.message) == ("pass", "This model is the champion (version 3) itself, unchanged.")


def test_a_champion_that_cannot_be_compared_warns_with_the_reason() -> None:
    comparison = Comparison(
        outcome="incomparable", metric="auc", version="3", reason="the rows have no column 'x', which the model needs"
    )
    judgement = judge(evidence(), gates(), comparison)
    assert judgement.outcome == "warn"
    assert judgement.results[-1].message == (
        "The champion (version 3) cannot be scored on these rows: the rows have no column 'x', which the model needs."
    )
    strict = gates().model_copy(update={"champion": ChampionRule(on_incomparable="block")})
    assert blocking(judge(evidence(), strict, comparison)) == ("champion",)


@pytest.mark.parametrize("metric", ["auc", "average_precision", "ks", "brier", "log_loss"])
def test_a_better_champion_blocks_and_an_equal_or_worse_one_passes(metric: Any) -> None:
    random = np.random.default_rng(3)
    worse = probability(MARGIN + random.normal(size=3000))
    alike = probability(MARGIN + 0.02 * random.normal(size=3000))

    def outcome(challenger: np.ndarray, champion: np.ndarray, **rule: Any) -> str:
        comparison = compare(challenger, champion, LABELS, metric, FEW, version="3")
        return judge(evidence(), gates(metric=metric, **rule), comparison).outcome

    assert outcome(worse, HONEST) == "block"
    assert outcome(worse, HONEST, on_fail="warn") == "warn"
    assert outcome(worse, HONEST, tolerance=0.5) == "pass"
    assert outcome(HONEST, worse) == "pass"
    assert outcome(alike, HONEST) == "pass"


def test_the_champion_is_beaten_or_not_by_the_whole_interval() -> None:
    def result(low: float, high: float, **rule: Any) -> GateResult:
        difference = Interval(value=(low + high) / 2, low=low, high=high)
        comparison = Comparison(
            outcome="measured", metric=rule.get("metric", "auc"), version="3", rows=6000, difference=difference
        )
        return judge(evidence(), gates(**rule), comparison).results[-1]

    assert result(-0.02, 0.001).verdict == "pass"
    assert result(-0.02, -0.001).verdict == "block"
    assert result(-0.02, -0.001, tolerance=0.001).verdict == "pass"
    assert result(-0.02, -0.002, tolerance=0.001).verdict == "block"
    assert result(0.002, 0.02, metric="brier", tolerance=0.001).verdict == "block"
    assert result(-0.02, -0.002, metric="brier").verdict == "pass"
    assert result(-0.02, -0.002).message == (
        "AUC is 0.0110 lower than that of the champion (version 3) on the same 6,000 rows "
        "(95% interval -0.0200 to -0.0020): worse beyond noise."
    )
    assert result(-0.02, -0.002, tolerance=0.001).bound == "not worse beyond noise and a tolerance of 0.001"


def test_a_difference_that_is_not_defined_blocks() -> None:
    comparison = Comparison(outcome="measured", metric="auc", rows=10, difference=UNDEFINED)
    assert judge(evidence(), gates(on_fail="warn"), comparison).outcome == "block"


def test_the_outcome_is_the_worst_verdict_and_results_keep_the_declared_order() -> None:
    rules = [
        {"name": "good", "metric": "auc", "min": 0.6},
        {"name": "bad", "metric": "auc", "min": 0.99},
        {"name": "so_so", "metric": "ks", "min": 0.99, "on_fail": "warn"},
    ]
    judgement = judge(evidence(), Gates.model_validate({"rules": rules}), None)
    assert [(one.name, one.verdict) for one in judgement.results] == [
        ("good", "pass"),
        ("bad", "block"),
        ("so_so", "warn"),
        ("champion", "pass"),
    ]
    assert (judgement.outcome, blocking(judgement)) == ("block", ("bad",))
