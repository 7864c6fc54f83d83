from typing import get_args

import pytest

from loanwright.config.judgement import Metric
from loanwright.evaluation.gates import Verdict
from loanwright.evaluation.report import words


def test_every_metric_that_a_gate_can_name_has_its_words() -> None:
    assert set(words.METRICS) == set(get_args(Metric))


def test_every_verdict_has_its_words() -> None:
    verdicts = set(get_args(Verdict))
    assert set(words.VERDICTS) == set(words.HEADLINES) == set(words.SYNTHETIC_HEADLINES) == verdicts


@pytest.mark.parametrize("outcome", ["pass", "warn"])
def test_the_headline_speaks_of_gates_and_never_of_fitness(outcome: str) -> None:
    for synthetic in (False, True):
        assert words.headline(outcome, synthetic).startswith("Gates passed")
        assert "used" not in words.headline(outcome, synthetic)
    assert "made-up" in words.headline(outcome, synthetic=True)


def test_an_interval_that_may_not_hold_its_value_says_so() -> None:
    assert "may not hold the value" in words.metric_words("expected_calibration_error").meaning


def test_an_unknown_metric_goes_by_its_own_name() -> None:
    assert words.metric_words("gini_index").label == "gini index"


@pytest.mark.parametrize(
    ("psi", "text"), [(0.0, "stable"), (0.0999, "stable"), (0.1, "watch"), (0.2499, "watch"), (0.25, "act")]
)
def test_stability_is_named_by_the_customary_marks(psi: float, text: str) -> None:
    assert words.stability_words(psi) == text


@pytest.mark.parametrize(
    ("direction", "text"),
    [
        (0.9, "more raises risk"),
        (-0.3, "more lowers risk"),
        (0.29, "mixed"),
        (None, "no one direction"),
    ],
)
def test_a_direction_is_told_in_words(direction: float | None, text: str) -> None:
    assert words.direction_words(direction) == text


@pytest.mark.parametrize(
    ("gates", "failed", "text"),
    [
        (0, 0, "No gate is declared, so nothing was asked of it."),
        (1, 0, "Its one gate holds."),
        (1, 1, "Its one gate does not hold."),
        (4, 0, "All 4 gates hold."),
        (4, 1, "1 of 4 gates does not hold."),
        (4, 3, "3 of 4 gates do not hold."),
    ],
)
def test_the_reason_counts_the_gates(gates: int, failed: int, text: str) -> None:
    assert words.why(gates, failed) == text
