"""One booster on the chosen rows: the same bytes every time, stopped and constrained as declared."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest

from loanwright.config.learning import EarlyStopping, Parameters, Training
from loanwright.errors import DataError, DeclarationError, EnvironmentFault
from loanwright.features.table import TrainingTable
from loanwright.training import bins, peers, resources
from loanwright.training.fitting import Fitted, fit
from loanwright.training.scorer import Scorer
from tests.builders.tables import VALUES

Metric = Literal["auc", "average_precision", "binary_logloss"]
ROWS = 3000
STOPPING = EarlyStopping(patience=5)
SAMPLED = Parameters(bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.7, learning_rate=0.2)


def fitted(table: TrainingTable, training: Training, threads: int = 1, *, held: bool = True) -> Fitted:
    keys = table.keys()
    out = keys.unit_hash % 5 == 0
    return fit(table, ~out, out if held else None, keys.label, training, threads)


@pytest.mark.parametrize("metric", ["auc", "average_precision", "binary_logloss"])
def test_neither_threads_nor_repetition_nor_row_groups_change_a_byte(make_table: Any, metric: Metric) -> None:
    training = Training(rounds=12, early_stopping=EarlyStopping(patience=12, metric=metric), parameters=SAMPLED)
    table = make_table(rows=ROWS, features=8, categories=2)
    first = fitted(table, training, threads=1)
    assert fitted(table, training, threads=1) == first
    assert fitted(table, training, threads=2) == first


def test_the_layout_of_files_and_row_groups_changes_nothing(make_table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bins, "SAMPLE_ROWS", 500)
    training = Training(rounds=5, parameters=SAMPLED)
    whole = make_table(rows=ROWS)
    everything = whole.read(np.ones(ROWS, dtype=np.bool_))
    first = fitted(whole, training)

    class Dealt(TrainingTable):
        """The same rows in row groups of 70."""

        def __init__(self) -> None:
            self.manifest, self.features, self.rows = whole.manifest, whole.features, whole.rows

        @property
        def bounds(self) -> list[int]:
            return [*range(0, ROWS, 70), ROWS]

        def read_group(self, number: int, columns: Any = None) -> pa.Table:
            return everything.slice(70 * number, 70).select(columns or everything.column_names)

        def row_groups(self, columns: Any = None) -> Any:
            return ((start, self.read_group(number, columns)) for number, start in enumerate(self.bounds[:-1]))

    assert fitted(Dealt(), training) == first


def test_another_seed_gives_another_booster(make_table: Any) -> None:
    table = make_table(rows=ROWS)
    one, two = (fitted(table, Training(rounds=3, seed=seed, parameters=SAMPLED)) for seed in (0, 1))
    assert one.model_text.split("\nparameters:")[0] != two.model_text.split("\nparameters:")[0]


def test_stopping_stops_and_cuts_to_the_best_round(make_table: Any) -> None:
    table = make_table(rows=ROWS)
    training = Training(rounds=500, early_stopping=STOPPING, parameters=Parameters(learning_rate=0.3))
    got = fitted(table, training)
    best = int(np.argmax(got.validation)) + 1
    assert len(got.validation) == best + STOPPING.patience < 500
    assert got.rounds == best
    assert got.model_text.count("\nTree=") == best
    assert got.metric == "auc"


def test_the_best_round_counts_also_when_the_rounds_run_out(make_table: Any) -> None:
    table = make_table(rows=ROWS)
    training = Training(rounds=40, early_stopping=EarlyStopping(patience=39), parameters=Parameters(learning_rate=0.5))
    got = fitted(table, training)
    assert len(got.validation) == 40
    assert got.rounds == int(np.argmax(got.validation)) + 1 < 40


def test_the_logged_metric_is_that_of_the_held_rows(make_table: Any) -> None:
    from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

    table = make_table(rows=ROWS)
    keys = table.keys()
    held = keys.unit_hash % 5 == 0
    rows, label = table.read(held), keys.label[held]
    measures: dict[Metric, Any] = {
        "auc": roc_auc_score,
        "average_precision": average_precision_score,
        "binary_logloss": log_loss,
    }
    for metric, right in measures.items():
        training = Training(rounds=4, early_stopping=EarlyStopping(patience=4, metric=metric))
        got = fitted(table, training)
        scorer = Scorer(got.model_text, got.features)
        assert got.validation[got.rounds - 1] == pytest.approx(right(label, scorer.raw(rows)), abs=1e-6), metric


def test_without_stopping_every_round_is_kept(make_table: Any) -> None:
    got = fitted(make_table(rows=ROWS), Training(rounds=7), held=False)
    assert (got.rounds, got.metric, got.validation) == (7, "", [])
    assert got.model_text.count("\nTree=") == 7


@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
def test_a_declared_direction_holds_on_a_grid(make_table: Any, direction: str) -> None:
    table = make_table(rows=ROWS)
    # The data's own direction of number_1 is downwards, of number_0 upwards.
    table.features[1]["monotone"] = direction
    free = make_table(rows=ROWS)
    parameters = Parameters(learning_rate=0.3, min_data_in_leaf=5)
    grid = np.linspace(-4, 4, 161)
    rng = np.random.default_rng(1)

    def steps(of: TrainingTable) -> Any:
        got = fitted(of, Training(rounds=60, parameters=parameters), held=False)
        scorer = Scorer(got.model_text, got.features)
        lines = []
        for _ in range(20):
            rest = rng.normal(size=6)
            columns: dict[str, Any] = {f"number_{i}": np.full(grid.size, rest[i]) for i in range(5)}
            columns |= {"number_1": grid, "purpose_0": ["car"] * grid.size}
            lines.append(np.diff(scorer.margins(pa.table(columns))))
        return np.array(lines)

    sign = 1 if direction == "increasing" else -1
    assert (sign * steps(table) >= 0).all()
    assert (sign * steps(free) < 0).any()


def test_an_unseen_category_scores_as_a_missing_one(make_table: Any) -> None:
    got = fitted(make_table(rows=ROWS), Training(rounds=20), held=False)
    purposes = ["yacht", None, *VALUES]
    columns: dict[str, Any] = {f"number_{i}": [0.1] * len(purposes) for i in range(5)}
    unseen, missing, *seen = Scorer(got.model_text, got.features).margins(pa.table(columns | {"purpose_0": purposes}))
    assert unseen == missing
    assert len(set(seen)) > 1


def test_progress_is_logged(make_table: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10_000, 3))
    monkeypatch.setattr(peers, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    with caplog.at_level(logging.INFO, "loanwright"):
        fitted(make_table(rows=ROWS), Training(rounds=3, early_stopping=STOPPING))
    assert caplog.messages[0] == "reading 3,000 rows of 6 features"
    assert caplog.messages[1].startswith("round 1 of 3, auc 0.")


class TestRefusals:
    def test_no_rows(self, make_table: Any) -> None:
        table = make_table(rows=100)
        with pytest.raises(DataError, match="there are no rows to train on"):
            fit(table, np.zeros(100, dtype=np.bool_), None, table.keys().label, Training(rounds=1))

    @pytest.mark.parametrize("outcome", [0, 1])
    def test_one_outcome(self, make_table: Any, outcome: int) -> None:
        table = make_table(rows=100, label=outcome)
        with pytest.raises(DataError, match=f"all 100 rows to train on have the outcome {outcome}"):
            fit(table, np.ones(100, dtype=np.bool_), None, table.keys().label, Training(rounds=1))

    def test_one_outcome_among_the_held_rows(self, make_table: Any) -> None:
        table = make_table(rows=200)
        label = table.keys().label
        held = np.zeros(200, dtype=np.bool_)
        held[np.flatnonzero(label == 0)[:20]] = True
        with pytest.raises(DataError, match="all 20 rows held out for early stopping have the outcome 0"):
            fit(table, ~held, held, label, Training(rounds=1, early_stopping=STOPPING))

    def test_constant_features(self, make_table: Any) -> None:
        table = make_table(rows=200, features=2, categories=2, missing=1.0)
        with pytest.raises(DataError, match="none of the 2 features takes more than one value in the 200 rows"):
            fit(table, np.ones(200, dtype=np.bool_), None, table.keys().label, Training(rounds=1))

    def test_nothing_to_split(self, make_table: Any) -> None:
        table = make_table(rows=200)
        training = Training(rounds=3, parameters=Parameters(min_data_in_leaf=150))
        with pytest.raises(DataError, match="no split of any feature improves the prediction of the 200 rows"):
            fit(table, np.ones(200, dtype=np.bool_), None, table.keys().label, training)

    def test_what_lightgbm_refuses(self, make_table: Any) -> None:
        training = Training(rounds=1, parameters=Parameters(min_data_per_group=10**12))
        with pytest.raises(DeclarationError) as caught:
            fitted(make_table(rows=200), training)
        assert str(caught.value) == (
            "LightGBM refuses the declared training: Check failed: (min_data_per_group) > (0). "
            "Change training.parameters"
        )

    def test_more_than_memory_holds(self, make_table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resources, "available_memory", lambda: 10_000)
        table = make_table(rows=500)
        read: list[int] = []
        monkeypatch.setattr(TrainingTable, "read_group", lambda *_: read.append(1))
        label = np.arange(500, dtype=np.int8) % 2
        with pytest.raises(EnvironmentFault, match="training on 500 rows and 6 features needs about"):
            fit(table, np.ones(500, dtype=np.bool_), None, label, Training(rounds=1))
        assert not read
