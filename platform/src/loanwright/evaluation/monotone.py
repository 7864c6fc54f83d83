"""Whether a fitted model keeps the directions that are declared of its features.

A sum of trees is a step function of each feature, with steps at the trees' thresholds alone. So one value between each
two of them is all that there is to see: for the rows looked at, the check is complete and no sample of a curve.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from loanwright.errors import IntegrityFault
from loanwright.evaluation.evidence import MonotoneCheck
from loanwright.evaluation.ranking import Floats
from loanwright.evaluation.sampling import sample
from loanwright.evaluation.subject import Subject

SCORES = 100_000
"""About how many scores the check takes in all."""
FEWEST, MOST = 20, 500
"""Rows that a feature is varied in."""
_ROUNDING = 1e-9
_CELLS = 1 << 22


def check_monotone(subject: Subject) -> tuple[MonotoneCheck, ...]:
    """Varies each constrained feature over all steps of the trees, in test rows chosen by hash.

    What is missing has no place in the order of values, and is not looked at.

    Raises:
        IntegrityFault: the model breaks a declared direction.
    """
    scorer = subject.scorer
    constrained = [
        (place, feature["name"], feature["monotone"])
        for place, feature in enumerate(scorer.encoding.features)
        if feature["monotone"] is not None
    ]
    grids = {place: _grid(scorer.thresholds(place)) for place, _, _ in constrained}
    wanted = SCORES // max(1, sum(len(grid) for grid in grids.values()))
    chosen = sample(subject.keys.unit_hash, subject.is_test, min(MOST, max(FEWEST, wanted)))[subject.is_test]
    rows = scorer.encoding.matrix(subject.test.filter(pa.array(chosen)))
    found = []
    for place, name, direction in constrained:
        margins = _varied(subject, rows, place, grids[place])
        steps = np.diff(margins, axis=1) * (1 if direction == "increasing" else -1)
        if steps.size and steps.min() < -_ROUNDING:
            row, step = np.unravel_index(int(steps.argmin()), steps.shape)
            low, high = grids[place][step : step + 2]
            before, after = margins[row, step : step + 2]
            raise IntegrityFault(
                f"feature {name!r} is declared {direction}, and the model breaks that: for a test row, raising it from "
                f"{low:.10g} to {high:.10g} changes the log-odds by {after - before:+.6g}",
                fix="Train again; if it stays, train without this constraint and report it",
            )
        effect = float((margins[:, -1] - margins[:, 0]).mean()) if len(margins) else 0.0
        found.append(
            MonotoneCheck(feature=name, direction=direction, values=len(grids[place]), rows=len(rows), effect=effect)
        )
    return tuple(found)


def _grid(thresholds: Floats) -> Floats:
    """A value for each step: the thresholds themselves, which go left, and one beyond the last."""
    return np.append(thresholds, np.nextafter(thresholds[-1], np.inf)) if thresholds.size else np.zeros(1)


def _varied(subject: Subject, rows: Floats, place: int, grid: Floats) -> Floats:
    """(rows, values) the rows' log-odds with each value of one feature."""
    margins = np.empty((len(rows), len(grid)))
    at_once = max(1, _CELLS // (len(grid) * rows.shape[1]))
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        changed = np.repeat(some, len(grid), axis=0)
        changed[:, place] = np.tile(grid, len(some))
        margins[start : start + at_once] = subject.scorer.margins_of_matrix(changed).reshape(len(some), len(grid))
    return margins
