"""Figures of the probabilities: calibration, and the scores by outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from loanwright.evaluation.evidence import Evidence, ScoreBin
from loanwright.evaluation.report.canvas import WIDTH, draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER
from loanwright.evaluation.report.numbers import count, nice_ticks, number, percent, percents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 440


def calibration(evidence: Evidence) -> str | None:
    """What was predicted against what happened, with the count of units beneath; None without bins."""
    bins = evidence.calibration
    if not bins:
        return None
    limit = min(1.0, 1.06 * max(max(one.high, one.mean_prediction) for one in bins))

    def paint(figure: Figure) -> None:
        axes = plot(figure, bottom=166)
        axes.set_xlim(0, limit)
        axes.set_ylim(0, limit)
        _shares(axes, "y", limit)
        axes.plot([0, limit], [0, limit], color=MUTED, linewidth=1, dashes=(1, 3))
        write(axes, (limit, limit), "as predicted", offset=(-16, -4), align="right", tone=MUTED)
        for one in bins:
            axes.plot([one.mean_prediction] * 2, [one.low, one.high], color=MAIN, linewidth=1.4)
        axes.plot([b.mean_prediction for b in bins], [b.rate for b in bins], "o", color=MAIN, markersize=5)
        below = plot(figure, top=_HEIGHT - 126)
        _histogram(below, evidence, limit)
        titles(figure, below, "Predicted probability", "")
        write(figure, (2 / WIDTH, 1 - 14 / _HEIGHT), "Observed outcome rate", tone=MUTED)
        write(figure, (2 / WIDTH, 133 / _HEIGHT), "Units", tone=MUTED)

    gap = max(bins, key=lambda one: abs(one.rate - one.mean_prediction))
    description = (
        f"{len(bins)} groups of units by predicted probability. The widest gap is in the group with a mean prediction "
        f"of {percent(gap.mean_prediction)}, of which {percent(gap.rate)} had the outcome."
    )
    return draw("calibration", "Calibration", description, paint, height=_HEIGHT)


def scores(evidence: Evidence) -> str | None:
    """The distribution of the scores: with the outcome upwards, without it downwards; None without units."""
    bins = evidence.scores
    yes, no = sum(one.positives for one in bins), sum(one.negatives for one in bins)
    if not yes + no:
        return None
    held = [(one, one.positives / max(yes, 1), one.negatives / max(no, 1)) for one in bins]
    limit = max(one.high for one, up, down in held if max(up, down) > 0.0005)
    top, bottom = (1.12 * max(side) for side in zip(*((up, down) for _, up, down in held), strict=True))

    def paint(figure: Figure) -> None:
        axes = plot(figure)
        axes.set_xlim(0, limit)
        axes.set_ylim(-max(bottom, 0.02), max(top, 0.02))
        _shares(axes, "x", limit, grid=False)
        marks = nice_ticks(-max(bottom, 0.02), max(top, 0.02), 7)
        ticks(axes, "y", marks, percents([abs(mark) for mark in marks]))
        for one, up, down in held:
            _bar(axes, one, up, limit, OTHER)
            _bar(axes, one, -down, limit, MAIN)
        axes.axhline(0, color=INK, linewidth=1)
        axes.spines["bottom"].set_visible(False)
        write(axes, (limit, max(top, 0.02)), f"with the outcome ({count(yes)})", offset=(0, -14), align="right")
        write(axes, (limit, -max(bottom, 0.02)), f"without the outcome ({count(no)})", offset=(0, 8), align="right")
        titles(figure, axes, "Predicted probability", "Share of the units of each group")

    means = [
        sum((one.low + one.high) / 2 * share[side] for one, *share in held) if group else None
        for side, group in ((0, yes), (1, no))
    ]
    description = (
        f"Scores of {count(yes)} units with the outcome, about {percent(means[0], 0)} on average, upwards, and of "
        f"{count(no)} without it, about {percent(means[1], 0)} on average, downwards."
    )
    return draw("scores", "Scores by outcome", description, paint, height=340)


def _histogram(axes: Axes, evidence: Evidence, limit: float) -> None:
    axes.set_xlim(0, limit)
    bins = [one for one in evidence.scores if one.low < limit]
    highest = max((one.negatives + one.positives for one in bins), default=0)
    axes.set_ylim(0, 1.05 * highest or 1)
    for one in bins:
        _bar(axes, one, one.negatives + one.positives, limit, MAIN, alpha=0.45)
    _shares(axes, "x", limit, grid=False)
    marks = [mark for mark in nice_ticks(0, highest or 1, 3) if mark == int(mark)]
    ticks(axes, "y", marks, [number(mark, 0) for mark in marks])


def _shares(axes: Axes, which: Literal["x", "y"], limit: float, *, grid: bool = True) -> None:
    marks = nice_ticks(0, limit)
    ticks(axes, which, marks, percents(marks), grid=grid)


def _bar(axes: Axes, bin_: ScoreBin, height: float, limit: float, tone: str, alpha: float = 1) -> None:
    """A bar over the part of the bin that lies below the limit."""
    if height and bin_.low < limit:
        wide = min(bin_.high, limit) - bin_.low
        axes.bar(bin_.low + wide / 2, height, width=0.9 * wide, color=tone, alpha=alpha, linewidth=0)
