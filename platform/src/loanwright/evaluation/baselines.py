"""Simpler models to hold the model against: the same training on the same rows, with fewer features.

What the model adds to the facts that a checkout states itself is the worth of all events before it. Nothing is
judged by a baseline, and none is kept.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence

import numpy as np

from loanwright.config.judgement import Baseline, Bootstrap
from loanwright.config.learning import Training
from loanwright.errors import DeclarationError, near
from loanwright.evaluation.bootstrap import intervals
from loanwright.evaluation.comparison import compare
from loanwright.evaluation.evidence import BaselineAuc
from loanwright.evaluation.ranking import Floats, rank
from loanwright.evaluation.subject import Subject
from loanwright.features.table import TrainingTable
from loanwright.training.fitting import fit
from loanwright.training.preparation import fitting_rows
from loanwright.training.scorer import Scorer

_log = logging.getLogger("loanwright")


def measure_baselines(
    subject: Subject, baselines: Sequence[Baseline], training: Training, bootstrap: Bootstrap
) -> tuple[BaselineAuc, ...]:
    """Trains each baseline on the train part as the model was, and measures both on the same test rows.

    No baseline sees a row that the model did not train on. Their scores are not calibrated: the AUC is the same.

    Args:
        subject: the model, its table and the split.
        baselines: what is declared.
        training: the model's own training section.
        bootstrap: of the intervals.

    Raises:
        DeclarationError: a baseline names a feature that the table does not have.
        DataError: its features teach nothing.
    """
    found = []
    for declared in baselines:
        scores = _scores(subject, declared, training)
        measured = intervals(rank(scores, subject.labels), ["auc"], bootstrap)["auc"]
        difference = compare(subject.scores, scores, subject.labels, "auc", bootstrap).difference
        _log.info("baseline %s: AUC %s", declared.name, "undefined" if measured.value is None else measured.value)
        found.append(
            BaselineAuc(
                name=declared.name,
                description=declared.description,
                features=len(declared.features),
                auc=measured,
                difference=difference,
            )
        )
    return tuple(found)


def _scores(subject: Subject, declared: Baseline, training: Training) -> Floats:
    """(test rows,) the baseline's log-odds."""
    table = _limited(subject.table, declared)
    rows, held = fitting_rows(table, subject.keys, subject.split, training)
    made = fit(table, rows, held, subject.keys.label, training)
    return np.asarray(Scorer(made.model_text, made.features).margins(subject.test))


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
