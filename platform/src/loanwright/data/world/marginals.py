"""The world's rates beside public orders of magnitude, whose sources `docs/world.md` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loanwright.data.engine import literal

if TYPE_CHECKING:
    import duckdb

    from loanwright.data.world.generation import WorldManifest


@dataclass(frozen=True)
class Marginal:
    """One rate of the world: what it is a share of, its value, and the range that is publicly reported."""

    name: str
    value: float
    low: float
    high: float
    of: str

    @property
    def plausible(self) -> bool:
        """Whether it lies in the range."""
        return self.low <= self.value <= self.high


_MATURE = "checked_out_at < (SELECT max(known_at) FROM instalment_events) - INTERVAL 93 DAY"
_LOANS = f"(SELECT * FROM checkouts WHERE {_MATURE})"
_AMONG = "(application_id IN (SELECT application_id FROM {}))"
_EVENT = "instalment_events WHERE status = '{}'"
_DEFAULTS = """(
    SELECT e.application_id FROM instalment_events AS e JOIN checkouts AS c USING (application_id)
    WHERE e.status = 'late_30' AND e.happened_at < c.checked_out_at + INTERVAL 90 DAY
)"""
_CHARGED_BACK = "loans SEMI JOIN chargebacks USING (loan_id)"
_LAST_YEAR = "> (SELECT max(known_at) FROM instalment_events) - INTERVAL 365 DAY"
_LATE = f"(customer_id IN (SELECT customer_id FROM {_EVENT.format('late_1')} AND happened_at {_LAST_YEAR}))"
_BORROWERS = f"(SELECT DISTINCT customer_id FROM loans WHERE opened_at {_LAST_YEAR})"
_RATES = (
    ("approved", 0.69, 0.85, "applications", "approved", "applications"),
    ("default", 0.01, 0.04, "loans, 30 days late within 90", _AMONG.format(_DEFAULTS), _LOANS),
    ("late", 0.03, 0.12, "loans, a week late", _AMONG.format(_EVENT.format("late_7")), _LOANS),
    (
        "late_customers",
        0.15,
        0.45,
        "borrowers of the last year, a day late",
        _LATE,
        _BORROWERS,
    ),
    ("refunded", 0.08, 0.2, "loans, in full or in part", _AMONG.format("refunds"), _LOANS),
    ("disputed", 0.003, 0.03, "loans", _AMONG.format("disputes"), _LOANS),
    ("charged_back", 0.001, 0.009, "loans", _AMONG.format(_CHARGED_BACK), _LOANS),
)
"""Name, public range, what it is a share of; and in SQL: the condition whose share it is, and the rows."""


def marginals(world: WorldManifest) -> list[Marginal]:
    """The rates of a world."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in world.rows:
            files = ", ".join(literal(str(path)) for path in world.table(table))
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet([{files}])")
        return [
            Marginal(name, _share(connection, condition, rows), low, high, of)
            for name, low, high, of, condition, rows in _RATES
        ]


def _share(connection: duckdb.DuckDBPyConnection, condition: str, rows: str) -> float:
    """The share of rows for which the condition holds; 0 if there are none."""
    (found,) = connection.execute(f"SELECT coalesce(avg({condition}::INTEGER), 0) FROM {rows}").fetchall()[0]
    return float(found)
