"""Bins are found once, on rows that are drawn by what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanwright.config.learning import Training
from loanwright.features.table import TrainingTable
from loanwright.training import bins
from loanwright.training.bins import find_bins, load_bins, save_bins
from loanwright.training.dataset import ChosenRows
from loanwright.training.encoding import Encoding
from loanwright.training.parameters import lightgbm_parameters
from tests.builders.tables import rearranged

ROWS = 2000


def found(table: TrainingTable) -> tuple[Any, Encoding, Any]:
    rows = np.ones(table.rows, dtype=np.bool_)
    encoding = Encoding.learn(table, rows)
    parameters = lightgbm_parameters(Training(rounds=1), encoding.features, 1)
    return find_bins(table, encoding, rows, table.keys().unit_hash, parameters), encoding, parameters


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bins, "SAMPLE_ROWS", 300)


def test_the_order_of_rows_and_files_does_not_change_a_byte(make_table: Any, tmp_path: Path) -> None:
    table = make_table(rows=ROWS, features=5, categories=2)
    backwards = rearranged(table, np.arange(ROWS)[::-1], tmp_path, rows_per_file=700)
    for name, one in (("one", table), ("other", backwards)):
        save_bins(found(one)[0], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_file_of_bins_bins_as_they_do_and_holds_hardly_any_rows(make_table: Any, tmp_path: Path) -> None:
    table = make_table(rows=ROWS, features=5, categories=2)
    original, encoding, parameters = found(table)
    save_bins(original, tmp_path / "bins")
    loaded = load_bins(tmp_path / "bins", parameters)
    assert loaded.num_data() == 10
    assert [loaded.feature_num_bin(place) for place in range(5)] == [
        original.feature_num_bin(place) for place in range(5)
    ]
    binned = []
    for number, reference in enumerate((original, loaded)):
        rows = ChosenRows(table, encoding, np.ones(ROWS, dtype=np.bool_))
        data = rows.binned(reference, table.keys().label)
        data.save_binary(str(tmp_path / f"binned-{number}"))
        binned.append((tmp_path / f"binned-{number}").read_bytes())
    assert binned[0] == binned[1]


def test_another_sample_gives_other_bins(make_table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = make_table(rows=ROWS)
    save_bins(found(table)[0], tmp_path / "few")
    monkeypatch.setattr(bins, "SAMPLE_ROWS", ROWS)
    save_bins(found(table)[0], tmp_path / "all")
    assert (tmp_path / "few").read_bytes() != (tmp_path / "all").read_bytes()
