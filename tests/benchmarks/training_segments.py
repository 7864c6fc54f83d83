"""What segments with checkpoints cost in `training_speed`: both ways train on the very same binned rows, in one thread.

    python training_segments.py {segments|plain} SEGMENT STORE TABLE ROUNDS TEST

The first is ours: gradients of our own, a checkpoint after each segment. The second is LightGBM's own `lgb.train`, with
its own log loss and equal settings. Reading and binning are the same and are not counted. It prints what training
cost, and the AUC on TEST.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clock import measured
from training_data import SPLIT
from training_rivals import LEAST_HESSIAN, LEAVES, RATE

from loanwright.config.learning import Parameters, Training
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, open_store
from loanwright.training.checkpoints import Checkpoints
from loanwright.training.encoding import Encoding
from loanwright.training.fitting import fit_share
from loanwright.training.parameters import lightgbm_parameters
from loanwright.training.peers import Alone
from loanwright.training.preparation import Preparation, fitting_rows, prepare
from loanwright.training.quick_import import import_lightgbm_alone
from loanwright.training.share import Share, load_share

if TYPE_CHECKING:
    import lightgbm as lgb


@dataclass(frozen=True)
class Ready:
    """Rows that were read and binned, and how to train on them."""

    training: Training
    prepared: Preparation
    share: Share
    parameters: dict[str, Any]


def ready(table: TrainingTable, training: Training) -> Ready:
    """Reads and bins the rows to train on."""
    keys = table.keys()
    rows, _ = fitting_rows(table, keys, SPLIT, training)
    prepared = prepare(table, keys, rows, None, training)
    share = load_share(table, prepared.encoding, prepared.bins, keys, rows, training, prepared.totals)
    return Ready(training, prepared, share, lightgbm_parameters(training, prepared.encoding.features, 1))


def by_segments(ready: Ready, store: Store) -> str:
    """The model's text, trained our way."""
    fresh = Checkpoints(store, {"benchmark": time.monotonic_ns()})
    fitted = fit_share(ready.share, None, ready.training, ready.parameters, ready.prepared.totals, Alone(), fresh)
    if fitted is None or len(list(store.list(f"{fresh.prefix}/"))) != -(
        -ready.training.rounds // ready.training.segment
    ):
        raise SystemExit("it left no checkpoint after each segment")
    fresh.remove()
    return fitted.model_text


def plainly(ready: Ready) -> str:
    """The model's text, trained LightGBM's way."""
    import lightgbm as lgb

    settings = {**ready.parameters, "objective": "binary", "metric": "None"}
    return str(lgb.train(settings, ready.share.data, ready.training.rounds).model_to_string())


def auc(model: lgb.Booster, encoding: Encoding, test: Path) -> float:
    """On the test rows."""
    import pyarrow.parquet as pq
    from sklearn.metrics import roc_auc_score

    rows = pq.read_table(test)
    return float(roc_auc_score(rows["label"].to_numpy(), model.predict(encoding.matrix(rows))))


def main() -> None:
    """Trains and tells."""
    how, segment, store = sys.argv[1], int(sys.argv[2]), open_store(sys.argv[3])
    rounds, test = int(sys.argv[5]), Path(sys.argv[6])
    import_lightgbm_alone()
    import lightgbm as lgb

    training = Training(
        rounds=rounds,
        exact=False,
        segment=segment,
        parameters=Parameters(
            num_leaves=LEAVES, learning_rate=RATE, min_data_in_leaf=1, min_sum_hessian_in_leaf=LEAST_HESSIAN
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        all_ready = ready(TrainingTable.open(sys.argv[4], Path(folder)), training)
        found: list[str] = []
        measured(
            lambda: found.append(by_segments(all_ready, store) if how == "segments" else plainly(all_ready)),
            lambda: {"auc": auc(lgb.Booster(model_str=found[0]), all_ready.prepared.encoding, test)},
        )


if __name__ == "__main__":
    main()
