"""The definition of every feature, written so plainly that it can be checked by reading: one decision at a time.

For a decision at time t a row counts in the version that was known right before t, if the event happened in
[t - offset - window, t - offset), its key is the decision's, the filter is exactly true and its column has a
value. The engines compute the same from compiled SQL, and tests hold them to this, bit for bit. It is slow:
every row is looked at for every decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Feature, FeatureGroup, Features
from loanwright.errors import DataError, DeclarationError, near
from loanwright.features.definition.rows import Fate, GroupRows, Row, Seen, Tables, Version
from loanwright.features.definition.values import Counted, as_it_is, value_of

__all__ = ["Fate", "Seen", "decisions", "reference_features", "rows_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def reference_features(
    data: Data, features: Features, tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Every declared feature but the derived ones, hidden ones too, of every decision.

    Args:
        data: the data section, which agrees with itself (`config.agreement`).
        features: what to know of each decision; it fits the data (`features.resolve`).
        tables: the rows of every source, by its name; times are whole microseconds of UTC.

    Returns:
        One mapping for each decision, by decision time, then key: feature → number, text or None.
    """
    groups = [(group, GroupRows(data, group, tables)) for group in features.groups]
    return [
        {
            feature.name: _value(data, group, rows, feature, decision, at)
            for group, rows in groups
            for feature in group.every
        }
        for at, decision in decisions(data, tables)
    ]


def rows_of(data: Data, features: Features, tables: Tables, name: str, unit_key: Any) -> list[Seen]:
    """What became of every row that has the decision's key, in the total order of rows.

    Args:
        data: the data section.
        features: what is declared.
        tables: the rows of every source; or only some, if with each row there are all versions of it, and of
            what a path leads it to, and its outcome's events.
        name: a feature that is not derived.
        unit_key: the decision's key.

    Raises:
        DeclarationError: there is no such feature.
        DataError: there is no such decision.
    """
    group, feature = _feature(features, name)
    found = [(at, decision) for at, decision in decisions(data, tables) if decision[data.unit.key] == unit_key]
    if not found:
        raise DataError(f"there is no {data.unit.name} {unit_key!r} among the rows of {data.unit.source!r}")
    at, decision = found[0]
    if _own_row(data, group, feature):
        return [Seen(Version(decision, (unit_key,), at, at, None), at, decision, Fate.COUNTED)]
    return sorted(GroupRows(data, group, tables).seen(feature, decision, at), key=lambda each: each.place)


def decisions(data: Data, tables: Tables) -> list[tuple[int, Row]]:
    """When each decision is taken, in microseconds, and its row; by time, then key."""
    time = data.decision_time
    constant = 0 if time.constant is None else (time.constant - _EPOCH) // timedelta(microseconds=1)
    rows = tables[data.unit.source]
    taken = [(constant if time.column is None else int(row[time.column]), row) for row in rows]
    return sorted(taken, key=lambda each: (each[0], each[1][data.unit.key]))


def _value(data: Data, group: FeatureGroup, rows: GroupRows, feature: Feature, decision: Row, at: int) -> Any:
    if _own_row(data, group, feature):
        found = as_it_is(decision[feature.column or ""], feature)
        return feature.fill if found is None else found
    seen = rows.seen(feature, decision, at)
    counted = sorted((each for each in seen if each.fate is Fate.COUNTED), key=lambda each: each.place)
    source = next(source for source in data.sources if source.name == group.source)
    return value_of(Counted(feature, source, counted, at, rows))


def _own_row(data: Data, group: FeatureGroup, feature: Feature) -> bool:
    """A decision's own row is what the decision is about: known at it, whatever its times say."""
    own = group.source == data.unit.source and group.keys == group.unit_keys == (data.unit.key,)
    return own and group.via is None and feature.aggregate == "value"


def _feature(features: Features, name: str) -> tuple[FeatureGroup, Feature]:
    declared = {feature.name: (group, feature) for group in features.groups for feature in group.every}
    if name not in declared:
        derived = any(each.name == name for each in features.derived)
        problem = "is derived from other features: ask for those" if derived else f"is no feature{near(name, declared)}"
        raise DeclarationError(f"{name!r} {problem}")
    return declared[name]
