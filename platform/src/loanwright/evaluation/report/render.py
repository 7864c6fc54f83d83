"""Puts the report together: one HTML file that needs nothing else, the same bytes for the same evidence."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from loanwright.config.declaration import Model
from loanwright.evaluation.comparison import Comparison
from loanwright.evaluation.evidence import Evidence
from loanwright.evaluation.gates import CHAMPION_GATE, Judgement
from loanwright.evaluation.report import (
    distributions,
    figures_decisions,
    figures_features,
    figures_probability,
    figures_ranking,
    figures_slices,
    figures_training,
    figures_yardsticks,
    words,
)
from loanwright.evaluation.report.pages import page_environment, page_style
from loanwright.training.course import Course

if TYPE_CHECKING:
    from jinja2 import Environment

_CALIBRATION = {
    "none": "nothing: they are the model's own",
    "beta": "a beta curve",
    "sigmoid": "a sigmoid curve",
    "isotonic": "isotonic regression",
}
_LONGEST_VALUE = 40
"""Characters of a slice's value that the table shows; data may hold whole letters in a column."""
_SPLIT = ("method", "train", "validation", "calibration", "test")
_CONTENTS = {
    "gates": "Gates",
    "champion": "Champion",
    "yardsticks": "Yardsticks",
    "ranking": "Ranking",
    "calibration": "Calibration",
    "gains": "Gains",
    "profit": "Profit",
    "slices": "Slices",
    "features": "Features",
    "stability": "Stability",
    "distributions": "Distributions",
    "training": "Training",
    "data": "Data and lineage",
    "card": "Model card",
}


def render(
    evidence: Evidence,
    judgement: Judgement,
    model: Model,
    lineage: Mapping[str, str],
    comparison: Comparison | None = None,
    *,
    champion: Evidence | None = None,
    synthetic: bool = False,
    currency: str | None = None,
    limits: Sequence[str] = (),
    course: Course | None = None,
) -> str:
    """The report as one HTML document.

    Args:
        evidence: what was measured on the test slice.
        judgement: every gate's verdict.
        model: the words about the model.
        lineage: what led to the model, in the order shown: snapshot, table, digests, code, image, run.
        comparison: with the champion, on the same rows; None if there is no champion.
        champion: the champion's evidence on the same rows, where it was measured: its curves are drawn too.
        synthetic: the rows were made up, and the page says so at its top.
        currency: of the profit, as declared.
        limits: what the evidence does not show, as the bundle's model card says it.
        course: how the training went; None: the page does not say.
    """
    failed = [result for result in judgement.results if result.verdict != "pass"]
    yardsticks, profiles = figures_yardsticks.yardsticks(evidence), distributions.distributions(evidence)
    optional = {"profit": evidence.profit, "yardsticks": yardsticks, "distributions": profiles, "training": course}
    document = (
        _environment()
        .get_template("report.html.j2")
        .render(
            evidence=evidence,
            judgement=judgement,
            model=model,
            lineage=lineage,
            comparison=comparison,
            champion=champion,
            synthetic=synthetic,
            headline=words.headline(judgement.outcome, synthetic),
            why=words.why(len(judgement.results), len(failed)),
            failed=sorted(failed, key=lambda result: result.verdict != "block"),
            rate=evidence.positives / evidence.rows if evidence.rows else None,
            metrics=[(name, words.metric_words(name)) for name in _ordered(evidence.metrics)],
            compared=words.metric_words(comparison.metric) if comparison else None,
            figures=_figures(evidence, comparison, champion, currency, course),
            course=course,
            currency=currency,
            profits=figures_decisions.profit_table(evidence),
            profits_best=figures_decisions.best_profit(evidence) if evidence.profit else None,
            shifted=figures_features.most_shifted(evidence),
            important=figures_features.most_important(evidence),
            most_features=figures_features.MOST,
            dated=any(part.from_time or part.to_time for part in evidence.parts),
            calibration=_CALIBRATION.get(evidence.calibration_method, evidence.calibration_method),
            yardsticks=yardsticks,
            losses=figures_yardsticks.losses(evidence),
            profiles=profiles,
            contents=[(id_, title) for id_, title in _CONTENTS.items() if optional.get(id_, True)],
            split=sorted(evidence.split.items(), key=_place_in_split),
            limits=limits,
            style=page_style(),
        )
    )
    return document.strip() + "\n"


def _figures(
    evidence: Evidence,
    comparison: Comparison | None,
    champion: Evidence | None,
    currency: str | None,
    course: Course | None,
) -> dict[str, Any]:
    from markupsafe import Markup

    drawn = {
        "roc": figures_ranking.roc(evidence, champion),
        "precision_recall": figures_ranking.precision_recall(evidence, champion),
        "gains": figures_ranking.gains(evidence),
        "calibration": figures_probability.calibration(evidence),
        "scores": figures_probability.scores(evidence),
        "slices_auc": figures_slices.discrimination(evidence),
        "slices_rate": figures_slices.truth(evidence),
        "importance": figures_features.importance(evidence),
        "stability": figures_features.stability(evidence),
        "profit": figures_decisions.profit(evidence, currency),
        "yardsticks": figures_yardsticks.aucs(evidence),
        "curve": figures_training.curve(course),
        "pace": figures_training.pace(course),
        "difference": figures_decisions.difference(comparison) if comparison else None,
    }
    return {name: None if svg is None else Markup(svg) for name, svg in drawn.items()}  # noqa: S704 - escaped by its maker


def _ordered(metrics: Mapping[str, Any]) -> list[str]:
    """The metrics in the order of the words, unknown ones behind."""
    return [name for name in words.METRICS if name in metrics] + sorted(set(metrics) - set(words.METRICS))


def _place_in_split(entry: tuple[str, str]) -> tuple[int, str]:
    """The method, then the parts as they follow each other, then whatever else is said: stored keys are sorted."""
    return (_SPLIT.index(entry[0]) if entry[0] in _SPLIT else len(_SPLIT)), entry[0]


@functools.cache
def _environment() -> Environment:
    environment = page_environment()
    environment.filters.update(groupby_order=_groups)
    environment.globals.update(
        verdicts=words.VERDICTS,
        stability_words=words.stability_words,
        champion_gate=CHAMPION_GATE,
        difference_digits=words.DIFFERENCE_DIGITS,
        longest_value=_LONGEST_VALUE,
    )
    return environment


def _groups(items: Sequence[Any], attribute: str) -> list[tuple[str, list[Any]]]:
    """Neighbours that share an attribute, in the order they came."""
    return [(key, list(group)) for key, group in groupby(items, key=lambda item: str(getattr(item, attribute)))]
