"""What is measured: a model with the table it was trained on, and how that table is split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loanwright.config.judgement import MONTH
from loanwright.config.learning import Split
from loanwright.data.split import TEST, TRAIN
from loanwright.errors import DataError, IntegrityFault
from loanwright.evaluation import stability
from loanwright.evaluation.ranking import Floats
from loanwright.evaluation.sampling import sample
from loanwright.features.table import Keys, TrainingTable
from loanwright.storage import read_manifest
from loanwright.training.scorer import Scorer

REFERENCE_ROWS = 100_000
"""Rows of the train part that the reference distributions are made from."""


@dataclass(frozen=True)
class Subject:
    """A model, its training table and the split; everything is read and scored once, when first asked for."""

    table: TrainingTable
    scorer: Scorer
    split: Split
    keys: Keys
    part: NDArray[np.int8]
    inexact_workers: int | None = None
    """How many workers trained the model, where another number of them might have made another one."""

    @classmethod
    def open(cls, table_uri: str, booster_uri: str, calibrator_uri: str, split: Split, scratch: Path) -> Subject:
        """Opens a published model and table.

        Args:
            table_uri: a manifest of kind ``tables``.
            booster_uri: a manifest of kind ``boosters``, trained on that table.
            calibrator_uri: a manifest of kind ``calibrators``, of that booster.
            split: the declared rule.
            scratch: a folder for local copies.

        Raises:
            DataError: the test part is empty, or all its outcomes are alike.
            NotStored: a manifest is not there.
            IntegrityFault: something is not what was written, or does not belong together.
        """
        table = TrainingTable.open(table_uri, scratch)
        keys = table.keys()
        part = table.part(split, keys)
        _check_test(keys.label[part == TEST], table.manifest.body["label"]["name"], split)
        booster = read_manifest(booster_uri, "boosters").body
        if booster["table"] != table.manifest.digest:
            raise IntegrityFault(f"{booster_uri} was trained on another table than {table_uri}")
        scorer = Scorer.from_manifests(booster_uri, calibrator_uri, scratch)
        return cls(table, scorer, split, keys, part, None if booster["exact"] else booster["workers"])

    @cached_property
    def is_test(self) -> NDArray[np.bool_]:
        """(table's rows,) which of them are in the test part."""
        return np.asarray(self.part == TEST)

    @cached_property
    def test(self) -> pa.Table:
        """The test rows, in the table's order: decision time, features, and what is carried beside them."""
        carried = [f"unit.{name}" for name in self.table.manifest.body["carried"]]
        return self.table.read(self.is_test, [MONTH, *self.table.feature_names, *carried])

    @cached_property
    def scores(self) -> Floats:
        """(test rows,) calibrated probabilities."""
        return self.scorer.probabilities(self.test)

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """(test rows,) outcomes, 0 or 1."""
        return self.keys.label[self.is_test]

    @cached_property
    def reference(self) -> dict[str, Any]:
        """The bundle's `reference.json`, from at most 100,000 rows of the train part, chosen by hash."""
        chosen = sample(self.keys.unit_hash, self.part == TRAIN, REFERENCE_ROWS)
        rows = self.table.read(chosen, self.table.feature_names)
        return stability.reference_distributions(self.scorer.probabilities(rows), rows, self.table.features)


def _check_test(labels: NDArray[np.int8], label: str, split: Split) -> None:
    if not len(labels):
        fix = "Enlarge its fraction" if split.method == "hash" else "Move 'test_from' before the last decisions"
        raise DataError(
            f"the test part of the split by {split.method} has no rows, so nothing can be measured", fix=fix
        )
    if labels.min() == labels.max():
        raise DataError(
            f"all {len(labels):,} rows of the test part have {label} = {labels[0]}, so nothing can be measured",
            fix="Enlarge the test part until it holds both outcomes, or correct the label",
        )
