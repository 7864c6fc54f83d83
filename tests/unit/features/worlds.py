"""A small lender's declarations for the tests of this folder: applications, restated events, clients."""

from __future__ import annotations

from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features

NOON = 1_700_000_000_000_000
"""A moment, in microseconds."""
DAY = 86_400_000_000

DATA: dict[str, Any] = {
    "unit": {"name": "application", "source": "applications", "key": "application_id"},
    "decision_time": {"column": "decided"},
    "label": {"name": "bad", "column": "bad", "positive": 1, "matures_after": "30d"},
    "sources": [
        {
            "name": "applications",
            "uri": "applications.parquet",
            "key": ["application_id"],
            "event_time": "decided",
            "columns": [
                {"name": "application_id", "type": "integer"},
                {"name": "decided", "type": "time"},
                {"name": "client_id", "type": "integer", "nullable": True},
                {"name": "amount", "type": "integer"},
                {"name": "sex", "type": "category", "barred": True, "slice": True},
                {"name": "bad", "type": "integer", "barred": True},
            ],
        },
        {
            "name": "events",
            "uri": "events.parquet",
            "key": ["event_id"],
            "event_time": "happened",
            "known_time": "known",
            "columns": [
                {"name": "event_id", "type": "integer"},
                {"name": "client_id", "type": "integer", "nullable": True},
                {"name": "happened", "type": "time"},
                {"name": "known", "type": "time"},
                {"name": "amount", "type": "integer", "nullable": True},
                {"name": "rate", "type": "number", "nullable": True},
                {"name": "kind", "type": "category", "nullable": True},
                {"name": "late", "type": "boolean", "nullable": True},
            ],
        },
        {
            "name": "clients",
            "uri": "clients.parquet",
            "key": ["client_id"],
            "event_time": "since",
            "known_time": "known",
            "columns": [
                {"name": "client_id", "type": "integer"},
                {"name": "since", "type": "time"},
                {"name": "known", "type": "time"},
                {"name": "income", "type": "number", "nullable": True},
                {"name": "region", "type": "category", "nullable": True},
            ],
        },
    ],
}


def everything(window: str | None) -> list[dict[str, Any]]:
    """Every aggregate over one window, or all history, with and without filters."""
    w = {} if window is None else {"window": window}
    s = "all" if window is None else window
    return [
        {"name": f"count_{s}", "aggregate": "count", **w},
        {"name": f"count_amount_{s}", "aggregate": "count", "column": "amount", "filter": "late", **w},
        {"name": f"distinct_kind_{s}", "aggregate": "distinct", "column": "kind", **w},
        {"name": f"distinct_rate_{s}", "aggregate": "distinct", "column": "rate", **w},
        {"name": f"sum_amount_{s}", "aggregate": "sum", "column": "amount", "fill": 0, **w},
        {"name": f"sum_rate_{s}", "aggregate": "sum", "column": "rate", "filter": "amount > 1", **w},
        {"name": f"mean_amount_{s}", "aggregate": "mean", "column": "amount", **w},
        {"name": f"mean_rate_{s}", "aggregate": "mean", "column": "rate", "fill": -1.5, **w},
        {"name": f"mean_late_{s}", "aggregate": "mean", "column": "late", **w},
        {"name": f"min_rate_{s}", "aggregate": "min", "column": "rate", **w},
        {"name": f"max_amount_{s}", "aggregate": "max", "column": "amount", "filter": "kind = 'x' OR rate < 0", **w},
        {"name": f"std_amount_{s}", "aggregate": "std", "column": "amount", **w},
        {"name": f"std_rate_{s}", "aggregate": "std", "column": "rate", **w},
        {"name": f"first_rate_{s}", "aggregate": "first", "column": "rate", **w},
        {"name": f"first_kind_{s}", "aggregate": "first", "column": "kind", "type": "category", **w},
        {"name": f"last_amount_{s}", "aggregate": "last", "column": "amount", **w},
        {"name": f"last_late_{s}", "aggregate": "last", "column": "late", "type": "category", **w},
        {"name": f"last_mean_{s}", "aggregate": "last_mean", "column": "rate", "rows": 2, **w},
        {"name": f"trend_amount_{s}", "aggregate": "trend", "column": "amount", **w},
        {"name": f"trend_rate_{s}", "aggregate": "trend", "column": "rate", **w},
        {"name": f"share_{s}", "aggregate": "share", "filter": "late", **w},
        {"name": f"since_{s}", "aggregate": "seconds_since_last", "filter": "amount > 1", **w},
    ]


FEATURES: dict[str, Any] = {
    "groups": [
        {"source": "applications", "key": "application_id", "features": [
            {"name": "asked", "aggregate": "value", "column": "amount"}]},
        {"source": "applications", "key": "client_id", "features": [
            {"name": "earlier", "aggregate": "count"},
            {"name": "last_asked", "aggregate": "last", "column": "amount"}]},
        {"source": "clients", "key": "client_id", "features": [
            {"name": "income", "aggregate": "value", "column": "income", "fill": 0},
            {"name": "region", "aggregate": "value", "column": "region", "type": "category"},
            {"name": "known_clients", "aggregate": "count"}]},
        {"source": "events", "key": "client_id", "features": [*everything(None), *everything("3d"), *everything("1d")]},
        {"source": "events", "key": "client_id", "features": [
            {"name": "only_recent", "aggregate": "sum", "column": "amount", "window": "2d"}]},
    ],
    "derived": [
        {"name": "asked_share", "expression": "asked / nullif(income, 0)"},
        {"name": "asked_share_doubled", "expression": "asked_share * 2", "fill": 0},
    ],
    "hidden": ["asked_share"],
}  # fmt: skip


def data(**changes: Any) -> Data:
    """The data section, with some of its parts replaced."""
    return Data.model_validate(DATA | changes)


def features(*groups: dict[str, Any], **more: Any) -> Features:
    """A features section of these groups."""
    return Features.model_validate({"groups": list(groups), **more} if groups else FEATURES | more)


def events(*wanted: dict[str, Any]) -> dict[str, Any]:
    """A group of features over a client's events."""
    return {"source": "events", "key": "client_id", "features": list(wanted)}
