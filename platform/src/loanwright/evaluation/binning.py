"""Features as a scorecard takes them: in bins, each with the weight of its evidence.

A number has up to ten bins of about equal mass between quantiles of the rows it is learned from; a category has a bin
for each frequent value and one for the others. What is missing is a bin of its own. The weight of evidence of a bin is
the log-odds of its rows less those of all (Siddiqi, Credit Risk Scorecards, 2006), drawn towards 0 by one average row,
so that a bin nobody has been seen in says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loanwright.evaluation.ranking import Floats

BINS = 10
RARE = 0.005
"""Categories with a smaller share of the rows are taken together."""


@dataclass(frozen=True)
class BinnedFeature:
    """How one column of a matrix becomes weights of evidence.

    Attributes:
        edges: of a number: rising values at which a bin begins; None for a category.
        bins: of a category: the bin of each code; empty for a number.
        weights: (bins + 1,) the weight of evidence of each bin, of what is missing at the end.
        information: how much the bins tell in all (Kullback's divergence, known as information value).
    """

    edges: Floats | None
    bins: NDArray[np.intp]
    weights: Floats
    information: float

    def evidence(self, column: Floats) -> Floats:
        """(rows,) the weight of evidence of each value."""
        return np.asarray(self.weights[_places(column, self.edges, self.bins, len(self.weights) - 1)])


def bin_feature(column: Floats, label: NDArray[np.int8], categories: int | None) -> BinnedFeature:
    """Learns the bins of one column.

    Args:
        column: (rows,) numbers, or codes of categories; NaN is missing.
        label: (rows,) 0 or 1, both of them present.
        categories: how many codes there are; None for a number.
    """
    known = column[~np.isnan(column)]
    if categories is None:
        # quantiles that are values of the column: between two of them the last bits would be a machine's own
        cuts = np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf") if known.size else np.empty(0)
        edges = np.unique(cuts)
        edges = edges[edges > known.min()] if known.size else edges
        bins, count = np.empty(0, dtype=np.intp), len(edges) + 1
    else:
        seen = np.bincount(known.astype(np.intp), minlength=categories)
        frequent = seen >= max(1, RARE * column.size)
        bins = np.where(frequent, np.cumsum(frequent) - 1, frequent.sum())
        edges, count = None, int(frequent.sum()) + 1
    places = _places(column, edges, bins, count)
    rows = np.bincount(places, minlength=count + 1)
    positives = np.bincount(places, weights=label, minlength=count + 1)
    rate = float(label.mean())
    weights = np.log((positives + rate) / (rows - positives + 1 - rate)) - np.log(rate / (1 - rate))
    shares = positives / label.sum() - (rows - positives) / (label.size - label.sum())
    return BinnedFeature(edges, bins, weights, float((shares * weights).sum()))


def _places(column: Floats, edges: Floats | None, bins: NDArray[np.intp], missing: int) -> NDArray[np.intp]:
    absent = np.isnan(column)
    if edges is not None:
        places = np.searchsorted(edges, column, side="right")
    elif bins.size:
        places = bins[np.where(absent, 0, column).astype(np.intp)]
    else:
        places = np.zeros(column.size, dtype=np.intp)
    return np.where(absent, missing, places)
