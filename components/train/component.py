"""The training table in, the booster out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def train(training_table: str, split: dict, training: dict, workers: int) -> NamedTuple("Outputs", [("booster", str)]):
    """Fits the booster on the train slice."""
    from collections import namedtuple

    from loanwright.steps.train import run

    return namedtuple("Outputs", ["booster"])(run(training_table, split, training, workers))
