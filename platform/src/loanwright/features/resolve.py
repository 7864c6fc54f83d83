"""The declared features, checked against the sources they name, ready to be written as SQL."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from loanwright.config.data import Column, Data, Source
from loanwright.config.feature_agreement import feature_disagreements
from loanwright.config.features import DerivedFeature, Feature, FeatureGroup, Features
from loanwright.config.problems import refuse
from loanwright.errors import DeclarationError
from loanwright.features.expressions import parse_condition, parse_expression


@dataclass(frozen=True)
class ResolvedGroup:
    """A group whose source, keys, columns and filters are known to exist."""

    number: int
    source: Source
    key: str
    unit_key: str
    values: tuple[Feature, ...]
    aggregated: tuple[Feature, ...]
    filters: tuple[str, ...]
    """SQL conditions over the source's columns, each once."""
    filter_of: Mapping[str, int]
    """Feature → which of the filters is its own."""
    own_row: bool
    """The source's rows are the decisions themselves, and the key is theirs."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are aggregated, in the source's order."""
        names = {feature.column for feature in self.aggregated}
        return tuple(column for column in self.source.columns if column.name in names)


@dataclass(frozen=True)
class ResolvedDerived:
    """A derived feature as SQL over those before it."""

    feature: DerivedFeature
    sql: str
    level: int
    """1 if it reads declared features only, else one more than the highest level it reads."""


@dataclass(frozen=True)
class OutputFeature:
    """A column of the training table that the model is given."""

    name: str
    type: str
    monotone: str | None
    description: str


@dataclass(frozen=True)
class Resolved:
    """Everything the SQL is written from."""

    groups: tuple[ResolvedGroup, ...]
    derived: tuple[ResolvedDerived, ...]
    outputs: tuple[OutputFeature, ...]
    carried: tuple[str, ...]
    label_filter: str | None


def resolve(data: Data, features: Features) -> Resolved:
    """Checks every feature against the sources.

    Args:
        data: the data section, which agrees with itself (`config.agreement`).
        features: what to know of each decision.

    Raises:
        DeclarationError: a source, column, key, filter, type or name is not what a feature needs; the
            message names the feature.
    """
    if problems := list(feature_disagreements(data, features)):
        refuse(problems)
    for source in data.sources:
        _check_case(source)
    groups = tuple(_group(number, group, data) for number, group in enumerate(features.groups, 1))
    derived = _derived(features)
    carried = tuple(column.name for column in data.unit_source.columns if column.slice)
    return Resolved(groups, derived, _outputs(features), carried, _label_filter(data))


def _check_case(source: Source) -> None:
    seen: dict[str, str] = {}
    for column in source.columns:
        other = seen.setdefault(column.name.casefold(), column.name)
        if other != column.name:
            raise DeclarationError(
                f"source {source.name!r}: columns {other!r} and {column.name!r} differ in case only, "
                "and SQL cannot tell them apart"
            )


def _group(number: int, group: FeatureGroup, data: Data) -> ResolvedGroup:
    source = next(source for source in data.sources if source.name == group.source)
    unit_key = group.unit_key or group.key
    _check_keys(group, source, unit_key, data)
    filters: list[str] = []
    filter_of: dict[str, int] = {}
    for feature in group.features:
        _check_fill(feature)
        if feature.filter is not None:
            where = f"feature {feature.name!r}, filter"
            sql = parse_condition(feature.filter, _types(source), where, refused=_refused(source, data)).sql
            if sql not in filters:
                filters.append(sql)
            filter_of[feature.name] = filters.index(sql)
    return ResolvedGroup(
        number=number,
        source=source,
        key=group.key,
        unit_key=unit_key,
        values=tuple(feature for feature in group.features if feature.aggregate == "value"),
        aggregated=tuple(feature for feature in group.features if feature.aggregate != "value"),
        filters=tuple(filters),
        filter_of=filter_of,
        own_row=source.name == data.unit.source and group.key == unit_key == data.unit.key,
    )


def _check_keys(group: FeatureGroup, source: Source, unit_key: str, data: Data) -> None:
    """Rows joined by a column tell of it: by the label, the outcome; by a protected attribute, the attribute."""
    reasons = _refused(data.unit_source, data)
    reason = reasons.get(unit_key) if unit_key != data.unit.key else None
    if source.name == data.unit.source and group.key == data.label.column:
        unit_key, reason = group.key, reasons[group.key]
    if reason is not None:
        raise DeclarationError(f"feature {group.features[0].name!r} is joined by column {unit_key!r}, which {reason}")


def _check_fill(feature: Feature | DerivedFeature) -> None:
    where, fill = f"feature {feature.name!r}:", feature.fill
    if fill is not None and not math.isfinite(fill):
        raise DeclarationError(f"{where} 'fill' is {fill}, which is no number to stand in for another")
    if isinstance(feature, Feature) and feature.aggregate in ("count", "distinct") and fill not in (None, 0):
        raise DeclarationError(f"{where} a {feature.aggregate} of nothing is 0, so it takes no other 'fill'")


def _types(source: Source) -> dict[str, str]:
    return {column.name: column.type for column in source.columns}


def _refused(source: Source, data: Data) -> dict[str, str]:
    """Columns that exist and may feed no feature, and why."""
    refused = {column.name: "is barred from features" for column in source.columns if column.barred}
    if source.name == data.unit.source and data.label.column is not None:
        refused[data.label.column] = "is the label"
    return refused


def _label_filter(data: Data) -> str | None:
    event = data.label.event
    if event is None:
        return None
    source = data.source(event.source)
    types = _types(source) if source is not None else {}
    return parse_condition(event.filter, types, f"label {data.label.name!r}, filter").sql


def _derived(features: Features) -> tuple[ResolvedDerived, ...]:
    types: dict[str, str] = {feature.name: feature.type for group in features.groups for feature in group.features}
    levels = dict.fromkeys(types, 0)
    later = {feature.name: "is declared after it" for feature in features.derived}
    derived = []
    for feature in features.derived:
        _check_fill(feature)
        later[feature.name] = "is itself"
        parsed = parse_expression(feature.expression, types, f"feature {feature.name!r}", refused=later)
        del later[feature.name]
        level = 1 + max((levels[name] for name in parsed.columns), default=0)
        derived.append(ResolvedDerived(feature, parsed.sql, level))
        levels[feature.name] = level
        types[feature.name] = "number"
    return tuple(derived)


def _outputs(features: Features) -> tuple[OutputFeature, ...]:
    declared: list[OutputFeature] = [
        OutputFeature(feature.name, feature.type, feature.monotone, feature.description)
        for group in features.groups
        for feature in group.features
    ]
    declared += [OutputFeature(each.name, "number", each.monotone, each.description) for each in features.derived]
    return tuple(output for output in declared if output.name not in features.hidden)
