"""Baselines: fitted on the model's rows alone, measured on its test rows, and named when they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from loanwright.config.judgement import Baseline, Bootstrap
from loanwright.config.learning import Calibration, Split, Training
from loanwright.data.split import CALIBRATION
from loanwright.errors import DeclarationError
from loanwright.evaluation import baselines
from loanwright.evaluation.baselines import measure_baselines
from loanwright.evaluation.binning import bin_feature
from loanwright.evaluation.bootstrap import intervals
from loanwright.evaluation.evidence import UNDEFINED
from loanwright.evaluation.ranking import Floats, rank
from loanwright.evaluation.sampling import sample
from loanwright.evaluation.scorecard import Scorecard, fit_scorecard
from loanwright.evaluation.subject import Subject
from loanwright.storage import open_store
from loanwright.training.calibrate import calibrate
from loanwright.training.fitting import Fitted, fit
from loanwright.training.preparation import fitting_rows
from loanwright.training.train import train
from tests.builders.tables import publish_table

SPLIT = Split.model_validate({"method": "hash", "fractions": {"train": 0.5, "calibration": 0.2, "test": 0.3}})
TRAINING = Training.model_validate(
    {
        "rounds": 20,
        "exact": False,
        "early_stopping": {"patience": 5},
        "parameters": {"num_leaves": 7, "learning_rate": 0.2},
    }
)
FEW = Bootstrap(resamples=60)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    scratch = tmp_path_factory.mktemp("baselines")
    store = open_store(str(scratch / "store"))
    table = publish_table(store, rows=3000)
    booster = train(table, SPLIT, TRAINING, store, scratch).uri
    calibrator = calibrate(table, booster, SPLIT, Calibration(), store, scratch)
    return Subject.open(table, booster, calibrator, SPLIT, scratch)


def named(*features: str) -> Baseline:
    return Baseline(name="some", features=features, description="What it stands for.")


def test_all_features_give_the_models_own_auc(subject: Subject) -> None:
    every = named(*reversed(subject.table.feature_names))
    *_, found = measure_baselines(subject, [every], TRAINING, FEW)
    ours = intervals(rank(subject.scores, subject.labels), ["auc", "log_loss", "brier"], FEW)
    assert (found.auc.value, found.log_loss.value) == (ours["auc"].value, ours["log_loss"].value)
    for difference in (found.difference, found.log_loss_difference, found.brier_difference):
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert (found.name, found.features, found.description) == ("some", 6, "What it stands for.")


def test_fewer_features_tell_less_and_the_difference_says_how_much(subject: Subject) -> None:
    *_, weak, weaker = measure_baselines(
        subject, [named("number_1", "number_2"), Baseline(name="one", features=("number_2",))], TRAINING, FEW
    )
    ours = intervals(rank(subject.scores, subject.labels), ["auc"], FEW)["auc"].value
    assert ours is not None
    for one in (weak, weaker):
        assert one.auc.value is not None
        assert one.difference.value == pytest.approx(ours - one.auc.value)
    assert weak.difference.low is not None
    assert weak.difference.low > 0
    assert subject.table.feature_names == [f"number_{i}" for i in range(5)] + ["purpose_0"]


def test_a_baseline_is_fitted_on_the_models_rows_and_no_others(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(table: object, rows: np.ndarray, held: np.ndarray | None, *rest: object) -> Fitted:
        seen.append((rows, held))
        return fit(table, rows, held, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(baselines, "fit", spy)
    measure_baselines(subject, [named("number_0")], TRAINING, FEW)
    ((rows, held),) = seen
    expected, expected_held = fitting_rows(subject.table, subject.keys, SPLIT, TRAINING)
    assert np.array_equal(rows, expected)
    assert held is not None
    assert expected_held is not None
    assert np.array_equal(held, expected_held)
    assert not (rows & subject.is_test).any()


def test_a_constant_and_a_scorecard_are_always_there(subject: Subject) -> None:
    constant, card = measure_baselines(subject, (), TRAINING, FEW)
    rate = subject.keys.label[subject.part == CALIBRATION].mean()
    assert (constant.name, constant.features) == ("constant", 0)
    assert (constant.auc.value, constant.auc.low, constant.auc.high) == (0.5, 0.5, 0.5)
    assert constant.brier.value == pytest.approx(np.mean((subject.labels - rate) ** 2))
    assert constant.log_loss.value == pytest.approx(log_loss(subject.labels, np.full(len(subject.labels), rate)))
    assert (card.name, card.features) == ("scorecard", 6)
    ours = intervals(rank(subject.scores, subject.labels), ["auc", "log_loss"], FEW)
    assert card.auc.value is not None
    assert 0.6 < card.auc.value < (ours["auc"].value or 0) + 0.05
    assert card.log_loss.value is not None
    assert constant.log_loss.value is not None
    assert card.log_loss.value < constant.log_loss.value
    assert card.difference.value == pytest.approx((ours["auc"].value or 0) - card.auc.value)
    assert card.log_loss_difference.low is not None
    assert card.log_loss_difference.low < (card.log_loss_difference.value or 0) < (card.log_loss_difference.high or 0)


def test_a_scorecard_is_fitted_on_few_of_many_rows_and_says_so(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "ROWS", 700)
    seen = []

    def spy(matrix: Floats, label: NDArray[np.int8], features: Any) -> Scorecard:
        seen.append((matrix, label))
        return fit_scorecard(matrix, label, features)

    monkeypatch.setattr(baselines, "fit_scorecard", spy)
    _, card = measure_baselines(subject, (), TRAINING, FEW)
    ((matrix, label),) = seen
    rows, _ = fitting_rows(subject.table, subject.keys, SPLIT, TRAINING)
    chosen = sample(subject.keys.unit_hash, rows, 700)
    assert np.array_equal(label, subject.keys.label[chosen])
    first = subject.table.read(chosen, ["number_0"])["number_0"].to_numpy()
    assert np.array_equal(matrix[:, 0], first, equal_nan=True)
    assert card.description.endswith("Fitted on 700 rows of the train part, chosen by hash.")


def test_what_cannot_be_calibrated_has_an_auc_alone(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    falling = Scorecard(0.0, ((0, -1.0, bin_feature(np.linspace(-2, 2, 99), np.arange(99) > 49, None)),))
    monkeypatch.setattr(baselines, "fit_scorecard", lambda *_: falling)
    _, card = measure_baselines(subject, (), TRAINING, FEW)
    assert card.auc.value is not None
    assert card.auc.value < 0.5
    assert card.log_loss == card.brier_difference == UNDEFINED


@pytest.mark.parametrize("name", ["constant", "scorecard"])
def test_their_names_are_taken(name: str) -> None:
    with pytest.raises(ValueError, match=f"the baseline '{name}' is measured for every model"):
        Baseline(name=name, features=("number_0",))


def test_a_feature_that_is_not_there_is_named(subject: Subject) -> None:
    with pytest.raises(DeclarationError, match=r"baseline 'some' is given 'number_9', .*did you mean 'number_"):
        measure_baselines(subject, [named("number_9")], TRAINING, FEW)


def test_equal_inputs_give_equal_numbers(subject: Subject, tmp_path: Path) -> None:
    few = [named("number_0", "purpose_0")]
    assert measure_baselines(subject, few, TRAINING, FEW) == measure_baselines(subject, few, TRAINING, FEW)
