"""Made-up training tables in the fixed shape, published as `build_features` publishes them.

The signal is that of a small lender's book: the first number raises the risk and is declared
monotone, the second lowers it, the third acts by its square, the rest mostly by nothing; the first
category shifts the risk by its value; numbers and categories are missing here and there.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.features.table import TrainingTable
from loanwright.storage import Store, digest_of, open_store, publish, put_file

_START = np.datetime64("2024-01-01T00:00:00", "us")
_DAY = np.timedelta64(1, "D")
VALUES = ("car", "home", "medical", "school", "wedding")
SEXES = ("female", "male")


def hash_keys(keys: Sequence[object]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """`unit_hash`: the first 8 bytes, big endian, of the MD5 of each key's text."""
    digests = b"".join(hashlib.md5(str(key).encode(), usedforsecurity=False).digest()[:8] for key in keys)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def feature_list(features: int = 6, categories: int = 1) -> list[dict[str, Any]]:
    """The features of the tables below: `number_0`…, then `purpose_0`…, as a manifest declares them."""
    numbers = [
        {"name": f"number_{i}", "type": "number", "monotone": "increasing" if i == 0 else None, "description": ""}
        for i in range(features - categories)
    ]
    return numbers + [
        {"name": f"purpose_{i}", "type": "category", "monotone": None, "description": "What the loan is for"}
        for i in range(categories)
    ]


def publish_table(
    store: Store,
    rows: int = 2000,
    features: int = 6,
    categories: int = 1,
    seed: int = 0,
    *,
    days: int = 720,
    constant_time: bool = False,
    text_keys: bool = False,
    missing: float = 0.05,
    label: int | None = None,
    rows_per_file: int = 1_000_000,
    row_group: int = 65_536,
    synthetic: bool = True,
    observed_until: str = "",
) -> str:
    """Publishes a table; its URI. Equal arguments give an equal digest.

    Args:
        store: where it is published.
        rows: how many decisions.
        features: how many features in all, the categories among them.
        categories: how many of them are categories.
        seed: of everything random.
        days: decisions are spread over so many days from 2024-01-01 on.
        constant_time: all decisions at that first instant instead.
        text_keys: keys such as ``"u17"`` instead of integers.
        missing: the share of nulls in every feature but the first.
        label: the outcome of every row, instead of a mixed one (about 22 % positive).
        rows_per_file: a new file after so many rows.
        row_group: rows of a row group.
        synthetic: what the manifest says of it.
        observed_until: the data's end, as the manifest says it.
    """
    declared = feature_list(features, categories)
    positives = 0
    entries = []
    keys_type = pa.string() if text_keys else pa.int64()
    names = [feature["name"] for feature in declared]
    schema = pa.schema(
        [
            ("unit_key", keys_type),
            ("decision_time", pa.timestamp("us", "UTC")),
            ("unit_hash", pa.uint64()),
            ("label", pa.int8()),
            *((f["name"], pa.float64() if f["type"] == "number" else pa.string()) for f in declared),
            ("unit.sex", pa.string()),
            ("unit.age", pa.int64()),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        for first, count, batches in _files(rows, rows_per_file, row_group):
            path = Path(folder) / f"{first}.parquet"
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for start, size in batches:
                    rng = np.random.default_rng([seed, start])
                    columns, labels = _rows(rng, size, names, categories=categories, missing=missing, label=label)
                    positives += int(labels.sum())
                    days_in = np.zeros(size) if constant_time else np.arange(start, start + size) * (days / rows)
                    keys = [f"u{i}" for i in range(start, start + size)] if text_keys else range(start, start + size)
                    head = [
                        pa.array(keys, keys_type),
                        pa.array(_START + days_in.astype("int64") * _DAY, pa.timestamp("us", "UTC")),
                        pa.array(hash_keys(keys), pa.uint64()),
                        pa.array(labels, pa.int8()),
                    ]
                    sex = pa.array(SEXES).take(pa.array(rng.integers(0, 2, size)))
                    age = pa.array(rng.integers(21, 75, size), pa.int64())
                    batch = pa.Table.from_arrays([*head, *columns, sex, age], schema=schema)
                    writer.write_table(batch, row_group_size=row_group)
            entries.append(put_file(store, "tables", path, rows=count))
    body = {
        "rows": rows,
        "positives": positives,
        "key": "client_id",
        "label": {"name": "default", "matures_after": 30 * 86_400},
        "features": declared,
        "carried": ["sex", "age"],
        "feature_set": digest_of(declared),
        "snapshot": digest_of({"seed": seed, "rows": rows}),
        "sql": digest_of("made up"),
        "observed_until": observed_until,
        "synthetic": synthetic,
    }
    return publish(store, "tables", body, entries)


def _files(rows: int, rows_per_file: int, row_group: int) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    for first in range(0, max(rows, 1), rows_per_file):
        count = min(rows_per_file, rows - first)
        batches = [(first + i, min(row_group, count - i)) for i in range(0, count, row_group)]
        yield first, count, batches


def _rows(
    rng: np.random.Generator,
    size: int,
    names: list[str],
    *,
    categories: int,
    missing: float,
    label: int | None,
) -> tuple[list[pa.Array], np.ndarray[Any, np.dtype[np.int8]]]:
    count = len(names) - categories
    numbers = rng.normal(size=(size, count))
    codes = rng.integers(0, len(VALUES), size=(size, categories))
    risk = np.full(size, -1.8)
    for column, effect in enumerate((1.0, -0.7)[:count]):
        risk += effect * numbers[:, column]
    if count > 2:
        risk += 0.4 * (numbers[:, 2] ** 2 - 1)
    if categories:
        risk += np.array([-0.6, -0.3, 0.0, 0.3, 0.6])[codes[:, 0]]
    labels = (rng.random(size) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    if label is not None:
        labels[:] = label
    columns = [pa.array(numbers[:, i], mask=(rng.random(size) < missing) & (i > 0)) for i in range(count)]
    values = pa.array(VALUES)
    for i in range(categories):
        columns.append(values.take(pa.array(codes[:, i], mask=rng.random(size) < missing)))
    return columns, labels


def rearranged(
    table: TrainingTable, order: np.ndarray[Any, np.dtype[np.intp]], folder: Path, *, rows_per_file: int = 1_000_000
) -> TrainingTable:
    """The same rows in another order and in other files, published in a folder."""
    store = open_store(str(folder / "rearranged"))
    rows = table.read(np.ones(table.rows, dtype=np.bool_)).take(order)
    entries = []
    with tempfile.TemporaryDirectory() as scratch:
        for first in range(0, table.rows, rows_per_file):
            path = Path(scratch) / f"{first}.parquet"
            part = rows.slice(first, rows_per_file)
            pq.write_table(part, path, row_group_size=max(1, rows_per_file // 3))
            entries.append(put_file(store, "tables", path, rows=part.num_rows))
    return TrainingTable.open(publish(store, "tables", table.manifest.body, entries), folder / "scratch")
