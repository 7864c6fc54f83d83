"""Declared features as a person reads them: one line each for a list, and the whole meaning of one in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loanwright.config.aggregates import Aggregate
from loanwright.config.base import spell_duration
from loanwright.config.data import Data, Source
from loanwright.config.features import DerivedFeature, Feature, FeatureGroup, Features
from loanwright.features.declared.derived import COUNTS
from loanwright.features.declared.lineage import feeds, find, inputs

_WORDS: Mapping[Aggregate, Callable[[Feature], str]] = {
    "value": lambda f: f"{f.column}",
    "count": lambda f: "number of rows" + (f" with a {f.column}" if f.column else ""),
    "sum": lambda f: f"sum of {f.column}",
    "ratio": lambda f: f"sum of {f.column} by sum of {f.by}, of the rows with both,",
    "balance": lambda f: f"balance of {f.column}",
    "mean": lambda f: f"mean of {f.column}",
    "min": lambda f: f"smallest {f.column}",
    "max": lambda f: f"largest {f.column}",
    "std": lambda f: f"standard deviation of {f.column}",
    "distinct": lambda f: f"number of different {f.column}" + (f", estimated in {f.sketch} cells," if f.sketch else ""),
    "first": lambda f: f"earliest {f.column} that is not null",
    "last": lambda f: f"latest {f.column} that is not null",
    "as_of": lambda f: f"{f.column} of the latest row, null or not,",
    "last_mean": lambda f: f"mean of the last {f.rows} {f.column}",
    "trend": lambda f: f"least-squares slope per day of {f.column}",
    "share": lambda f: f"share of rows with ({f.filter})",
    "streak": lambda f: f"how many of the last {f.rows} rows, from the latest on without a break, have ({f.filter})",
    "seconds_since_first": lambda f: "seconds since the first row",
    "seconds_since_last": lambda f: "seconds since the last row",
    "decayed_sum": lambda f: f"sum of {f.column}, a row weighing half after {_spelt(f.half_life)},",
    "decayed_count": lambda f: f"count of rows, a row weighing half after {_spelt(f.half_life)},",
}


@dataclass(frozen=True)
class Described:
    """One feature, its window expanded. Durations are as a declaration writes them; absent values are empty."""

    name: str
    source: str
    """`derived` for a derived feature."""
    key: str
    aggregate: str
    column: str
    window: str
    offset: str
    filter: str
    type: str
    monotone: str
    credit: bool
    hidden: bool
    owner: str
    description: str
    words: str
    """What it means, in one sentence."""
    inputs: tuple[str, ...]
    """Of a derived feature: what its expression reads."""
    feeds: tuple[str, ...]
    """The derived features that read it."""


def describe(data: Data, features: Features, owner: str = "") -> tuple[Described, ...]:
    """Every feature, hidden ones too, in the order of the training table's columns.

    Args:
        data: the data section.
        features: what is declared; it fits the data (`features.resolve`).
        owner: the model's, who answers for what names nobody.
    """
    read, fed = inputs(features), feeds(features)
    found = []
    for name in features.names():
        group, feature = find(features, name)
        own = feature if isinstance(feature, Feature) else None
        found.append(
            Described(
                name=name,
                source="derived" if group is None else group.source,
                key="" if group is None else ", ".join(group.unit_keys),
                aggregate=own.aggregate if own else "expression",
                column=(own.column or "") if own else "",
                window=_spelt(own.window) if own else "",
                offset=_spelt(own.offset) if own else "",
                filter=(own.filter or "") if own else "",
                type=own.type if own else "number",
                monotone=feature.monotone or "",
                credit=feature.credit,
                hidden=name in features.hidden,
                owner=feature.owner or owner,
                description=feature.description,
                words=in_words(data, group, feature),
                inputs=read.get(name, ()),
                feeds=fed.get(name, ()),
            )
        )
    return tuple(found)


def in_words(data: Data, group: FeatureGroup | None, feature: Feature | DerivedFeature) -> str:
    """What the feature is, in one sentence; `t` is when the decision is taken."""
    nothing = f"missing → {feature.fill:g}" if feature.fill is not None else "missing stays missing"
    if group is None or isinstance(feature, DerivedFeature):
        return f"{feature.expression if isinstance(feature, DerivedFeature) else ''}; {nothing}"
    if feature.fill is None and feature.aggregate in (*COUNTS, "balance"):
        nothing = "of no rows → 0"
    source = next(source for source in data.sources if source.name == group.source)
    what = _WORDS[feature.aggregate](feature)
    if reads_own_row(data, group, feature):
        return f"{what} of the {data.unit.name}'s own row; {nothing}"
    parts = [f"{what} over {source.name} {_joined(data, group)}"]
    if feature.filter is not None and feature.aggregate not in ("share", "streak"):
        parts[0] += f" where ({feature.filter})"
    parts += _when(group, feature, source)
    return "; ".join([", ".join(parts), nothing])


def reads_own_row(data: Data, group: FeatureGroup, feature: Feature) -> bool:
    """Whether it is a column of the decision's own row, known at it whatever its times say."""
    own = group.source == data.unit.source and group.keys == group.unit_keys == (data.unit.key,)
    return own and group.via is None and feature.aggregate == "value"


def _joined(data: Data, group: FeatureGroup) -> str:
    pairs = [
        f"{key} is the {data.unit.name}'s" + ("" if key == unit_key else f" {unit_key}")
        for key, unit_key in zip(group.keys, group.unit_keys, strict=True)
    ]
    if group.via is None:
        return f"whose {' and '.join(pairs)}"
    via = group.via
    return f"whose {via.column or via.key} leads to the row of {via.source} whose {' and '.join(pairs)}"


def _when(group: FeatureGroup, feature: Feature, source: Source) -> list[str]:
    """The window, and what of the rows is known."""
    if source.known is None:
        return ["whatever t is: the source has no times"]
    end = f"t - {_spelt(feature.offset)}" if feature.offset else "t"
    within = f"[{_window_start(feature)}, {end})" if feature.window else f"before {end}"
    if group.outcome is not None:
        outcome = group.outcome
        within = f"whose outcome is final {within} ({_spelt(outcome.matures_after)} after the row)"
        within += f", outcome meaning {outcome.source} with ({outcome.filter}) within {_spelt(outcome.within)}"
    elif feature.window:
        within = f"in {within}"
    return [within, "rows known before t, in the version known then"]


def _window_start(feature: Feature) -> str:
    return f"t - {_spelt((feature.window or 0) + (feature.offset or 0))}"


def _spelt(seconds: int | None) -> str:
    return spell_duration(seconds) if seconds else ""
