"""Aggregates that add up: which exact sums a feature needs of its rows, and the feature made of them.

A sum is the name of a column; every feature here is a few sums and one floating-point operation at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loanwright.config.aggregates import Aggregate
from loanwright.features.definition.decay import WEIGHT_ONE
from loanwright.features.language.dialect import Dialect
from loanwright.features.texts.counted import Counted

_DAY = 86_400


@dataclass(frozen=True)
class Moments:
    """How an aggregate is made of sums."""

    terms: Callable[[Counted, Dialect], Sequence[str]]
    """Of each row that counts: the whole numbers to add up."""
    result: Callable[[Counted, Sequence[str], Dialect], str]
    """The feature, from the sums' names in the order of the terms; null when there is nothing to aggregate."""


def _ratio(numerator: str, denominator: str, dialect: Dialect) -> str:
    over = f"nullif({dialect.double(denominator)}, 0)"
    return f"{dialect.double(numerator)} / {over}"


def _std(of: Counted, sums: Sequence[str], dialect: Dialect) -> str:
    n, s, q = sums
    moment = f"({n} * {q} - {s} * {s})"
    freedom = f"({n} * ({n} - 1) * {dialect.widened(str(of.scale**2))})"
    return f"sqrt({_ratio(moment, freedom, dialect)})"


def _trend(of: Counted, sums: Sequence[str], dialect: Dialect) -> str:
    n, s, t, tt, ts = sums
    covariance = f"(({n} * {ts} - {t} * {s}) * {_DAY})"
    variance = f"(({n} * {tt} - {t} * {t}) * {of.scale})"
    return _ratio(covariance, variance, dialect)


def _trend_terms(of: Counted, dialect: Dialect) -> Sequence[str]:
    seconds = dialect.widened(dialect.seconds("lw_event"))
    return "1", of.whole, seconds, f"{seconds} * {seconds}", f"{seconds} * {of.whole}"


def _sum(of: Counted, sums: Sequence[str], dialect: Dialect) -> str:
    n, s = sums
    total = dialect.double(s)
    return f"CASE WHEN {n} > 0 THEN {total if of.scale == 1 else f'{total} / {of.scale}'} END"


def _quotient(of: Counted, sums: Sequence[str], dialect: Dialect) -> str:
    above, below = sums
    return _ratio(f"({above} * {of.by_scale})", f"({below} * {of.scale})", dialect)


ADDING: Mapping[Aggregate, Moments] = {
    "count": Moments(lambda of, d: ("1",), lambda of, s, d: f"CAST({s[0]} AS DOUBLE)"),
    "sum": Moments(lambda of, d: ("1", of.whole), _sum),
    "balance": Moments(lambda of, d: ("1", of.whole), _sum),
    "mean": Moments(lambda of, d: ("1", of.whole), lambda of, s, d: _ratio(s[1], f"({s[0]} * {of.scale})", d)),
    "ratio": Moments(lambda of, d: (of.whole, of.by), _quotient),
    "std": Moments(lambda of, d: ("1", of.whole, of.square), _std),
    "trend": Moments(_trend_terms, _trend),
    "share": Moments(
        lambda of, d: ("1", f"CASE WHEN {of.matches} THEN 1 ELSE 0 END"), lambda of, s, d: _ratio(s[1], s[0], d)
    ),
    "decayed_sum": Moments(
        lambda of, d: ("1", of.whole),
        lambda of, s, d: f"CASE WHEN {s[0]} > 0 THEN {d.double(s[1])} / {WEIGHT_ONE * of.scale} END",
    ),
    "decayed_count": Moments(lambda of, d: ("1",), lambda of, s, d: f"{d.double(s[0])} / {WEIGHT_ONE}"),
}
"""Every aggregate that can be had by subtracting running sums."""
