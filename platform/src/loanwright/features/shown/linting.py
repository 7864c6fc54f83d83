"""What is odd about declared features, as far as the declaration alone can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from loanwright.config.data import Data
from loanwright.config.features import Feature, FeatureGroup, Features
from loanwright.features.declared.derived import needed_of
from loanwright.features.declared.lineage import feeds, filtered, inputs
from loanwright.features.language.expressions import parse_expression
from loanwright.storage import digest_of

_WORDS = ("name", "windows", "filter", "monotone", "credit", "owner", "description")
"""What of a feature says nothing of its value, or is compared by itself."""


@dataclass(frozen=True)
class Finding:
    """Something odd about a feature."""

    feature: str
    rule: str
    """`unused`, `duplicate`, `missing`, `constant`, `suspicious`, `future`, `window` or `monotone`."""
    says: str
    """The sentence, without the feature's name."""


def lint_declaration(data: Data, features: Features) -> list[Finding]:
    """Unused features, and those that mean the same as an earlier one; in the order of the declaration.

    Args:
        data: the data section.
        features: what is declared; it fits the data (`features.resolve`).
    """
    found = [*_unused(features), *_same(data, features)]
    names = features.names()
    return sorted(found, key=lambda finding: (names.index(finding.feature), finding.rule))


def _unused(features: Features) -> Iterator[Finding]:
    fed = feeds(features)
    used = needed_of(features, inputs(features))
    for name in features.hidden:
        if name not in used:
            also = "nothing is derived from it" if name not in fed else "so is all that is derived from it"
            yield Finding(name, "unused", f"is hidden from the model, and {also}")


def _same(data: Data, features: Features) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for group in features.groups:
        for feature in group.every:
            name = first.setdefault(_meaning(data, group, feature), feature.name)
            if name != feature.name:
                yield Finding(feature.name, "duplicate", f"means the same as {name!r}")
    types = {feature.name: feature.type for group in features.groups for feature in group.every}
    for derived in features.derived:
        sql = parse_expression(derived.expression, types, f"feature {derived.name!r}").sql
        types[derived.name] = "number"
        name = first.setdefault(digest_of({"sql": _without_brackets(sql), "fill": derived.fill}), derived.name)
        if name != derived.name:
            yield Finding(derived.name, "duplicate", f"means the same as {name!r}")


def _meaning(data: Data, group: FeatureGroup, feature: Feature) -> str:
    """The digest of all that decides a feature's value."""
    source = next(source for source in data.sources if source.name == group.source)
    told: dict[str, Any] = feature.model_dump(mode="json", exclude=set(_WORDS))
    if (parsed := filtered(source, group, feature)) is not None:
        told["filter"] = _without_brackets(parsed.sql)
    joined = group.model_dump(mode="json", include={"source", "via", "outcome"})
    # A pair of keys is the same in another order.
    told |= {"group": joined, "keys": sorted(zip(group.keys, group.unit_keys, strict=True))}
    return digest_of(told)


def _without_brackets(sql: str) -> str:
    """The expression as a tree, in which brackets say nothing."""
    tree = exp.Tuple(expressions=[sqlglot.parse_one(sql, dialect="duckdb")])
    for bracket in list(tree.find_all(exp.Paren)):
        bracket.replace(bracket.this)
    return repr(tree)
