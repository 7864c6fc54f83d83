"""A snapshot in, the training table out: one row per decision, point-in-time correct."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def build_features(snapshot: str, data: dict, features: dict) -> NamedTuple("Outputs", [("training_table", str)]):
    """Compiles the declared features to SQL and runs it over the snapshot."""
    from collections import namedtuple

    from loanwright.steps.build_features import run

    return namedtuple("Outputs", ["training_table"])(run(snapshot, data, features))
