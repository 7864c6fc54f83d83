"""What one would otherwise train with, run in a throw-away environment that has it all.

    python training_rivals.py {pandas|xgboost|sklearn} TRAIN TEST ROUNDS THREADS

TRAIN and TEST are folders of parquet files. Each prints what reading, binning and training cost, and the AUC on TEST,
which is scored after the clock has stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clock import measured

LEAVES, RATE, BINS, LEAST_HESSIAN = 63, 0.1, 255, 10.0
RISING = "number_0"
"""The feature that is declared to raise the risk, and may only do so in the model."""
Scores = Callable[[Any], Any]


def pandas_lightgbm(folder: Path, rounds: int, threads: int) -> Scores:
    """The usual path: a DataFrame, LightGBM's own Dataset of it, `lgb.train`."""
    import lightgbm as lgb

    features, label = _read(folder)
    parameters = {
        "objective": "binary",
        "num_leaves": LEAVES,
        "learning_rate": RATE,
        "max_bin": BINS,
        "min_data_in_leaf": 0,
        "min_sum_hessian_in_leaf": LEAST_HESSIAN,
        "monotone_constraints": [int(name == RISING) for name in features.columns],
        "num_threads": threads,
        "verbosity": -1,
    }
    booster = lgb.train(parameters, lgb.Dataset(features, label), rounds)
    return booster.predict


def xgboost_hist(folder: Path, rounds: int, threads: int) -> Scores:
    """XGBoost's histogram method over a quantile matrix, leaf by leaf as LightGBM grows."""
    import xgboost as xgb

    features, label = _read(folder)
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": LEAVES,
        "max_depth": 0,
        "eta": RATE,
        "max_bin": BINS,
        "min_child_weight": LEAST_HESSIAN,
        "lambda": 0.0,
        "monotone_constraints": {RISING: 1},
        "nthread": threads,
    }
    data = xgb.QuantileDMatrix(features, label, enable_categorical=True, max_bin=BINS, nthread=threads)
    booster = xgb.train(parameters, data, rounds)
    return lambda rows: booster.predict(xgb.DMatrix(rows, enable_categorical=True))


def sklearn_histogram(folder: Path, rounds: int, threads: int) -> Scores:
    """scikit-learn's histogram boosting; its threads come from the environment."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    features, label = _read(folder)
    model = HistGradientBoostingClassifier(
        max_iter=rounds,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        max_bins=BINS,
        min_samples_leaf=20,
        categorical_features="from_dtype",
        monotonic_cst={RISING: 1},
        early_stopping=False,
    ).fit(features, label)
    return lambda rows: model.predict_proba(rows)[:, 1]


def _read(folder: Path) -> tuple[Any, Any]:
    import pandas as pd

    frame = pd.read_parquet(folder)
    label = frame.pop("label")
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
    return frame, label


CONTENDERS = {"pandas": pandas_lightgbm, "xgboost": xgboost_hist, "sklearn": sklearn_histogram}

if __name__ == "__main__":
    import lightgbm  # noqa: F401 — imported before the clock starts, like the others
    import pandas  # noqa: F401
    import xgboost  # noqa: F401
    from sklearn.metrics import roc_auc_score

    trained: list[Scores] = []
    train, test, rounds, threads = Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])

    def auc() -> dict[str, float]:
        rows, label = _read(test)
        return {"auc": float(roc_auc_score(label, trained[0](rows)))}

    measured(lambda: trained.append(CONTENDERS[sys.argv[1]](train, rounds, threads)), auc)
