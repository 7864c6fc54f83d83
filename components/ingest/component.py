"""Sources of the outside world in, an immutable snapshot out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def ingest(
    model: dict,
    data: dict,
    features: dict,
    split: dict,
    training: dict,
    calibration: dict,
    evaluation: dict,
    gates: dict,
    data_cutoff: str,
    source_overrides: dict,
    workers: int,
) -> NamedTuple("Outputs", [("snapshot", str)]):
    """Checks the whole declaration, then the sources against their contract, and stores a snapshot."""
    from collections import namedtuple

    from loanwright.steps.ingest import run

    sections = {
        "model": model,
        "data": data,
        "features": features,
        "split": split,
        "training": training,
        "calibration": calibration,
        "evaluation": evaluation,
        "gates": gates,
    }
    return namedtuple("Outputs", ["snapshot"])(run(sections, data_cutoff, source_overrides, workers))
