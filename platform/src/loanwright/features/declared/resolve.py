"""The declared features, checked against the sources they name, ready to be written as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loanwright.config.data import Data, Source
from loanwright.config.feature_agreement import feature_disagreements
from loanwright.config.features import Feature, FeatureGroup, Features, Via
from loanwright.config.problems import refuse
from loanwright.data.engine import quoted
from loanwright.errors import DeclarationError
from loanwright.features.declared.derived import ResolvedDerived, check_fill, needed_of, resolve_derived
from loanwright.features.language.dialect import DUCKDB, Dialect
from loanwright.features.language.expressions import parse_condition

OUTCOME = "outcome"
"""What filters call the outcome of a group's rows."""
OURS = "lw_"
"""What names of our own begin with in compiled SQL."""


@dataclass(frozen=True)
class ResolvedOutcome:
    """What became of a group's rows, in terms of a source that exists."""

    source: Source
    key: str
    filter: str
    """SQL condition over that source's columns."""
    filter_columns: frozenset[str]
    within: int
    matures_after: int


@dataclass(frozen=True)
class ResolvedGroup:
    """A group whose source, keys, columns and filters are known to exist."""

    number: int
    source: Source
    keys: tuple[str, ...]
    unit_keys: tuple[str, ...]
    values: tuple[Feature, ...]
    aggregated: tuple[Feature, ...]
    conditions: Mapping[str, str]
    """Feature → its filter as an SQL condition over the source's columns and `outcome`."""
    filter_columns: frozenset[str]
    own_row: bool
    """The source's rows are the decisions themselves, and the key is theirs."""
    via: Via | None = None
    holder: Source | None = None
    """The source that holds the key, if it is not the group's."""
    outcome: ResolvedOutcome | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns of `decisions` that hold the key, as SQL."""
        return tuple(quoted(f"key.{name}") for name in self.unit_keys)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that its rows, their keys and their outcomes are read from."""
        others = (self.holder, self.outcome.source if self.outcome is not None else None)
        found = {each.name: each for each in (self.source, *others) if each is not None}
        return tuple(found.values())

    @property
    def is_computed(self) -> bool:
        """Whether a query makes something of its rows, and not all is read off the decisions' own."""
        return bool(self.aggregated) or not self.own_row

    @property
    def features(self) -> tuple[Feature, ...]:
        """All of them, those that are read and those that are aggregated."""
        return self.values + self.aggregated

    @property
    def read_columns(self) -> tuple[str, ...]:
        """The source's columns that are needed, in the source's order."""
        names = {name for feature in self.features for name in (feature.column, feature.by) if name is not None}
        names |= {*self.source.key, *self.filter_columns}
        names |= {self.via.column or self.via.key} if self.via is not None else set(self.keys)
        return tuple(column.name for column in self.source.columns if column.name in names)


@dataclass(frozen=True)
class OutputFeature:
    """A column of the training table that the model is given."""

    name: str
    type: str
    monotone: str | None
    description: str


@dataclass(frozen=True)
class Resolved:
    """Everything the SQL is written from; what is hidden and feeds nothing is not in it."""

    groups: tuple[ResolvedGroup, ...]
    derived: tuple[ResolvedDerived, ...]
    outputs: tuple[OutputFeature, ...]
    carried: tuple[str, ...]
    label_filter: str | None


def resolve(data: Data, features: Features, dialect: Dialect = DUCKDB) -> Resolved:
    """Checks every feature against the sources.

    Args:
        data: the data section, which agrees with itself (`config.agreement`).
        features: what to know of each decision.
        dialect: in which engine's SQL filters and expressions are written.

    Raises:
        DeclarationError: a source, column, key, filter, type or name is not what a feature needs; the
            message names the feature.
    """
    if problems := list(feature_disagreements(data, features)):
        refuse(problems)
    for source in data.sources:
        _check_case(source)
    groups = tuple(_group(number, group, data, dialect) for number, group in enumerate(features.groups, 1))
    derived = resolve_derived(features, dialect)
    needed = needed_of(features, {each.feature.name: each.reads for each in derived})
    groups = tuple(found for group in groups if (found := _cut(group, needed, features, data, dialect)) is not None)
    derived = tuple(each for each in derived if each.feature.name in needed)
    carried = tuple(column.name for column in data.unit_source.columns if column.slice)
    return Resolved(groups, derived, _outputs(features), carried, _label_filter(data, dialect))


def _cut(
    group: ResolvedGroup, needed: set[str], features: Features, data: Data, dialect: Dialect
) -> ResolvedGroup | None:
    """The group without features that are not needed; None if none is."""
    kept = tuple(feature for feature in group.features if feature.name in needed)
    if not kept or len(kept) == len(group.features):
        return group if kept else None
    declared = features.groups[group.number - 1]
    chosen = tuple(feature for feature in declared.every if feature.name in needed)
    return _group(group.number, declared.part(chosen), data, dialect)


def _check_case(source: Source) -> None:
    seen: dict[str, str] = {}
    for column in source.columns:
        if column.name.casefold().startswith(OURS):
            raise DeclarationError(
                f"source {source.name!r}: column {column.name!r} begins with {OURS!r}, as names in compiled SQL do",
                fix="Rename it where it comes from",
            )
        other = seen.setdefault(column.name.casefold(), column.name)
        if other != column.name:
            raise DeclarationError(
                f"source {source.name!r}: columns {other!r} and {column.name!r} differ in case only, "
                "and SQL cannot tell them apart"
            )


def _group(number: int, group: FeatureGroup, data: Data, dialect: Dialect) -> ResolvedGroup:
    source = _source(data, group.source)
    _check_keys(group, source, data)
    types, refused = _types(source), _refused(source, data)
    if group.outcome is not None:
        if OUTCOME in types:
            raise DeclarationError(f"source {source.name!r} has a column {OUTCOME!r}, so its groups can declare none")
        types |= {OUTCOME: "boolean"}
    conditions: dict[str, str] = {}
    read: set[str] = set()
    for feature in group.every:
        check_fill(feature)
        if feature.filter is not None:
            where = f"feature {feature.name!r}, filter"
            parsed = parse_condition(feature.filter, types, where, refused=refused, engine=dialect)
            conditions[feature.name] = parsed.sql
            read |= parsed.columns
    return ResolvedGroup(
        number=number,
        source=source,
        keys=group.keys,
        unit_keys=group.unit_keys,
        values=tuple(feature for feature in group.every if feature.aggregate == "value"),
        aggregated=tuple(feature for feature in group.every if feature.aggregate != "value"),
        conditions=conditions,
        filter_columns=frozenset(read),
        own_row=source.name == data.unit.source and group.keys == group.unit_keys == (data.unit.key,),
        via=group.via,
        holder=_source(data, group.via.source) if group.via is not None else None,
        outcome=_outcome(group, data, dialect),
    )


def _source(data: Data, name: str) -> Source:
    return next(source for source in data.sources if source.name == name)


def _outcome(group: FeatureGroup, data: Data, dialect: Dialect) -> ResolvedOutcome | None:
    outcome = group.outcome
    if outcome is None:
        return None
    source = _source(data, outcome.source)
    where = f"outcome of {group.source!r}, filter"
    refused = _refused(source, data)
    parsed = parse_condition(outcome.filter, _types(source), where, refused=refused, engine=dialect)
    return ResolvedOutcome(
        source, outcome.key, parsed.sql, frozenset(parsed.columns), outcome.within, outcome.matures_after
    )


def _check_keys(group: FeatureGroup, source: Source, data: Data) -> None:
    """Rows joined by a column tell of it: by the label, the outcome; by a protected attribute, the attribute."""
    reasons = _refused(data.unit_source, data)
    for key, unit_key in zip(group.keys, group.unit_keys, strict=True):
        column, reason = unit_key, reasons.get(unit_key) if unit_key != data.unit.key else None
        if source.name == data.unit.source and group.via is None and key == data.label.column:
            column, reason = key, reasons[key]
        if reason is not None:
            raise DeclarationError(f"feature {group.every[0].name!r} is joined by column {column!r}, which {reason}")


def _types(source: Source) -> dict[str, str]:
    return {column.name: column.type for column in source.columns}


def _refused(source: Source, data: Data) -> dict[str, str]:
    """Columns that exist and may feed no feature, and why."""
    refused = {column.name: "is barred from features" for column in source.columns if column.barred}
    if source.name == data.unit.source and data.label.column is not None:
        refused[data.label.column] = "is the label"
    return refused


def _label_filter(data: Data, dialect: Dialect) -> str | None:
    event = data.label.event
    if event is None:
        return None
    source = data.source(event.source)
    types = _types(source) if source is not None else {}
    return parse_condition(event.filter, types, f"label {data.label.name!r}, filter", engine=dialect).sql


def _outputs(features: Features) -> tuple[OutputFeature, ...]:
    declared: list[OutputFeature] = [
        OutputFeature(feature.name, feature.type, feature.monotone, feature.description)
        for group in features.groups
        for feature in group.every
    ]
    declared += [OutputFeature(each.name, "number", each.monotone, each.description) for each in features.derived]
    return tuple(output for output in declared if output.name not in features.hidden)
