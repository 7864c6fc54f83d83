"""What is odd about features, as far as the latest training table can tell."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loanwright.config.base import spell_duration
from loanwright.config.declaration import Declaration
from loanwright.data.split import final_labels
from loanwright.evaluation.metrics import auc
from loanwright.evaluation.ranking import Floats, gather, rank
from loanwright.features.shown.late_rows import lint_rows
from loanwright.features.shown.linting import Finding
from loanwright.features.table import TableFeature, TrainingTable
from loanwright.storage import Manifest, read_manifest, split_uri

_SUSPICIOUS = 0.95
"""An AUC that no honest single feature of a lender has."""
_MOSTLY = 0.95
"""The share of missing values from which a feature is named."""
_CATEGORIES = 50
_FEW = 10
"""Rows of either outcome without which nothing is said about AUC."""
_ERRORS = 4.0
"""Standard errors by which a direction must be wrong."""


def lint_table(uri: str, declaration: Declaration, scratch: Path) -> list[Finding]:
    """Features that are missing, constant, equal, suspiciously good, or that go against their declared direction.

    And windows longer than their source's history, and groups whose rows mostly happen after the decision.

    AUC is of the feature alone over the rows that have it and whose label was final at the data's end: of a number in
    the better direction, of a category of at most 50 values by the rate of each. One feature is in memory at a time.

    Args:
        uri: manifest of kind `tables`, of this declaration.
        declaration: the model's.
        scratch: a folder for copies of files.

    Raises:
        IntegrityFault: the table is not what was written.
    """
    table = TrainingTable.open(uri, scratch)
    everything = np.ones(table.rows, dtype=bool)
    keys = table.keys()
    labels = keys.label.astype(np.float64)
    final = final_labels(table.maturity, keys.decision_time, table.observed_until)
    found: list[Finding] = []
    first: dict[str, str] = {}
    for feature in table.features:
        column = table.read(everything, [feature["name"]]).column(0).combine_chunks()
        said = list(_of_values(feature, column, labels, final))
        if not said or said[0].rule not in ("missing", "constant"):
            name = first.setdefault(_digest(column), feature["name"])
            if name != feature["name"]:
                said.append(Finding(feature["name"], "duplicate", f"equals {name!r} in every row"))
        found += said
    snapshot = snapshot_of(table.manifest)
    found += lint_rows(snapshot, declaration.data, declaration.features, scratch)
    return [*found, *_long_windows(snapshot, table, declaration)]


def snapshot_of(table: Manifest) -> str:
    """The URI of the snapshot that a training table was made of."""
    store, _ = split_uri(table.uri)
    return f"{store.root.rpartition('/')[0]}/snapshots/{table.body['snapshot']}.json"


def _of_values(feature: TableFeature, column: pa.Array, labels: Floats, final: NDArray[np.bool_]) -> Iterator[Finding]:
    name, rows = feature["name"], len(column)
    present = rows - column.null_count
    if not present:
        yield Finding(name, "missing", f"is missing in all {rows:,} rows")
        return
    kinds = pc.count_distinct(column, mode="all").as_py()
    if kinds == 1:
        yield Finding(name, "constant", f"is {column[0].as_py()!r} in all {rows:,} rows")
        return
    if column.null_count > _MOSTLY * rows:
        yield Finding(name, "missing", f"is missing in {column.null_count / rows:.1%} of the rows")
    there = np.asarray(column.is_valid()) & final
    measured = _auc(feature, column.filter(pa.array(there)), labels[there])
    if measured is None:
        return
    area, error = measured
    if max(area, 1 - area) > _SUSPICIOUS:
        says = f"alone has an AUC of {max(area, 1 - area):.3f}: does it know the outcome?"
        yield Finding(name, "suspicious", says)
    up = feature["monotone"] == "increasing"
    if feature["monotone"] is not None and ((0.5 - area) if up else (area - 0.5)) > _ERRORS * error:
        says = f"is declared {feature['monotone']}, and alone goes the other way (AUC {area:.3f})"
        yield Finding(name, "monotone", says)


def _auc(feature: TableFeature, column: pa.Array, labels: Floats) -> tuple[float, float] | None:
    """AUC and its standard error were there nothing to find (Mann and Whitney, 1947); None where too few rows tell."""
    positives = float(labels.sum())
    negatives = len(labels) - positives
    if min(positives, negatives) < _FEW:
        return None
    if feature["type"] == "category":
        codes = column.dictionary_encode()
        if len(codes.dictionary) > _CATEGORIES:
            return None
        places = np.asarray(codes.indices)
        scores = np.bincount(places, weights=labels)[places] / np.bincount(places)[places]
    else:
        scores = np.asarray(column)
    ranked = rank(scores, labels)
    area = float(auc(ranked, ranked.once(), gather(ranked, ranked.once()))[0])
    return area, math.sqrt((len(labels) + 1) / (12 * positives * negatives))


def _digest(column: pa.Array) -> str:
    """Of a column's values: equal columns have equal digests."""
    if pa.types.is_string(column.type):
        return hashlib.sha256("\x1f".join(column.fill_null("\0").to_pylist()).encode()).hexdigest()
    # Zero has one sign here, and what is missing is no number.
    return hashlib.sha256((np.asarray(column.fill_null(np.nan)) + 0.0).tobytes()).hexdigest()


def _long_windows(snapshot: str, table: TrainingTable, declaration: Declaration) -> Iterator[Finding]:
    """Windows that reach back further than their source's rows do, from the latest decision on."""
    tables = read_manifest(snapshot, "snapshots").body["tables"]
    moments = table.keys().decision_time
    last = datetime.fromisoformat(f"{moments.max()}+00:00")
    for group in declaration.features.groups:
        begins = tables.get(group.source, {}).get("min_time")
        for feature in group.every:
            if begins is None or not feature.window:
                continue
            reach = last - timedelta(seconds=feature.offset or 0) - datetime.fromisoformat(begins)
            if reach < timedelta(seconds=feature.window):
                says = (
                    f"has a window of {spell_duration(feature.window)}, and from the latest decision back "
                    f"{group.source!r} has {max(reach.days, 0):,} days: it says no more than all history"
                )
                yield Finding(feature.name, "window", says)
