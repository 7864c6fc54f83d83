"""Simpler models to hold the model against, on the same test rows: always a constant and a scorecard.

Declared ones are trained as the model was, with fewer features: what the model adds to the facts that a checkout
states itself is the worth of all events before it. Every baseline is fitted on rows that the model was fitted on, and
calibrated as the model was. Nothing is judged by a baseline, and none is kept.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loanwright.config.judgement import CONSTANT, SCORECARD, Baseline, Bootstrap
from loanwright.config.learning import Training
from loanwright.data.split import CALIBRATION
from loanwright.errors import DataError, DeclarationError, near
from loanwright.evaluation.beside import measure_beside
from loanwright.evaluation.evidence import BaselineMetrics
from loanwright.evaluation.ranking import Floats
from loanwright.evaluation.sampling import sample
from loanwright.evaluation.scorecard import fit_scorecard
from loanwright.evaluation.subject import Subject
from loanwright.features.table import TrainingTable
from loanwright.training.calibration_fits import fit_calibrator
from loanwright.training.calibrators import Identity
from loanwright.training.fitting import fit
from loanwright.training.preparation import fitting_rows
from loanwright.training.scorer import Scorer

ROWS = 50_000
"""Rows that a scorecard is fitted on, and calibrated on, at most; chosen by hash."""
_log = logging.getLogger("loanwright")
_Mask = NDArray[np.bool_]


class _Scored(NamedTuple):
    """A baseline's scores of the test rows."""

    name: str
    description: str
    features: int
    scores: Floats
    probable: bool
    """Whether they are probabilities, and not log-odds that could not be calibrated."""


def measure_baselines(
    subject: Subject, baselines: Sequence[Baseline], training: Training, bootstrap: Bootstrap
) -> tuple[BaselineMetrics, ...]:
    """Fits each baseline on the train part, and measures all beside the model on the same test rows.

    Args:
        subject: the model, its table and the split.
        baselines: what is declared, beside the constant and the scorecard.
        training: the model's own training section.
        bootstrap: of the intervals.

    Raises:
        DeclarationError: a baseline names a feature that the table does not have.
        DataError: its features teach nothing.
    """
    rows, held = fitting_rows(subject.table, subject.keys, subject.split, training)
    scored = [_constant(subject, rows), _scorecard(subject, rows)]
    scored += [_declared(subject, one, training, rows, held) for one in baselines]
    measured = measure_beside(subject.scores, [one.scores for one in scored], subject.labels, bootstrap)
    found = []
    for one, (own, difference) in zip(scored, measured, strict=True):
        _log.info("baseline %s: AUC %s", one.name, "undefined" if own["auc"].value is None else own["auc"].value)
        of_probabilities = {
            name: interval
            for metric in ("log_loss", "brier")
            for name, interval in ((metric, own[metric]), (f"{metric}_difference", difference[metric]))
        }
        found.append(
            BaselineMetrics(
                name=one.name,
                description=one.description,
                features=one.features,
                auc=own["auc"],
                difference=difference["auc"],
                **(of_probabilities if one.probable else {}),
            )
        )
    return tuple(found)


def _constant(subject: Subject, rows: _Mask) -> _Scored:
    known = rows if subject.scorer.calibrator.method == Identity.method else subject.part == CALIBRATION
    rate = float(subject.keys.label[known].mean())
    which = "train" if known is rows else "calibration"
    return _Scored(
        CONSTANT, f"The rate of the {which} part for every unit.", 0, np.full(len(subject.labels), rate), probable=True
    )


def _scorecard(subject: Subject, rows: _Mask) -> _Scored:
    encoding = subject.scorer.encoding
    chosen = sample(subject.keys.unit_hash, rows, ROWS)
    card = fit_scorecard(_matrix(subject, chosen), subject.keys.label[chosen], encoding.features)
    calibrating = sample(subject.keys.unit_hash, subject.part == CALIBRATION, ROWS)
    test = np.concatenate([card.margins(part) for part in _test_matrices(subject)])
    scores, probable = _calibrated(subject, card.margins(_matrix(subject, calibrating)), calibrating, test)
    says = "A logistic regression on binned features, by the weight of each bin's evidence."
    if chosen.sum() < rows.sum():
        says += f" Fitted on {int(chosen.sum()):,} rows of the train part, chosen by hash."
    return _Scored(SCORECARD, says, len(card.terms), scores, probable)


def _declared(subject: Subject, declared: Baseline, training: Training, rows: _Mask, held: _Mask | None) -> _Scored:
    table = _limited(subject.table, declared)
    made = fit(table, rows, held, subject.keys.label, training)
    scorer, calibrating = Scorer(made.model_text, made.features), subject.part == CALIBRATION
    margins = np.asarray(scorer.margins(subject.test))
    known = scorer.margins_of(table, calibrating)
    scores, probable = _calibrated(subject, known, calibrating, margins)
    return _Scored(declared.name, declared.description, len(declared.features), scores, probable)


def _calibrated(subject: Subject, known: Floats, calibrating: _Mask, margins: Floats) -> tuple[Floats, bool]:
    """The test rows' probabilities; their log-odds where the outcome does not rise with them."""
    try:
        calibrator = fit_calibrator(subject.scorer.calibrator.method, known, subject.keys.label[calibrating])
    except DataError:
        return margins, False
    return calibrator.apply(margins), True


def _matrix(subject: Subject, rows: _Mask) -> Floats:
    table, encoding = subject.table, subject.scorer.encoding
    parts = [
        encoding.read_matrix(table, number, rows[start:end])
        for number, (start, end) in enumerate(pairwise(table.bounds))
        if rows[start:end].any()
    ]
    return np.concatenate([np.empty((0, len(encoding.features))), *parts])


def _test_matrices(subject: Subject) -> Iterator[Floats]:
    for start in range(0, subject.test.num_rows, ROWS):
        yield subject.scorer.encoding.matrix(subject.test.slice(start, ROWS))


def _limited(table: TrainingTable, declared: Baseline) -> TrainingTable:
    """The same table, of which only the baseline's features are seen; in the table's order."""
    known = table.feature_names
    for name in declared.features:
        if name not in known:
            raise DeclarationError(
                f"baseline {declared.name!r} is given {name!r}, which the training table does not have"
                f"{near(name, known)}",
                fix="Name features that the model is given",
            )
    limited = copy.copy(table)
    limited.features = tuple(feature for feature in table.features if feature["name"] in declared.features)
    return limited
