"""What a good engineer writes by hand for one such table: the other side of `point_in_time`.

    python point_in_time_hand.py {duckdb|numpy|asof} FOLDER OUT

Written for these columns alone: no nulls, no known times, no check of anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from clock import measured

DAY = 86_400_000_000
WINDOWS = (7, 30, 90)


def edge_union(folder: Path, out: Path) -> None:
    """DuckDB: events and the windows' edges in one table, running sums, the end less the start."""
    import duckdb

    events, decisions = folder / "events.parquet", folder / "decisions.parquet"
    probes = [
        f"SELECT k, epoch_us(t) - {days * DAY} pos, 0 kind, decision_id id, {slot} slot, 0 n, 0 s, 0 q, 0 m, 0 y "
        f"FROM '{decisions}'"
        for slot, days in enumerate((0, *WINDOWS))
    ]
    features = []
    for slot, days in enumerate(WINDOWS, 1):
        n, s, q, m, y = (
            f"(max(CASE WHEN slot = 0 THEN {name} END) - max(CASE WHEN slot = {slot} THEN {name} END))"
            for name in "nsqmy"
        )
        features += [
            f"{n}::DOUBLE count_{days}d",
            f"{s}::DOUBLE sum_{days}d",
            f"{s}::DOUBLE / nullif({n}, 0) mean_{days}d",
            f"sqrt(({n} * {q} - {s} * {s})::DOUBLE / nullif({n} * ({n} - 1), 0)::DOUBLE) std_{days}d",
            f"{m}::DOUBLE / nullif({n}, 0) share_{days}d",
            f"{s}::DOUBLE / nullif({y}, 0) ratio_{days}d",
        ]
    sql = f"""
        COPY (
            WITH u AS (
                SELECT k, epoch_us("at") pos, 1 kind, NULL id, NULL slot, 1 n, amount s, amount * amount q,
                       (amount > 20000)::INT m, quantity y
                FROM '{events}' UNION ALL {" UNION ALL ".join(probes)}
            ), r AS (
                SELECT kind, id, slot, sum(n) OVER v n, sum(s) OVER v s, sum(q) OVER v q, sum(m) OVER v m,
                       sum(y) OVER v y
                FROM u WINDOW v AS (PARTITION BY k ORDER BY pos, kind ROWS UNBOUNDED PRECEDING)
            ), g AS (SELECT id, {", ".join(features)} FROM r WHERE kind = 0 GROUP BY id)
            SELECT d.*, g.* EXCLUDE id FROM '{decisions}' d JOIN g ON g.id = d.decision_id ORDER BY t, decision_id
        ) TO '{out}' (COMPRESSION zstd)"""
    duckdb.connect(config={"threads": 2}).execute(sql)


def searchsorted(folder: Path, out: Path) -> None:
    """numpy: one sort by a key made of entity and time, cumulative sums, two binary searches a window."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    events = pq.read_table(folder / "events.parquet", columns=["k", "at", "amount", "quantity"])
    decisions = pq.read_table(folder / "decisions.parquet").sort_by([("t", "ascending"), ("decision_id", "ascending")])
    at, t = (table[name].cast(pa.int64()).to_numpy() for table, name in ((events, "at"), (decisions, "t")))
    low = int(min(at.min(), t.min()))
    span = int(max(at.max(), t.max())) - low + 1
    place = events["k"].to_numpy() * span + (at - low)
    order = np.argsort(place, kind="stable")
    place = place[order]
    amount, quantity = events["amount"].to_numpy()[order], events["quantity"].to_numpy()[order]
    sums = [np.concatenate([[0], np.cumsum(v)]) for v in (amount, amount * amount, amount > 20_000, quantity)]
    base = decisions["k"].to_numpy() * span
    end = np.searchsorted(place, base + (t - low), side="left")
    table = decisions
    for days in WINDOWS:
        start = np.searchsorted(place, base + np.maximum(t - low - days * DAY, 0), side="left")
        n = end - start
        s, q, m, y = (total[end] - total[start] for total in sums)
        some, two = n > 0, n > 1
        columns = {
            "count": n.astype(np.float64),
            "sum": s.astype(np.float64),
            "mean": np.where(some, s / np.maximum(n, 1), np.nan),
            "std": np.where(two, np.sqrt(np.maximum(q - s * (s / np.maximum(n, 1)), 0) / np.maximum(n - 1, 1)), np.nan),
            "share": np.where(some, m / np.maximum(n, 1), np.nan),
            "ratio": np.where(some, s / np.maximum(y, 1), np.nan),
        }
        for name, values in columns.items():
            table = table.append_column(f"{name}_{days}d", pa.array(values, from_pandas=True))
    pq.write_table(table, out, compression="zstd")


def asof(folder: Path, out: Path) -> None:
    """DuckDB: one ASOF join."""
    import duckdb

    values = ", ".join(f"s.{name} AS latest_{name}" for name in ("score", "limit_minor", "utilisation"))
    duckdb.connect(config={"threads": 2}).execute(
        f"COPY (SELECT d.*, {values} FROM '{folder}/decisions.parquet' d ASOF LEFT JOIN '{folder}/scores.parquet' s "
        f"ON d.k = s.k AND d.t > s.at ORDER BY d.t, decision_id) TO '{out}' (COMPRESSION zstd)"
    )


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {"duckdb": edge_union, "numpy": searchsorted, "asof": asof}

if __name__ == "__main__":
    import duckdb  # noqa: F401 - imports are not timed
    import numpy as np  # noqa: F401
    import pyarrow.parquet as pq  # noqa: F401

    measured(lambda: CONTENDERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3])))
