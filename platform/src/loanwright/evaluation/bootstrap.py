"""Bootstrap intervals: the test rows drawn again with replacement, as counts, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from loanwright.config.judgement import Bootstrap
from loanwright.evaluation.evidence import UNDEFINED, Interval
from loanwright.evaluation.metrics import calculate
from loanwright.evaluation.ranking import Floats, Ranked

_CELLS = 1 << 17
"""Counts held at a time: 1 MiB, so that the arrays made from them stay in the processor's cache."""
_ENOUGH = 0.9
_BASIC = {"expected_calibration_error"}


def resample_counts(rows: int, bootstrap: Bootstrap) -> Iterator[Floats]:
    """How often each row was drawn, in each resample: chunks of (resamples in the chunk, rows).

    Multinomial counts, that is, exactly `rows` draws with replacement (Efron, Annals of Statistics 7,
    1979); a function of the number of rows and the seed only, whatever the size of the chunks.
    """
    generator = np.random.Generator(np.random.PCG64(bootstrap.seed))
    at_once = max(1, _CELLS // rows)
    for first in range(0, bootstrap.resamples, at_once):
        counts = np.empty((min(at_once, bootstrap.resamples - first), rows))
        for row in counts:
            row[:] = np.bincount(generator.integers(0, rows, size=rows), minlength=rows)
        yield counts


def intervals(
    ranked: Ranked, names: Sequence[str], bootstrap: Bootstrap, depths: Sequence[float] = ()
) -> dict[str, Interval]:
    """Each metric on all rows, with its interval.

    The expected calibration error has a basic interval (the percentile interval mirrored at the value,
    not below 0; Davison and Hinkley 1997, section 5.2): noise biases it upwards, a resample adds noise
    once more, and percentiles would move the interval the wrong way. All others have percentile intervals.

    Args:
        ranked: the rows, ranked by score.
        names: which metrics.
        bootstrap: how many resamples, at which confidence, from which seed.
        depths: for which lift and capture are added, as `lift@<depth>` and `capture@<depth>`.
    """
    values = calculate(ranked, ranked.once(), names, depths)
    chunks = [calculate(ranked, counts, names, depths) for counts in resample_counts(ranked.rows, bootstrap)]
    return {
        name: interval(
            float(value[0]),
            np.concatenate([chunk[name] for chunk in chunks]),
            bootstrap.confidence,
            basic=name in _BASIC,
        )
        for name, value in values.items()
    }


def interval(value: float, draws: Floats, confidence: float, *, basic: bool = False) -> Interval:
    """A value with the interval that its bootstrap draws give.

    Where a tenth of the draws or more are not defined, there is a value and no interval.

    Args:
        value: on the rows themselves; NaN if not defined.
        draws: (resamples,) on the resampled rows; NaN where not defined.
        confidence: of the interval, two-sided.
        basic: mirror the percentiles at the value, and keep them at or above 0.
    """
    if not np.isfinite(value):
        return UNDEFINED
    defined = draws[np.isfinite(draws)]
    if len(defined) <= _ENOUGH * len(draws):
        return Interval(value=value, low=None, high=None)
    low, high = (float(q) for q in np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2]))
    if basic:
        low, high = max(0.0, 2 * value - high), max(0.0, 2 * value - low)
    return Interval(value=value, low=low, high=high)
