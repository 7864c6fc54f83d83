"""Figures of how well the model ranks: ROC, precision and recall, gains."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from loanwright.evaluation.evidence import Evidence, Point
from loanwright.evaluation.report.canvas import draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER
from loanwright.evaluation.report.numbers import nice_ticks, number, percent, percents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_DASHED: Any = (0, (5, 2.5))
_SHARES = ("0%", "25%", "50%", "75%", "100%")


def roc(evidence: Evidence, champion: Evidence | None = None) -> str | None:
    """The ROC curve, with the champion's dashed beside it; None if there is no curve."""
    if len(evidence.roc) < 2:
        return None
    ours = evidence.roc

    def paint(figure: Figure) -> None:
        axes = _unit_square(figure)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, dashes=(1, 3))
        write(axes, (0.62, 0.62), "chance", offset=(8, -12), tone=MUTED)
        if champion is not None:
            axes.plot(*_xy(champion.roc), color=OTHER, linestyle=_DASHED)
        widest = max(ours, key=lambda point: point.y - point.x)
        axes.plot([widest.x, widest.x], [widest.x, widest.y], color=INK, linewidth=1)
        axes.plot(*_xy(ours), color=MAIN, linewidth=2.2)
        write(axes, (widest.x, (widest.x + widest.y) / 2), f"KS {_metric(evidence, 'ks')}", offset=(6, -4))
        _key(axes, champion, f"AUC {_metric(evidence, 'auc')}", f"AUC {_metric(champion, 'auc')}")
        titles(figure, axes, "Flagged among units without the outcome", "Found among units with the outcome")

    description = (
        f"The curve of units found against units wrongly flagged, over all thresholds. AUC "
        f"{_metric(evidence, 'auc')}, KS {_metric(evidence, 'ks')}. Where a quarter of the units without the "
        f"outcome is flagged, {percent(_at(ours, 0.25), 0)} of those with it are found."
    )
    return draw("roc", "ROC curve", description, paint, height=340)


def precision_recall(evidence: Evidence, champion: Evidence | None = None) -> str | None:
    """Precision against recall, with the outcome rate as the line of chance; None if there is no curve."""
    if len(evidence.precision_recall) < 2:
        return None
    base = evidence.positives / evidence.rows
    highest = max(point.y for one in (evidence, champion) if one for point in one.precision_recall)

    def paint(figure: Figure) -> None:
        axes = _unit_square(figure)
        if highest < 0.5:
            # A rare outcome: on the full scale the whole curve would lie on the base line.
            axes.set_ylim(0, 1.3 * highest)
            marks = nice_ticks(0, 1.3 * highest)
            ticks(axes, "y", marks, percents(marks))
        axes.plot([0, 1], [base, base], color=MUTED, linewidth=1, dashes=(1, 3))
        above = base < 0.12 * axes.get_ylim()[1]
        write(axes, (0, base), f"chance {percent(base)}", offset=(6, 5 if above else -16), tone=MUTED)
        if champion is not None:
            axes.plot(*_xy(champion.precision_recall), color=OTHER, linestyle=_DASHED)
        axes.plot(*_xy(evidence.precision_recall), color=MAIN, linewidth=2.2)
        ours, theirs = (f"average {_metric(one, 'average_precision')}" for one in (evidence, champion))
        _key(axes, champion, ours, theirs, top=True)
        titles(figure, axes, "Found among units with the outcome (recall)", "True among the flagged (precision)")

    description = (
        f"Precision against recall over all thresholds. Average precision {_metric(evidence, 'average_precision')}, "
        f"where flagging at random would give {percent(base)}."
    )
    return draw("precision-recall", "Precision and recall", description, paint, height=340)


def gains(evidence: Evidence) -> str | None:
    """The share of outcomes among the riskiest units, with the declared depths marked; None if there is no curve.

    The curve follows from the ROC: at a threshold that flags shares t and f of the units with and without
    the outcome, the share of all units flagged is b·t + (1 - b)·f for the outcome rate b.
    """
    if len(evidence.roc) < 2:
        return None
    base = evidence.positives / evidence.rows
    curve = [(base * point.y + (1 - base) * point.x, point.y) for point in evidence.roc]
    marks = [(one.depth, one.capture) for one in evidence.depths]

    def paint(figure: Figure) -> None:
        axes = _unit_square(figure)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, dashes=(1, 3))
        write(axes, (0.62, 0.62), "chance", offset=(8, -12), tone=MUTED)
        axes.plot([0, base, 1], [0, 1, 1], color=MUTED, linewidth=1)
        write(axes, (base, 1), "perfect", offset=(6, -14), tone=MUTED)
        axes.plot([x for x, _ in curve], [y for _, y in curve], color=MAIN, linewidth=2.2)
        for depth, capture in marks:
            if capture.value is not None:
                if capture.low is not None and capture.high is not None:
                    axes.plot([depth, depth], [capture.low, capture.high], color=INK, linewidth=1)
                axes.plot([depth], [capture.value], "o", color=INK, markersize=5)
                write(axes, (depth, capture.value), percent(capture.value, 0), offset=(8, -12))
        titles(figure, axes, "Riskiest share of all units", "Share of all outcomes that it holds")

    held = ", ".join(f"the riskiest {percent(depth, 0)} hold {percent(c.value, 0)}" for depth, c in marks)
    return draw("gains", "Gains", f"Outcomes found by going down the ranking: {held or 'a curve'}.", paint, height=340)


def _unit_square(figure: Figure) -> Axes:
    axes = plot(figure)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    ticks(axes, "x", _QUARTERS, _SHARES, grid=False)
    ticks(axes, "y", _QUARTERS, _SHARES)
    return axes


def _key(axes: Axes, champion: Evidence | None, ours: str, theirs: str, *, top: bool = False) -> None:
    """Names the lines, in their own style, where the curve leaves room."""
    rows = [(f"this model, {ours}", MAIN, "solid"), (f"champion, {theirs}", OTHER, _DASHED)]
    for position, (words, tone, style) in enumerate(rows if champion else rows[:1]):
        y = axes.get_ylim()[1] * ((0.92 if top else 0.16) - 0.08 * position)
        middle = y + 0.015 * axes.get_ylim()[1]
        axes.plot([0.43, 0.49], [middle] * 2, color=tone, linewidth=2.2, linestyle=style)
        write(axes, (0.51, y), words)


def _metric(evidence: Evidence | None, name: str) -> str:
    interval = evidence.metrics.get(name) if evidence else None
    return number(interval.value if interval else None)


def _xy(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.x for point in points], [point.y for point in points]


def _at(points: Sequence[Point], x: float) -> float:
    """The curve's height at x, on the straight line between its points."""
    for one, two in pairwise(points):
        if one.x <= x <= two.x and two.x > one.x:
            return one.y + (two.y - one.y) * (x - one.x) / (two.x - one.x)
    return points[-1].y
