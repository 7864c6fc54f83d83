"""Figures of how the model was trained: what was measured after each round, and how long rounds took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loanwright.evaluation.report.canvas import draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER
from loanwright.evaluation.report.numbers import count, nice_ticks, number
from loanwright.training.course import Course
from loanwright.training.gang.history import Segment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_METRICS = {"auc": "AUC", "average_precision": "Average precision", "binary_logloss": "Log loss"}


def curve(course: Course | None) -> str | None:
    """The early-stopping metric after each round, the best one marked; None if no rows were held out."""
    if course is None or len(course.validation) < 2:
        return None
    values, best = course.validation, course.best_round
    name = _METRICS.get(course.metric, course.metric)

    def paint(figure: Figure) -> None:
        axes = _over_rounds(figure, len(values))
        low, high = min(values), max(values)
        room = (high - low) * 0.08 or 1e-3
        axes.set_ylim(low - room, high + room)
        marks = nice_ticks(low, high)
        digits = _digits(marks)
        ticks(axes, "y", marks, [number(mark, digits) for mark in marks])
        axes.plot(range(1, len(values) + 1), values, color=MAIN)
        axes.plot([best, best], [low - room, values[best - 1]], color=INK, linewidth=1)
        axes.plot([best], [values[best - 1]], "o", color=MAIN, markersize=7)
        right = best > 0.6 * len(values)
        words = f"round {count(best)}: {number(values[best - 1], 4)}"
        middle = (low + values[best - 1]) / 2
        write(axes, (best, middle), words, offset=(-8 if right else 8, -4), align="right" if right else "left")
        titles(figure, axes, "Round", f"{name} on the rows held out of train")

    description = (
        f"{name} after each of {count(len(values))} rounds, from {number(values[0], 4)}; the best is "
        f"{number(values[best - 1], 4)} after round {count(best)}, which the model ends with."
    )
    return draw("curve", "Learning curve", description, paint)


def pace(course: Course | None) -> str | None:
    """Milliseconds a round, segment by segment, with a mark wherever all started again; None if nobody knows."""
    outcome = course.outcome if course is not None else None
    if course is None or outcome is None or not outcome.segments:
        return None
    spans = [(one.first, one.last, _milliseconds(one)) for one in outcome.segments]
    slowest = max(each for _, _, each in spans) or 1.0
    mean = sum((last - first) * each for first, last, each in spans) / sum(last - first for first, last, _ in spans)

    def paint(figure: Figure) -> None:
        axes = _over_rounds(figure, course.rounds)
        axes.set_ylim(0, 1.15 * slowest)
        marks = nice_ticks(0, 1.15 * slowest)
        digits = _digits(marks)
        ticks(axes, "y", marks, [number(mark, digits) for mark in marks])
        for first, last, each in spans:
            axes.bar((first + last) / 2, each, width=0.96 * (last - first), color=MAIN, alpha=0.55, linewidth=0)
        for one in outcome.restarts:
            axes.plot([one.round, one.round], [0, 1.15 * slowest], color=OTHER, linewidth=1.4)
        if outcome.restarts:
            write(axes, (outcome.restarts[0].round, 1.15 * slowest), "started again", offset=(6, -12), tone=MUTED)
        titles(figure, axes, "Round", "Milliseconds a round")

    again = len(outcome.restarts)
    times = {0: "", 1: "; all started again once"}.get(again, f"; all started again {count(again)} times")
    description = f"About {number(mean, 0 if mean >= 10 else 1)} ms a round{times}."
    return draw("pace", "Time per round", description, paint)


def _over_rounds(figure: Figure, rounds: int) -> Axes:
    axes = plot(figure, left=58)
    axes.set_xlim(0, rounds)
    marks = [mark for mark in nice_ticks(0, rounds) if mark == int(mark)]
    ticks(axes, "x", marks, [count(int(mark)) for mark in marks], grid=False)
    return axes


def _milliseconds(segment: Segment) -> float:
    return 1000 * (segment.ended - segment.began) / (segment.last - segment.first)


def _digits(marks: list[float]) -> int:
    """The fewest digits that tell these apart."""
    return next((digits for digits in range(5) if all(abs(m - round(m, digits)) < 1e-9 for m in marks)), 2)
