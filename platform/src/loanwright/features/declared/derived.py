"""Derived features as SQL over features before them, and which features a model's are made of."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from loanwright.config.features import DerivedFeature, Feature, Features
from loanwright.errors import DeclarationError
from loanwright.features.language.dialect import Dialect
from loanwright.features.language.expressions import parse_expression

COUNTS = ("count", "distinct", "decayed_count")
"""What is 0 of nothing."""


@dataclass(frozen=True)
class ResolvedDerived:
    """A derived feature as SQL over those before it."""

    feature: DerivedFeature
    sql: str
    reads: frozenset[str]
    """The features that it is made of."""
    level: int
    """1 if it reads declared features only, else one more than the highest level it reads."""


def resolve_derived(features: Features, dialect: Dialect) -> tuple[ResolvedDerived, ...]:
    """The derived features in their order.

    Raises:
        DeclarationError: an expression is not allowed, reads what is not there, or what may not decide on credit.
    """
    types: dict[str, str] = {feature.name: feature.type for group in features.groups for feature in group.every}
    levels = dict.fromkeys(types, 0)
    barred = {feature.name for group in features.groups for feature in group.every if not feature.credit}
    later = {feature.name: "is declared after it" for feature in features.derived}
    derived = []
    for feature in features.derived:
        check_fill(feature)
        later[feature.name] = "is itself"
        where = f"feature {feature.name!r}"
        parsed = parse_expression(feature.expression, types, where, refused=later, engine=dialect)
        del later[feature.name]
        if not feature.credit:
            barred.add(feature.name)
        elif (
            features.purpose == "credit" and feature.name not in features.hidden and (found := barred & parsed.columns)
        ):
            raise DeclarationError(
                f"{where} is derived from {sorted(found)[0]!r}, which may not be used in a credit decision",
                fix="Hide it, or say 'purpose: other' if the model takes no credit decision",
            )
        elif barred & parsed.columns:
            barred.add(feature.name)
        level = 1 + max((levels[name] for name in parsed.columns), default=0)
        derived.append(ResolvedDerived(feature, parsed.sql, parsed.columns, level))
        levels[feature.name] = level
        types[feature.name] = "number"
    return tuple(derived)


def needed_of(features: Features, reads: Mapping[str, Collection[str]]) -> set[str]:
    """What the model is given, and all that this is made of.

    Args:
        features: what is declared.
        reads: derived feature → the features that its expression reads, in the order of the declaration.
    """
    needed = {name for name in features.names() if name not in features.hidden}
    for name in reversed(list(reads)):  # what reads a feature is declared after it
        if name in needed:
            needed |= set(reads[name])
    return needed


def check_fill(feature: Feature | DerivedFeature) -> None:
    """Refuses a `fill` that cannot stand in for a missing value.

    Raises:
        DeclarationError: it is no number, or the feature is never missing.
    """
    where, fill = f"feature {feature.name!r}:", feature.fill
    if fill is not None and not math.isfinite(fill):
        raise DeclarationError(f"{where} 'fill' is {fill}, which is no number to stand in for another")
    if isinstance(feature, Feature) and feature.aggregate in COUNTS and fill not in (None, 0):
        raise DeclarationError(f"{where} a {feature.aggregate} of nothing is 0, so it takes no other 'fill'")
