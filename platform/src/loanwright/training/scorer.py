"""Scoring rows with a booster and its calibrator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.errors import IntegrityFault
from loanwright.storage import fetch, read_manifest
from loanwright.training.calibrators import Identity, load_calibrator, logistic
from loanwright.training.encoding import EncodedFeature, Encoding
from loanwright.training.model_text import trees_of
from loanwright.training.resources import SCORED_VALUES, usable_threads
from loanwright.training.row_order import LEAST_ROWS, alike, leading_features

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable

    Floats = NDArray[np.float64]

_CELLS = 1 << 22
"""Values that an order is found for at a time."""
_MOVED = 1 << 21
"""Values that are moved into that order and walked at a time: 16 MiB. With fewer, threads wait for each other more."""


class Scorer:
    """A model as it scores: model text, encoding and calibrator. Results do not depend on the threads.

    Tables given to it must hold every feature's column, and may hold others in any order. Null, NaN and
    categories that were not there in training are missing values.

    Args:
        model_text: what ``model.txt`` holds.
        features: what ``features.json`` holds, parsed.
        calibrator: what ``calibrator.json`` holds, parsed; None for no calibration.
        threads: how many LightGBM may use; None: as many as this process has and the rows are worth.

    Raises:
        IntegrityFault: the three do not belong together, or cannot be read.
    """

    def __init__(
        self,
        model_text: str,
        features: Sequence[EncodedFeature],
        calibrator: Mapping[str, Any] | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        import lightgbm as lgb

        self.encoding = Encoding(features)
        self.calibrator = Identity() if calibrator is None else load_calibrator(calibrator)
        self._threads = threads
        try:
            self._booster = lgb.Booster(model_str=model_text)
        except lgb.basic.LightGBMError as error:
            raise IntegrityFault(f"LightGBM cannot read the model's text: {error}") from error
        if self._booster.feature_name() != self.encoding.names:
            raise IntegrityFault("features.json and the model's text do not name the same features in one order")

    @classmethod
    def from_manifests(
        cls, booster_uri: str, calibrator_uri: str | None, scratch: Path, *, threads: int | None = None
    ) -> Scorer:
        """The scorer of a published booster and calibrator (None: uncalibrated), their files' digests checked.

        Raises:
            NotStored: a manifest is not there.
            IntegrityFault: something is not what was written, or the calibrator is another booster's.
        """
        booster = read_manifest(booster_uri, "boosters")

        def text(name: str) -> str:
            return fetch(booster, booster.file(name), scratch).read_text(encoding="utf-8")

        calibrator = None
        if calibrator_uri is not None:
            manifest = read_manifest(calibrator_uri, "calibrators")
            if manifest.body["booster"] != booster.digest:
                raise IntegrityFault(f"{calibrator_uri} calibrates another booster than {booster_uri}")
            calibrator = json.loads(fetch(manifest, manifest.file("calibrator.json"), scratch).read_bytes())
        return cls(text("model.txt"), json.loads(text("features.json")), calibrator, threads=threads)

    @property
    def feature_names(self) -> list[str]:
        """The columns it needs, in the order of `contributions`."""
        return self.encoding.names

    @property
    def rounds(self) -> int:
        """How many trees the booster has."""
        return int(self._booster.num_trees())

    def margins(self, table: pa.Table) -> Floats:
        """Uncalibrated log-odds, one for each row.

        Raises:
            DataError: a feature's column is missing, there twice, or of another type.
        """
        return self.margins_of_matrix(self.encoding.matrix(table))

    def margins_of_matrix(self, matrix: Floats) -> Floats:
        """`margins` of rows that are encoded already: shape (rows, features)."""
        if len(matrix) < LEAST_ROWS or not self._leading:
            return self._predict(matrix, raw_score=True)
        margins = np.empty(len(matrix))
        at_once = max(LEAST_ROWS, _CELLS // matrix.shape[1])
        for start in range(0, len(matrix), at_once):
            order = start + alike(matrix[start : start + at_once], self._leading)
            for moved in np.array_split(order, -(-len(order) * matrix.shape[1] // _MOVED)):
                margins[moved] = self._predict(matrix[moved], raw_score=True)
        return margins

    def raw(self, table: pa.Table) -> Floats:
        """Uncalibrated probabilities, one for each row; raises as `margins`."""
        return logistic(self.margins(table))

    def probabilities(self, table: pa.Table) -> Floats:
        """Calibrated probabilities, one for each row, within [1e-6, 1 - 1e-6]; raises as `margins`."""
        return self.calibrator.apply(self.margins(table))

    def contributions(self, table: pa.Table) -> Floats:
        """SHAP values by TreeSHAP (Lundberg et al. 2020), raises as `margins`.

        Returns:
            Shape (rows, features + 1), in log-odds before calibration; the last column is the expected
            margin, and each row adds up to its margin.
        """
        return self.contributions_of_matrix(self.encoding.matrix(table))

    def contributions_of_matrix(self, matrix: Floats) -> Floats:
        """`contributions` of rows that are encoded already: shape (rows, features)."""
        return self._predict(matrix, pred_contrib=True).reshape(matrix.shape[0], matrix.shape[1] + 1)

    def gains(self) -> Floats:
        """The total gain of each feature's splits, shape (features,)."""
        return np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)

    def thresholds(self, feature: int) -> Floats:
        """Where the trees split a number, rising and each once: a value at most that large goes left.

        Between two of them, or beyond the ends, the model does not tell values of this feature apart.

        Args:
            feature: its place among `feature_names`.
        """
        found: set[float] = set()
        for tree in trees_of(self._booster.model_to_string()):
            if tree.leaves > 1:
                splits = zip(tree.places("split_feature"), tree.numbers("threshold"), strict=True)
                found.update(threshold for place, threshold in splits if place == feature)
        return np.array(sorted(found), dtype=np.float64)

    def margins_of(self, table: TrainingTable, rows: NDArray[np.bool_]) -> Floats:
        """`margins` of the chosen rows of a training table, with one row group in memory at a time.

        Args:
            table: a training table with the model's features.
            rows: one truth value for each row of the table.
        """
        margins = [np.empty(0)]
        for number, (start, end) in enumerate(pairwise(table.bounds)):
            chosen = rows[start:end]
            if chosen.any():
                margins.append(self.margins_of_matrix(self.encoding.read_matrix(table, number, chosen)))
        return np.concatenate(margins)

    @cached_property
    def _leading(self) -> tuple[int, ...]:
        return leading_features(self._booster)

    def _predict(self, matrix: Floats, **what: bool) -> Floats:
        if not matrix.shape[0]:
            return np.empty(0)
        # TreeSHAP takes long enough for any number of rows to be worth all threads.
        threads = self._threads or usable_threads(None if "pred_contrib" in what else matrix.size, worth=SCORED_VALUES)
        return np.asarray(self._booster.predict(matrix, num_threads=threads, **what), dtype=np.float64)
