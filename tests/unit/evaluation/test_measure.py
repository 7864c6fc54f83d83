"""A published model measured: whole, repeatable, and with a defect planted in it, blocked."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from loanwright.config.judgement import Bootstrap, ChampionRule, Evaluation, Gates
from loanwright.config.learning import Calibration, Split, Training
from loanwright.errors import DataError, DeclarationError, IntegrityFault
from loanwright.evaluation.champion import compare_with_champion
from loanwright.evaluation.gates import judge
from loanwright.evaluation.measure import evidence_of
from loanwright.evaluation.model_card import limits, model_card
from loanwright.evaluation.subject import Subject
from loanwright.storage import Store, canonical_json, open_store
from loanwright.training.calibrate import calibrate
from loanwright.training.scorer import Scorer
from loanwright.training.train import train
from tests.builders.tables import publish_table
from tests.unit.evaluation.test_gates import blocking

SPLIT = Split.model_validate({"method": "hash", "fractions": {"train": 0.5, "calibration": 0.2, "test": 0.3}})
TRAINING = Training.model_validate(
    {
        "exact": False,
        "rounds": 30,
        "early_stopping": {"patience": 10},
        "parameters": {"num_leaves": 7, "learning_rate": 0.15},
    }
)
EVALUATION = Evaluation.model_validate(
    {
        "bootstrap": {"resamples": 60},
        "slices": [{"column": "sex"}, {"column": "age", "edges": [25, 45]}, {"column": "purpose_0"}],
        "economics": {"currency": "TWD", "profit_if_repaid": 100, "loss_if_defaulted": 500},
    }
)
FEW = Bootstrap(resamples=60)


@dataclasses.dataclass(frozen=True)
class Published:
    """Where a table and its model lie."""

    store: Store
    scratch: Path
    table: str
    booster: str
    calibrator: str

    def subject(self) -> Subject:
        return Subject.open(self.table, self.booster, self.calibrator, SPLIT, self.scratch)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    scratch = tmp_path_factory.mktemp("measure")
    store = open_store(str(scratch / "store"))
    table = publish_table(store, rows=4000)
    booster = train(table, SPLIT, TRAINING, store, scratch).uri
    calibrator = calibrate(table, booster, SPLIT, Calibration(), store, scratch)
    return Published(store, scratch, table, booster, calibrator)


@pytest.fixture(scope="module")
def subject(published: Published) -> Subject:
    return published.subject()


class Defective:
    """A scorer whose probabilities are spoilt on their way out."""

    def __init__(self, scorer: Scorer, spoil: Any) -> None:
        self._scorer, self._spoil = scorer, spoil

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scorer, name)

    def probabilities(self, table: pa.Table) -> np.ndarray:
        return np.asarray(self._spoil(self._scorer.probabilities(table)))


def spoilt(subject: Subject, spoil: Any) -> Subject:
    return dataclasses.replace(subject, scorer=Defective(subject.scorer, spoil))  # type: ignore[arg-type]


def test_everything_declared_is_measured(published: Published, subject: Subject) -> None:
    found = evidence_of(subject, EVALUATION, TRAINING)
    assert found.metrics["auc"].value == pytest.approx(roc_auc_score(subject.labels, subject.scores), abs=1e-9)
    assert found.metrics["auc"].value > 0.7
    assert (found.rows, found.positives) == (len(subject.labels), subject.labels.sum())
    parts = {part.name: part for part in found.parts}
    assert list(parts) == ["train", "validation", "calibration", "test"]
    assert sum(part.rows for part in parts.values()) == 4000
    assert parts["test"].rows == found.rows
    assert parts["train"].from_time == "2024-01-01T00:00:00Z"
    assert [one.value for one in found.slices] == [
        "female", "male", "below 25", "25 to below 45", "45 and above",
        "car", "home", "medical", "school", "wedding", "missing",
    ]  # fmt: skip
    assert found.importance[0].feature == "number_0"
    assert found.importance[0].direction == pytest.approx(1, abs=0.05)  # it is declared to increase the risk
    assert sum(one.gain_share for one in found.importance) == pytest.approx(1)
    assert {one.feature for one in found.importance} == set(subject.table.feature_names)
    assert [one.name for one in found.stability] == ["score", *subject.table.feature_names]
    assert max(one.psi for one in found.stability) < 0.1
    assert [one.depth for one in found.depths] == list(EVALUATION.depths)
    assert found.profit[-1].approved == 1
    assert (found.calibration_method, found.rounds) == ("sigmoid", subject.scorer.rounds)
    assert found.split["method"].startswith("by a hash")
    assert found.notes[0] == f"SHAP values are of {found.rows:,} test rows, chosen by hash."


def test_measuring_twice_gives_the_same_bytes(published: Published) -> None:
    measured = [evidence_of(published.subject(), EVALUATION) for _ in range(2)]
    first, second = (canonical_json(evidence.model_dump(mode="json")) for evidence in measured)
    assert first == second
    assert canonical_json(published.subject().reference) == canonical_json(published.subject().reference)


def test_without_the_training_section_held_out_rows_count_as_train(subject: Subject) -> None:
    assert [part.name for part in evidence_of(subject, EVALUATION).parts] == ["train", "calibration", "test"]


def test_rows_that_no_part_holds_are_counted_as_left_out(published: Published) -> None:
    split = Split.model_validate(
        {"method": "time", "calibration_from": "2025-01-01", "test_from": "2025-06-01", "until": "2025-10-01"}
    )
    booster = train(published.table, split, TRAINING, published.store, published.scratch).uri
    calibrator = calibrate(published.table, booster, split, Calibration(), published.store, published.scratch)
    subject = Subject.open(published.table, booster, calibrator, split, published.scratch)
    found = evidence_of(subject, EVALUATION, TRAINING)
    parts = {part.name: part for part in found.parts}
    assert list(parts) == ["train", "validation", "calibration", "test", "left_out"]
    assert sum(part.rows for part in parts.values()) == 4000
    assert str(parts["train"].to_time) < str(parts["validation"].from_time)
    assert str(parts["validation"].to_time) <= "2024-12-02T00:00:00Z"


def test_the_reference_is_of_train_rows_in_the_models_features(subject: Subject) -> None:
    assert subject.reference["rows"] == (subject.part == 0).sum()
    assert list(subject.reference["features"]) == subject.table.feature_names
    assert subject.reference["features"]["purpose_0"]["type"] == "category"


def test_shuffled_scores_are_blocked(subject: Subject) -> None:
    shuffled = spoilt(subject, np.random.default_rng(0).permutation)
    gates = Gates.model_validate({"rules": [{"name": "auc_floor", "metric": "auc", "min": 0.7}]})
    assert judge(evidence_of(subject, EVALUATION), gates, None).outcome == "pass"
    assert blocking(judge(evidence_of(shuffled, EVALUATION), gates, None)) == ("auc_floor",)


def test_a_distorted_calibration_is_blocked(subject: Subject) -> None:
    doubled = spoilt(subject, lambda scores: np.clip(2 * scores, 0, 1))
    gates = Gates.model_validate(
        {"rules": [{"name": "calibrated", "metric": "expected_calibration_error", "max": 0.06}]}
    )
    assert judge(evidence_of(subject, EVALUATION), gates, None).outcome == "pass"
    assert blocking(judge(evidence_of(doubled, EVALUATION), gates, None)) == ("calibrated",)


def test_a_really_better_champion_blocks(published: Published, subject: Subject) -> None:
    stump = Training.model_validate({"rounds": 1, "exact": False, "parameters": {"num_leaves": 2}})
    booster = train(published.table, SPLIT, stump, published.store, published.scratch).uri
    calibrator = calibrate(published.table, booster, SPLIT, Calibration(), published.store, published.scratch)
    challenger = Subject.open(published.table, booster, calibrator, SPLIT, published.scratch)
    gates = Gates.model_validate({"rules": []})
    worse = compare_with_champion(challenger, subject.scorer, ChampionRule(), FEW, version="1")
    assert blocking(judge(evidence_of(challenger, EVALUATION), gates, worse)) == ("champion",)
    better = compare_with_champion(subject, challenger.scorer, ChampionRule(), FEW, version="1")
    assert judge(evidence_of(subject, EVALUATION), gates, better).outcome == "pass"


def test_a_champion_of_other_features_is_incomparable(published: Published, subject: Subject) -> None:
    table = publish_table(published.store, rows=1500, features=8)
    booster = train(table, SPLIT, TRAINING, published.store, published.scratch).uri
    champion = Scorer.from_manifests(booster, None, published.scratch)
    found = compare_with_champion(subject, champion, ChampionRule(), FEW, version="1")
    assert found.outcome == "incomparable"
    assert "'number_5'" in found.reason
    assert not found.reason.endswith(".")


def test_an_empty_test_part_is_one_clear_error(published: Published) -> None:
    split = Split.model_validate({"method": "time", "calibration_from": "2027-01-01", "test_from": "2028-01-01"})
    with pytest.raises(DataError) as caught:
        Subject.open(published.table, published.booster, published.calibrator, split, published.scratch)
    assert str(caught.value) == (
        "the test part of the split by time has no rows, so nothing can be measured. "
        "Move 'test_from' before the last decisions"
    )


def test_a_test_part_of_one_class_is_one_clear_error(published: Published) -> None:
    table = publish_table(published.store, rows=300, label=0)
    with pytest.raises(DataError) as caught:
        Subject.open(table, published.booster, published.calibrator, SPLIT, published.scratch)
    assert re.sub(r"\d+ rows", "n rows", str(caught.value)) == (
        "all n rows of the test part have default = 0, so nothing can be measured. "
        "Enlarge the test part until it holds both outcomes, or correct the label"
    )


def test_a_model_of_another_table_is_refused(published: Published) -> None:
    table = publish_table(published.store, rows=300)
    with pytest.raises(IntegrityFault, match="was trained on another table"):
        Subject.open(table, published.booster, published.calibrator, SPLIT, published.scratch)


def test_an_unknown_slice_is_refused_before_anything_is_scored(published: Published) -> None:
    evaluation = Evaluation.model_validate({"slices": [{"column": "sexx"}]})
    fresh = published.subject()
    with pytest.raises(DeclarationError, match=r"did you mean 'sex'\?"):
        evidence_of(fresh, evaluation)
    assert "scores" not in fresh.__dict__


def test_the_model_card_holds_facts_and_no_words(subject: Subject) -> None:
    found = evidence_of(subject, EVALUATION, TRAINING)
    card = model_card(found, subject.table.manifest.body, SPLIT, TRAINING)
    assert canonical_json(card) == canonical_json(model_card(found, subject.table.manifest.body, SPLIT, TRAINING))
    assert card["label"] == {"name": "default", "matures_after_seconds": 30 * 86_400}
    assert card["unit"] == "client_id"
    assert card["features"] == {"count": 6, "categories": 1, "monotone": {"number_0": "increasing"}}
    assert card["metrics"]["auc"] == found.metrics["auc"].model_dump()
    assert card["slices"] == {"columns": ["sex", "age", "purpose_0"], "count": 11, "without_auc": 0}
    assert card["training"]["rounds"] == 30
    assert card["limits"][0] == "The rows are made up: nothing here says how the model does on real ones."


def test_limits_follow_from_the_evidence(subject: Subject) -> None:
    found = evidence_of(subject, EVALUATION)
    by_time = Split.model_validate({"method": "time", "calibration_from": "2025-01-01", "test_from": "2025-06-01"})
    few = limits(found, by_time, synthetic=False)
    assert len(few) == 2
    moved = found.stability[0].model_copy(update={"psi": 0.4})
    poor = found.model_copy(update={"positives": 12, "slices": (), "stability": (moved,)})
    assert limits(poor, by_time, synthetic=False)[2:] == [
        "The test part holds no more than 12 positives: all figures are rough.",
        "No slices are declared: nothing is known of how the model does for one group or another.",
        "Between train and test these moved by a stability index above 0.25: score.",
    ]
    many = [moved.model_copy(update={"name": f"f{i}", "psi": 0.3 + i / 100}) for i in range(15)]
    said = limits(found.model_copy(update={"stability": tuple(many)}), by_time, synthetic=False)[-1]
    assert said.endswith(": f14, f13, f12, f11, f10, f9, f8, f7, f6, f5, f4, f3 and 3 more.")


def test_a_model_that_depends_on_the_number_of_workers_says_so(published: Published, subject: Subject) -> None:
    told = ("Trained by 2 workers with training.exact off: another number of them might make another model.",)
    assert not set(told) & set(evidence_of(subject, EVALUATION).notes)
    booster = train(published.table, SPLIT, TRAINING, published.store, published.scratch, workers=2).uri
    calibrator = calibrate(published.table, booster, SPLIT, Calibration(), published.store, published.scratch)
    two = Subject.open(published.table, booster, calibrator, SPLIT, published.scratch)
    assert evidence_of(two, EVALUATION).notes[-1:] == told
