"""One rank of LightGBM's data-parallel learner over made-up rows, for `scale`: what its rounds cost.

    python scale_rank.py RANK ROWS FEATURES LEAVES BINS ROUNDS PORT…

There are as many ranks as ports; one port is one process without a network. The bins are those of one shared matrix.
It prints the seconds of each round, and how often a round passes over the rows to fill histograms.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import lightgbm as lgb
import numpy as np


def rows_of(seed: int, rows: int, features: int) -> tuple[Any, Any]:
    """Made-up rows: (rows, features) float32 and a 0/1 label that six of the features tell of."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, features)).astype(np.float32)
    risk = matrix[:, : min(6, features)].sum(axis=1) * 0.4 - 1.5
    return matrix, (rng.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int8)


def passes(booster: lgb.Booster) -> float:
    """Histograms of the root and of the smaller child of each split, in multiples of all rows; mean of the trees.

    The larger child's is its parent's less the smaller child's, so its rows are not read.
    """

    def smaller(node: dict[str, Any]) -> int:
        if "split_index" not in node:
            return 0
        children = node["left_child"], node["right_child"]
        counts = [child.get("internal_count", child.get("leaf_count", 0)) for child in children]
        return int(min(counts)) + sum(smaller(child) for child in children)

    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    return float(np.mean([1 + smaller(tree) / tree["internal_count"] for tree in trees if "internal_count" in tree]))


def main() -> None:
    """Trains and tells."""
    rank, rows, features, leaves, bins, rounds, *ports = map(int, sys.argv[1:])
    parameters: dict[str, Any] = {
        "objective": "binary",
        "num_leaves": leaves,
        "max_bin": bins,
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 1.0,
        "num_threads": 1,
        "force_col_wise": True,
        "enable_bundle": False,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    shared, shared_label = rows_of(0, 20_000, features)
    reference = lgb.Dataset(shared, shared_label, params=parameters).construct()
    matrix, label = rows_of(1 + rank, rows, features)
    data = lgb.Dataset(matrix, label, reference=reference, params=parameters).construct()
    del matrix
    if len(ports) > 1:
        parameters |= {
            "tree_learner": "data",
            "num_machines": len(ports),
            "machines": ",".join(f"127.0.0.1:{port}" for port in ports),
            "local_listen_port": ports[rank],
            "time_out": 2,
        }
    booster = lgb.Booster(parameters, data)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        booster.update()
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "passes": passes(booster)}))


if __name__ == "__main__":
    main()
