"""Step 2 of the training pipeline, fanned out: the features of each share of the keys by a task of its own."""

from collections import namedtuple
from typing import NamedTuple

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.compute_features.component import compute_features
from components.join_features.component import join_features


def features_by_shares(shares: int) -> GraphComponent:
    """A pipeline that takes and gives what `build_features` does, by so many tasks side by side and one that joins.

    It is a pipeline of its own because KFP's local runner gives a loop's tasks the loop's item in place of what an
    earlier task of the same pipeline gave; an input of the pipeline reaches them as it is.
    """

    @dsl.pipeline(name="build-features-by-shares")
    def build_features_by_shares(snapshot: str, data: dict, features: dict) -> NamedTuple(
        "Outputs", [("training_table", str)]
    ):
        with dsl.ParallelFor([f"{number}/{shares}" for number in range(1, shares + 1)]) as share:
            computed = compute_features(snapshot=snapshot, data=data, features=features, share=share)
            computed.set_display_name("compute a share")
        found = dsl.Collected(computed.outputs["feature_share"])
        joined = join_features(snapshot=snapshot, data=data, features=features, feature_shares=found)
        joined.set_display_name("join the shares")
        return namedtuple("Outputs", ["training_table"])(joined.outputs["training_table"])

    return build_features_by_shares
