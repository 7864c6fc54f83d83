"""Which features are made of which, and a declaration cut down to some of them with all that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from loanwright.config.data import Source
from loanwright.config.documents import read_document
from loanwright.config.features import DerivedFeature, Feature, FeatureGroup, Features
from loanwright.config.includes import with_includes
from loanwright.errors import UsageError, near
from loanwright.features.declared.resolve import OUTCOME
from loanwright.features.language.expressions import Parsed, parse_condition, parse_expression


def find(features: Features, name: str) -> tuple[FeatureGroup | None, Feature | DerivedFeature]:
    """The feature of that name, and its group; None for the group of a derived one.

    Raises:
        UsageError: there is none.
    """
    for group in features.groups:
        for feature in group.every:
            if feature.name == name:
                return group, feature
    for derived in features.derived:
        if derived.name == name:
            return None, derived
    raise UsageError(
        f"there is no feature {name!r}{near(name, features.names())}", fix="`loanwright features list` shows them"
    )


def inputs(features: Features) -> dict[str, tuple[str, ...]]:
    """Derived feature → the features that its expression reads, in the order of the declaration.

    Raises:
        DeclarationError: an expression is not allowed, or reads what is not there.
    """
    types = {feature.name: feature.type for group in features.groups for feature in group.every}
    found: dict[str, tuple[str, ...]] = {}
    for derived in features.derived:
        read = parse_expression(derived.expression, types, f"feature {derived.name!r}").columns
        found[derived.name] = tuple(name for name in types if name in read)
        types[derived.name] = "number"
    return found


def feeds(features: Features) -> dict[str, tuple[str, ...]]:
    """Feature → the derived features whose expressions read it; those that feed none are not there."""
    found: dict[str, list[str]] = {}
    for derived, read in inputs(features).items():
        for name in read:
            found.setdefault(name, []).append(derived)
    return {name: tuple(derived) for name, derived in found.items()}


def filtered(source: Source, group: FeatureGroup, feature: Feature) -> Parsed | None:
    """The feature's filter, parsed; None without one.

    Raises:
        DeclarationError: it is not allowed.
    """
    if feature.filter is None:
        return None
    types = {column.name: column.type for column in source.columns}
    if group.outcome is not None:
        types |= {OUTCOME: "boolean"}
    return parse_condition(feature.filter, types, f"feature {feature.name!r}, filter")


def only(features: Features, names: Iterable[str]) -> Features:
    """The named features and what they are made of, none of them hidden and for no model's use.

    Raises:
        UsageError: a name is no feature's.
    """
    reads = inputs(features)
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        find(features, name)
        if name not in wanted:
            wanted.add(name)
            waiting += reads.get(name, ())
    groups = [(group, tuple(each for each in group.every if each.name in wanted)) for group in features.groups]
    return Features(
        groups=tuple(group.part(chosen) for group, chosen in groups if chosen),
        derived=tuple(each for each in features.derived if each.name in wanted),
        purpose="other",
    )


def places(path: Path, features: Features) -> Mapping[str, tuple[str, int]]:
    """Feature → the file and line where it is declared, included files' too.

    Args:
        path: the `model.yaml` that the features were read from.
        features: what was read.

    Raises:
        DeclarationError: a file cannot be read any more.
    """
    content = read_document(path).value
    if not isinstance(content, dict) or "features" not in content:
        return {}
    node = with_includes(content["features"], path, path.parent.parent)
    found = {
        one.name: node.locate(("groups", position, "features", at))
        for position, group in enumerate(features.groups)
        for at, feature in enumerate(group.features)
        for one in feature.spread()
    }
    return found | {each.name: node.locate(("derived", at)) for at, each in enumerate(features.derived)}
