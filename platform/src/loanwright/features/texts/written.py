"""The last words about a feature in SQL: its type, its null rule, its name."""

from __future__ import annotations

from loanwright.config.features import DerivedFeature, Feature
from loanwright.data.engine import quoted
from loanwright.features.declared.derived import COUNTS
from loanwright.features.language.dialect import Dialect


def typed(sql: str, feature: Feature, dialect: Dialect) -> str:
    """A value as the training table holds it: a double, or a text."""
    return f"CAST({sql} AS {dialect.as_text if feature.type == 'category' else 'DOUBLE'})"


def finite(sql: str) -> str:
    """An expression as a double; null if it is infinite or no number."""
    number = f"CAST({sql} AS DOUBLE)"
    return f"CASE WHEN abs({number}) < CAST('inf' AS DOUBLE) THEN {number} END"


def filled(sql: str, feature: Feature | DerivedFeature) -> str:
    """With what stands in for a missing value, under the feature's name."""
    fill = feature.fill
    if fill is None and isinstance(feature, Feature) and feature.aggregate in (*COUNTS, "balance"):
        fill = 0.0
    if fill is not None:
        sql = f"coalesce({sql}, CAST('{fill!r}' AS DOUBLE))"
    return f"{sql} AS {quoted(feature.name)}"
