"""Figures of the features: how much each counts, and whether it still looks as it did in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loanwright.evaluation.evidence import Evidence, Importance, Shift
from loanwright.evaluation.report.canvas import WIDTH, draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER, RULE
from loanwright.evaluation.report.numbers import clipped, nice_ticks, number
from loanwright.evaluation.report.words import ACT, WATCH, direction_words, stability_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 20
"""So many features are drawn; the table beside the figure has them all."""
_ROW = 33
_CROWDED = 0.15
"""Of the axis: nearer to its start than this, the words above the two marks would touch."""
_ARROWS = {"more raises risk": "▲", "more lowers risk": "▼", "mixed": "◆", "no one direction": "■"}
_TONES = {"more raises risk": OTHER, "more lowers risk": MAIN}


def importance(evidence: Evidence) -> str | None:
    """A bar for each of the features that count most; None without features."""
    shown = most_important(evidence)[:MOST]
    if not shown:
        return None

    def paint(figure: Figure) -> None:
        axes = _rows(figure, len(shown), max(one.mean_abs_shap for one in shown) or 1)
        for position, one in enumerate(shown):
            words = direction_words(one.direction)
            _bar(axes, position, one.feature, one.mean_abs_shap, _TONES.get(words, MUTED))
            write(figure, _right_end(figure, axes, position), f"{_ARROWS[words]} {words}", align="right", tone=MUTED)
        titles(figure, axes, "Mean size of the effect on the log-odds", "Feature, and which way it moves the score")

    named = "; ".join(f"{one.feature} ({direction_words(one.direction)})" for one in shown[:5])
    return draw("importance", "Feature importance", f"In order of effect: {named}.", paint, height=_height(len(shown)))


def stability(evidence: Evidence) -> str | None:
    """A bar for each of the largest population stability indexes, the score's first; None if there are none."""
    shown = most_shifted(evidence)[:MOST]
    if not shown:
        return None

    def paint(figure: Figure) -> None:
        axes = _rows(figure, len(shown), max(1.25 * ACT, 1.05 * max(one.psi for one in shown)))
        # Beside a huge shift both marks stand close together at the left end: one name has room for both.
        crowded = _CROWDED * axes.get_xlim()[1] > ACT
        if crowded:
            write(axes, (0, -1), "watch, act", offset=(0, 3), tone=MUTED)
        for mark, words in ((WATCH, "watch"), (ACT, "act")):
            if not crowded:
                write(axes, (mark, -1), words, offset=(0, 3), align="center", tone=MUTED)
            write(axes, (mark, -1), "▾", offset=(0, -8), align="center", tone=MUTED)
        for position, one in enumerate(shown):
            words = stability_words(one.psi)
            _bar(axes, position, one.name, one.psi, MAIN if words == "stable" else OTHER)
            for mark in (WATCH, ACT):
                axes.plot([mark, mark], [position - 0.2, position + 0.2], color=INK, linewidth=1)
            text = f"{number(one.psi)} {words}"
            write(figure, _right_end(figure, axes, position), text, align="right", tone=MUTED, bold=words != "stable")
        titles(figure, axes, "Population stability index, train against test", "")

    worst = max(shown, key=lambda one: one.psi)
    description = f"The largest shift is that of {worst.name}: {number(worst.psi)}, {stability_words(worst.psi)}."
    return draw("stability", "Stability", description, paint, height=_height(len(shown)))


def most_important(evidence: Evidence) -> Sequence[Importance]:
    """The features, those with the largest mean effect first."""
    return sorted(evidence.importance, key=lambda one: (-one.mean_abs_shap, one.feature))


def most_shifted(evidence: Evidence) -> Sequence[Shift]:
    """The shifts: the score's, which is the first, then the features', the largest first."""
    return [*evidence.stability[:1], *sorted(evidence.stability[1:], key=lambda one: (-one.psi, one.name))]


def _height(rows: int) -> int:
    return 36 + 54 + rows * _ROW + 10


def _rows(figure: Figure, rows: int, limit: float) -> Axes:
    """Axes for rows of a name above a bar; row 0 is the top one and its bar lies at height 0."""
    axes = plot(figure, left=4, right=4)
    axes.set_xlim(0, limit)
    axes.set_ylim(rows - 0.65, -1)
    marks = nice_ticks(0, limit, 5)
    digits = 1 if all(abs(10 * mark - round(10 * mark)) < 1e-9 for mark in marks) else 2
    ticks(axes, "x", marks[1:], [number(mark, digits) for mark in marks[1:]])
    return axes


def _bar(axes: Axes, position: int, name: str, length: float, tone: str) -> None:
    axes.barh(position, axes.get_xlim()[1], height=0.24, color=RULE, alpha=0.5, linewidth=0)
    axes.barh(position, length, height=0.24, color=tone, linewidth=0)
    write(axes, (0, position), clipped(name, 36), offset=(0, 8), tone=INK)


def _right_end(figure: Figure, axes: Axes, position: int) -> tuple[float, float]:
    """Where the name of a row ends at the right, in fractions of the figure."""
    box = axes.get_position()
    bottom, top = axes.get_ylim()
    height = figure.get_figheight() * 72
    return 1 - 4 / WIDTH, box.y0 + box.height * (position - bottom) / (top - bottom) + 8 / height
