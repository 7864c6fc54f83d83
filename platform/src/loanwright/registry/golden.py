"""Golden rows: a few rows with the scores they got, by which a loader proves that it scores as the maker did.

Margins (log-odds before calibration) must be equal to the last bit on every machine: LightGBM parses the
text's decimals exactly and adds the leaves of a row in the order of the trees, and addition is the same
everywhere. Probabilities may differ by 1e-12: calibration takes exponentials and logarithms, whose last
bits depend on the processor and the mathematical library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.errors import IntegrityFault
from loanwright.features.table import TrainingTable

if TYPE_CHECKING:
    import pyarrow as pa

    from loanwright.training.scorer import Scorer

PROBABILITY_TOLERANCE = 1e-12
_CANDIDATES = 4_000
_SPREAD = 16  # rows over the whole range of scores
_SPARSE = 3  # rows with the most missing values
_MIXER = np.uint64(0x9E3779B97F4A7C15)  # the split goes by the hash itself, and we want rows of every part


def choose(table: TrainingTable, scorer: Scorer) -> dict[str, Any]:
    """Twenty rows, always the same for the same table and model, and the scores of each.

    Sixteen lie evenly over the range of scores, three miss the most features, and one, made up, misses
    all. No key is kept.

    Returns:
        ``{"columns": {feature: [value or None, ...]}, "margin": [...], "probability": [...]}``.
    """
    mixed = table.keys().unit_hash * _MIXER
    candidates = np.argsort(mixed, kind="stable")[:_CANDIDATES]
    mask = np.zeros(table.rows, dtype=bool)
    mask[candidates] = True
    rows = table.read(mask, table.feature_names)
    margins = scorer.margins(rows)
    missing = np.zeros(rows.num_rows, dtype=np.int64)
    for column in rows.columns:
        missing += column.is_null(nan_is_null=True).to_numpy()
    by_margin = np.argsort(margins, kind="stable")
    spread = by_margin[np.linspace(0, len(by_margin) - 1, min(_SPREAD, len(by_margin))).astype(np.int64)]
    sparse = np.argsort(-missing, kind="stable")[:_SPARSE]
    chosen = rows.take(np.unique(np.concatenate([spread, sparse])))
    columns = {
        name: [None if _absent(value) else value for value in chosen[name].to_pylist()] + [None]
        for name in table.feature_names
    }
    margins = scorer.margins(_table(columns, table.features))
    return {
        "columns": columns,
        "margin": margins.tolist(),
        "probability": scorer.calibrator.apply(margins).tolist(),
    }


def replay(text: str, features: Sequence[Any], scorer: Scorer, where: str) -> None:
    """Scores the golden rows anew and compares.

    Args:
        text: golden.json.
        features: the bundle's features, each with `name` and `type`.
        scorer: what was loaded.
        where: the bundle, for the error.

    Raises:
        IntegrityFault: a score is another than the one recorded, or the rows cannot be scored.
    """
    try:
        golden = json.loads(text)
        table = _table(golden["columns"], features)
        margins = np.asarray(golden["margin"], dtype=np.float64)
        probabilities = np.asarray(golden["probability"], dtype=np.float64)
        found = scorer.margins(table)
        calibrated = scorer.calibrator.apply(found)
        whole = 0 < len(margins) == len(probabilities) == table.num_rows
    except (KeyError, TypeError, ValueError) as error:  # pyarrow's and JSON's own errors are ValueErrors
        raise IntegrityFault(f"the golden rows of {where} cannot be scored: {error}") from error
    if not whole:
        raise IntegrityFault(f"the golden rows of {where} are not whole: each needs a margin and a probability")
    wrong = np.flatnonzero((found != margins) | ~(np.abs(calibrated - probabilities) <= PROBABILITY_TOLERANCE))
    if len(wrong):
        row = int(wrong[0])
        raise IntegrityFault(
            f"{where} does not score as it did: {len(wrong)} of its {len(margins)} golden rows differ, row {row} first "
            f"(margin {found[row]!r}, recorded {margins[row]!r}; probability {calibrated[row]!r}, recorded "
            f"{probabilities[row]!r})"
        )


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _table(columns: dict[str, list[Any]], features: Sequence[Any]) -> pa.Table:
    import pyarrow as pa

    types = {"number": pa.float64(), "category": pa.string()}
    return pa.table({f["name"]: pa.array(columns[f["name"]], types[f["type"]]) for f in features})
