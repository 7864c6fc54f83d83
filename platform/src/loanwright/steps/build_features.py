"""Step 2: the training table, one row per decision."""

from __future__ import annotations

from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.reading import parse_section
from loanwright.features.build import build_training_table
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings


def run(snapshot: str, data: dict[str, Any], features: dict[str, Any]) -> str:
    """The training table's URI."""
    with recorded("build_features") as result, surroundings() as here:
        uri = build_training_table(
            snapshot,
            parse_section("data", data, Data),
            parse_section("features", features, Features),
            here.store,
            here.scratch,
            runs_on=here.feature_engine,
            shards=here.feature_shards,
        )
        result["training_table"] = uri
        return uri
