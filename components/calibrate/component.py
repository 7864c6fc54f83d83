"""The booster and the calibration slice in, the calibrator out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def calibrate(training_table: str, booster: str, split: dict, calibration: dict) -> NamedTuple(
    "Outputs", [("calibrator", str)]
):
    """Fits the map from raw scores to probabilities on the calibration slice."""
    from collections import namedtuple

    from loanwright.steps.calibrate import run

    return namedtuple("Outputs", ["calibrator"])(run(training_table, booster, split, calibration))
