"""The rows of `training_speed`: a made-up training table for us, and its train rows as plain parquet for others."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.config.learning import Fractions, Split
from loanwright.data.split import TRAIN
from loanwright.features.table import TrainingTable
from loanwright.storage import open_store

sys.path.insert(0, str(Path(__file__).parents[2]))

FEATURES, CATEGORIES = 40, 2
SPLIT = Split(method="hash", fractions=Fractions(train=0.98, calibration=0.01, test=0.01))


@dataclass(frozen=True)
class Data:
    """Where the rows lie."""

    store: Path
    table: str
    """The manifest's URI."""
    train: Path
    """A folder of parquet: label and features of the rows that the split trains on, in the table's order."""
    test: Path
    """Other rows, of the same making."""
    rows: int
    """That are trained on."""

    @property
    def raw(self) -> float:
        """MiB of the rows that are trained on, as a float32 matrix."""
        return self.rows * FEATURES * 4 / (1 << 20)


def make(folder: Path, rows: int) -> Data:
    """Makes them up."""
    from tests.builders.tables import publish_table

    store = open_store(str(folder / "store"))
    uri = publish_table(store, rows=rows, features=FEATURES, categories=CATEGORIES)
    trained = _copy(TrainingTable.open(uri, folder / "scratch"), folder / "train", SPLIT)
    others = publish_table(store, rows=100_000, features=FEATURES, categories=CATEGORIES, seed=1)
    _copy(TrainingTable.open(others, folder / "scratch"), folder / "test", None)
    return Data(folder / "store", uri, folder / "train", folder / "test", trained)


def _copy(table: TrainingTable, folder: Path, split: Split | None) -> int:
    folder.mkdir(parents=True)
    names = ["label", *table.feature_names]
    part = table.part(split) if split else None
    written = 0
    with pq.ParquetWriter(folder / "rows.parquet", _schema(table, names), compression="zstd") as writer:
        for number, (start, end) in enumerate(pairwise(table.bounds)):
            group = table.read_group(number, names)
            if part is not None:
                group = group.filter(pa.array(part[start:end] == TRAIN))
            written += group.num_rows
            writer.write_table(group, row_group_size=65_536)
    return written


def _schema(table: TrainingTable, names: list[str]) -> pa.Schema:
    return table.read_group(0, names).schema
