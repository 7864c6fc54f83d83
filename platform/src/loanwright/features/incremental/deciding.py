"""The decisions in the table's order: all of them, or those of which an earlier table does not say everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loanwright.config.data import Data
from loanwright.data.engine import quoted
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.earlier import Standing
from loanwright.features.reading.narrowing import ALL, with_restated

EVERY = "every_decision"
"""The table of them."""


@dataclass(frozen=True)
class Decided:
    """What the table `every_decision` holds."""

    first: int
    """The place of the first one. Those before it are rows of an earlier table, with the same label."""
    rows: int
    """Of the whole table: those before the first count."""
    positives: int
    """Of those from the first on."""


def make_decisions(engine: Engine, data: Data, text: str, label_filter: str | None, stands: Standing | None) -> Decided:
    """Makes the table `every_decision`, without those that an earlier table has with their final label.

    Args:
        engine: it has every source as `all_<name>` and as `source_<name>`.
        data: the data section.
        text: the query that makes all decisions of the sources.
        label_filter: which rows of the label's source are its events, as SQL.
        stands: how far an earlier table can be relied on, if there is one.
    """
    first = 0
    event = data.label.event
    if stands is None or (event is not None and event.source == data.unit.source):
        engine.make("every_decision", text)
    else:
        time = f"{quoted(data.decision_time.column or '')} >= make_timestamptz({stands.labels_before})"
        ((first,),) = engine.rows(f"SELECT count(*) FROM {ALL}_{data.unit.source} WHERE NOT {time}")
        chosen = {data.unit.source: time}
        if event is not None:
            source = next(source for source in data.sources if source.name == event.source)
            happened = f"{quoted(source.event_time or source.known or '')} >= make_timestamptz({stands.labels_before})"
            chosen[source.name] = with_restated(engine, source, f"{happened} AND ({label_filter or 'TRUE'})")
        with _only(engine, chosen):
            engine.make("every_decision", f"SELECT * REPLACE (lw_ord + {first} AS lw_ord) FROM (\n{text}\n) d")
    ((rows, positives),) = engine.rows("SELECT count(*), CAST(coalesce(sum(label), 0) AS BIGINT) FROM every_decision")
    return Decided(first, first + rows, positives)


@contextmanager
def _only(engine: Engine, chosen: dict[str, str]) -> Iterator[None]:
    """With tables `source_<name>` that show the rows that fulfil a condition, and no others."""
    for name, condition in chosen.items():
        engine.show(f"source_{name}", f"SELECT * FROM {ALL}_{name} WHERE {condition}")
    try:
        yield
    finally:
        for name in chosen:
            engine.show(f"source_{name}", f"SELECT * FROM {ALL}_{name}")
