"""A small declared source of made-up applicants, and an ingest of it into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loanwright.config.data import Data
from loanwright.data.ingestion import Ingested, ingest
from loanwright.storage import Store, open_store

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
COLUMNS: tuple[dict[str, Any], ...] = (
    {"name": "id", "type": "integer"},
    {"name": "at", "type": "time"},
    {"name": "age", "type": "integer", "min": 18, "max": 120},
    {"name": "income", "type": "number", "nullable": True, "min": 0},
    {"name": "kind", "type": "category", "values": ["a", "b"]},
    {"name": "bad", "type": "integer", "values": [0, 1]},
)
HEADER = "id,at,age,income,kind,bad"
GOOD = (
    HEADER,
    "1,2025-01-01,30,100.5,a,0",
    "2,2025-01-02,40,,b,1",
    "3,2025-01-03T10:00:00Z,50,1e3,a,0",
)


def applicants(uri: object, *, columns: Mapping[str, Mapping[str, Any]] | None = None, **source: Any) -> Data:
    """The declaration of one source; `columns` changes single columns, the rest the source."""
    changed = [column | dict((columns or {}).get(column["name"], {})) for column in COLUMNS]
    declared = {"name": "applicants", "uri": str(uri), "key": ["id"], "event_time": "at", "columns": changed} | source
    return Data.model_validate(
        {
            "unit": {"name": "applicant", "source": "applicants", "key": "id"},
            "decision_time": {"column": "at"},
            "label": {"name": "default", "column": "bad", "matures_after": "30d"},
            "sources": [declared],
        }
    )


def run(data: Data, store: Store | Path, **arguments: Any) -> Ingested:
    """An ingest at a fixed present, without cut-off unless one is given."""
    to = open_store(str(store / "store")) if isinstance(store, Path) else store
    given: dict[str, Any] = {"cutoff": None, "overrides": {}, "cache": Path("/nowhere"), "now": NOW}
    return ingest(data, to, **(given | arguments))
