"""What no lender knows: each application's true chance of default, kept apart, and what is published of it.

The chance is exact: it is the one with which the simulator then draws, given all latent state at the decision. Its
AUC is a bound that no model reaches. Published is a histogram by month, approval and outcome, with bins of log-odds
fine enough for the AUC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from loanwright.data.world.clock import DAY, Clock, Floats, Ints
from loanwright.data.world.demand import Requests
from loanwright.data.world.frames import Rows
from loanwright.data.world.lending import Decisions
from loanwright.data.world.population import People
from loanwright.data.world.repayment import DEFAULT

LOWEST, HIGHEST, WIDTH = -14.0, 6.0, 0.02
"""Log-odds of the first bin's lower edge and the last one's upper, and a bin's width; what lies outside is in these."""
BINS = round((HIGHEST - LOWEST) / WIDTH)
APPROVALS = ("policy", "random", "declined")
OUTCOMES = ("no_default", "default", "open", "none")
"""`open`: not yet known at the end of the world. `none`: declined, so there is no loan."""
MATURES = 93 * DAY
SCHEMA = pa.schema(
    {
        "application_id": pa.int64(),
        "applied_at": pa.timestamp("us", tz="UTC"),
        "month": pa.int64(),
        "approval": pa.int64(),
        "outcome": pa.int64(),
        "probability": pa.float64(),
        "shocked": pa.bool_(),
        "fraud": pa.bool_(),
    }
)
"""The truth's columns; `approval` and `outcome` are positions in `APPROVALS` and `OUTCOMES`."""


def truth_rows(clock: Clock, applications: Rows, decided: Decisions, known: People, asked: Requests) -> Rows:
    """The truth of a block's applications."""
    approval = np.where(decided.approved, applications["approval_reason"], 2)
    mature = asked.at + MATURES <= clock.end
    outcome = np.where(mature, (decided.course == DEFAULT).astype(np.int64), 2)
    month = clock.month(asked.at)
    return {
        "application_id": applications["application_id"],
        "applied_at": asked.at,
        "month": month,
        "approval": approval,
        "outcome": np.where(decided.approved, outcome, 3),
        "probability": decided.truth,
        "shocked": known.shocked[asked.who, month],
        "fraud": asked.takeover | (known.ring[asked.who] >= 0),
    }


def histogram(rows: Rows, months: int) -> Ints:
    """Applications by month, approval, outcome and bin: shape (months, 3, 4, BINS)."""
    chance = rows["probability"]
    place = np.floor((np.log(chance / (1 - chance)) - LOWEST) / WIDTH).astype(np.int64)
    shape = (months, len(APPROVALS), len(OUTCOMES), BINS)
    flat = np.ravel_multi_index((rows["month"], rows["approval"], rows["outcome"], np.clip(place, 0, BINS - 1)), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


def summary(counted: Ints, clock: Clock) -> dict[str, Any]:
    """What the world publishes of its truth: only the counts above zero are listed, as pairs of bin and count."""
    cells = [
        {
            "month": clock.name(month),
            "approval": approval,
            "outcome": outcome,
            "bins": [[int(place), int(cell[place])] for place in np.flatnonzero(cell)],
        }
        for month in range(clock.months)
        for a, approval in enumerate(APPROVALS)
        for o, outcome in enumerate(OUTCOMES)
        if (cell := counted[month, a, o]).any()
    ]
    edges = {"lowest": LOWEST, "highest": HIGHEST, "width": WIDTH}
    return {"synthetic": True, "log_odds": edges, "cells": cells}


def auc(published: Mapping[str, Any], *, months: Iterable[str] | None = None) -> float | None:
    """The AUC of the true chance among approved applications whose outcome is known; ties count a half.

    Args:
        published: what `summary` gave.
        months: only checkouts of these months, such as `2025-03`; all if None.

    Returns:
        None if there is none of either outcome.
    """
    wanted = None if months is None else set(months)
    counts = {"default": np.zeros(BINS), "no_default": np.zeros(BINS)}
    for cell in published["cells"]:
        if cell["outcome"] in counts and (wanted is None or cell["month"] in wanted):
            for place, count in cell["bins"]:
                counts[cell["outcome"]][place] += count
    good, bad = counts["no_default"], counts["default"]
    if not good.sum() or not bad.sum():
        return None
    below: Floats = np.cumsum(good) - good / 2
    return float((bad * below).sum() / (good.sum() * bad.sum()))
