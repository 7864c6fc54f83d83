"""Puts the search report together: one HTML file that needs nothing else, the same bytes for the same results."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.config.declaration import Model
from loanwright.config.search import Search
from loanwright.evaluation.report.numbers import number
from loanwright.evaluation.report.pages import page_environment, page_style
from loanwright.evaluation.report.words import DIFFERENCE_DIGITS, metric_words
from loanwright.search.outcome import Outcome
from loanwright.search.report import figures
from loanwright.search.trials import Result

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"


def render(
    outcome: Outcome,
    results: Sequence[Result],
    *,
    model: Model,
    search: Search,
    lineage: Mapping[str, str],
    synthetic: bool,
    by_time: bool,
    stops: bool,
) -> str:
    """The report as one HTML document.

    Args:
        outcome: what was found.
        results: of all trials.
        model: the words about the model.
        search: the declared section.
        lineage: what led here, in the order shown.
        synthetic: the rows were made up, and the page says so at its top.
        by_time: folds follow each other in time.
        stops: rows were held out for early stopping.
    """
    failed = [one for one in results if one.failed is not None]
    last = max(one.number for one in results)
    document = (
        _environment()
        .get_template("search.html.j2")
        .render(
            outcome=outcome,
            changes=outcome.changes,
            results=results,
            failed=failed,
            ordered=_ordered(outcome, results),
            names=list(search.space.dimensions),
            generations=last // search.trials_per_generation + 1,
            model=model,
            search=search,
            lineage=lineage,
            synthetic=synthetic,
            by_time=by_time,
            stops=stops,
            metric=metric_words(outcome.metric),
            digits=DIFFERENCE_DIGITS,
            headline=headline(outcome),
            why=why(outcome),
            figures=_figures(outcome, results, search),
            shown=figures.shown,
            rounds=_rounds,
            style=page_style(),
        )
    )
    return document.strip() + "\n"


def headline(outcome: Outcome) -> str:
    """What was found, in a few words."""
    if outcome.changes:
        return "Better parameters found"
    return "Nothing better found" if outcome.gain is None else "Nothing surely better found"


def why(outcome: Outcome) -> str:
    """The sentence beneath the headline, and what the command line says."""
    label, best = metric_words(outcome.metric).label, f"trial {outcome.best.number}"
    if outcome.gain is None:
        return f"No trial has a better mean {label} than the declared parameters."
    gain, margin = (_amount(value) for value in (outcome.gain.mean, outcome.gain.margin))
    compared = f"In mean {label} {best} is better than the declared parameters by {gain}"
    if outcome.changes:
        return f"{compared}, and the folds' spread explains no more than {margin}."
    return f"{compared}, and the folds' spread alone explains {margin}. Nothing is proposed."


def _amount(value: float) -> str:
    """A number that is above zero never reads as zero."""
    least = 10**-DIFFERENCE_DIGITS
    if 0 < value < least / 2:
        return f"less than {number(least, DIFFERENCE_DIGITS)}"
    return number(value, DIFFERENCE_DIGITS)


def _ordered(outcome: Outcome, results: Sequence[Result]) -> list[Result]:
    """The best mean first; what failed, last."""
    sign = outcome.sign
    return sorted(results, key=lambda one: (one.mean is None, -sign * (one.mean or 0.0), one.number))


def _rounds(result: Result) -> float:
    return math.fsum(fold.rounds for fold in result.folds) / len(result.folds)


def _figures(outcome: Outcome, results: Sequence[Result], search: Search) -> dict[str, Markup | list[Markup] | None]:
    from markupsafe import Markup

    fold_by_fold = figures.folds(outcome)
    return {
        "progress": Markup(figures.progress(outcome, results, search.trials_per_generation)),  # noqa: S704 - escaped by its maker
        "folds": None if fold_by_fold is None else Markup(fold_by_fold),  # noqa: S704
        "slices": [
            Markup(figures.slices(outcome, results, name, one))  # noqa: S704
            for name, one in search.space.dimensions.items()
        ],
    }


@functools.cache
def _environment() -> Environment:
    return page_environment(_TEMPLATES)
