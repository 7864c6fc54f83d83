"""The `evaluate` step's work: a model and the test part in, the evidence out."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loanwright.config.judgement import Evaluation
from loanwright.config.learning import Training
from loanwright.data.split import CALIBRATION, TEST, TRAIN, describe
from loanwright.evaluation import curves, stability
from loanwright.evaluation.bootstrap import intervals
from loanwright.evaluation.economics import profit_curve
from loanwright.evaluation.evidence import Evidence, Importance, PartSummary
from loanwright.evaluation.importance import SAMPLE_ROWS, importances
from loanwright.evaluation.metrics import METRICS
from loanwright.evaluation.monotone import check_monotone
from loanwright.evaluation.profiles import profiles
from loanwright.evaluation.ranking import rank
from loanwright.evaluation.sampling import sample
from loanwright.evaluation.slices import FEWEST_ROWS, measure_slices, slice_columns
from loanwright.evaluation.subject import Subject
from loanwright.training.preparation import fitting_rows

_Name = Literal["train", "validation", "calibration", "test", "left_out"]
_log = logging.getLogger("loanwright")


def evidence_of(subject: Subject, evaluation: Evaluation, training: Training | None = None) -> Evidence:
    """Everything that is declared to be measured of a model. Equal inputs give equal bytes.

    Args:
        subject: the model, its table and the split.
        evaluation: the declared section.
        training: the declared section, if rows held out for early stopping are to be counted apart.

    Raises:
        IntegrityFault: the model breaks a declared direction of a feature.
        DeclarationError: a slice's column does not exist, or has edges and holds no numbers.
    """
    body = subject.table.manifest.body
    slice_columns(evaluation.slices, body["carried"], subject.table.feature_names)
    bootstrap = evaluation.bootstrap
    ranked = rank(subject.scores, subject.labels)
    _log.info("measuring on %s test rows, %d resamples", f"{ranked.rows:,}", bootstrap.resamples)
    measured = intervals(ranked, METRICS, bootstrap, evaluation.depths)
    slices = measure_slices(subject.test, evaluation.slices, subject.scores, subject.labels, bootstrap)
    importance, explained = _importance(subject)
    notes = [f"SHAP values are of {explained:,} test rows, chosen by hash."]
    if subject.reference["rows"] < (subject.part == TRAIN).sum():
        notes.append(f"Stability is measured against {subject.reference['rows']:,} rows of the train part.")
    if any(one.rows < FEWEST_ROWS for one in slices):
        notes.append(f"Slices of fewer than {FEWEST_ROWS} rows are listed and not measured.")
    if subject.inexact_workers is not None and subject.inexact_workers > 1:
        notes.append(
            f"Trained by {subject.inexact_workers} workers with training.exact off: another number of them might make "
            "another model."
        )
    return Evidence(
        label=body["label"]["name"],
        rows=ranked.rows,
        positives=int(subject.labels.sum()),
        confidence=bootstrap.confidence,
        metrics={name: measured[name] for name in METRICS},
        roc=curves.roc(ranked),
        roc_thresholds=curves.roc_thresholds(ranked),
        precision_recall=curves.precision_recall(ranked),
        calibration=curves.calibration_bins(ranked, bootstrap.confidence),
        scores=curves.score_histogram(ranked),
        depths=curves.depth_table(ranked, evaluation.depths, measured),
        slices=slices,
        importance=importance,
        stability=stability.shifts(subject.reference, subject.scores, subject.test),
        profit=profit_curve(ranked, evaluation.economics) if evaluation.economics else (),
        parts=_parts(subject, training),
        split=describe(subject.split, subject.table.maturity, subject.table.observed_until),
        rounds=subject.scorer.rounds,
        calibration_method=subject.scorer.calibrator.method,
        profiles=profiles(subject.test, subject.table.features),
        monotone=check_monotone(subject),
        notes=tuple(notes),
    )


def _importance(subject: Subject) -> tuple[tuple[Importance, ...], int]:
    chosen = sample(subject.keys.unit_hash, subject.is_test, SAMPLE_ROWS)[subject.is_test]
    rows = subject.test.filter(pa.array(chosen))
    scorer = subject.scorer
    return importances(scorer.encoding.features, scorer.gains(), scorer.contributions(rows), rows), rows.num_rows


def _parts(subject: Subject, training: Training | None) -> tuple[PartSummary, ...]:
    train, held = subject.part == TRAIN, None
    if training is not None:
        train, held = fitting_rows(subject.table, subject.keys, subject.split, training)
    held = np.zeros_like(train) if held is None else held
    rows: dict[_Name, NDArray[np.bool_]] = {
        "train": train,
        "validation": held,
        "calibration": subject.part == CALIBRATION,
        "test": subject.part == TEST,
    }
    rows["left_out"] = ~np.logical_or.reduce(list(rows.values()))
    return tuple(
        _part(subject, name, chosen)
        for name, chosen in rows.items()
        if chosen.any() or name in ("train", "calibration", "test")
    )


def _part(subject: Subject, name: _Name, chosen: NDArray[np.bool_]) -> PartSummary:
    times = subject.keys.decision_time[chosen]
    return PartSummary(
        name=name,
        rows=len(times),
        positives=int(subject.keys.label[chosen].sum()),
        from_time=_moment(times.min()) if len(times) else None,
        to_time=_moment(times.max()) if len(times) else None,
    )


def _moment(time: np.datetime64) -> str:
    return f"{np.datetime_as_string(time, unit='s')}Z"
