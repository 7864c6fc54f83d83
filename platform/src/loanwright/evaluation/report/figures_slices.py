"""Figures of the slices: does the model rank as well, and predict as truly, for every kind of unit?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from loanwright.evaluation.curves import wilson
from loanwright.evaluation.evidence import Evidence, SliceMetrics
from loanwright.evaluation.report.canvas import SMALL, WIDTH, draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import MAIN, MUTED, OTHER
from loanwright.evaluation.report.numbers import clipped, nice_ticks, number, percent, percents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 40
"""So many rows are drawn; the table beside the figure has them all."""
_ROW = 25
_LEFT = 138
_SIGNS: dict[str, dict[str, Any]] = {"o": {"markersize": 6}, "|": {"markersize": 13, "markeredgewidth": 2.4}}


def discrimination(evidence: Evidence) -> str | None:
    """AUC of each slice with its interval, and the whole test slice's as a line; None if none is defined."""
    rows = [
        (one, one.auc.value, one.auc.low, one.auc.high) for one in evidence.slices[:MOST] if one.auc.value is not None
    ]
    whole = evidence.metrics.get("auc")
    if not rows or whole is None or whole.value is None:
        return None
    middle = whole.value

    def paint(figure: Figure) -> None:
        ends = [end for _, value, low, high in rows for end in (value, low, high) if end is not None]
        axes, places = _rows(figure, [row[0] for row in rows], (min([*ends, middle]), max([*ends, middle])), _numbers)
        axes.axvline(middle, color=MUTED, linewidth=1, dashes=(3, 3))
        for place, (_, value, low, high) in zip(places, rows, strict=True):
            _dot(axes, place, value, low, high, MAIN)
        titles(figure, axes, "AUC", f"Dashed: all units, {number(middle)}")

    worst = min(rows, key=lambda row: row[1] or 0)
    description = (
        f"AUC by slice, {number(middle)} over all. The lowest is {number(worst[1])}, "
        f"for {worst[0].column} = {clipped(worst[0].value, 40)}."
    )
    return draw("slices-auc", "Ranking by slice", description, paint, height=_height([row[0] for row in rows]))


def truth(evidence: Evidence) -> str | None:
    """The mean prediction of each slice beside the rate that was observed; None if nothing was."""
    rows = [
        (one, one.rate, one.mean_prediction)
        for one in evidence.slices[:MOST]
        if one.rate is not None and one.mean_prediction is not None
    ]
    if not rows:
        return None

    def paint(figure: Figure) -> None:
        bands = [wilson(one.positives, one.rows, evidence.confidence) for one, _, _ in rows]
        ends = [end for band in bands for end in band] + [predicted for _, _, predicted in rows]
        axes, places = _rows(figure, [row[0] for row in rows], (min(ends), max(ends)), percents)
        for place, (_, rate, predicted), band in zip(places, rows, bands, strict=True):
            _dot(axes, place, rate, *band, MAIN)
            axes.plot([predicted], [place], "|", color=OTHER, **_SIGNS["|"])
        titles(figure, axes, "Outcome rate", "")
        _key(figure, axes)

    gap = max(rows, key=lambda row: abs(row[1] - row[2]))
    description = (
        f"Observed outcome rate and mean prediction by slice. The widest gap is that of {gap[0].column} = "
        f"{clipped(gap[0].value, 40)}: {percent(gap[1])} observed, {percent(gap[2])} predicted."
    )
    return draw("slices-rate", "Predictions by slice", description, paint, height=_height([row[0] for row in rows]))


def _numbers(values: Sequence[float]) -> list[str]:
    return [number(value, 2) for value in values]


def _groups(slices: Sequence[SliceMetrics]) -> list[tuple[str, list[SliceMetrics]]]:
    return [(column, list(group)) for column, group in groupby(slices, key=lambda one: one.column)]


def _height(slices: Sequence[SliceMetrics]) -> int:
    return 36 + 54 + _ROW * (len(slices) + len(_groups(slices)))


def _rows(
    figure: Figure,
    slices: Sequence[SliceMetrics],
    ends: tuple[float, float],
    label: Callable[[Sequence[float]], list[str]],
) -> tuple[Axes, list[float]]:
    """Axes with a line for each column's name and each of its values; the heights of the values."""
    groups = _groups(slices)
    axes = plot(figure, left=_LEFT)
    room = 0.06 * (ends[1] - ends[0]) or 0.01
    low, high = max(0.0, ends[0] - room), min(1.0, ends[1] + room)
    axes.set_xlim(low, high)
    axes.set_ylim(len(slices) + len(groups) - 0.4, -0.6)
    marks = nice_ticks(low, high, 5)
    ticks(axes, "x", marks, label(marks))
    places, line = [], 0
    for column, values in groups:
        write(axes, (low, line), clipped(column, 40), offset=(4 - _LEFT, -4), bold=True)
        for position, one in enumerate(values, start=line + 1):
            write(axes, (low, position), clipped(one.value, 18), offset=(-8, -4), align="right", size=SMALL)
            places.append(float(position))
        line += len(values) + 1
    return axes, places


def _key(figure: Figure, axes: Axes) -> None:
    """Names the two signs in the line above the plot."""
    line = 1 - 14 / (72 * figure.get_figheight())
    style: dict[str, Any] = {"transform": figure.transFigure, "clip_on": False}
    for left, marker, tone, words in (
        (4, "o", MAIN, "observed, with its interval"),
        (202, "|", OTHER, "predicted on average"),
    ):
        axes.plot(
            [(left + 4) / WIDTH],
            [line + 4 / (72 * figure.get_figheight())],
            marker,
            color=tone,
            **_SIGNS[marker],
            **style,
        )
        write(figure, ((left + 14) / WIDTH, line), words, tone=MUTED)


def _dot(axes: Axes, place: float, value: float, low: float | None, high: float | None, tone: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=tone, linewidth=1.4)
    axes.plot([value], [place], "o", color=tone, **_SIGNS["o"])
