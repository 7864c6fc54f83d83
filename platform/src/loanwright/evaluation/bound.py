"""The AUC that no model of a synthetic world reaches: that of the true chances from which outcomes were drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loanwright.data.world.truth import auc
from loanwright.evaluation.evidence import TruthAuc

_KNOWN = ("default", "no_default")


def truth_bound(published: Mapping[str, Any], times: NDArray[np.datetime64]) -> TruthAuc | None:
    """The truth's AUC over the months of the test rows, of approved units whose outcome is known.

    The world publishes counts by month: where the test part begins or ends within one, that month counts whole.

    Args:
        published: the world's histogram of true log-odds by month, approval and outcome.
        times: (test rows,) decision times.

    Returns:
        None if these months do not hold both outcomes.
    """
    first, last = (str(np.datetime_as_string(moment, unit="M")) for moment in (times.min(), times.max()))
    cells = [cell for cell in published["cells"] if first <= cell["month"] <= last and cell["outcome"] in _KNOWN]
    value = auc({**published, "cells": cells})
    if value is None:
        return None
    counts = dict.fromkeys(_KNOWN, 0)
    for cell in cells:
        counts[cell["outcome"]] += sum(count for _, count in cell["bins"])
    return TruthAuc(
        auc=value, rows=sum(counts.values()), positives=counts["default"], first_month=first, last_month=last
    )
