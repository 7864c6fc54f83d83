"""A line for each feature: how much of it is missing, what it ranges over, and a drawing of its distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from loanwright.evaluation.evidence import Evidence, FeatureProfile
from loanwright.evaluation.report.figures_features import most_important
from loanwright.evaluation.report.numbers import clipped, percent

_WIDTH, _HEIGHT = 96, 22
_LONGEST = 24
_VALUES = 4


class Line(NamedTuple):
    """What the table says of one feature; `values` is None of a number, and its ends are None of a category."""

    name: str
    missing: float
    low: float | None
    median: float | None
    high: float | None
    values: str | None
    bars: str
    """An SVG path of the histogram, of plain numbers alone; empty where there is nothing to draw."""


def distributions(evidence: Evidence) -> list[Line]:
    """A line for each profile, the features that count most first."""
    place = {one.feature: at for at, one in enumerate(most_important(evidence))}
    ordered = sorted(evidence.profiles, key=lambda one: place.get(one.name, len(place)))
    return [_line(one) for one in ordered]


def _line(one: FeatureProfile) -> Line:
    values = _values(one) if one.top else None
    return Line(one.name, one.missing, one.low, one.median, one.high, values, bars(one.histogram))


def _values(one: FeatureProfile) -> str:
    shown = [f"{clipped(top.value, _LONGEST)} {percent(top.share, 0)}" for top in one.top[:_VALUES]]
    more = one.distinct - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def bars(counts: Sequence[int]) -> str:
    """The path of a bar chart of counts, in a box of 96 by 22; a count above zero is never invisible."""
    highest = max(counts, default=0)
    if not highest:
        return ""
    width = _WIDTH / max(len(counts), 4)
    drawn = []
    for place, count in enumerate(counts):
        if count:
            height = max(1.0, _HEIGHT * count / highest)
            drawn.append(f"M{place * width:.4g} {_HEIGHT}v-{height:.4g}h{width - 1:.4g}v{height:.4g}z")
    return "".join(drawn)
