"""What the model is held against: simpler models on the same rows, and in a synthetic world the truth itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loanwright.evaluation.evidence import UNDEFINED, Evidence, Interval
from loanwright.evaluation.report.canvas import draw, plot, ticks, titles, write
from loanwright.evaluation.report.dressing import INK, MAIN, MUTED, OTHER
from loanwright.evaluation.report.numbers import clipped, nice_ticks, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 46
_UNBROKEN = "\N{NON-BREAKING HYPHEN}"
TRUTH, MODEL = "The truth", "This model"


class Yardstick(NamedTuple):
    """One AUC among others, the best possible first."""

    name: str
    auc: Interval
    difference: Interval
    """The model's AUC minus this one's; not defined for the model itself and for the truth."""
    features: int | None
    says: str


class Loss(NamedTuple):
    """How good one model's probabilities are by one measure; less is better."""

    name: str
    value: Interval
    difference: Interval
    """The model's less this one's; not defined for the model itself."""


def losses(evidence: Evidence) -> dict[str, list[Loss]]:
    """Measure → the model, then the baselines whose scores are probabilities; empty without any of these."""
    others = [one for one in evidence.baselines if one.log_loss.value is not None]
    if not others:
        return {}
    return {
        "Log loss": [
            Loss(MODEL, evidence.metrics["log_loss"], UNDEFINED),
            *(Loss(one.name, one.log_loss, one.log_loss_difference) for one in others),
        ],
        "Brier score": [
            Loss(MODEL, evidence.metrics["brier"], UNDEFINED),
            *(Loss(one.name, one.brier, one.brier_difference) for one in others),
        ],
    }


def yardsticks(evidence: Evidence) -> list[Yardstick]:
    """The truth if it is published, the model, then the baselines as they were declared; empty without any."""
    truth = evidence.truth
    if truth is None and not evidence.baselines:
        return []
    found = []
    if truth is not None:
        months = " to ".join(dict.fromkeys((truth.first_month, truth.last_month))).replace("-", _UNBROKEN)
        says = f"The chances that outcomes were drawn from, which nobody can know ({truth.rows:,} units, {months})."
        found.append(Yardstick(TRUTH, Interval(value=truth.auc, low=None, high=None), UNDEFINED, None, says))
    found.append(Yardstick(MODEL, evidence.metrics["auc"], UNDEFINED, len(evidence.importance), ""))
    found += [Yardstick(one.name, one.auc, one.difference, one.features, one.description) for one in evidence.baselines]
    return found


def aucs(evidence: Evidence) -> str | None:
    """A row for each yardstick: a dot with its interval; None if there is nothing beside the model's own."""
    shown = [(one.name, one.auc, one.auc.value) for one in yardsticks(evidence)]
    defined = [(name, auc, value) for name, auc, value in shown if value is not None]
    if len(defined) < 2:
        return None
    ends = [end for _, auc, value in defined for end in (value, auc.low, auc.high) if end is not None]
    low, high = min(0.5, *ends), min(1.0, max(ends) + 0.03)

    def paint(figure: Figure) -> None:
        axes = plot(figure, left=16)
        axes.set_xlim(low, high)
        axes.set_ylim(len(defined) - 0.5, -0.75)
        marks = nice_ticks(low, high, 6)
        ticks(axes, "x", marks, [number(mark, 2) for mark in marks])
        for place, (name, auc, value) in enumerate(defined):
            tone = {TRUTH: INK, MODEL: MAIN}.get(name, OTHER)
            if auc.low is not None and auc.high is not None:
                axes.plot([auc.low, auc.high], [place, place], color=tone, linewidth=1.8)
            axes.plot([value], [place], "D" if name == TRUTH else "o", color=tone, markersize=8, clip_on=False)
            write(axes, (low, place), clipped(name.replace("_", " "), 36), offset=(2, 12), tone=INK)
            write(axes, (high, place), number(value), offset=(-2, 12), align="right", tone=MUTED, bold=True)
        titles(figure, axes, "AUC on the test part; 0.5 is chance", "")

    told = "; ".join(f"{name.replace('_', ' ')} {number(value)}" for name, _, value in defined)
    return draw("yardsticks", "AUC beside its yardsticks", f"AUC: {told}.", paint, height=90 + _ROW * len(defined))
