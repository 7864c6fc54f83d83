"""Figures of a search: how it went, what each parameter does, and the folds one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from loanwright.config.search import Dimension, Value
from loanwright.evaluation.comparison import LOSSES
from loanwright.evaluation.report.canvas import draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER, RULE
from loanwright.evaluation.report.numbers import nice_ticks, number
from loanwright.evaluation.report.words import DIFFERENCE_DIGITS, metric_words
from loanwright.search.outcome import Outcome
from loanwright.search.trials import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT = 60
_APART = 0.13
"""Share of an axis that two marks of a logarithmic one lie apart at least, so that their words do not touch."""


class _Scale(NamedTuple):
    low: float
    high: float
    marks: list[float]
    digits: int


def progress(outcome: Outcome, results: Sequence[Result], per_generation: int) -> str:
    """Each trial's mean by its number, the best so far as a line, the declared training's mean dashed."""
    measured = [(one.number, one.mean) for one in results if one.mean is not None]
    failed = [one.number for one in results if one.mean is None]
    better = min if outcome.metric in LOSSES else max
    best = list(accumulate((mean for _, mean in measured), better))
    label = metric_words(outcome.metric).label
    scale = _scale([mean for _, mean in measured])
    declared, highest = dict(measured)[outcome.declared.number], dict(measured)[outcome.best.number]

    def paint(figure: Figure) -> None:
        axes = plot(figure, left=_LEFT)
        most = max(one.number for one in results)
        axes.set_xlim(-0.7, most + 0.7)
        _upright(axes, scale)
        for number_ in range(per_generation, most + 1, per_generation):
            axes.axvline(number_ - 0.5, color=RULE, linewidth=0.8)
        axes.axhline(declared, color=OTHER, linewidth=1.2, dashes=(4, 3))
        axes.step([at for at, _ in measured], best, where="post", color=MAIN, linewidth=2.2)
        axes.plot([at for at, _ in measured], [mean for _, mean in measured], "o", color=MUTED, markersize=4.5)
        axes.plot(failed, [scale.low] * len(failed), "x", color=INK, markersize=6, clip_on=False)
        axes.plot([outcome.best.number], [highest], "o", color=MAIN, markersize=8)
        marks = [mark for mark in nice_ticks(0, most, 7) if mark == int(mark)]
        ticks(axes, "x", marks, [f"{mark:.0f}" for mark in marks], grid=False)
        titles(figure, axes, "Trial", f"{label}, mean over the folds")

    told = (
        f"{label} of {len(measured)} trials. The declared training has {number(declared, DIFFERENCE_DIGITS)}, "
        f"the best, trial {outcome.best.number}, {number(highest, DIFFERENCE_DIGITS)}."
    )
    return draw("progress", "The best so far", told, paint, height=320)


def slices(outcome: Outcome, results: Sequence[Result], name: str, dimension: Dimension) -> str:
    """One parameter, over its declared range, against the mean of each trial.

    Later trials are darker; the declared value is a dashed line.
    """
    measured = [(one, one.values[name], one.mean) for one in results if one.mean is not None]
    places = _places(dimension)
    log = dimension.log
    scale = _scale([mean for _, _, mean in measured])
    declared = outcome.declared.values[name]
    most = max(1, *(one.number for one in results))

    def at(value: Value) -> float:
        return float(places.get(value, -1)) if places else math.log10(value) if log else float(value)

    def paint(figure: Figure) -> None:
        axes = plot(figure, left=_LEFT)
        _upright(axes, scale)
        low, high = reach([value for _, value, _ in measured], dimension, at)
        room = 0.06 * (high - low)
        axes.set_xlim(low - room, high + room)
        if not log or declared > 0:
            axes.axvline(at(declared), color=OTHER, linewidth=1.2, dashes=(4, 3))
        for one, value, mean in measured:
            if log and value <= 0:
                continue
            if one is outcome.best:
                axes.plot([at(value)], [mean], "o", color=MAIN, markersize=8, zorder=3)
            else:
                axes.plot([at(value)], [mean], "o", color=INK, markersize=5, alpha=0.25 + 0.6 * one.number / most)
        _level(axes, low, high, places, log=log)
        titles(figure, axes, name + (" (log scale)" if log else ""), metric_words(outcome.metric).label)

    told = (
        f"{name} of {len(measured)} trials against their mean. Declared is {shown(declared)}, "
        f"the best trial has {shown(outcome.best.values[name])}."
    )
    return draw(f"slice-{name.replace('_', '-')}", name, told, paint, height=260)


def folds(outcome: Outcome) -> str | None:
    """The best trial beside the declared training in each fold; None if they are one."""
    if outcome.gain is None:
        return None
    pairs = [
        (mine.value, theirs.value) for mine, theirs in zip(outcome.best.folds, outcome.declared.folds, strict=True)
    ]
    scale = _scale([value for pair in pairs for value in pair])

    def paint(figure: Figure) -> None:
        axes = plot(figure, left=_LEFT)
        _upright(axes, scale)
        axes.set_xlim(0.4, len(pairs) + 0.6)
        for fold, (mine, theirs) in enumerate(pairs, 1):
            axes.plot([fold, fold], [mine, theirs], color=RULE, linewidth=3, zorder=1)
            axes.plot([fold], [theirs], "D", color=OTHER, markersize=6)
            axes.plot([fold], [mine], "o", color=MAIN, markersize=7)
        ticks(axes, "x", list(range(1, len(pairs) + 1)), [str(fold) for fold in range(1, len(pairs) + 1)], grid=False)
        titles(figure, axes, "Fold", metric_words(outcome.metric).label)
        line = 1 - 14 / (figure.get_figheight() * 72)
        write(figure, (0.76, line), "● best", align="right", tone=MAIN)
        write(figure, (0.98, line), "◆ declared", align="right", tone=OTHER)

    wins = sum(gain > 0 for gain in outcome.gain.folds)
    told = f"The best trial and the declared training in {len(pairs)} folds. The best is better in {wins} of them."
    return draw("folds", "Fold by fold", told, paint, height=300)


def _scale(values: Sequence[float]) -> _Scale:
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.01
    marks = nice_ticks(low - room, high + room, 5)
    step = marks[1] - marks[0] if len(marks) > 1 else 0.001
    return _Scale(
        low - room, high + room, marks, max(0, math.ceil(-math.log10(step) - 1e-9) + (0 if _round(step) else 1))
    )


def _round(step: float) -> bool:
    """Whether the step has one digit: 2.5 has two."""
    scaled = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    return bool(abs(scaled - round(scaled)) < 1e-6)


def _upright(axes: Axes, scale: _Scale) -> None:
    axes.set_ylim(scale.low, scale.high)
    ticks(axes, "y", scale.marks, [number(mark, scale.digits) for mark in scale.marks])


def reach(values: Sequence[Value], dimension: Dimension, at: Callable[[Value], float]) -> tuple[float, float]:
    """Ends of the axis: all that was declared to be tried, so that one sees whether the best lies at its edge."""
    ends = dimension.values or (dimension.low or 0.0, dimension.high or 0.0)
    places = [at(value) for value in (*ends, *values) if not dimension.log or value > 0]
    return min(places), max(places)


def _places(dimension: Dimension) -> dict[Value, int]:
    return {value: place for place, value in enumerate(dimension.values)}


def _level(axes: Axes, low: float, high: float, places: dict[Value, int], *, log: bool) -> None:
    if places:
        ticks(axes, "x", list(places.values()), [shown(value) for value in places], grid=False)
        return
    if not log:
        marks = nice_ticks(low, high, 6)
        ticks(axes, "x", marks, [f"{mark:g}" for mark in marks], grid=False)
        return
    inside: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9)):
        powers = range(math.floor(low), math.ceil(high) + 1)
        inside = [10.0**power * digit for power in powers for digit in digits]
        inside = [value for value in inside if low <= math.log10(value) <= high]
        if len(inside) >= 3:
            break
    apart: list[float] = []
    for value in inside:
        if not apart or math.log10(value / apart[-1]) >= _APART * (high - low):
            apart.append(value)
    ticks(axes, "x", [math.log10(value) for value in apart], [f"{value:g}" for value in apart], grid=False)


def shown(value: Value) -> str:
    """A value as it is declared."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"
