"""Declared directions are verified on the fitted model: what keeps them is told, what breaks one is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from loanwright.config.judgement import Bootstrap, Evaluation
from loanwright.config.learning import Calibration, Parameters, Split, Training
from loanwright.errors import IntegrityFault
from loanwright.evaluation import monotone
from loanwright.evaluation.measure import evidence_of
from loanwright.evaluation.monotone import check_monotone
from loanwright.evaluation.subject import Subject
from loanwright.storage import open_store
from loanwright.training.calibrate import calibrate
from loanwright.training.scorer import Scorer
from loanwright.training.train import train
from tests.builders.tables import publish_table

SPLIT = Split.model_validate({"method": "hash", "fractions": {"train": 0.5, "calibration": 0.2, "test": 0.3}})
TRAINING = Training(rounds=40, parameters=Parameters(learning_rate=0.2))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """`number_0` is declared to increase the risk; `number_1` lowers it, and is not declared."""
    scratch = tmp_path_factory.mktemp("monotone")
    store = open_store(str(scratch / "store"))
    table = publish_table(store, rows=3000)
    booster = train(table, SPLIT, TRAINING, store, scratch).uri
    calibrator = calibrate(table, booster, SPLIT, Calibration(), store, scratch)
    return Subject.open(table, booster, calibrator, SPLIT, scratch)


def declaring(subject: Subject, **directions: str | None) -> Subject:
    """The same model, of whose features other directions are declared."""
    features = json.loads(json.dumps(subject.scorer.encoding.features))
    for feature in features:
        feature["monotone"] = directions.get(feature["name"], feature["monotone"])
    scorer = Scorer(subject.scorer._booster.model_to_string(), features, subject.scorer.calibrator.as_json())
    return dataclasses.replace(subject, scorer=scorer)


def test_a_direction_that_holds_is_told_with_its_effect(subject: Subject) -> None:
    (found,) = check_monotone(subject)
    assert (found.feature, found.direction) == ("number_0", "increasing")
    assert found.values == len(subject.scorer.thresholds(0)) + 1 > 10
    assert found.rows == 500
    assert found.effect > 1
    assert evidence_of(subject, Evaluation(bootstrap=Bootstrap(resamples=50))).monotone == (found,)


def test_steps_between_thresholds_are_all_there_are(subject: Subject) -> None:
    """What the check relies on: a fine grid has no more values of the score than its own."""
    row = subject.scorer.encoding.matrix(subject.test.slice(0, 1))
    everywhere = np.sort(np.concatenate([np.linspace(-4, 4, 20_001), subject.scorer.thresholds(0)]))
    fine = set(monotone._varied(subject, row, 0, everywhere)[0])
    assert fine == set(monotone._varied(subject, row, 0, monotone._grid(subject.scorer.thresholds(0)))[0])


@pytest.mark.parametrize(("name", "direction"), [("number_1", "increasing"), ("number_0", "decreasing")])
def test_a_model_that_breaks_a_direction_is_refused_with_the_values(
    subject: Subject, name: str, direction: str
) -> None:
    planted = declaring(subject, **{name: direction})
    with pytest.raises(
        IntegrityFault, match=rf"feature '{name}' is declared {direction}, .*raising it from (.*) to (.*) c"
    ):
        evidence_of(planted, Evaluation(bootstrap=Bootstrap(resamples=50)))


def test_one_leaf_that_was_changed_is_found(subject: Subject) -> None:
    """A single step in the wrong direction, in one tree of forty."""
    text = subject.scorer._booster.model_to_string()
    head, first, rest = text.partition("leaf_value=")
    values, end, tail = rest.partition("\n")
    lowest = min(float(value) for value in values.split())
    leaves = [value if float(value) > lowest else repr(lowest + 3) for value in values.split()]
    broken = f"{head}{first}{' '.join(leaves)}{end}{tail}"
    broken = "\n".join(line for line in broken.split("\n") if not line.startswith("tree_sizes"))
    scorer = Scorer(broken, list(subject.scorer.encoding.features), subject.scorer.calibrator.as_json())
    with pytest.raises(IntegrityFault, match="feature 'number_0' is declared increasing"):
        check_monotone(dataclasses.replace(subject, scorer=scorer))


def test_a_feature_that_no_tree_splits_has_no_steps(subject: Subject, tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    table = publish_table(store, rows=400)
    booster = train(table, SPLIT, Training(rounds=1, parameters=Parameters(num_leaves=2)), store, tmp_path).uri
    calibrator = calibrate(table, booster, SPLIT, Calibration(method="none"), store, tmp_path)
    unused = Subject.open(table, booster, calibrator, SPLIT, tmp_path)
    quiet = next(
        name for place, name in enumerate(unused.scorer.feature_names) if not len(unused.scorer.thresholds(place))
    )
    found = {one.feature: one for one in check_monotone(declaring(unused, **{quiet: "decreasing"}))}
    assert (found[quiet].values, found[quiet].effect) == (1, 0)


def test_few_rows_are_looked_at_where_there_are_many_steps(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monotone, "SCORES", 1000)
    monkeypatch.setattr(monotone, "_CELLS", 100)
    (found,) = check_monotone(subject)
    assert found.rows == max(20, 1000 // found.values)
