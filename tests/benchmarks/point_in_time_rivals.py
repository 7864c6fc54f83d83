"""polars and Feast in `point_in_time`, run in a throw-away environment that has them.

python point_in_time_rivals.py {rolling|join_asof|feast} FOLDER OUT
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from clock import measured

WINDOWS = (7, 30, 90)
VALUES = ("score", "limit_minor", "utilisation")


def rolling(folder: Path, out: Path) -> None:
    """polars: events and decisions in one sorted frame, one rolling aggregation for each window."""
    import polars as pl

    nothing = [pl.lit(0, pl.Int64).alias(name) for name in ("n", "amount", "quantity")]
    decisions = pl.scan_parquet(folder / "decisions.parquet")
    events = pl.scan_parquet(folder / "events.parquet").select(
        "k", "at", pl.lit(1, pl.Int64).alias("n"), "amount", "quantity", pl.lit(None, pl.Int64).alias("decision_id")
    )
    probes = decisions.select("k", pl.col("t").alias("at"), *nothing, "decision_id")
    # At one instant decisions stand behind events; the window leaves out both, for it ends before its own time.
    both = pl.concat([events, probes]).sort("k", "at", "decision_id", nulls_last=False).collect()
    amount, n = pl.col("amount"), pl.col("n")
    found = both.select("decision_id")
    for days in WINDOWS:
        sums = (
            both.lazy()
            .rolling("at", period=f"{days}d", closed="left", group_by="k")
            .agg(
                n.sum().alias("n"),
                amount.sum().alias("s"),
                (amount * amount).sum().alias("q"),
                (amount > 20_000).sum().cast(pl.Int64).alias("m"),
                pl.col("quantity").sum().alias("y"),
            )
        )
        found = found.hstack(sums.select(_features(days)).collect())
    found = found.filter(pl.col("decision_id").is_not_null())
    decisions.collect().join(found, on="decision_id").sort("t", "decision_id").write_parquet(out, compression="zstd")


def join_asof(folder: Path, out: Path) -> None:
    """polars: cumulative sums for each key, looked up at both ends of each window."""
    import polars as pl

    amount = pl.col("amount")
    sums = {
        "n": pl.col("n"),
        "s": amount,
        "q": amount * amount,
        "m": (amount > 20_000).cast(pl.Int64),
        "y": pl.col("quantity"),
    }
    events = (
        pl.scan_parquet(folder / "events.parquet")
        .sort("at")
        .with_columns(pl.lit(1, pl.Int64).alias("n"))
        .select("k", "at", *(value.cum_sum().over("k").alias(name) for name, value in sums.items()))
        .collect()
    )
    found = pl.read_parquet(folder / "decisions.parquet").sort("t", "decision_id")

    def looked_up(days: int) -> pl.DataFrame:
        probes = found.select("k", (pl.col("t") - timedelta(days=days)).alias("edge"))
        joined = probes.join_asof(
            events,
            left_on="edge",
            right_on="at",
            by="k",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        return joined.select(pl.col(*sums).fill_null(0))

    end = looked_up(0)
    for days in WINDOWS:
        start = looked_up(days)
        window = pl.DataFrame([end[name] - start[name] for name in sums])
        found = found.hstack(window.select(_features(days)))
    found.write_parquet(out, compression="zstd")


def _features(days: int) -> list[Any]:
    import polars as pl

    n, s, q, m, y = (pl.col(name).cast(pl.Float64) for name in "nsqmy")
    deviation = ((q - s * s / n).clip(0) / (n - 1)).sqrt()
    return [
        n.alias(f"count_{days}d"),
        s.alias(f"sum_{days}d"),
        pl.when(n > 0).then(s / n).alias(f"mean_{days}d"),
        pl.when(n > 1).then(deviation).alias(f"std_{days}d"),
        pl.when(n > 0).then(m / n).alias(f"share_{days}d"),
        pl.when(n > 0).then(s / y).alias(f"ratio_{days}d"),
    ]


def feast(folder: Path, out: Path) -> None:
    """Feast with its DuckDB store: registered beforehand, then one historical retrieval."""
    import pandas as pd
    import pyarrow.parquet as pq
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, Int64

    with tempfile.TemporaryDirectory() as repository:
        config = RepoConfig(
            project="benchmark",
            provider="local",
            registry=f"{repository}/registry.db",
            offline_store={"type": "duckdb"},
            online_store={"type": "sqlite", "path": f"{repository}/online.db"},
            entity_key_serialization_version=3,
        )
        store = FeatureStore(config=config)
        key = Entity(name="k", join_keys=["k"], value_type=ValueType.INT64)
        view = FeatureView(
            name="scores",
            entities=[key],
            ttl=timedelta(0),
            schema=[Field(name=name, dtype=Float64 if name == "utilisation" else Int64) for name in VALUES],
            source=FileSource(path=str(folder / "scores.parquet"), timestamp_field="at"),
            online=False,
        )
        store.apply([key, view])

        def retrieve() -> None:
            decisions = pd.read_parquet(folder / "decisions.parquet").rename(columns={"t": "event_timestamp"})
            job = store.get_historical_features(decisions, [f"scores:{name}" for name in VALUES])
            found = job.to_arrow().rename_columns({name: f"latest_{name}" for name in VALUES})
            order = [("event_timestamp", "ascending"), ("decision_id", "ascending")]
            pq.write_table(found.sort_by(order), out, compression="zstd")

        measured(retrieve)


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {"rolling": rolling, "join_asof": join_asof}

if __name__ == "__main__":
    folder, out = Path(sys.argv[2]), Path(sys.argv[3])
    if sys.argv[1] == "feast":
        feast(folder, out)
    else:
        import polars as pl  # imported before the clock starts

        measured(lambda: CONTENDERS[sys.argv[1]](folder, out))
