"""Step 2, fanned out: one share of the features."""

from __future__ import annotations

from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.reading import parse_section
from loanwright.errors import UsageError
from loanwright.features.computing.shares import Share
from loanwright.features.fan_out import compute_share
from loanwright.features.language.dialect import DUCKDB
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings


def run(snapshot: str, data: dict[str, Any], features: dict[str, Any], share: str) -> str:
    """The share's URI."""
    with recorded(f"compute_features_{share.replace('/', '_of_')}") as result, surroundings() as here:
        if here.feature_engine != DUCKDB.name:
            raise UsageError(
                f"features are fanned out over DuckDB, and LOANWRIGHT_FEATURE_ENGINE is {here.feature_engine!r}",
                fix="Compile the pipeline without a fan-out: Spark deals its work by itself",
            )
        uri = compute_share(
            snapshot,
            parse_section("data", data, Data),
            parse_section("features", features, Features),
            here.store,
            here.scratch,
            Share.parse(share),
            shards=here.feature_shards,
        )
        result["feature_share"] = uri
        return uri
