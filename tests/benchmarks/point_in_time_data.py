"""Labelled-synthetic events and decisions for `point_in_time`: one seed and one size give the same rows.

Events have a key, a time, an amount in minor units and a quantity; decisions have a key, a time and a label that
means nothing. Keys are uniform customers or Zipf merchants. With known times, 5 % of the events are known up to ten
days late, and 1 % are restated once, up to thirty days after that. Scores are the rows of the latest-value joins.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 1
MERCHANTS = 2_000
_BEGIN, _YEAR, _DAY, _SECOND = 1_700_000_000_000_000, 365 * 86_400_000_000, 86_400_000_000, 1_000_000
_SYNTHETIC = {b"synthetic": b"true"}


def events(folder: Path, *, rows: int, decisions: int, customers: int, merchants: bool, known: bool) -> None:
    """Writes events.parquet and decisions.parquet.

    Args:
        folder: is made if it is not there.
        rows: events, restated versions not counted.
        decisions: their number.
        customers: keys, uniform; not used with merchants.
        merchants: keys are 2,000 merchants instead, the n-th with a weight of n^-1.1.
        known: events have known times, some of them late, some of them restated.
    """
    random = np.random.default_rng(SEED)
    table = pa.table(
        {
            "event_id": np.arange(rows),
            "k": _keys(random, rows, customers, merchants=merchants),
            "at": _times(_BEGIN + random.integers(0, _YEAR // _SECOND, rows) * _SECOND),
            "amount": random.integers(100, 50_000, rows),
            "quantity": random.integers(1, 10, rows),
        }
    )
    if known:
        table = _with_known(random, table)
    _write(table.sort_by([("at", "ascending"), ("event_id", "ascending")]), folder / "events.parquet")
    _write(_decisions(random, decisions, customers, merchants=merchants), folder / "decisions.parquet")


def scores(folder: Path, *, rows: int, decisions: int, customers: int) -> None:
    """Writes scores.parquet, with three values of each key that change now and then, and decisions.parquet."""
    random = np.random.default_rng(SEED)
    table = pa.table(
        {
            "score_id": np.arange(rows),
            "k": _keys(random, rows, customers, merchants=False),
            # Half a second off the decisions: where a store counts what comes with the decision makes no difference.
            "at": _times(_BEGIN + random.integers(0, _YEAR // _SECOND, rows) * _SECOND + _SECOND // 2),
            "score": random.integers(300, 850, rows),
            "limit_minor": random.integers(0, 500_000, rows),
            "utilisation": random.random(rows),
        }
    )
    _write(table.sort_by([("at", "ascending"), ("score_id", "ascending")]), folder / "scores.parquet")
    _write(_decisions(random, decisions, customers, merchants=False), folder / "decisions.parquet")


def _keys(random: np.random.Generator, rows: int, customers: int, *, merchants: bool) -> np.ndarray:
    if not merchants:
        return random.integers(0, customers, rows)
    weights = 1 / np.arange(1, MERCHANTS + 1) ** 1.1
    return random.choice(MERCHANTS, rows, p=weights / weights.sum())


def _times(micros: np.ndarray) -> pa.Array:
    return pa.array(micros).cast(pa.timestamp("us", "UTC"))


def _with_known(random: np.random.Generator, table: pa.Table) -> pa.Table:
    at = table["at"].cast(pa.int64()).to_numpy()
    late = np.where(random.random(len(at)) < 0.05, random.integers(1, 10 * _DAY, len(at)), 0)
    table = table.append_column("known", _times(at + late))
    again = table.filter(pa.array(random.random(len(at)) < 0.01))
    first = again["known"].cast(pa.int64()).to_numpy()
    restated = {
        "amount": pa.array(random.integers(100, 50_000, len(again))),
        "known": _times(first + random.integers(1, 30 * _DAY, len(again))),
    }
    for name, values in restated.items():
        again = again.set_column(again.schema.get_field_index(name), name, values)
    return pa.concat_tables([table, again])


def _decisions(random: np.random.Generator, rows: int, customers: int, *, merchants: bool) -> pa.Table:
    columns = {
        "decision_id": np.arange(rows),
        "k": _keys(random, rows, customers, merchants=merchants),
        "t": _times(_BEGIN + random.integers(0, _YEAR // _SECOND, rows) * _SECOND),
        "bad": np.arange(rows) % 2,
    }
    return pa.table(columns)


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(_SYNTHETIC), path, compression="zstd")
