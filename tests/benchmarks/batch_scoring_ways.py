"""One way to score the rows of `batch_scoring`; its last line tells what it cost, and the digest of the margins.

Every process of ours imports this file again, as it would import the command: so it imports nothing heavy itself.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = 2


def main() -> None:
    """Does the work, and tells."""
    import numpy as np

    way, bundle, source, target, scratch = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        margins = {"predict": _predict, "walk": _walk, "score": _score, "pandas": _pandas}[way](
            bundle, source, target, Path(folder)
        )
    _cost["margins"] = hashlib.sha256(np.ascontiguousarray(margins).tobytes()).hexdigest()
    print(json.dumps(_cost), flush=True)


_cost: dict[str, Any] = {}


def _measure(work: Callable[[], Any]) -> Any:
    """Counts the processes that the work starts as well."""
    import psutil

    peak, over = [0], threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not over.wait(0.1):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch, daemon=True)
    wall, cpu = time.perf_counter(), _cpu()
    watcher.start()
    result = work()
    over.set()
    watcher.join()
    _cost.update(wall=time.perf_counter() - wall, cpu=_cpu() - cpu, peak=peak[0] / (1 << 20))
    return result


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _opened(bundle: str, scratch: Path) -> Any:
    from loanwright.registry.bundles import Bundle

    return Bundle.open(bundle, scratch, threads=THREADS)


def _predict(bundle: str, source: str, target: str, scratch: Path) -> Any:
    import lightgbm as lgb

    opened = _opened(bundle, scratch)
    matrix = _matrix(opened, source)
    booster = lgb.Booster(model_file=str(opened.path("model.txt")))
    return _measure(lambda: booster.predict(matrix, raw_score=True, num_threads=THREADS))


def _walk(bundle: str, source: str, target: str, scratch: Path) -> Any:
    opened = _opened(bundle, scratch)
    matrix = _matrix(opened, source)
    return _measure(lambda: opened.scorer.margins_of_matrix(matrix))


def _matrix(opened: Any, source: str) -> Any:
    import numpy as np
    import pyarrow.parquet as pq

    return np.concatenate(
        [opened.scorer.encoding.matrix(pq.read_table(path)) for path in sorted(Path(source).iterdir())]
    )


def _score(bundle: str, source: str, target: str, scratch: Path) -> Any:
    import numpy as np
    import pyarrow.parquet as pq

    from loanwright.registry.batch.run import score_into_parts
    from loanwright.storage import open_store

    opened = _opened(bundle, scratch)
    _measure(lambda: score_into_parts(opened, source, target, scratch, processes=THREADS))
    store = open_store(target)
    margins = []
    for stored in store.list():
        if stored.key.endswith(".parquet"):
            store.download(stored.key, scratch / stored.key)
            margins.append(pq.read_table(scratch / stored.key, columns=["margin"])["margin"].to_numpy())
    return np.concatenate(margins)


def _pandas(bundle: str, source: str, target: str, scratch: Path) -> Any:
    import lightgbm as lgb
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    opened = _opened(bundle, scratch)
    booster = lgb.Booster(model_file=str(opened.path("model.txt")))
    names = opened.scorer.feature_names
    levels = {entry["name"]: entry["categories"] for entry in opened.features if "categories" in entry}

    def work() -> Any:
        frame = ds.dataset(sorted(str(path) for path in Path(source).iterdir())).to_table().to_pandas()
        codes = {name: pd.Categorical(frame[name], levels[name]).codes for name in levels}
        matrix = frame[names].assign(**{name: np.where(code < 0, np.nan, code) for name, code in codes.items()})
        margins = booster.predict(matrix.to_numpy(dtype=np.float64), raw_score=True, num_threads=THREADS)
        scores = opened.scorer.calibrator.apply(margins)
        pq.write_table(pa.table({"unit_key": frame["unit_key"], "score": scores, "margin": margins}), target)
        return margins

    return _measure(work)


if __name__ == "__main__":
    main()
