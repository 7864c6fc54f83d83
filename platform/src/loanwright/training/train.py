"""The `train` step's work: training table in, published booster out."""

from __future__ import annotations

import logging
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loanwright.config.learning import Split, Training
from loanwright.data.split import TRAIN, carve, fitted
from loanwright.features.table import Keys, TrainingTable
from loanwright.storage import Store, canonical_json, digest_of, publish_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger("loanwright")


def train(
    table_uri: str, split: Split, training: Training, store: Store, scratch: Path, *, threads: int | None = None
) -> str:
    """Fits a booster on the train part and publishes it as a manifest of kind ``boosters``; its URI.

    Equal table and declarations give an equal URI, whatever the machine and the number of threads.

    Args:
        table_uri: a manifest of kind ``tables``.
        split: the declared rule.
        training: the declared section.
        store: where to publish.
        scratch: a folder for local copies.
        threads: how many LightGBM may use; None: as many as this process has and the rows are worth.

    Raises:
        DataError: the train part is empty, of one outcome, or teaches nothing.
        DeclarationError: LightGBM refuses the parameters.
        EnvironmentFault: the rows do not fit into memory.
    """
    from loanwright.training.fitting import fit

    table = TrainingTable.open(table_uri, scratch)
    keys = table.keys()
    rows, held = fitting_rows(table, keys, split, training)
    made = fit(table, rows, held, keys.label, training, threads)
    _log.info("trained %d rounds, kept %d", len(made.validation) or made.rounds, made.rounds)
    training_log = {
        "metric": made.metric,
        "validation": made.validation,
        "rounds": len(made.validation) or made.rounds,
        "best_round": made.rounds,
        "rows": int(rows.sum()),
        "validation_rows": 0 if held is None else int(held.sum()),
    }
    body = {
        "table": table.manifest.digest,
        "rounds": made.rounds,
        "lightgbm": version("lightgbm"),
        "training": digest_of(training.model_dump(mode="json")),
        "split": digest_of(split.model_dump(mode="json")),
    }
    with tempfile.TemporaryDirectory(dir=_made(scratch)) as folder:
        top = Path(folder)
        (top / "model.txt").write_text(made.model_text, encoding="utf-8", newline="\n")
        (top / "features.json").write_bytes(canonical_json(made.features))
        (top / "training_log.json").write_bytes(canonical_json(training_log))
        return publish_folder(store, "boosters", top, body)


def fitting_rows(
    table: TrainingTable, keys: Keys, split: Split, training: Training
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Which rows of the train part are fitted on, and which are held out for early stopping.

    Returns:
        One truth value for each row of the table, twice; the second is None without early stopping.
    """
    part = table.part(split, keys)
    if training.early_stopping is None:
        return part == TRAIN, None
    rule = (split, training.early_stopping.fraction, table.maturity, keys.unit_hash, keys.decision_time, part)
    return fitted(*rule), carve(*rule)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
