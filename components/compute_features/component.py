"""A snapshot in, one share of all features out: those at the decisions of some keys."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def compute_features(snapshot: str, data: dict, features: dict, share: str) -> NamedTuple(
    "Outputs", [("feature_share", str)]
):
    """Computes every feature group for one share of its keys, such as 2/8: the second of eight."""
    from collections import namedtuple

    from loanwright.steps.compute_features import run

    return namedtuple("Outputs", ["feature_share"])(run(snapshot, data, features, share))
