"""All shares of the features in, the training table out: one row per decision, point-in-time correct."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def join_features(snapshot: str, data: dict, features: dict, feature_shares: list) -> NamedTuple(
    "Outputs", [("training_table", str)]
):
    """Puts the shares together; the table is the one that build_features makes, byte for byte."""
    from collections import namedtuple

    from loanwright.steps.join_features import run

    return namedtuple("Outputs", ["training_table"])(run(snapshot, data, features, feature_shares))
