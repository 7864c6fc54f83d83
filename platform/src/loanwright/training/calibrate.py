"""The `calibrate` step's work: booster and calibration part in, published calibrator out."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np

from loanwright.config.learning import Calibration, Split
from loanwright.errors import IntegrityFault
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, canonical_json, digest_of, publish_folder, read_manifest
from loanwright.training.calibration_fits import fit_calibrator
from loanwright.training.calibrators import Identity
from loanwright.training.preparation import check_classes
from loanwright.training.scorer import Scorer

_log = logging.getLogger("loanwright")


def calibrate(
    table_uri: str, booster_uri: str, split: Split, calibration: Calibration, store: Store, scratch: Path
) -> str:
    """Fits a calibrator on the calibration part and publishes it, of kind ``calibrators``; its URI.

    Args:
        table_uri: a manifest of kind ``tables``.
        booster_uri: a manifest of kind ``boosters``, trained on that table.
        split: the declared rule.
        calibration: the declared section.
        store: where to publish.
        scratch: a folder for local copies.

    Raises:
        DataError: the calibration part is empty or of one outcome, or its outcomes do not rise with the score.
        IntegrityFault: the booster was trained on another table, or by another split.
    """
    booster = read_manifest(booster_uri, "boosters")
    table = TrainingTable.open(table_uri, scratch)
    for what, expected in (("table", table.manifest.digest), ("split", digest_of(split.model_dump(mode="json")))):
        if booster.body[what] != expected:
            raise IntegrityFault(
                f"{booster_uri} was trained with another {what}: this one may hold rows it has seen",
                fix="Train and calibrate in one run",
            )
    keys = table.keys()
    rows = table.part(split, keys) == 1
    label = keys.label[rows]
    if calibration.method == Identity.method:
        margins = np.empty(0)
    else:
        check_classes(label, "rows to calibrate on")
        margins = Scorer.from_manifests(booster_uri, None, scratch).margins_of(table, rows)
    calibrator = fit_calibrator(calibration.method, margins, label)
    _log.info("calibrated by %s on %s rows", calibration.method, f"{label.size:,}")
    body = {"booster": booster.digest, "rows": int(label.size), "positives": int(label.sum())}
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        (Path(folder) / "calibrator.json").write_bytes(canonical_json(calibrator.as_json()))
        return publish_folder(store, "calibrators", Path(folder), body)
