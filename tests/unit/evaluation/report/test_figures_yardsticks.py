"""The yardsticks: the truth first, then the model, then what was had for less; nothing where it stands alone."""

from __future__ import annotations

from loanwright.evaluation.evidence import Interval
from loanwright.evaluation.report.figures_yardsticks import aucs, losses, yardsticks
from tests.builders.evidence import build_bare_evidence, build_evidence
from tests.unit.evaluation.report.test_figures import texts, words


def test_three_stand_side_by_side() -> None:
    evidence = build_evidence()
    shown = yardsticks(evidence)
    assert [one.name for one in shown] == ["The truth", "This model", "constant", "form_only"]
    assert [one.features for one in shown] == [None, 15, 0, 3]
    assert shown[0].auc == Interval(value=0.8765, low=None, high=None)
    assert shown[1].auc == evidence.metrics["auc"]
    assert "6,012 units" in shown[0].says
    svg = aucs(evidence)
    ours = f"{evidence.metrics['auc'].value:.3f}"
    assert words(svg) == f"AUC: The truth 0.876; This model {ours}; constant 0.500; form only 0.612."
    assert {"The truth", "This model", "form only", "0.876", "0.612", ours} <= set(texts(svg))


def test_without_the_truth_or_without_baselines_the_rest_is_shown() -> None:
    evidence = build_evidence()
    assert [one.name for one in yardsticks(evidence.model_copy(update={"truth": None}))] == [
        "This model",
        "constant",
        "form_only",
    ]
    assert aucs(evidence.model_copy(update={"baselines": ()})) is not None
    alone = evidence.model_copy(update={"truth": None, "baselines": ()})
    assert (yardsticks(alone), aucs(alone)) == ([], None)


def test_what_is_not_defined_is_not_drawn() -> None:
    bare, whole = build_bare_evidence(), build_evidence()
    assert aucs(bare.model_copy(update={"baselines": whole.baselines[:1]})) is None


def test_an_auc_below_chance_and_a_perfect_one_are_within_the_figure() -> None:
    evidence = build_evidence()
    *_, baseline = evidence.baselines
    worse = baseline.model_copy(update={"auc": Interval(value=0.31, low=0.2, high=0.4)})
    truth = evidence.truth
    assert truth is not None
    svg = aucs(evidence.model_copy(update={"baselines": (worse,), "truth": truth.model_copy(update={"auc": 1.0})}))
    assert {"0.310", "1.000"} <= set(texts(svg))


def test_losses_stand_beside_each_other_where_there_are_any() -> None:
    evidence = build_evidence()
    found = losses(evidence)
    model, constant = found["Log loss"]
    assert (model.name, model.value) == ("This model", evidence.metrics["log_loss"])
    assert (constant.name, constant.difference.value) == ("constant", -0.0871)
    assert [one.value.value for one in found["Brier score"]] == [evidence.metrics["brier"].value, 0.1734]
    assert losses(evidence.model_copy(update={"baselines": evidence.baselines[1:]})) == {}
