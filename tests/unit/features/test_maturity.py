"""From the sources to the split: an event that has not come yet is no outcome, whatever the split and the cut-off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.learning import Split
from loanwright.data.ingestion import ingest
from loanwright.errors import DataError
from loanwright.features.build import build_training_table
from loanwright.features.table import TrainingTable
from loanwright.storage import open_store

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 200
"""One decision a day; every second one defaults 20 days later, and labels are final after 30."""
DATA: dict[str, Any] = {
    "unit": {"name": "loan", "source": "loans", "key": "id"},
    "decision_time": {"column": "at"},
    "label": {
        "name": "default",
        "event": {"source": "defaults", "key": "loan", "within": "30d"},
        "matures_after": "30d",
    },
    "sources": [
        {
            "name": "loans",
            "uri": "loans.csv",
            "key": ["id"],
            "event_time": "at",
            "columns": [
                {"name": "id", "type": "integer"},
                {"name": "at", "type": "time"},
                {"name": "amount", "type": "integer"},
                {"name": "bad", "type": "boolean", "barred": True},
            ],
        },
        {
            "name": "defaults",
            "uri": "defaults.csv",
            "key": ["loan"],
            "event_time": "at",
            "columns": [{"name": "loan", "type": "integer"}, {"name": "at", "type": "time"}],
        },
    ],
}
FEATURES = Features.model_validate(
    {
        "groups": [
            {
                "source": "loans",
                "key": "id",
                "features": [{"name": "amount", "aggregate": "value", "column": "amount"}],
            }
        ]
    }
)
SPLITS = {
    "hash": {"method": "hash", "fractions": {"train": 0.6, "calibration": 0.2, "test": 0.2}},
    "time": {
        "method": "time",
        "calibration_from": "2025-03-01",
        "test_from": "2025-04-15",
        "until": "2026-01-01",
    },
}


def table(folder: Path, cutoff: datetime | None, **changes: Any) -> TrainingTable:
    days = [START + timedelta(days=day) for day in range(DAYS)]
    loans = [f"{number},{at:%Y-%m-%d},{number % 7},{number % 2}" for number, at in enumerate(days)]
    defaults = [f"{number},{at + timedelta(days=20):%Y-%m-%d}" for number, at in enumerate(days) if number % 2]
    (folder / "loans.csv").write_text("\n".join(["id,at,amount,bad", *loans]) + "\n")
    (folder / "defaults.csv").write_text("\n".join(["loan,at", *defaults]) + "\n")
    data = Data.model_validate(DATA | changes)
    store = open_store(str(folder / "store"))
    addresses = {source.name: str(folder / source.uri) for source in data.sources}
    now = START + timedelta(days=400)
    snapshot = ingest(data, store, cutoff=cutoff, overrides=addresses, cache=folder, now=now).uri
    return TrainingTable.open(build_training_table(snapshot, data, FEATURES, store, folder / "scratch"), folder)


@pytest.mark.parametrize("rule", SPLITS.values(), ids=SPLITS.keys())
@pytest.mark.parametrize("ends", [150, None], ids=["cut off", "whole"])
def test_only_decisions_with_a_final_label_have_a_part(rule: dict[str, Any], ends: int | None, tmp_path: Path) -> None:
    made = table(tmp_path, None if ends is None else START + timedelta(days=ends))
    end = ends or DAYS - 1 + 20  # the newest row is the last loan's default
    days = (made.keys().decision_time - np.datetime64(START.replace(tzinfo=None))) // np.timedelta64(1, "D")
    truth = days % 2
    label, part = made.keys().label, made.part(Split.model_validate(rule))
    assert (label != truth).any() == (ends is not None), "cut off, defaults are missing"
    assert (label[part >= 0] == truth[part >= 0]).all(), "and are never learned or tested as none"
    assert (part[days + 30 > end] == -1).all()
    assert days[part == 2].max() > end - 30 - 10
    assert set(part.tolist()) == {-1, 0, 1, 2}


def test_a_cut_off_before_any_label_is_final_leaves_nothing(tmp_path: Path) -> None:
    made = table(tmp_path, START + timedelta(days=25))
    with pytest.raises(DataError, match="the data ends at 2025-01-26T00:00:00Z, before the label of any decision"):
        made.part(Split.model_validate(SPLITS["hash"]))


def test_decisions_of_one_constant_moment_all_count(tmp_path: Path) -> None:
    made = table(
        tmp_path,
        None,
        decision_time={"constant": "2025-07-01"},
        label={"name": "default", "column": "bad", "positive": True, "matures_after": "300d"},
    )
    assert (made.part(Split.model_validate(SPLITS["hash"])) >= 0).all()
