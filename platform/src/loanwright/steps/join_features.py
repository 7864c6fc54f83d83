"""Step 2, fanned out: the training table, of all shares of the features."""

from __future__ import annotations

from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.config.reading import parse_section
from loanwright.features.fan_out import join_shares
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings


def run(snapshot: str, data: dict[str, Any], features: dict[str, Any], feature_shares: list[str]) -> str:
    """The training table's URI."""
    with recorded("build_features") as result, surroundings() as here:
        uri = join_shares(
            snapshot,
            parse_section("data", data, Data),
            parse_section("features", features, Features),
            here.store,
            here.scratch,
            feature_shares,
        )
        result["training_table"] = uri
        return uri
