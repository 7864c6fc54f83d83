"""The metrics again, for the units of each value or band of a column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loanwright.config.judgement import MONTH, Bootstrap, Slice
from loanwright.errors import DeclarationError, near
from loanwright.evaluation import columns
from loanwright.evaluation.bootstrap import intervals
from loanwright.evaluation.evidence import UNDEFINED, SliceMetrics
from loanwright.evaluation.ranking import Floats, rank

FEWEST_ROWS = 50
"""Below that a slice is listed and not measured: a figure of so few units says more about chance."""
MOST_VALUES = 20
MISSING = "missing"
OTHERS = "all other values"
_CARRIED = "unit."


@dataclass(frozen=True)
class _Group:
    value: str
    rows: NDArray[np.intp]


def slice_columns(slices: Sequence[Slice], carried: Iterable[str], features: Iterable[str]) -> tuple[str, ...]:
    """The table's column that each slice is read from: a carried column first, then a feature.

    Raises:
        DeclarationError: there is no such column.
    """
    carried, features = set(carried), set(features)
    found = []
    for declared in slices:
        if declared.column == MONTH:
            found.append(MONTH)
        elif declared.column in carried:
            found.append(f"{_CARRIED}{declared.column}")
        elif declared.column in features:
            found.append(declared.column)
        else:
            raise DeclarationError(
                f"evaluation slices by column {declared.column!r}, which the training table does not have"
                f"{near(declared.column, carried | features)}",
                fix="Name a feature, or mark the column of the unit's source with 'slice: true'",
            )
    return tuple(found)


def measure_slices(
    table: pa.Table,
    slices: Sequence[Slice],
    scores: Floats,
    labels: NDArray[np.integer],
    bootstrap: Bootstrap,
) -> tuple[SliceMetrics, ...]:
    """AUC, Brier score, mean prediction and observed rate of each slice, in the order of its values.

    A slice of fewer than 50 rows is listed without any of them, one of a single class without AUC. Of a
    column with more than 20 values the most frequent 20 are shown, the rest together.

    Args:
        table: the test rows, with the columns that `slice_columns` names.
        slices: what is declared.
        scores: (rows,) calibrated probabilities.
        labels: (rows,) 0 or 1.
        bootstrap: of the intervals; each slice is resampled by itself.

    Raises:
        DeclarationError: a slice has edges, and its column holds no numbers.
    """
    found = []
    for declared in slices:
        if declared.column == MONTH:
            for group in _values(pc.strftime(table.column(MONTH), "%Y-%m")):
                found.append(_measure("month", group, scores, labels, bootstrap))
            continue
        carried = f"{_CARRIED}{declared.column}"
        column = table.column(carried if carried in table.column_names else declared.column)
        for group in _bands(declared, column) if declared.edges else _values(column):
            found.append(_measure(declared.column, group, scores, labels, bootstrap))
    return tuple(found)


def _values(column: pa.ChunkedArray) -> Iterator[_Group]:
    codes, texts = columns.values(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    shown = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])
    for code in shown:
        yield _Group(texts[code], np.flatnonzero(codes == code))
    if len(texts) > MOST_VALUES:
        yield _Group(OTHERS, np.flatnonzero((codes >= 0) & ~np.isin(codes, shown)))
    if (codes < 0).any():
        yield _Group(MISSING, np.flatnonzero(codes < 0))


def _bands(declared: Slice, column: pa.ChunkedArray) -> Iterator[_Group]:
    if not columns.is_number(column):
        raise DeclarationError(
            f"evaluation slices column {declared.column!r} by edges, but it holds no numbers",
            fix="Remove 'edges' to slice it by its values",
        )
    numbers = columns.numbers(column)
    bands = np.searchsorted(np.asarray(declared.edges), numbers, side="right")
    edges = [f"{edge:g}" for edge in declared.edges]
    names = [f"below {edges[0]}"]
    names += [f"{low} to below {high}" for low, high in pairwise(edges)]
    names.append(f"{edges[-1]} and above")
    for band, name in enumerate(names):
        yield _Group(name, np.flatnonzero((bands == band) & ~np.isnan(numbers)))
    if np.isnan(numbers).any():
        yield _Group(MISSING, np.flatnonzero(np.isnan(numbers)))


def _measure(
    column: str, group: _Group, scores: Floats, labels: NDArray[np.integer], bootstrap: Bootstrap
) -> SliceMetrics:
    ours, outcomes = scores[group.rows], labels[group.rows]
    enough = len(ours) >= FEWEST_ROWS
    measured = {"auc": UNDEFINED, "brier": UNDEFINED}
    if enough:
        measured = intervals(rank(ours, outcomes), ["auc", "brier"], bootstrap)
    return SliceMetrics(
        column=column,
        value=group.value,
        rows=len(ours),
        positives=int(outcomes.sum()),
        mean_prediction=float(ours.mean()) if enough else None,
        rate=float(outcomes.mean()) if enough else None,
        auc=measured["auc"],
        brier=measured["brier"],
    )
