"""Figures for decisions: profit over approval, and the challenger's distance from the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loanwright.evaluation.comparison import LOSSES, Comparison
from loanwright.evaluation.evidence import Evidence, ProfitPoint
from loanwright.evaluation.report.canvas import draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER
from loanwright.evaluation.report.numbers import nice_ticks, number, percent, signed
from loanwright.evaluation.report.words import DIFFERENCE_DIGITS, metric_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def profit(evidence: Evidence, currency: str | None = None) -> str | None:
    """Profit per unit over the share approved, its best point marked; None without economics."""
    points = sorted(evidence.profit, key=lambda one: one.approved)
    if len(points) < 2:
        return None
    best, last = best_profit(evidence), points[-1]
    unit = f" {currency}" if currency else ""

    def paint(figure: Figure) -> None:
        axes = plot(figure)
        low, high = (end(one.profit for one in points) for end in (min, max))
        room = 0.14 * (high - low) or 1.0
        axes.set_xlim(0, 1)
        axes.set_ylim(min(low, 0) - room / 2, max(high, 0) + room)
        ticks(axes, "x", (0, 0.25, 0.5, 0.75, 1), ("0%", "25%", "50%", "75%", "100%"), grid=False)
        marks = nice_ticks(*axes.get_ylim(), 6)
        digits = 0 if all(mark == int(mark) for mark in marks) else 2
        ticks(axes, "y", marks, [number(mark, digits) for mark in marks])
        axes.axhline(0, color=INK, linewidth=1)
        axes.plot([one.approved for one in points], [one.profit for one in points], color=MAIN, linewidth=2.2)
        axes.plot([best.approved] * 2, [0, best.profit], color=MUTED, linewidth=1, dashes=(3, 3))
        axes.plot([best.approved], [best.profit], "o", color=OTHER, markersize=7)
        side = "left" if best.approved < 0.3 else "right" if best.approved > 0.7 else "center"
        text = f"{number(best.profit, 2)}{unit} at {percent(best.approved, 0)} approved"
        write(axes, (best.approved, best.profit), text, offset=(0, 12), align=side, bold=True)
        titles(figure, axes, "Share of units approved, the safest first", f"Profit per unit{unit and f',{unit}'}")

    description = (
        f"Profit per unit is highest, {number(best.profit, 2)}{unit}, where {percent(best.approved, 0)} of the units "
        f"are approved; approving {percent(last.approved, 0)} gives {number(last.profit, 2)}{unit}."
    )
    return draw("profit", "Profit over approval", description, paint, height=340)


def profit_table(evidence: Evidence) -> list[ProfitPoint]:
    """The points that the table beside the curve shows: every tenth of approval from a half up, and the best."""
    if not evidence.profit:
        return []
    near = {min(evidence.profit, key=lambda one: abs(one.approved - tenth / 10)).approved for tenth in range(5, 11)}
    near.add(best_profit(evidence).approved)
    return sorted((one for one in evidence.profit if one.approved in near), key=lambda one: one.approved)


def best_profit(evidence: Evidence) -> ProfitPoint:
    """The point of the highest profit; of equal ones that with the most approvals."""
    return max(evidence.profit, key=lambda one: (one.profit, one.approved))


def difference(comparison: Comparison) -> str | None:
    """The paired difference with its interval, and which side is better; None if it was not measured."""
    value, low, high = comparison.difference.value, comparison.difference.low, comparison.difference.high
    if value is None or low is None or high is None:
        return None
    words = metric_words(comparison.metric)
    reach = 1.25 * max(abs(low), abs(high), abs(value)) or 0.01

    def paint(figure: Figure) -> None:
        axes = plot(figure, left=16)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-1, 1)
        marks = nice_ticks(-reach, reach, 5)
        ticks(axes, "x", marks, [signed(mark, DIFFERENCE_DIGITS) for mark in marks])
        axes.axvline(0, color=INK, linewidth=1)
        axes.plot([low, high], [0, 0], color=MAIN, linewidth=1.8)
        axes.plot([value], [0], "o", color=MAIN, markersize=8)
        write(axes, (value, 0), signed(value, DIFFERENCE_DIGITS), offset=(0, 13), align="center", bold=True)
        sides = ("← better", "worse →") if comparison.metric in LOSSES else ("← worse", "better →")
        write(axes, (-reach, -1), sides[0], offset=(2, 8), tone=MUTED)
        write(axes, (reach, -1), sides[1], offset=(-2, 8), align="right", tone=MUTED)
        titles(figure, axes, f"Challenger minus champion, {words.label}", "")

    description = (
        f"{words.label} of the challenger less that of the champion on the same rows: "
        f"{signed(value, DIFFERENCE_DIGITS)}, interval {signed(low, DIFFERENCE_DIGITS)} to "
        f"{signed(high, DIFFERENCE_DIGITS)}."
    )
    return draw("difference", "Challenger minus champion", description, paint, height=180)
