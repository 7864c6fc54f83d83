"""Row weights: by outcome and by age, the same for a row wherever it lies."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from loanwright.config.learning import Training
from loanwright.training.fitting import fit
from loanwright.training.scorer import Scorer
from loanwright.training.weights import GRID, WeightFacts, row_weights

DAY = np.timedelta64(1, "D")
LABEL = np.array([0, 1, 0, 0, 1, 0, 0, 0], dtype=np.int8)
TIME = np.datetime64("2025-06-30T00:00:00", "us") - np.array([0, 30, 60, 90, 15, 365, 36_500, 1]) * DAY
FACTS = WeightFacts.of(LABEL, TIME)


def declared(**weights: str) -> Training:
    return Training.model_validate({"rounds": 1, "weights": weights})


DAYS_30 = declared(half_life="30d")


def test_without_a_declaration_every_row_counts_alike() -> None:
    assert row_weights(declared(), FACTS, LABEL, TIME) is None


def test_balanced_classes_count_as_much_in_all() -> None:
    weights = row_weights(declared(classes="balanced"), FACTS, LABEL, TIME)
    assert weights is not None
    assert weights[LABEL == 1].sum() == pytest.approx(4, abs=8 / GRID)
    assert weights[LABEL == 0].sum() == pytest.approx(4, abs=8 / GRID)


def test_a_half_life_halves() -> None:
    weights = row_weights(DAYS_30, FACTS, LABEL, TIME)
    assert weights is not None
    assert weights.dtype == np.float32
    assert weights[:4].tolist() == [1, 0.5, 0.25, 0.125]
    assert weights[4] == pytest.approx(2**-0.5, abs=1 / GRID)
    assert weights[6] == 1 / GRID, "what is a century old still is a row"


def test_both_multiply() -> None:
    both = row_weights(declared(half_life="30d", classes="balanced"), FACTS, LABEL, TIME)
    assert both is not None
    assert both[0] == pytest.approx(8 / 12, abs=1 / GRID)
    assert both[1] == pytest.approx(8 / 4 / 2, abs=1 / GRID)


def test_a_row_weighs_the_same_wherever_it_lies() -> None:
    both = declared(half_life="17d", classes="balanced")
    whole = row_weights(both, FACTS, LABEL, TIME)
    order = np.random.default_rng(0).permutation(8)
    told = WeightFacts(**json.loads(json.dumps(asdict(FACTS))))
    dealt = [row_weights(both, told, LABEL[part], TIME[part]) for part in (order[:3], order[3:])]
    assert whole is not None
    assert np.array_equal(np.concatenate([part for part in dealt if part is not None]), whole[order])


def test_weights_are_on_the_grid() -> None:
    weights = row_weights(DAYS_30, FACTS, LABEL, TIME)
    assert weights is not None
    scaled = weights.astype(np.float64) * GRID
    assert np.array_equal(scaled, np.rint(scaled))


def test_one_of_the_outcomes_may_weigh_more() -> None:
    training = Training.model_validate({"rounds": 1, "parameters": {"scale_pos_weight": 3.5}})
    weights = row_weights(training, FACTS, LABEL, TIME)
    assert weights is not None
    assert np.array_equal(weights, np.where(LABEL > 0, 3.5, 1.0))


def test_outcomes_are_weighed_once() -> None:
    with pytest.raises(ValueError, match="both weigh the outcomes: give one of them"):
        Training.model_validate(
            {"rounds": 1, "weights": {"classes": "balanced"}, "parameters": {"scale_pos_weight": 2.0}}
        )


def _trained(weights: dict[str, str], **more: Any) -> Training:
    settings = {"learning_rate": 0.2, "num_leaves": 7}
    return Training.model_validate({"rounds": 30, "weights": weights, "parameters": settings, **more})


def test_a_model_follows_the_newest_decisions_where_age_counts(make_table: Any) -> None:
    table = make_table(rows=4000, days=720)
    keys = table.keys()
    every = np.ones(4000, dtype=np.bool_)
    old = keys.decision_time < np.datetime64("2025-07-01")
    label = np.where(old, 1 - keys.label, keys.label).astype(np.int8)  # what raised the risk once lowers it now
    rows = table.read(every)
    aucs = []
    for weights in ({}, {"half_life": "60d"}):
        made = fit(table, every, None, label, _trained(weights), 1)
        margins = Scorer(made.model_text, made.features).margins(rows)
        aucs.append(roc_auc_score(label[~old], margins[~old]))
    assert aucs[0] < 0.6
    assert aucs[1] > 0.7


def test_balanced_outcomes_move_the_scores_and_not_what_stops_the_training(make_table: Any) -> None:
    table = make_table(rows=4000)
    keys = table.keys()
    held = keys.unit_hash % 4 == 0
    stopping = {"patience": 30, "metric": "binary_logloss"}
    made = fit(table, ~held, held, keys.label, _trained({"classes": "balanced"}, early_stopping=stopping), 1)
    scorer = Scorer(made.model_text, made.features)
    fitted_on, kept_out = (scorer.raw(table.read(rows)) for rows in (~held, held))
    assert keys.label.mean() < 0.3
    assert fitted_on.mean() == pytest.approx(0.5, abs=0.12)
    measured = made.validation[made.rounds - 1]
    assert measured == pytest.approx(log_loss(keys.label[held], kept_out), rel=1e-6)
