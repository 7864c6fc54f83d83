"""Five-fold results on the public sets, beside reference figures (goal: AUC no more than .002 below).

    .venv/bin/python tests/benchmarks/reference.py [--sets taiwan give_me_some_credit pakdd2009]

Everything goes through the library: the public table is ingested under a contract, features are compiled
and built, boosters fitted with rows held out for early stopping, metrics calculated. Each set is measured
three times: on all its columns as they come, on all but the protected ones, and on the features that the
shipped model declares. Folds are dealt by the unit's hash. The first two are trained with one setting for
all sets, chosen beforehand and never by a fold's test rows; the third as its model declares.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.learning import EarlyStopping, Parameters, Training
from loanwright.config.reading import read_declaration
from loanwright.data.ingestion import ingest
from loanwright.data.public import read_public
from loanwright.evaluation.metrics import calculate
from loanwright.evaluation.ranking import rank
from loanwright.features.build import build_training_table
from loanwright.features.table import TrainingTable
from loanwright.runtime.settings import Settings
from loanwright.storage import open_store
from loanwright.training.calibrators import logistic
from loanwright.training.fitting import fit
from loanwright.training.scorer import Scorer

FOLDS = 5
METRICS = ("auc", "ks", "brier")
MARGIN = 0.002
TRAINING = Training(
    rounds=3000,
    early_stopping=EarlyStopping(patience=100, fraction=0.1, metric="binary_logloss"),
    parameters=Parameters(
        learning_rate=0.02,
        num_leaves=15,
        min_data_in_leaf=50,
        feature_fraction=0.5,
        bagging_fraction=0.8,
        bagging_freq=1,
        lambda_l2=5.0,
    ),
)
_STATEMENT_COLUMNS = ("delay_months", "bill", "paid")
_TYPES = {"int64": "integer", "double": "number", "string": "category", "timestamp[us, tz=UTC]": "time"}


@dataclass(frozen=True)
class ReferenceSet:
    """A public set: its unit table, what it is about, and the figures to compare with."""

    model: str
    unit: str
    key: str
    label: str
    figures: dict[str, float]
    protected: tuple[str, ...] = ()
    events: str | None = None


SETS = {
    "taiwan": ReferenceSet(
        "credit_default",
        "clients",
        "client_id",
        "default_next_month",
        {"auc": 0.784, "ks": 0.433, "brier": 0.1335},
        ("sex", "marital_status"),
        "statements",
    ),
    "give_me_some_credit": ReferenceSet(
        "delinquency", "applicants", "applicant_id", "serious_delinquency_2y", {"auc": 0.866, "ks": 0.576}
    ),
    "pakdd2009": ReferenceSet(
        "private_label",
        "applications",
        "application_id",
        "bad",
        {"auc": 0.678, "ks": 0.252},
        ("sex", "marital_status"),
    ),
}


def raw_sections(name: str, about: ReferenceSet, cache: Path, *, protected: bool) -> tuple[Data, Features]:
    """Declarations of a set as it comes: every column a feature, statements one feature for each month."""
    sources = [_source(f"public://{name}/{about.unit}", about.unit, [about.key], cache)]
    barred = {about.key, about.label} | (set() if protected else set(about.protected))
    values = [
        {"name": c["name"], "aggregate": "value", "column": c["name"], "type": _feature_type(c["type"])}
        for c in sources[0]["columns"]
        if c["name"] not in barred
    ]
    groups = [{"source": about.unit, "key": about.key, "features": values}]
    if about.events:
        events = _source(f"public://{name}/{about.events}", about.events, [about.key, "month"], cache)
        sources.append(events | {"event_time": "statement_date"})
        months = [
            {"name": f"{column}_{month}", "aggregate": "last", "column": column, "filter": f"month = {month}"}
            for column in _STATEMENT_COLUMNS
            for month in range(4, 10)
        ]
        groups.append({"source": about.events, "key": about.key, "features": months})
    data = {
        "unit": {"name": "unit", "source": about.unit, "key": about.key},
        "decision_time": {"constant": datetime(2005, 10, 1, tzinfo=UTC)},
        "label": {"name": "outcome", "column": about.label, "matures_after": "30d"},
        "sources": sources,
    }
    return Data.model_validate(data), Features.model_validate({"groups": groups})


def _source(uri: str, name: str, key: list[str], cache: Path) -> dict[str, Any]:
    columns = [
        {"name": field.name, "type": _TYPES[str(field.type)], "nullable": field.name not in key}
        for field in read_public(uri, cache).schema
    ]
    return {"name": name, "uri": uri, "key": key, "columns": columns}


def _feature_type(column_type: str) -> str:
    return "category" if column_type == "category" else "number"


def measure(data: Data, features: Features, training: Training, cache: Path, folder: Path) -> dict[str, Any]:
    """Mean of each metric over the folds, the standard deviation of AUC, and what it took."""
    began = time.monotonic()
    store = open_store(str(folder / "store"))
    snapshot = ingest(data, store, cutoff=None, overrides={}, cache=cache, now=datetime.now(UTC)).uri
    table = TrainingTable.open(build_training_table(snapshot, data, features, store, folder), folder)
    keys = table.keys()
    fold = keys.unit_hash % np.uint64(FOLDS)
    # Another part of the hash, so that the held rows are as many in every fold.
    share = training.early_stopping.fraction if training.early_stopping else 0.0
    aside = (keys.unit_hash >> np.uint64(20)) % np.uint64(1000) < 1000 * share
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    rounds = []
    for number in range(FOLDS):
        test = fold == number
        held = ~test & aside
        fitted = fit(table, ~test & ~held, held if held.any() else None, keys.label, training)
        scores = logistic(Scorer(fitted.model_text, fitted.features).margins_of(table, test))
        values = calculate(rank(scores, keys.label[test]), np.ones((1, scores.size)), METRICS)
        for name in METRICS:
            found[name].append(float(values[name][0]))
        rounds.append(fitted.rounds)
    return {name: float(np.mean(found[name])) for name in METRICS} | {
        "features": len(table.features),
        "deviation": float(np.std(found["auc"])),
        "rounds": int(np.mean(rounds)),
        "seconds": time.monotonic() - began,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=list(SETS))
    options = parser.parse_args()
    logging.getLogger("loanwright").setLevel(logging.ERROR)
    settings = Settings.read()
    cache = settings.state / "data"
    print(
        f"{'set':<20} {'columns':<14} {'features':>8}  {'AUC (diff)':<24} {'KS (diff)':<16} {'Brier (diff)':<17} "
        f"{'rounds':>6} {'s':>4}"
    )
    below = []
    for name in options.sets:
        about = SETS[name]
        declared = read_declaration(settings.pipelines / about.model / "model.yaml")
        variants = {
            "all": (*raw_sections(name, about, cache, protected=True), TRAINING),
            "not protected": (*raw_sections(name, about, cache, protected=False), TRAINING),
            "declared": (declared.data, declared.features, declared.training),
        }
        for variant, sections in variants.items():
            if variant == "not protected" and not about.protected:
                continue
            with tempfile.TemporaryDirectory() as folder:
                got = measure(*sections, cache, Path(folder))
            cells = {metric: _beside(got[metric], about.figures.get(metric)) for metric in METRICS}
            cells["auc"] += f" ±{got['deviation']:.4f}"
            print(
                f"{name:<20} {variant:<14} {got['features']:>8}  {cells['auc']:<24} "
                f"{cells['ks']:<16} {cells['brier']:<17} {got['rounds']:>6} {got['seconds']:>4.0f}",
                flush=True,
            )
            if variant == "all" and got["auc"] < about.figures["auc"] - MARGIN:
                below.append(name)
    print("± is the standard deviation over the folds; diff is to the reference figure.")
    if below:
        print(f"More than {MARGIN} below the reference on all columns: {', '.join(below)}")
    return 1 if below else 0


def _beside(value: float, figure: float | None) -> str:
    return f"{value:.4f}" if figure is None else f"{value:.4f} ({value - figure:+.4f})"


if __name__ == "__main__":
    sys.exit(main())
