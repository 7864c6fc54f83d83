"""Distributions of the score and the features in the train part, and how far the test part lies from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from loanwright.evaluation import columns
from loanwright.evaluation.evidence import Shift
from loanwright.evaluation.ranking import Floats

BINS = 10
TOP_VALUES = 20
SMALLEST_SHARE = 1e-4
"""What an empty bin's share is taken for, as the index has a logarithm of it."""
_DIGITS = 10
"""Decimals of shares and scores: what stands behind them may depend on the processor."""


def reference_distributions(scores: Floats, table: pa.Table, features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The bundle's `reference.json`: what score and features looked like when the model was trained.

    A number has `edges` (the inner deciles, values that occur; a bin reaches up to and with its edge),
    the `shares` of the bins so made (one more than edges) and the share `missing`. A category has its
    most frequent `values` with their `shares`, the share of all `other` values, and the share `missing`.
    Shares of one distribution add up to 1.

    Args:
        scores: (rows,) calibrated probabilities of rows of the train part.
        table: the features of these rows.
        features: name and type (`number` or `category`) of each feature.

    Returns:
        ``{"rows": n, "score": {...}, "features": {name: {...}}}``, all numbers finite.
    """
    return {
        "rows": len(scores),
        "score": _of_numbers(np.round(scores, _DIGITS)),
        "features": {
            feature["name"]: _of_values(table.column(feature["name"]))
            if feature["type"] == "category"
            else _of_numbers(columns.numbers(table.column(feature["name"])))
            for feature in features
        },
    }


def shifts(reference: Mapping[str, Any], scores: Floats, table: pa.Table) -> tuple[Shift, ...]:
    """The population stability index of the score, then of each feature, against their reference.

    Args:
        reference: as `reference_distributions` makes it.
        scores: (rows,) calibrated probabilities of other rows.
        table: the features of these rows.
    """
    found = [Shift(name="score", psi=_shift(reference["score"], np.round(scores, _DIGITS)))]
    for name, known in reference["features"].items():
        column = table.column(name)
        found.append(Shift(name=name, psi=_shift(known, column)))
    return tuple(found)


def psi(expected: Floats, actual: Floats) -> float:
    """Population stability index: sum of (actual - expected) x ln(actual / expected) over the bins.

    The symmetric Kullback-Leibler divergence of the binned shares (Siddiqi, Credit Risk Scorecards,
    2006, where .1 asks for a look and .25 for action); shares below 0.0001 are taken for that.
    """
    expected, actual = np.maximum(expected, SMALLEST_SHARE), np.maximum(actual, SMALLEST_SHARE)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _shift(known: Mapping[str, Any], found: Floats | pa.ChunkedArray) -> float:
    if known["type"] == "category":
        expected = [*known["shares"], known["other"], known["missing"]]
        return psi(np.array(expected), _value_shares(known["values"], found))
    numbers = found if isinstance(found, np.ndarray) else columns.numbers(found)
    return psi(np.array([*known["shares"], known["missing"]]), _number_shares(np.array(known["edges"]), numbers))


def _of_numbers(numbers: Floats) -> dict[str, Any]:
    present = numbers[np.isfinite(numbers)]
    edges = np.array([])
    if len(present):
        deciles = np.quantile(present, np.arange(1, BINS) / BINS, method="inverted_cdf")
        edges = np.unique(deciles[deciles < present.max()]) + 0.0
    shares = _number_shares(edges, numbers)
    return {"type": "number", "edges": edges.tolist(), "shares": _stored(shares[:-1]), "missing": _stored(shares)[-1]}


def _of_values(column: pa.ChunkedArray) -> dict[str, Any]:
    codes, texts = columns.values(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    top = [texts[code] for code in np.argsort(-counts, kind="stable")[:TOP_VALUES]]
    shares = _stored(_value_shares(top, column))
    return {"type": "category", "values": top, "shares": shares[:-2], "other": shares[-2], "missing": shares[-1]}


def _number_shares(edges: Floats, numbers: Floats) -> Floats:
    missing = np.isnan(numbers)
    bins = np.where(missing, len(edges) + 1, np.searchsorted(edges, numbers, side="left"))
    # NaN is sorted behind every edge: it has a bin of its own
    return np.bincount(bins, minlength=len(edges) + 2) / max(len(numbers), 1)


def _value_shares(top: Sequence[str], column: pa.ChunkedArray) -> Floats:
    codes, texts = columns.values(column)
    place = {value: index for index, value in enumerate(top)}
    bin_of = np.array([*(place.get(text, len(top)) for text in texts), len(top) + 1], dtype=np.int64)
    return np.bincount(bin_of[codes], minlength=len(top) + 2) / max(len(codes), 1)


def _stored(shares: Floats) -> list[float]:
    return [round(float(share), _DIGITS) for share in shares]
