"""Our ways to train in `training_speed`.

    python training_ours.py WORKERS THREADS EXACT SEGMENT STORE TABLE ROUNDS TEST

It prints what reading, binning and training cost, with all processes of it, and the AUC on TEST. Memory is that of the
process that holds most, and of all together, each less what it held before it read anything.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

from clock import measured, resident
from training_data import SPLIT
from training_rivals import BINS, LEAST_HESSIAN, LEAVES, RATE

from loanwright.config.learning import Parameters, Training
from loanwright.storage import open_store
from loanwright.training.quick_import import import_lightgbm_alone
from loanwright.training.scorer import Scorer
from loanwright.training.train import train


class Watch(threading.Thread):
    """Notes the most that each process below this one held, and what it held when it was first seen."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most: dict[int, float] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        """Looks every 20 ms."""
        import psutil

        me = psutil.Process()
        while not self._ended.wait(0.02):
            for child in me.children(recursive=True):
                try:
                    self.most[child.pid] = resident("VmHWM:", str(child.pid))
                except (OSError, SystemExit):  # it has just ended
                    continue

    def ended(self) -> dict[str, float]:
        """Stops, and tells: MiB of the largest process below, and of all below together."""
        self._ended.set()
        self.join()
        return {"largest": max(self.most.values(), default=0.0), "together": sum(self.most.values())}


def main() -> None:
    """Trains and tells."""
    workers, threads = int(sys.argv[1]), int(sys.argv[2])
    exact, segment = sys.argv[3] == "exact", int(sys.argv[4])
    store, table, rounds, test = open_store(sys.argv[5]), sys.argv[6], int(sys.argv[7]), Path(sys.argv[8])
    training = Training(
        rounds=rounds,
        exact=exact,
        segment=segment,
        parameters=Parameters(
            num_leaves=LEAVES,
            learning_rate=RATE,
            max_bin=BINS,
            min_data_in_leaf=1,
            min_sum_hessian_in_leaf=LEAST_HESSIAN,
        ),
    )
    import_lightgbm_alone()
    import psutil  # noqa: F401 — imported before the clock starts, like what the others need
    import pyarrow.parquet  # noqa: F401

    import loanwright.training.team  # noqa: F401

    found: list[str] = []
    watch = Watch()
    watch.start()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)

        def work() -> None:
            found.append(train(table, SPLIT, training, store, scratch, workers=workers, threads=threads).uri)

        def then() -> dict[str, float]:
            below = watch.ended()
            import pyarrow.parquet as pq
            from sklearn.metrics import roc_auc_score

            rows = pq.read_table(test)
            scores = Scorer.from_manifests(found[0], None, scratch).margins(rows)
            return {"auc": float(roc_auc_score(rows["label"].to_numpy(), scores)), **below}

        measured(work, then)


if __name__ == "__main__":
    main()
