"""Coverage and distribution of each feature on the test rows, of bounded size whatever the data holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from loanwright.evaluation import columns
from loanwright.evaluation.evidence import FeatureProfile, ValueShare
from loanwright.evaluation.ranking import Floats

BINS = 16
"""Bins of a number's histogram."""
TOP_VALUES = 8
"""So many of a category's values are counted."""
_INNER = (0.01, 0.99)
_LONGEST = 60


def profiles(table: pa.Table, features: Sequence[Mapping[str, Any]]) -> tuple[FeatureProfile, ...]:
    """One profile for each feature.

    Args:
        table: rows with the features' columns.
        features: name and type (`number` or `category`) of each.
    """
    return tuple(
        _of_values(feature["name"], table.column(feature["name"]))
        if feature["type"] == "category"
        else _of_numbers(feature["name"], columns.numbers(table.column(feature["name"])))
        for feature in features
    )


def _of_numbers(name: str, numbers: Floats) -> FeatureProfile:
    present = numbers[np.isfinite(numbers)]
    missing = 1 - len(present) / len(numbers) if len(numbers) else 0.0
    if not len(present):
        return FeatureProfile(name=name, rows=len(numbers), missing=missing, distinct=0)
    low, median, high = np.quantile(present, [0, 0.5, 1], method="inverted_cdf")
    return FeatureProfile(
        name=name,
        rows=len(numbers),
        missing=missing,
        distinct=len(np.unique(present)),
        low=float(low),
        median=float(median),
        high=float(high),
        histogram=tuple(_histogram(present)),
    )


def _histogram(present: Floats) -> list[int]:
    start, end = np.quantile(present, _INNER, method="inverted_cdf")
    if not end > start:
        start, end = present.min(), present.max()
    # Halves, so that no difference of two doubles overflows.
    width = end / 2 - start / 2
    if not width > 0:
        return [len(present)]
    place = np.clip(np.floor((present / 2 - start / 2) / width * BINS), 0, BINS - 1)
    return [int(count) for count in np.bincount(place.astype(np.int64), minlength=BINS)]


def _of_values(name: str, column: pa.ChunkedArray) -> FeatureProfile:
    codes, texts = columns.values(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    order = [code for code in np.argsort(-counts, kind="stable")[:TOP_VALUES] if counts[code]]
    total = int(counts.sum())
    return FeatureProfile(
        name=name,
        rows=len(codes),
        missing=1 - total / len(codes) if len(codes) else 0.0,
        distinct=int((counts > 0).sum()),
        histogram=tuple(int(counts[code]) for code in order),
        top=tuple(ValueShare(value=texts[code][:_LONGEST], share=counts[code] / total) for code in order),
    )
