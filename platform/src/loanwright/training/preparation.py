"""What all processes that train one model share, made once before they start.

Which rows are fitted on and which are held out, the encoding of the features, the bins, and what all rows have in
common. None of it depends on how many processes there will be.
"""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loanwright.config.learning import Split, Training
from loanwright.data.split import TRAIN, carve, fitted
from loanwright.errors import DataError
from loanwright.features.table import Keys, TrainingTable
from loanwright.storage import Store, canonical_json, fetch, publish_folder, read_manifest
from loanwright.training.bins import find_bins, load_bins, save_bins
from loanwright.training.encoding import Encoding
from loanwright.training.lightgbm_errors import understood
from loanwright.training.parameters import lightgbm_parameters
from loanwright.training.share import Totals
from loanwright.training.weights import WeightFacts, row_weights

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

KIND = "preparations"


@dataclass(frozen=True)
class Preparation:
    """The preparation of one training.

    Attributes:
        encoding: of the features.
        rows: one truth value for each row of the table: those to fit on.
        held: those held out for early stopping; None without.
        totals: of the rows to fit on.
        bins: a data set that has the bins.
    """

    encoding: Encoding
    rows: NDArray[np.bool_]
    held: NDArray[np.bool_] | None
    totals: Totals
    bins: lgb.Dataset

    def publish(self, table: TrainingTable, store: Store, scratch: Path) -> str:
        """Stores it as a manifest of kind ``preparations``, an intermediate that no bundle refers to; its URI."""
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            top = Path(folder)
            (top / "features.json").write_bytes(canonical_json(self.encoding.features))
            (top / "rows.bits").write_bytes(np.packbits(self.rows).tobytes())
            if self.held is not None:
                (top / "held.bits").write_bytes(np.packbits(self.held).tobytes())
            save_bins(self.bins, top / "bins.lightgbm")
            body = {
                "table": table.manifest.digest,
                "rows": self.rows.size,
                "held": self.held is not None,
                "totals": asdict(self.totals),
            }
            return publish_folder(store, KIND, top, body)


def prepare(
    table: TrainingTable,
    keys: Keys,
    rows: NDArray[np.bool_],
    held: NDArray[np.bool_] | None,
    training: Training,
    threads: int = 1,
) -> Preparation:
    """Finds what all processes share.

    Args:
        table: the training table.
        keys: of all its rows.
        rows: one truth value for each row of the table: those to fit on.
        held: those held out for early stopping; None without.
        training: the declared section.
        threads: how many LightGBM may use.

    Raises:
        DataError: there are no rows, or only one outcome among them, or nothing to tell them apart by.
        DeclarationError: LightGBM refuses the parameters.
    """
    check_classes(keys.label[rows], "rows to train on")
    if held is not None:
        check_classes(keys.label[held], "rows held out for early stopping", fix="Raise early_stopping.fraction")
    encoding = Encoding.learn(table, rows)
    parameters = lightgbm_parameters(training, encoding.features, threads)
    with understood():
        bins = find_bins(table, encoding, rows, keys.unit_hash, parameters)
    held_rows = 0 if held is None else int(held.sum())
    totals = _totals(keys.label[rows], keys.decision_time[rows], held_rows, training)
    return Preparation(encoding, rows, held, totals, bins)


def read_preparation(uri: str, training: Training, scratch: Path, threads: int = 1) -> Preparation:
    """Reads what `Preparation.publish` stored.

    Args:
        uri: where it is.
        training: the declared section.
        scratch: a folder for local copies.
        threads: how many LightGBM may use to bin rows by its bins.

    Raises:
        NotStored: it is not there.
        IntegrityFault: it is not what was written.
        MemoryError: LightGBM could not get the memory it asked for.
    """
    manifest = read_manifest(uri, KIND)

    def file(name: str) -> Path:
        return fetch(manifest, manifest.file(name), scratch)

    def bits(name: str) -> NDArray[np.bool_]:
        packed = np.frombuffer(file(name).read_bytes(), dtype=np.uint8)
        return np.unpackbits(packed, count=manifest.body["rows"]).view(np.bool_)

    encoding = Encoding(json.loads(file("features.json").read_bytes()))
    with understood():
        bins = load_bins(file("bins.lightgbm"), lightgbm_parameters(training, encoding.features, threads))
    held = bits("held.bits") if manifest.body["held"] else None
    return Preparation(encoding, bits("rows.bits"), held, Totals(**manifest.body["totals"]), bins)


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


def check_classes(label: NDArray[np.int8], what: str, *, fix: str | None = None) -> None:
    """Refuses rows that are none, or all of one outcome.

    Raises:
        DataError: naming `what`.
    """
    fix = fix or "Check the split's boundaries and the label against the data"
    if not label.size:
        raise DataError(f"there are no {what}", fix=fix)
    if label.min() == label.max():
        raise DataError(f"all {label.size:,} {what} have the outcome {int(label[0])}", fix=fix)


def _totals(
    label: NDArray[np.int8], decision_time: NDArray[np.datetime64], held_rows: int, training: Training
) -> Totals:
    facts = WeightFacts.of(label, decision_time)
    weight = row_weights(training, facts, label, decision_time)
    if weight is None:
        positive, every, largest = float(facts.positives), float(facts.rows), 1.0
    else:
        # Rounded once, whatever the order of the rows.
        positive, every, largest = math.fsum(weight[label > 0]), math.fsum(weight), float(weight.max())
    start = math.log(positive / (every - positive))
    return Totals(**asdict(facts), start=start, held_rows=held_rows, largest_weight=largest)
