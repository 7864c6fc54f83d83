"""When each version of a row was followed by another: looked up once, among the few rows that have several."""

from __future__ import annotations

from loanwright.config.data import Source
from loanwright.data.engine import quoted
from loanwright.features.engines.engine import Engine
from loanwright.features.language.dialect import DUCKDB
from loanwright.features.reading.narrowing import ALL, restated
from loanwright.features.texts.visible import ENDS


def make_ends(engine: Engine, source: Source) -> None:
    """Makes the table `ends_<name>` of a source whose rows may be restated, if it is not there.

    It has the versions that another one followed: key and known time, and when the next one was known, in microseconds.
    A query that joins it need not put all rows in order to find the few, nor have the versions that it does not count.

    Args:
        engine: it has the table `all_<name>`, and perhaps `restated_<name>`.
        source: whose rows.
    """
    if source.known_time is None or engine.has(f"{ENDS}_{source.name}"):
        return
    keys, known = [quoted(name) for name in source.key], quoted(source.known_time)
    several = restated(engine, source) or f"{ALL}_{source.name} WHERE FALSE"
    named = ", ".join(f"{key} AS lw_end_{number}" for number, key in enumerate(keys, 1))
    until = DUCKDB.micros(f"lead({known}) OVER (PARTITION BY {', '.join(keys)} ORDER BY {known})")
    rows = f"SELECT {named}, {known} AS lw_end_known, {until} AS lw_end_until FROM {several}"
    engine.make(f"{ENDS}_{source.name}", f"SELECT * FROM ({rows}) e WHERE lw_end_until IS NOT NULL")
